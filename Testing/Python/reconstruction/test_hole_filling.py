"""Holes: which voxels they are, and what they are filled with."""

import numpy as np
import pytest

from CRLMSegmentationLib.reconstruction import ReconstructionSettings, reconstruct
from CRLMSegmentationLib.reconstruction.filling import fill_holes, offsets_within
from CRLMSegmentationLib.sweep import Sweep

SETTINGS = ReconstructionSettings(spacing_mm=1.0, threads=2)


def test_a_stick_interpolates_along_its_length():
    voxels = np.zeros((1, 1, 5), dtype=np.uint8)
    voxels[0, 0, [0, 4]] = (100, 180)
    known = (voxels > 0).astype(np.uint8)
    settings = SETTINGS.with_changes(definition="igsio", fill="stick", stick_length_voxels=9)
    filled, _ = fill_holes(voxels, known, np.ones_like(known), settings)
    # IGSIO counts the hole itself to the near side: the far value weighs (steps to the near one + 1) / 5
    assert filled.ravel().tolist() == [100, 132, 148, 164, 180]


def test_a_stick_longer_than_the_limit_does_not_fill():
    voxels = np.zeros((1, 1, 9), dtype=np.uint8)
    voxels[0, 0, [0, 8]] = 100
    known = (voxels > 0).astype(np.uint8)
    settings = SETTINGS.with_changes(definition="igsio", fill="stick", stick_length_voxels=8)
    filled, _ = fill_holes(voxels, known, np.ones_like(known), settings)
    assert np.count_nonzero(filled) == 2


def test_distance_filling_weighs_by_the_inverse_square():
    voxels = np.zeros((1, 1, 4), dtype=np.float32)
    voxels[0, 0, [0, 3]] = (10, 40)
    known = (voxels > 0).astype(np.uint8)
    settings = SETTINGS.with_changes(fill="distance", fill_radius_mm=2.5)
    filled, count = fill_holes(voxels, known, np.ones_like(known), settings)
    assert count == 2
    np.testing.assert_allclose(filled[0, 0], [10, (10 + 40 / 4) / 1.25, (10 / 4 + 40) / 1.25, 40], rtol=1e-6)


def test_distance_filling_reaches_no_farther_than_its_radius():
    voxels = np.zeros((9, 9, 9), dtype=np.uint8)
    voxels[4, 4, 4] = 77
    known = (voxels > 0).astype(np.uint8)
    settings = SETTINGS.with_changes(fill="distance", fill_radius_mm=3.0)
    filled, _ = fill_holes(voxels, known, np.ones_like(known), settings)
    k, j, i = np.indices(voxels.shape) - 4
    np.testing.assert_array_equal(filled != 0, k * k + j * j + i * i <= 9)
    assert set(np.unique(filled)) == {0, 77}


def test_offsets_are_sorted_and_respect_the_spacing():
    offsets, squared = offsets_within(1.0, (0.5, 0.5, 2.0))
    assert (np.diff(squared) >= 0).all()
    assert (offsets[:, 2] == 0).all() and len(offsets) == 12


@pytest.mark.parametrize("fill", ["stick", "distance"])
def test_nothing_is_filled_outside_the_swept_region(make_sweep, fill):
    """Two frames farther apart than frames of one sweep are: what lies between them was not swept."""
    sweep = make_sweep(5, frames=2, tilt=0.0)
    first = np.eye(4)
    first[:3, :3] = np.diag([0.4, 0.4, 1.0])
    second = first.copy()
    second[2, 3] = 8.0  # too far away to be one sweep
    frames = [frame.with_changes(image_to_reference=pose) for frame, pose in zip(sweep.frames, (first, second))]
    settings = ReconstructionSettings(
        spacing_mm=1.0, fill=fill, fill_radius_mm=8, stick_length_voxels=20, longest_gap_mm=5, reject_jumps=False
    )
    made = reconstruct(Sweep(frames), settings)
    assert not made.volume.voxels[1:-1].any()
    joined = reconstruct(Sweep(frames), settings.with_changes(longest_gap_mm=10))
    assert joined.volume.voxels[1:-1].any()


@pytest.mark.parametrize("fill", ["stick", "distance"])
def test_the_report_counts_the_holes_and_seen_stays_true(make_sweep, fill):
    sweep = make_sweep(6, step_mm=1.5)
    settings = ReconstructionSettings(spacing_mm=0.5, fill=fill)
    empty, filled = reconstruct(sweep, settings.with_changes(fill="none")), reconstruct(sweep, settings)
    assert empty.report.hole_share_before_fill == filled.report.hole_share_before_fill > 0.3
    assert empty.report.hole_share_after_fill == empty.report.hole_share_before_fill
    assert filled.report.hole_share_after_fill < 0.2
    np.testing.assert_array_equal(empty.seen.voxels, filled.seen.voxels)
    seen = filled.seen.voxels != 0
    np.testing.assert_array_equal(filled.volume.voxels[seen], empty.volume.voxels[seen])


def test_distance_filling_is_no_farther_from_the_truth_than_the_stick():
    """Two of three slices of a smooth, slanted pattern taken away and filled in again."""
    k, j, i = np.indices((31, 40, 40)) / 6.0
    truth = (120 + 60 * np.sin(k + j) * np.cos(0.7 * j) + 40 * np.sin(1.3 * i + 2 * k)).astype(np.uint8)
    known = np.zeros_like(truth)
    known[::3] = 1
    errors = {}
    for fill in ("stick", "distance"):
        filled, _ = fill_holes(truth * known, known, np.ones_like(known), SETTINGS.with_changes(fill=fill))
        errors[fill] = np.abs(filled[known == 0].astype(float) - truth[known == 0]).mean()
    assert errors["distance"] <= errors["stick"]
