"""Depth scale, scale bar and directions of an image in a view, against what can be worked out by hand."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import GeometryError
from CRLMSegmentationLib.values import image_plane
from CRLMSegmentationLib.values.image_scale import direction_letters, image_scale, round_length_mm

# 0.5 mm a pixel along u, 0.25 along v, 30 x 20 mm; seen from the front, u to the left of the patient.
POSE = np.array([[-0.5, 0, 0, 7], [0, 0, 1, 3], [0, -0.25, 0, 40], [0, 0, 0, 1.0]])
PLANE = image_plane(POSE, (60, 80))


def view_of(pixels_per_mm, left_px, top_px):
    """Reference to a view in which the image's upper left corner, at the outer edge of its pixels, lies there."""
    to_plane = np.linalg.inv(PLANE.slice_to_reference())
    corner = to_plane @ POSE @ [-0.5, -0.5, 0, 1]
    place = np.diag([pixels_per_mm, pixels_per_mm, 1, 1.0])
    place[:2, 3] = np.array([left_px, top_px]) - pixels_per_mm * corner[:2]
    return place @ to_plane


@pytest.mark.parametrize("pixels_per_mm, named_mm, bar_mm", [(10, 5, 10), (20, 5, 5), (3, 20, 20)])
def test_lines_lie_at_their_depth_at_every_zoom(pixels_per_mm, named_mm, bar_mm):
    scale = image_scale(PLANE, view_of(pixels_per_mm, 40, 380), (400, 400))
    for line in scale.depth:
        assert line.at_px == pytest.approx((40 + 30 * pixels_per_mm, 380 - line.depth_mm * pixels_per_mm))
        assert line.is_named == (line.depth_mm % named_mm == 0)
    assert scale.depth[0].depth_mm == 0
    # To the lower edge of the image, or of the view.
    assert scale.depth[-1].depth_mm == pytest.approx(min(20, 380 // pixels_per_mm), abs=1e-9)
    assert scale.bar_mm == bar_mm and scale.bar_px == pytest.approx(bar_mm * pixels_per_mm)


def test_what_lies_above_the_view_is_not_drawn():
    scale = image_scale(PLANE, view_of(20, 0, 500), (400, 400))
    assert scale.depth[0].depth_mm == pytest.approx(5.5), "5 mm lie at the very edge, 100 of 400 pixels are above it"


def test_directions_are_those_of_the_axes_of_reference():
    scale = image_scale(PLANE, view_of(10, 40, 380), (400, 400))
    assert (scale.right, scale.up) == ("L", "S")
    assert direction_letters(np.array([0.8, -0.6, 0])) == "RP"
    assert direction_letters(np.array([0.1, 0, -0.99])) == "I"


def test_a_view_without_room_or_seen_edge_on_has_no_marks():
    assert image_scale(PLANE, view_of(10, 0, 40), (60, 60)) is None
    edge_on = np.diag([1.0, 1, 1, 1]) @ np.linalg.inv(np.array(PLANE.slice_to_reference()))
    edge_on[:2] = 0
    assert image_scale(PLANE, edge_on, (400, 400)) is None


@pytest.mark.parametrize("length_mm, rounded", [(15, 10), (26, 20), (9.9, 5), (0.7, 0.5), (100, 100)])
def test_scale_bars_have_round_lengths(length_mm, rounded):
    assert round_length_mm(length_mm) == pytest.approx(rounded)


def test_nothing_has_no_length():
    with pytest.raises(GeometryError, match="no extent"):
        round_length_mm(0.0)
