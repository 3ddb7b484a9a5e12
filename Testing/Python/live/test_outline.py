"""Outlines of a probability: where they run, what they enclose, and for which frame they hold."""

import numpy as np
import pytest
from CRLMSegmentationLib.live.outline import FrameOutline, outline_polygons, outlined, signed_area_px
from CRLMSegmentationLib.sweep import TrackedFrame
from CRLMSegmentationLib.tracking.age import NEVER, Age


def disk(center_uv, radius_px, shape=(60, 80)):
    """1 inside, 0 outside, with a ramp of two pixels that is 0.5 on the circle."""
    v, u = np.indices(shape)
    away = np.hypot(u - center_uv[0], v - center_uv[1])
    return np.clip((radius_px - away) / 2 + 0.5, 0, 1).astype(np.float32)


def frame(pose=True, time_s=1.0, shape=(60, 80), pixel_mm=(0.5, 0.25)):
    matrix = np.diag([*pixel_mm, 1.0, 1.0]) if pose else None
    return TrackedFrame(np.zeros(shape, np.uint8), matrix, time_s, valid=pose)


def test_outline_runs_along_the_border_between_pixels():
    (polygon,) = outline_polygons(disk((33.3, 21.7), 12.4), 0.5)
    np.testing.assert_allclose(polygon[0], polygon[-1])
    away = np.linalg.norm(polygon - (33.3, 21.7), axis=1)
    np.testing.assert_allclose(away, 12.4, atol=0.05)
    assert signed_area_px(polygon) == pytest.approx(np.pi * 12.4**2, rel=0.01)


def test_area_is_that_of_the_pixels_and_holes_are_left_out():
    ring = disk((40, 30), 20) - disk((40, 30), 8)
    found = outlined(frame(), ring, 0.5)
    assert len(found.polygons) == 2
    assert found.area_mm2 == pytest.approx(np.pi * (20**2 - 8**2) * 0.5 * 0.25, rel=0.01)
    assert sorted(np.sign([signed_area_px(one) for one in found.polygons])) == [-1, 1]


def test_a_pixel_that_is_skewed_has_the_area_of_its_parallelogram():
    skewed = np.eye(4)
    skewed[:3, 0], skewed[:3, 1] = (0.3, 0, 0), (0.3, 0.4, 0)
    found = outlined(TrackedFrame(np.zeros((60, 80), np.uint8), skewed, 0.0), disk((40, 30), 10), 0.5)
    assert found.area_mm2 == pytest.approx(np.pi * 100 * 0.3 * 0.4, rel=0.01)


def test_outlines_close_at_the_edges_of_the_image():
    everything = np.ones((10, 20), np.float32)
    (polygon,) = outline_polygons(everything, 0.5)
    np.testing.assert_allclose([polygon.min(axis=0), polygon.max(axis=0)], [(-0.5, -0.5), (19.5, 9.5)])
    # Less a corner, where the line cuts across.
    assert signed_area_px(polygon) == pytest.approx(20 * 10, abs=1)
    (corner,) = outline_polygons(disk((0, 0), 10), 0.5)
    assert corner.min() == pytest.approx(-0.5) and corner.max() == pytest.approx(10, abs=0.1)


def test_what_is_smaller_than_the_least_area_is_left_out():
    two = np.maximum(disk((20, 30), 4), disk((55, 30), 12))
    both = outlined(frame(), two, 0.5)
    large = outlined(frame(), two, 0.5, least_area_mm2=10.0)
    assert len(both.polygons) == 2 and len(large.polygons) == 1
    assert large.area_mm2 == pytest.approx(np.pi * 12**2 * 0.125, rel=0.01)
    nothing = outlined(frame(), np.zeros((60, 80), np.float32), 0.5)
    assert nothing.polygons == () and nothing.area_mm2 == 0


def test_without_a_pose_the_area_is_not_known_unless_the_pixels_are():
    assert outlined(frame(pose=False), disk((40, 30), 10), 0.5).area_mm2 is None
    known = outlined(frame(pose=False), disk((40, 30), 10), 0.5, pixel_mm2=0.125)
    assert known.area_mm2 == pytest.approx(np.pi * 100 * 0.125, rel=0.01) and known.image_to_reference is None


@pytest.mark.real_ages
def test_an_outline_is_drawn_on_its_own_frame_alone_and_not_for_long():
    own, other = frame(), frame()
    outline = FrameOutline(own, (), 0.0)
    assert outline.timestamp == 1.0 and outline.image_to_reference is own.image_to_reference
    assert outline.may_be_drawn(own, Age(0.3))
    assert not outline.may_be_drawn(own, Age(0.301)) and not outline.may_be_drawn(own, NEVER)
    # Of the same time and place, and yet another image.
    assert not outline.may_be_drawn(other, Age(0.0)) and not outline.may_be_drawn(None, Age(0.0))
    lost = frame(pose=False)
    assert not FrameOutline(lost, (), None).may_be_drawn(lost, Age(0.0))
