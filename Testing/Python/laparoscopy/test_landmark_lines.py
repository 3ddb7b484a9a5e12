"""Lines made of drawn curves whose answer is known: order, crossings, gaps, spurs, rings, and what is culled."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import LaparoscopeError
from CRLMSegmentationLib.laparoscopy.lines.image_circle import ImageCircle, find_circle
from CRLMSegmentationLib.laparoscopy.lines.landmark_lines import lines_of, lines_of_mask
from CRLMSegmentationLib.laparoscopy.lines.line_shape import simplified, smoothed
from CRLMSegmentationLib.laparoscopy.lines.skeleton_graph import ordered_lines
from CRLMSegmentationLib.values.landmarks import Polyline
from scipy import ndimage

WIDTH, HEIGHT = 416, 320
RIDGE, LIGAMENT, SILHOUETTE = range(3)


def curve(u, v):
    return np.column_stack(np.broadcast_arrays(u, v)).astype(float)


def drawn(*curves, width=5, shape=(HEIGHT, WIDTH)):
    """Boolean (v, u): the curves, points less than a pixel apart, as lines of that width."""
    mask = np.zeros(shape, dtype=bool)
    for points in curves:
        u, v = np.round(points).astype(int).T
        mask[v, u] = True
    return ndimage.binary_dilation(mask, np.hypot(*np.ogrid[-4:5, -4:5]) <= width / 2)


def probabilities(ridge=None, ligament=None, silhouette=None, value=0.9):
    channels = [one if one is not None else np.zeros((HEIGHT, WIDTH), bool) for one in (ridge, ligament, silhouette)]
    return np.stack(channels).astype(np.float32) * np.float32(value)


def farthest(points, curve):
    """How far the farthest of `points` lies from the curve."""
    return np.linalg.norm(points[:, None] - curve[None], axis=-1).min(axis=1).max()


T = np.linspace(0, 1, 2000)
WAVE = curve(40 + 320 * T, 200 + 30 * np.sin(6 * T))
WAVE_LENGTH = np.linalg.norm(np.diff(WAVE, axis=0), axis=1).sum()
DOWN = curve(200 + 15 * np.sin(5 * T), 60 + 130 * T)


def test_a_curve_comes_back_in_order_and_within_a_pixel():
    (line,) = lines_of(probabilities(ridge=drawn(WAVE)))
    assert line.landmark == "ridge" and not line.is_closed and line.confidence == pytest.approx(0.9)
    points = line.sampled(1.0)
    assert farthest(points, WAVE) < 1.2 and farthest(WAVE, points) < 3.5
    assert (np.diff(points[:, 0]) > 0).all(), "from left to right"
    assert len(line.points) < 40, "simplified"
    assert line.length == pytest.approx(WAVE_LENGTH, abs=6)


def test_two_landmarks_that_cross_are_both_whole():
    found = lines_of(probabilities(ridge=drawn(WAVE), ligament=drawn(DOWN)))
    assert [line.landmark for line in found] == ["ridge", "ligament"]
    assert farthest(DOWN[:1700], found[1].sampled(1.0)) < 4


def test_lines_of_one_landmark_that_cross_go_on_straight():
    one, other = curve(60 + 200 * T, 60 + 200 * T), curve(60 + 200 * T, 260 - 200 * T)
    found = lines_of(probabilities(silhouette=drawn(one, other)))
    assert len(found) == 2
    for line in found:
        points = line.sampled(1.0)
        assert min(farthest(points, one), farthest(points, other)) < 2 and line.length > 270


def test_a_gap_is_closed_only_where_the_ends_face_each_other():
    left, right = WAVE[WAVE[:, 0] < 180], WAVE[WAVE[:, 0] > 195]
    (line,) = lines_of(probabilities(ridge=drawn(left, right)))
    assert farthest(line.sampled(1.0), WAVE) < 1.5
    wide = WAVE[WAVE[:, 0] > 225]
    assert len(lines_of(probabilities(ridge=drawn(left, wide)))) == 2
    # Two lines side by side, their ends as near as those of a gap.
    beside = curve(60 + 150 * T, 150), curve(60 + 150 * T, 163)
    assert len(lines_of(probabilities(ridge=drawn(*beside)))) == 2


def test_spurs_go_and_branches_stay():
    spur, branch = curve(200 + 0 * T, WAVE[1000, 1] - 8 * T), curve(200 - 30 * T, WAVE[1000, 1] - 54 * T)
    with_spur = lines_of(probabilities(ridge=drawn(WAVE, spur)))
    assert len(with_spur) == 1 and farthest(with_spur[0].sampled(1.0), WAVE) < 2
    with_branch = lines_of(probabilities(ridge=drawn(WAVE, branch)))
    assert sorted(round(line.length, -1) for line in with_branch) == [
        pytest.approx(60, abs=10),
        pytest.approx(WAVE_LENGTH, abs=10),
    ]


def test_a_ring_is_closed_and_as_long_as_its_circle():
    ring = curve(200 + 60 * np.cos(2 * np.pi * T), 160 + 60 * np.sin(2 * np.pi * T))
    (line,) = lines_of(probabilities(silhouette=drawn(ring)))
    assert line.is_closed and line.length == pytest.approx(2 * np.pi * 60, rel=0.02)
    assert farthest(line.sampled(1.0), ring) < 1.2


def test_specks_and_what_is_not_probable_are_no_lines():
    speck = drawn(curve(100 + 6 * T, 100))
    assert lines_of(probabilities(ridge=speck)) == []
    assert lines_of(probabilities(ridge=drawn(WAVE), value=0.4)) == []


def test_noise_is_no_landmark_and_of_many_pieces_the_longest_are_taken():
    """A network that knows nothing marks thousands of branches, which would take seconds to put in order."""
    noise = ndimage.gaussian_filter(np.random.default_rng(1).normal(0, 1, (HEIGHT, WIDTH)), 1.0)
    ridge = drawn(curve(np.arange(50, 350), 160))
    found = lines_of(probabilities(ridge=ridge, silhouette=noise > 0))
    assert [line.landmark for line in found] == ["ridge"]
    dashes = [curve(np.arange(u, u + 18 + u // 100), v) for u in range(20, 380, 45) for v in range(20, 310, 25)]
    found = lines_of(probabilities(ridge=drawn(*dashes)))
    assert len(found) == 40 and min(line.points[:, 0].min() for line in found) > 150


def test_what_lies_outside_of_the_cameras_circle_is_culled():
    circle = ImageCircle(208, 160, 150)
    (line,) = lines_of(probabilities(ridge=drawn(WAVE)), circle)
    points = line.sampled(1.0)
    assert np.hypot(points[:, 0] - 208, points[:, 1] - 160).max() < 150
    inside = WAVE[np.hypot(WAVE[:, 0] - 208, WAVE[:, 1] - 160) < 145]
    assert farthest(inside, points) < 5


def test_the_ligament_ends_at_ridge_and_silhouette():
    top = WAVE - (0, 110)
    down = curve(200 + 15 * np.sin(5 * T), 20 + 270 * T)
    found = {line.landmark: line for line in lines_of(probabilities(drawn(WAVE), drawn(down), drawn(top)))}
    assert len(found) == 3
    ends = found["ligament"].points[[0, -1]]
    at_top, at_ridge = (np.interp(end[0], line[:, 0], line[:, 1]) for end, line in zip(ends, (top, WAVE)))
    assert ends[0, 1] == pytest.approx(at_top, abs=4) and ends[1, 1] == pytest.approx(at_ridge, abs=4)


def test_a_silhouette_below_the_ridge_leaves_the_ligament_above_it():
    """The outline of the liver's underside, which says nothing of where the ligament is."""
    down = curve(200 + 15 * np.sin(5 * T), 60 + 150 * T)
    below = WAVE + (0, 50)
    found = {line.landmark: line for line in lines_of(probabilities(drawn(WAVE), drawn(down), drawn(below)))}
    ends = found["ligament"].points[[0, -1], 1]
    assert ends[0] < 66 and ends[1] == pytest.approx(np.interp(200, WAVE[:, 0], WAVE[:, 1]), abs=6)


