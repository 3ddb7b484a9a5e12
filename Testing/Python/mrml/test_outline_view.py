"""The outline in a scene: on its own image, in its plane, and gone with it."""

from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.live.live_tumor import ComparedOutline
from CRLMSegmentationLib.live.outline import FrameOutline
from CRLMSegmentationLib.mrml.conversion import surface_of
from CRLMSegmentationLib.mrml.views.outline_view import OutlineView
from CRLMSegmentationLib.session.event import Event
from CRLMSegmentationLib.sweep import TrackedFrame
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkPlane
from vtkmodules.vtkFiltersCore import vtkCutter

SQUARE = np.array([[10, 5], [30, 5], [30, 25], [10, 25], [10, 5]], dtype=float)
# Pixels of 0.5 mm; the plane stands across the axes.
POSE = np.array([[0.3, 0.0, 0, 7], [0.4, 0.0, 0, -4], [0, -0.5, 0, 60], [0, 0, 0, 1.0]])


def compared(polygons=(SQUARE,), pose=POSE):
    frame = TrackedFrame(np.zeros((40, 50), np.uint8), pose, 1.0, pose is not None)
    return ComparedOutline(FrameOutline(frame, polygons, 100.0))


@pytest.fixture
def part():
    return SimpleNamespace(outline=None, changed=Event())


@pytest.fixture
def view(session, part):
    view = OutlineView(session.view.scene, part)
    yield view
    view.close()


def show(part, outline):
    part.outline = outline
    part.changed()


def is_shown(view):
    return view.node() is not None and bool(view.node().GetDisplayVisibility())


def test_cut_by_its_image_it_is_the_outline_itself(view, part):
    show(part, compared())
    plane = vtkPlane()
    plane.SetOrigin(POSE[:3, 3])
    plane.SetNormal(np.cross(POSE[:3, 0], POSE[:3, 1]))
    cutter = vtkCutter()
    cutter.SetCutFunction(plane)
    cutter.SetInputData(surface_of(view.node()))
    cutter.Update()
    found = vtk_to_numpy(cutter.GetOutput().GetPoints().GetData())
    corners = (POSE @ np.column_stack([SQUARE, np.zeros(5), np.ones(5)]).T).T[:4, :3]
    assert is_shown(view)
    for corner in corners:
        assert np.linalg.norm(found - corner, axis=1).min() < 1e-5
    assert np.abs((found - POSE[:3, 3]) @ np.cross(POSE[:3, 0], POSE[:3, 1])).max() < 1e-5


@pytest.mark.parametrize("then", [None, compared(()), compared(pose=None)], ids=["too old", "nothing found", "no pose"])
def test_it_goes_with_its_image(view, part, then):
    show(part, compared())
    assert is_shown(view)
    show(part, then)
    assert not is_shown(view)
    show(part, compared())
    assert is_shown(view)


def test_what_became_too_old_without_any_event_goes_with_the_timer(view, part):
    show(part, compared())
    part.outline = None
    view.process(0.0)
    assert not is_shown(view)


def test_it_goes_when_nothing_may_be_shown_as_live_and_comes_back_when_it_was_deleted(session, view, part):
    show(part, compared())
    view.hide_live()
    assert not is_shown(view)
    show(part, compared())
    session.view.scene.RemoveNode(view.node())
    view.check_nodes()
    show(part, compared())
    assert is_shown(view)


def test_it_is_not_saved_with_a_scene(view, part):
    show(part, compared())
    assert not view.node().GetSaveWithScene() and not view.node().GetDisplayNode().GetSaveWithScene()
