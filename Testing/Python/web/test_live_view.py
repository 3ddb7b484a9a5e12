"""What the view of the stream shows while the place of the image is known, while it is not, and when no image comes."""

import numpy as np
import pytest
from scene_case import on_scene

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed: the live view was not tested")

from CRLMSegmentationLib.mrml.conversion import array_of_image  # noqa: E402
from CRLMSegmentationLib.session.session import Session  # noqa: E402
from CRLMSegmentationLib.sweep import TrackedFrame  # noqa: E402
from CRLMSegmentationLib.web.views.live_view import LiveView  # noqa: E402
from vtkmodules.vtkRenderingCore import vtkRenderer  # noqa: E402


class _View:
    """As much of trame-slicer's slice view as is asked for."""

    def __init__(self, scene):
        self._node = scene.AddNewNodeByClass("vtkMRMLSliceNode", "Live")
        self._node.SetDimensions(400, 300, 1)
        self._background, self._renderer = None, vtkRenderer()

    def renderers(self):
        return [self._renderer]

    def get_view_node(self):
        return self._node

    def render_window(self):
        return self

    def GetSize(self):
        return 400, 300

    def get_background_volume_id(self):
        return self._background

    def set_background_volume_id(self, node_id):
        self._background = node_id

    def plane(self):
        """(point, normal) in RAS mm."""
        matrix = np.array([[self._node.GetSliceToRAS().GetElement(i, j) for j in range(4)] for i in range(4)])
        return matrix[:3, 3], matrix[:3, 2]


@pytest.fixture
def session():
    session = on_scene(Session())
    yield session
    session.close()


@pytest.fixture
def shown(session):
    """shown(grey, place): show a frame in the live view; the view, and the pixels that it shows."""
    view = _View(session.view.scene)
    live = LiveView(session.view.scene, view)

    def show(grey, image_to_reference, timestamp, **options):
        pixels, is_valid = np.full((40, 60), grey, np.uint8), image_to_reference is not None
        session.stream.show_frame(TrackedFrame(pixels, image_to_reference, timestamp, is_valid))
        live.follow(**options)
        node = session.view.scene.GetNodeByID(view.get_background_volume_id() or "")
        return view, None if node is None else array_of_image(node.GetImageData()).max()

    return show


def _pose(z_mm):
    """A frame of 0.5 mm pixels in the plane z = z_mm."""
    matrix = np.diag([0.5, 0.5, 1.0, 1.0])
    matrix[:3, 3] = 10, 20, z_mm
    return matrix


def _distance_mm(view, point) -> float:
    """From the plane of the view to a point."""
    through, normal = view.plane()
    return abs(float((np.asarray(point) - through) @ normal))


def test_a_skewed_pose_turns_the_view_and_does_not_shear_it(shown):
    skewed = _pose(20)
    skewed[:3, 1] = [0.2, 0.5, 0]
    view, _ = shown(99, skewed, 1.0)
    axes = np.array([[view.get_view_node().GetSliceToRAS().GetElement(i, j) for j in range(3)] for i in range(3)])
    np.testing.assert_allclose(axes, np.diag([1.0, -1.0, -1.0]), atol=1e-12)


def test_an_image_lies_where_it_was_taken(shown):
    for z_mm in (20, 35):
        view, grey = shown(10 + z_mm, _pose(z_mm), float(z_mm))
        assert _distance_mm(view, (0, 0, z_mm)) < 1e-6 and grey == 10 + z_mm
    assert view.get_view_node().GetSliceVisible()


def test_an_image_without_a_place_cuts_nothing_and_its_new_pixels_are_seen(shown):
    view, _ = shown(10, _pose(20), 1.0)
    view, grey = shown(99, None, 1.03, is_placed=False)
    assert grey == 99
    # No tumor, tool or box of an operation is within meters of the plane
    assert _distance_mm(view, (0, 0, 20)) > 5000
    assert not view.get_view_node().GetSliceVisible()
    field = np.array(view.get_view_node().GetFieldOfView()[:2])
    assert np.all(field >= (60 * 0.5, 40 * 0.5)) and np.any(field < (60 * 0.5 * 1.2, 40 * 0.5 * 1.2))
    # And back
    view, grey = shown(50, _pose(25), 1.06)
    assert _distance_mm(view, (0, 0, 25)) < 1e-6 and grey == 50


def test_an_image_that_never_had_a_place_is_seen(shown):
    view, grey = shown(99, None, 1.0, is_placed=False)
    assert grey == 99 and not view.get_view_node().GetSliceVisible()


def test_an_old_image_is_not_shown(shown):
    shown(10, _pose(20), 1.0)
    view, grey = shown(10, _pose(20), 1.03, is_shown=False)
    assert grey is None and _distance_mm(view, (0, 0, 20)) > 5000 and not view.get_view_node().GetSliceVisible()


def test_what_stands_in_for_an_image_without_a_place_is_not_saved(shown, session):
    shown(99, None, 1.0, is_placed=False)
    node = session.view.scene.GetFirstNodeByName("Image of unknown position")
    assert not node.GetSaveWithScene() and not node.GetDisplayNode().GetSaveWithScene()


def test_marks_say_how_deep_and_how_large_at_every_zoom(session, shown):
    view, _ = shown(10, _pose(20), 1.0)
    texts = _marks_of(view)
    assert {"0 mm", "10", "20", "5 mm", "in Reference", "R", "P"} <= texts
    # As with a turn of the mouse's wheel, without another image: twice as near.
    node = view.get_view_node()
    width, height, depth = node.GetFieldOfView()
    node.SetFieldOfView(width / 2, height / 2, depth)
    node.UpdateMatrices()
    assert {"8", "10", "2 mm"} <= _marks_of(view) and "0 mm" not in _marks_of(view)


def test_without_a_place_nobody_says_how_large_an_image_is(shown):
    shown(10, _pose(20), 1.0)
    view, _ = shown(99, None, 1.03, is_placed=False)
    assert _marks_of(view) == set()
    view, _ = shown(10, _pose(20), 1.06, is_shown=False)
    assert _marks_of(view) == set()


def _marks_of(view) -> set:
    """What is written over the view."""
    props = view.renderers()[0].GetViewProps()
    return {prop.GetInput() for prop in props if prop.IsA("vtkTextActor")}