def test_without_a_silhouette_the_near_side_is_that_of_most_of_the_ligament():
    down = curve(200 + 15 * np.sin(5 * T), 60 + 190 * T)
    found = lines_of(probabilities(drawn(WAVE), drawn(down)))
    end = found[1].points[-1]
    assert end[1] == pytest.approx(np.interp(end[0], WAVE[:, 0], WAVE[:, 1]), abs=4)
    # Beyond the end of the ridge nothing is known of the ligament, and it stays.
    (_, beyond) = lines_of(probabilities(drawn(WAVE[WAVE[:, 0] > 260]), drawn(down)))
    assert beyond.points[-1, 1] > 245


def test_a_mask_of_numbers_gives_the_same_lines():
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    mask[drawn(WAVE)] = 1
    (line,) = lines_of_mask(mask)
    assert line.landmark == "ridge" and line.confidence == 1 and farthest(line.sampled(1.0), WAVE) < 1.2


def test_lengths_grow_with_the_picture():
    big = np.zeros((3, 2 * HEIGHT, 2 * WIDTH), dtype=np.float32)
    big[RIDGE] = drawn(curve(100 + 500 * T, 300), curve(100 + 10 * T, 100), shape=(2 * HEIGHT, 2 * WIDTH))
    (line,) = lines_of(big)
    assert line.length == pytest.approx(500, abs=10)


