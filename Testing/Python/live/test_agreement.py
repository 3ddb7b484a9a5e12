"""Whether the outline in a frame agrees with the cut of the model, in numbers that can be worked out by hand."""

import math

import numpy as np
import pytest
from CRLMSegmentationLib.live.agreement import MOVED_FRAMES, Agreement, MovedWatch, agreement

# 0.5 mm pixels, turned in space.
POSE = np.array([[0.3, 0.0, 0.0, 5.0], [0.4, 0.0, 0.0, -3.0], [0.0, 0.5, 1.0, 2.0], [0.0, 0.0, 0.0, 1.0]])


def circle(center_uv, radius_px):
    angles = np.linspace(0, 2 * np.pi, 721)
    return np.asarray(center_uv) + radius_px * np.column_stack([np.cos(angles), np.sin(angles)])


def square(lower, edge):
    return np.asarray(lower) + edge * np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)], dtype=float)


def test_the_same_outline_agrees_wholly():
    found = agreement([circle((80, 60), 20)], [circle((80, 60), 20)], POSE)
    assert found.dice == 1 and found.distance_mm == pytest.approx(0, abs=1e-6)
    assert found.cut_mm2 == pytest.approx(np.pi * 100, rel=0.02) and found.outline_mm2 == found.cut_mm2


def test_circles_around_one_middle_are_apart_by_the_difference_of_their_radii():
    found = agreement([circle((80, 60), 20)], [circle((80, 60), 26)], POSE)
    assert found.distance_mm == pytest.approx(3.0, abs=0.05)
    assert found.dice == pytest.approx(2 * 20**2 / (20**2 + 26**2), abs=0.01)


def test_squares_that_overlap_by_half_have_half_the_dice():
    found = agreement([square((10, 10), 40)], [square((30, 10), 40)], POSE)
    assert found.dice == pytest.approx(0.5, abs=0.02)


def test_a_hole_does_not_count():
    ring = [circle((80, 60), 20), circle((80, 60), 10)[::-1]]
    found = agreement(ring, [circle((80, 60), 20)], POSE)
    assert found.outline_mm2 == pytest.approx(np.pi * (100 - 25), rel=0.02)
    assert found.dice == pytest.approx(2 * 300 / (300 + 400), abs=0.01)


def test_another_tumor_in_the_frame_is_not_compared():
    cut, other = circle((80, 60), 20), circle((200, 60), 20)
    # Its border is 80 pixels, 40 mm, away from that of the cut.
    assert agreement([cut, other], [cut], POSE).dice == 1
    assert agreement([other], [cut], POSE).dice == 0 and math.isnan(agreement([other], [cut], POSE).distance_mm)


def test_where_one_is_missing_there_is_no_distance():
    only_cut = agreement([], [circle((80, 60), 20)], POSE)
    assert only_cut.dice == 0 and math.isnan(only_cut.distance_mm) and only_cut.outline_mm2 == 0
    nothing = agreement([], [], POSE)
    assert math.isnan(nothing.dice) and nothing.cut_mm2 == 0


def test_a_tumor_has_moved_when_8_of_10_frames_say_so():
    watch = MovedWatch()
    moved, at_rest = Agreement(0.5, 4.0, 100.0, 100.0), Agreement(0.9, 1.0, 100.0, 100.0)
    for _ in range(7):
        watch.note(moved)
    assert not watch.has_moved and watch.sentence == ""
    watch.note(moved)
    assert MOVED_FRAMES == 8 and watch.has_moved and "4 mm" in watch.sentence
    for number in range(3):
        assert watch.has_moved == (number < 5)
        watch.note(at_rest)
    assert not watch.has_moved
    watch.forget()
    assert watch.sentence == ""


def test_frames_that_only_graze_the_tumor_or_show_nothing_say_nothing():
    watch = MovedWatch()
    for _ in range(20):
        watch.note(Agreement(0.1, 9.0, 34.9, 100.0))
        watch.note(Agreement(0.0, math.nan, 100.0, 0.0))
    assert not watch.has_moved
