"""The volume and its node are one: whoever moves or changes the node makes another volume of it."""

import numpy as np
import pytest
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.application import current_application
from CRLMSegmentationLib.mrml.conversion import image_data, put_volume, set_transform, volume_of
from CRLMSegmentationLib.mrml.nodes import find, get_or_create, is_stale
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.session.state import Step, StepStatus
from scene_case import on_scene
from small_case import affine, turn

NODE = "vtkMRMLScalarVolumeNode"
MOVED = affine(turn((0, 0, 30)), (5, -3, 10))


@pytest.fixture
def put_under(session):
    """Put the volume's node under a transform of that class; returns it."""

    def put(class_name="vtkMRMLLinearTransformNode"):
        transform = session.view.scene.AddNewNodeByClass(class_name, "Of the user")
        session.view.volume_node().SetAndObserveTransformNodeID(transform.GetID())
        return transform

    return put


def assert_lies_at(volume, ijk_to_ras):
    np.testing.assert_allclose(volume.ijk_to_ras, ijk_to_ras, atol=1e-9)


def test_the_node_shows_the_volume_and_is_not_read_back_as_another(session, volume):
    session.volume.set(volume)
    edits = session._workflow.edits
    shown = volume_of(session.view.volume_node())
    np.testing.assert_array_equal(shown.voxels, volume.voxels)
    assert_lies_at(shown, volume.ijk_to_ras)
    session.view.volume_node().SetName("Sweep of today")
    session.view.volume_node().SetAndObserveImageData(image_data(volume.voxels))
    assert session.volume.value is volume and session._workflow.edits == edits


def test_a_volume_that_is_moved_is_another_one(session, volume, mask, put_under):
    session.volume.set(volume)
    session.tumor.set(mask)
    set_transform(put_under(), MOVED)
    assert_lies_at(session.volume.value, MOVED @ volume.ijk_to_ras)
    assert session.volume.value.voxels is volume.voxels
    assert session.state.status(Step.SEGMENT) is StepStatus.STALE


def test_voxels_that_somebody_changes_are_the_volume(session, volume):
    session.volume.set(volume)
    other = volume.voxels.copy()
    other[10:20] = 7
    session.view.volume_node().SetAndObserveImageData(image_data(other))
    np.testing.assert_array_equal(session.volume.value.voxels, other)
    assert volume.voxels[12].max() > 7, "what was given out is not changed"


def test_a_new_volume_lies_where_it_was_measured_whatever_the_node_lies_under(session, volume, put_under):
    session.volume.set(volume)
    set_transform(put_under(), MOVED)
    session.volume.set(volume)
    assert session.volume.value is volume
    assert_lies_at(volume_of(session.view.volume_node()), volume.ijk_to_ras)


def test_a_volume_under_a_warp_has_no_place_until_that_is_gone(session, volume, box, put_under):
    session.volume.set(volume)
    session.box.set(box)
    put_under("vtkMRMLGridTransformNode")
    assert session.state.status(Step.BOX) is StepStatus.FAILED and "not linear" in session.state[Step.BOX].message
    later = volume.with_voxels(volume.voxels // 2)
    session.volume.set(later)
    assert "not linear" in session.volume.problem
    session.view.volume_node().SetAndObserveTransformNodeID(None)
    assert session.volume.value is later and session.state.status(Step.BOX) is StepStatus.DONE
    np.testing.assert_array_equal(volume_of(session.view.volume_node()).voxels, later.voxels)
    assert session.fault is None


def test_a_stale_volume_is_hidden_and_can_be_deleted(session, volume, sweep):
    session.recording.set_sweep(sweep)
    session.volume.set(volume)
    session.recording.set_sweep(sweep)
    node = session.view.volume_node()
    assert is_stale(node) and not node.GetSaveWithScene()
    session.view.scene.RemoveNode(node)
    assert session.state.status(Step.RECONSTRUCT) is StepStatus.READY
    session.volume.set(volume)
    assert not is_stale(session.view.volume_node()) and session.view.volume_node().GetSaveWithScene()


def test_what_the_scene_holds_is_not_written_back(volume):
    application = current_application()
    node = get_or_create(application.scene, NODE, names.VOLUME)
    put_volume(node, volume)
    image = node.GetImageData()
    session = on_scene(Session(), application)
    np.testing.assert_array_equal(session.volume.value.voxels, volume.voxels)
    assert node.GetImageData() is image and session.state.status(Step.RECONSTRUCT) is StepStatus.DONE
    session.case.begin()
    assert find(application.scene, NODE, names.VOLUME) is None
    session.close()


def test_after_the_session_the_node_is_left_alone(session, volume):
    session.volume.set(volume)
    node = session.view.volume_node()
    session.close()
    node.SetAndObserveImageData(image_data(np.zeros((2, 2, 2), np.uint8)))
    assert session.volume.value is volume
    session.volume.set(volume)
    assert node.GetImageData().GetNumberOfPoints() == 8
