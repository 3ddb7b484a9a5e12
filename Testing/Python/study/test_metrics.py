"""Figures of agreement, against answers worked out by hand and against monai's rule."""

import math

import numpy as np
import pytest
from CRLMSegmentationLib.study.metrics import compare, on_grid_of, surface_distances_mm
from CRLMSegmentationLib.values import Volume

GRID = np.diag([0.5, 1.0, 2.0, 1.0])  # spacing along i, j, k


def block(lower, upper, shape=(12, 12, 12), grid=GRID) -> Volume:
    voxels = np.zeros(shape, dtype=np.uint8)
    voxels[tuple(slice(a, b) for a, b in zip(lower, upper))] = 1
    return Volume(voxels, grid)


def test_two_shifted_blocks_have_the_overlap_and_distance_worked_out_by_hand():
    truth = block((2, 2, 2), (6, 6, 6))  # 4 x 4 x 4 voxels of 1 mm3
    mask = block((2, 2, 4), (6, 6, 8))  # shifted by 2 voxels along i: 1 mm
    figures = compare(mask, truth)
    assert figures["dice"] == pytest.approx(0.5)
    assert figures["precision"] == pytest.approx(0.5)
    assert figures["recall"] == pytest.approx(0.5)
    assert figures["rvd"] == pytest.approx(0)
    assert figures["hd_mm"] == pytest.approx(1.0)
    assert figures["hd95_mm"] == pytest.approx(1.0)
    assert figures["volume_ml"] == pytest.approx(0.064)


def test_distances_follow_the_spacing_of_each_axis():
    for axis, expected in ((0, 2.0), (1, 1.0), (2, 0.5)):
        shift = [0, 0, 0]
        shift[axis] = 1
        moved = block(np.add((2, 2, 2), shift), np.add((6, 6, 6), shift))
        assert compare(moved, block((2, 2, 2), (6, 6, 6)))["hd_mm"] == pytest.approx(expected)


def test_single_voxels_are_their_distance_apart():
    figures = compare(block((0, 0, 0), (1, 1, 1)), block((3, 4, 0), (4, 5, 1)))
    expected = math.hypot(3 * 2.0, 4 * 1.0)
    assert figures["dice"] == 0
    assert figures["hd_mm"] == pytest.approx(expected)
    assert figures["mean_surface_distance_mm"] == pytest.approx(expected)


def test_a_mask_over_the_whole_grid_has_its_border_at_the_edge_of_the_grid():
    whole, smaller = block((0, 0, 0), (12, 12, 12)), block((1, 1, 1), (11, 11, 11))
    figures = compare(whole, smaller)
    assert figures["hd_mm"] == pytest.approx(math.sqrt(0.5**2 + 1**2 + 2**2))  # corner to corner
    assert figures["rvd"] == pytest.approx(12**3 / 10**3 - 1)


def test_equal_masks_agree_completely():
    figures = compare(block((3, 3, 3), (7, 8, 9)), block((3, 3, 3), (7, 8, 9)))
    assert (figures["dice"], figures["precision"], figures["recall"], figures["hd_mm"]) == (1, 1, 1, 0)


def test_empty_masks_are_defined():
    empty, full = block((0, 0, 0), (0, 0, 0)), block((2, 2, 2), (6, 6, 6))
    both = compare(empty, empty)
    assert (both["dice"], both["precision"], both["recall"], both["rvd"], both["hd95_mm"]) == (1, 1, 1, 0, 0)
    missed = compare(empty, full)
    assert (missed["dice"], missed["recall"], missed["rvd"]) == (0, 0, -1)
    assert math.isnan(missed["precision"]) and math.isnan(missed["hd95_mm"])
    invented = compare(full, empty)
    assert (invented["dice"], invented["precision"]) == (0, 0)
    assert math.isnan(invented["recall"]) and math.isnan(invented["rvd"]) and math.isnan(invented["hd_mm"])


def test_the_truth_is_taken_onto_the_grid_of_the_mask():
    truth = block((2, 2, 2), (6, 6, 6))
    # the same cube, on a grid of 0.25 x 0.5 x 1 mm that starts elsewhere and runs the other way along i
    fine = np.diag([-0.25, 0.5, 1.0, 1.0])
    fine[:3, 3] = np.array([4.0, 0.0, 0.0]) + (0.125, -0.25, -0.5)
    on_fine = on_grid_of(truth, Volume(np.zeros((24, 24, 24), dtype=np.uint8), fine))
    assert on_fine.voxels.sum() * on_fine.voxel_volume_mm3 == pytest.approx(64.0)
    figures = compare(on_fine, truth)
    assert figures["dice"] == 1 and figures["rvd"] == pytest.approx(0) and figures["truth_outside_ml"] == 0


def test_truth_beyond_the_grid_of_the_mask_is_told():
    truth = block((2, 2, 2), (6, 6, 6))
    cut = Volume(np.zeros((4, 12, 12), dtype=np.uint8), GRID)  # only half of the truth's planes
    figures = compare(cut, truth)
    assert figures["truth_outside_ml"] == pytest.approx(0.032)
    assert figures["truth_volume_ml"] == pytest.approx(0.064)


def test_distances_agree_with_nearest_points_found_one_by_one():
    random = np.random.default_rng(4)
    spacing = np.array([0.7, 1.1, 0.4])
    first, second = random.random((2, 9, 8, 7)) > 0.8

    def border_points(mask):
        padded = np.pad(mask, 1)
        core = padded.copy()
        for axis in range(3):
            core &= np.roll(padded, 1, axis) & np.roll(padded, -1, axis)
        return np.argwhere(padded & ~core) * spacing

    a, b = border_points(first), border_points(second)
    apart = np.linalg.norm(a[:, None] - b[None], axis=-1)
    there, back = apart.min(axis=1), apart.min(axis=0)
    figures = surface_distances_mm(first, second, spacing)
    assert figures["hd_mm"] == pytest.approx(max(there.max(), back.max()))
    assert figures["hd95_mm"] == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)))
    assert figures["mean_surface_distance_mm"] == pytest.approx((there.mean() + back.mean()) / 2)


@pytest.mark.parametrize("seed", range(3))
def test_figures_agree_with_simpleitk_and_scikit_learn(seed):
    import SimpleITK
    from scipy import ndimage
    from sklearn.metrics import f1_score, precision_score, recall_score

    random = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(random.standard_normal((2, 20, 24, 28)), (0, 3, 3, 3))
    truth, mask = (Volume((field > np.percentile(field, 80)).astype(np.uint8), GRID) for field in smooth)
    figures = compare(mask, truth)
    flat = truth.voxels.ravel(), mask.voxels.ravel()
    assert figures["dice"] == pytest.approx(f1_score(*flat))
    assert figures["precision"] == pytest.approx(precision_score(*flat))
    assert figures["recall"] == pytest.approx(recall_score(*flat))
    images = []
    for voxels in (truth.voxels, mask.voxels):
        image = SimpleITK.GetImageFromArray(voxels)
        image.SetSpacing(GRID.diagonal()[:3].tolist())
        images.append(image)
    overlap = SimpleITK.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*images)
    assert figures["dice"] == pytest.approx(overlap.GetDiceCoefficient())
    distance = SimpleITK.HausdorffDistanceImageFilter()
    distance.Execute(*images)
    # Its distance map runs to the voxels of the other mask and not to its border: equal where the largest distance
    # is one from outside, which it is between masks that do not hold one another.
    assert figures["hd_mm"] == pytest.approx(distance.GetHausdorffDistance(), rel=1e-5)