def test_other_channels_are_refused():
    with pytest.raises(LaparoscopeError, match="ridge, ligament, silhouette"):
        lines_of(np.zeros((2, HEIGHT, WIDTH), dtype=np.float32))


def test_a_thin_path_is_walked_pixel_by_pixel():
    skeleton = np.zeros((20, 20), dtype=bool)
    path = [(2, 2), (3, 2), (4, 3), (5, 4), (5, 5), (5, 6), (6, 7)]
    for u, v in path:
        skeleton[v, u] = True
    ((points, is_closed),) = ordered_lines(skeleton, 0)
    assert not is_closed
    assert points.tolist() in ([list(map(float, p)) for p in path], [list(map(float, p)) for p in path[::-1]])
    assert ordered_lines(np.zeros((20, 20), dtype=bool), 0) == []


def test_simplified_lines_stay_within_the_tolerance_and_keep_corners():
    corner = np.vstack([curve(np.arange(50), 0.0), curve(49.0, np.arange(1, 50))])
    assert simplified(corner, 0.5, False).tolist() == [[0, 0], [49, 0], [49, 49]]
    rough = corner + np.random.default_rng(1).normal(0, 0.8, corner.shape)
    kept = Polyline("ridge", simplified(rough, 1.5, False)).sampled(0.1)
    assert farthest(rough, kept) < 1.5 + 0.05
    assert smoothed(rough, 3, False)[[0, -1]] == pytest.approx(rough[[0, -1]])


def test_the_circle_of_the_camera_is_found():
    rng = np.random.default_rng(2)
    true = ImageCircle(214.3, 155.2, 170.5)
    picture = rng.uniform(40, 220, (HEIGHT, WIDTH, 3)) * true.inside((HEIGHT, WIDTH))[..., None]
    picture = np.clip(picture + rng.normal(4, 2, picture.shape), 0, 255)
    # A shadow at the circle's border.
    picture[100:140, :120] *= 0.05
    found = find_circle(picture.astype(np.uint8))
    assert (found.u, found.v, found.radius) == pytest.approx((true.u, true.v, true.radius), abs=1.5)
    found = find_circle((picture * 257).astype(np.uint16)[..., 0])
    assert found.radius == pytest.approx(true.radius, abs=1.5)


def test_no_circle_where_the_picture_fills_the_frame_or_is_dark():
    rng = np.random.default_rng(3)
    assert find_circle(rng.uniform(40, 220, (HEIGHT, WIDTH, 3)).astype(np.uint8)) is None
    assert find_circle(np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)) is None
    boxed = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    boxed[:, 60:-60] = rng.uniform(40, 220, (HEIGHT, WIDTH - 120, 3))
    assert find_circle(boxed) is None
