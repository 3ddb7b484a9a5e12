"""A sweep in the scene is what Slicer's Sequences module records, and comes back as it was."""

import numpy as np
import pytest
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.application import current_application
from CRLMSegmentationLib.mrml.conversion import matrix_of_transform, volume_of
from CRLMSegmentationLib.mrml.nodes import find
from CRLMSegmentationLib.mrml.sweeps.sweep_sequence import put_sweep, remove_sweep, sweep_of
from CRLMSegmentationLib.sweep import Sweep
from small_case import assert_same_sweep


@pytest.fixture
def application():
    return current_application()


def test_sweep_comes_back(application, sweep):
    put_sweep(application, sweep)
    assert_same_sweep(sweep_of(application), sweep)


def test_no_sweep_in_an_empty_scene(application):
    assert sweep_of(application) is None
    remove_sweep(application.scene)


def test_browser_steps_through_the_valid_frames_and_leaves_live_nodes_alone(application, sweep):
    browser = put_sweep(application, sweep)
    scene = application.scene
    valid = sweep.valid_frames
    assert browser.GetNumberOfItems() == len(valid) == len(sweep) - 1
    image = find(scene, "vtkMRMLScalarVolumeNode", names.recorded(names.LIVE_IMAGE))
    pose = find(scene, "vtkMRMLLinearTransformNode", names.recorded(names.IMAGE_TO_REFERENCE))
    for number, frame in enumerate(valid):
        browser.SetSelectedItemNumber(number)
        application.sequences_logic.UpdateProxyNodesFromSequences(browser)
        np.testing.assert_allclose(matrix_of_transform(pose), frame.image_to_reference, atol=1e-12)
        shown = volume_of(image)
        np.testing.assert_array_equal(shown.voxels[0], frame.pixels)
        np.testing.assert_allclose(shown.ijk_to_ras, frame.image_to_reference, atol=1e-12)
    assert find(scene, "vtkMRMLScalarVolumeNode", names.LIVE_IMAGE) is None
    assert find(scene, "vtkMRMLLinearTransformNode", names.IMAGE_TO_REFERENCE) is None


def test_another_sweep_replaces_the_first(application, sweep):
    put_sweep(application, sweep)
    number = application.scene.GetNumberOfNodes()
    put_sweep(application, Sweep(sweep.frames[:5], "shorter"))
    assert len(sweep_of(application)) == 5
    assert application.scene.GetNumberOfNodes() == number
    remove_sweep(application.scene)
    assert sweep_of(application) is None
    for class_name in ("vtkMRMLSequenceNode", "vtkMRMLSequenceBrowserNode", "vtkMRMLScalarVolumeNode"):
        assert application.scene.GetNumberOfNodesByClass(class_name) == 0


@pytest.mark.parametrize("times", [[5.0] * 9, [float("nan")] * 9, [n / 2000 for n in range(9)]])
def test_frames_whose_times_do_not_tell_them_apart_are_all_kept(application, sweep, times):
    given = Sweep([frame.with_changes(timestamp=time) for frame, time in zip(sweep.frames, times)])
    put_sweep(application, given)
    back = sweep_of(application)
    assert [frame.valid for frame in back.frames] == [frame.valid for frame in given.frames]
    np.testing.assert_array_equal([frame.timestamp for frame in back.frames], times)
    for one, other in zip(back.frames, given.frames):
        np.testing.assert_array_equal(one.pixels, other.pixels)


def test_a_sweep_without_a_single_valid_pose_keeps_its_images(application, sweep):
    given = Sweep([frame.with_changes(valid=False, transforms={}) for frame in sweep.frames])
    put_sweep(application, given)
    back = sweep_of(application)
    assert len(back) == 9 and not back.valid_frames
