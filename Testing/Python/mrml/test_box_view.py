"""The box and its Markups ROI are one: what moves either moves the other, and a node that is no box says why."""

import numpy as np
import pytest
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.conversion import box_of, set_transform
from CRLMSegmentationLib.mrml.nodes import find
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.values import Box
from small_case import affine

ROI = "vtkMRMLMarkupsROINode"
SHEAR = affine(np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 1.0]]))


@pytest.fixture
def changes(session):
    """A list that grows with every change of the box."""
    changes = []
    session.box.changed.connect(lambda: changes.append(session.box.is_there))
    return changes


@pytest.fixture
def transform(session):
    return session.view.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Of the user")


def test_the_node_shows_the_box_and_is_not_read_back_as_another(session, box, changes):
    session.box.set(box, tight=True)
    shown = box_of(session.view.box_node())
    np.testing.assert_allclose(shown.corners_ras(), box.corners_ras(), atol=1e-9)
    assert session.box.value is box and session.box.is_tight and changes == [True]


def test_a_dragged_node_moves_the_box_which_stays_as_tight_as_it_is(session, box, changes):
    session.box.set(box, tight=True)
    session.view.box_node().SetCenter(1.0, 2.0, 3.0)
    np.testing.assert_allclose(session.box.value.center_ras, (1, 2, 3))
    assert session.box.is_tight and len(changes) == 2


def test_a_transform_above_the_node_moves_the_box(session, box, transform):
    session.box.set(box)
    session.view.box_node().SetAndObserveTransformNodeID(transform.GetID())
    set_transform(transform, affine(translation=(0, 0, 20)))
    np.testing.assert_allclose(session.box.value.center_ras, box.center_ras + (0, 0, 20))
    session.box.set(box)
    np.testing.assert_allclose(box_of(session.view.box_node()).corners_ras(), box.corners_ras(), atol=1e-6)


def test_oblique_edges_are_a_problem_until_they_are_put_right(session, box, transform):
    session.box.set(box)
    session.view.box_node().SetAndObserveTransformNodeID(transform.GetID())
    set_transform(transform, SHEAR)
    assert session.state.status(Step.BOX) is StepStatus.FAILED and session.box.is_there
    assert "perpendicular" in session.box.warnings[0]
    set_transform(transform, np.eye(4))
    assert session.state.status(Step.BOX) is StepStatus.DONE
    np.testing.assert_allclose(session.box.value.corners_ras(), box.corners_ras(), atol=1e-6)


def test_a_box_under_a_warp_says_so_and_can_be_placed_again_after_it(session, box):
    warp = session.view.scene.AddNewNodeByClass("vtkMRMLGridTransformNode", "Warp")
    session.view.box_node().SetAndObserveTransformNodeID(warp.GetID())
    session.box.set(box)
    assert session.state.status(Step.BOX) is StepStatus.FAILED and "not linear" in session.state[Step.BOX].message
    session.view.box_node().SetAndObserveTransformNodeID(None)
    assert session.box.warnings == () and session.fault is None
    session.box.set(box)
    session.view.box_node().SetCenter(1.0, 2.0, 3.0)
    np.testing.assert_allclose(session.box.value.center_ras, (1, 2, 3))


def test_a_new_case_takes_the_node_out_of_the_scene(session, box):
    session.box.set(box)
    session.case.begin()
    assert find(session.view.scene, ROI, names.BOX) is None and session.box.value is None
    session.box.set(box)
    assert find(session.view.scene, ROI, names.BOX) is not None


def test_after_the_session_the_node_is_left_alone(session, box):
    session.box.set(box)
    node = session.view.box_node()
    session.close()
    node.SetCenter(1.0, 2.0, 3.0)
    session.box.set(Box(box.center_ras, (12.0, 12.0, 12.0)))
    np.testing.assert_allclose(node.GetCenter(), (1, 2, 3))
