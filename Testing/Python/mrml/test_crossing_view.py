"""Marks on the live image: below the tip of a tool, and where its path meets the image; none of what is not live."""

import numpy as np
import pytest
from CRLMSegmentationLib.mrml import names
from CRLMSegmentationLib.mrml.nodes import find
from CRLMSegmentationLib.navigation.tool_look import ToolLook, ToolShape
from CRLMSegmentationLib.sweep import Pose
from CRLMSegmentationLib.values import image_plane
from vtkmodules.util.numpy_support import vtk_to_numpy


@pytest.fixture
def shown(session, sweep):
    """The first frame is the live image."""
    session.stream.image.show(sweep.frames[0])
    return session


def node_of(session):
    return find(session.view.scene, "vtkMRMLModelNode", names.crossing("Stylus"))


def tip_over(frame, off_mm):
    """A stylus that points at the middle of the image, straight through it, from `off_mm` before it."""
    plane = image_plane(frame.image_to_reference, frame.pixels.shape[::-1])
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack([plane.right, -plane.down, plane.toward_viewer])
    matrix[:3, 3] = plane.middle + off_mm * plane.toward_viewer
    return Pose(matrix), plane


def test_the_marks_lie_in_the_image_below_the_tip(shown, sweep):
    pose, plane = tip_over(sweep.frames[0], 9.0)
    shown.tools.update("StylusToReference", pose)
    shown.view.process(0.0)
    node = node_of(shown)
    assert node.GetDisplayVisibility() and not node.GetSaveWithScene() and node.GetHideFromEditors()
    away = vtk_to_numpy(node.GetPolyData().GetPoints().GetData()) - plane.middle
    off_mm = away @ plane.toward_viewer
    in_plane_mm = np.linalg.norm(away - off_mm[:, None] * plane.toward_viewer, axis=1)
    # A ring of 3 mm and a cross within it, in bands of 1 mm that stand on the plane.
    np.testing.assert_allclose(np.abs(off_mm), 0.5, atol=1e-3)
    np.testing.assert_allclose(in_plane_mm.max(), 3.0, atol=0.05)
    assert np.isclose(in_plane_mm, 1.5 * np.sqrt(2), atol=0.05).sum() == 8


def test_a_tool_has_the_shape_and_the_color_that_it_was_given(shown):
    """Its tip stays where it is, at the origin of the shape."""
    shown.tools.update("StylusToReference", Pose(np.eye(4)))
    model = find(shown.view.scene, "vtkMRMLModelNode", names.tool_model("Stylus"))
    seen = set()
    for shape in ToolShape:
        shown.tools.looks.set("Stylus", ToolLook(shape, "#ff0000"))
        assert model.GetDisplayNode().GetColor() == (1.0, 0.0, 0.0)
        low, high = np.reshape(model.GetPolyData().GetBounds(), (3, 2)).T
        assert (low <= 0.01).all() and (high >= -0.01).all() and np.allclose(low[:2], -high[:2], atol=0.05)
        seen.add(round(high[2]))
    assert len(seen) == len(ToolShape)


def test_what_is_not_live_has_no_mark(shown, sweep):
    shown.tools.update("StylusToReference", tip_over(sweep.frames[0], 9.0)[0])
    shown.view.process(0.0)
    shown.tools.update("StylusToReference", None)
    assert not node_of(shown).GetDisplayVisibility()
    shown.tools.update("StylusToReference", tip_over(sweep.frames[0], 3.0)[0])
    shown.view.process(0.0)
    assert node_of(shown).GetDisplayVisibility()
    shown.stream.image.lose()
    assert not node_of(shown).GetDisplayVisibility()
    shown.tools.forget()
    assert node_of(shown) is None
