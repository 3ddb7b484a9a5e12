"""Holes: which voxels they are, and what they are filled with."""

import numpy as np
import pytest
from CRLMSegmentationLib.reconstruction import (
    ClipRectangle,
    LiveReconstruction,
    ReconstructionSettings,
    reconstruct,
)
from CRLMSegmentationLib.reconstruction.filling import fill_left_over, fill_with_sticks, offsets_within
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame

SETTINGS = ReconstructionSettings(spacing_mm=1.0, threads=2)


def left_over_filled(voxels, known, settings):
    """As if nothing lay between frames."""
    filled, has_value = np.empty_like(voxels), np.empty_like(known)
    count = fill_left_over(voxels, known, np.ones_like(known), settings, filled, has_value)
    assert np.count_nonzero(has_value) == np.count_nonzero(known) + count
    return filled, count


def stick_filled(voxels, known, settings):
    """(voxels, where they have a value), as if all of it had been swept."""
    filled, has_value = np.empty_like(voxels), np.empty_like(known)
    count = fill_with_sticks(voxels, known, np.ones_like(known), settings, filled, has_value)
    assert np.count_nonzero(has_value) == np.count_nonzero(known) + count
    return filled, has_value


def test_a_stick_interpolates_along_its_length():
    voxels = np.zeros((1, 1, 5), dtype=np.uint8)
    voxels[0, 0, [0, 4]] = (100, 180)
    known = (voxels > 0).astype(np.uint8)
    settings = SETTINGS.with_changes(definition="igsio", fill="stick", stick_length_voxels=9)
    filled, _ = stick_filled(voxels, known, settings)
    # IGSIO counts the hole itself to the near side: the far value weighs (steps to the near one + 1) / 5
    assert filled.ravel().tolist() == [100, 132, 148, 164, 180]


def test_a_stick_longer_than_the_limit_does_not_fill():
    voxels = np.zeros((1, 1, 9), dtype=np.uint8)
    voxels[0, 0, [0, 8]] = 100
    known = (voxels > 0).astype(np.uint8)
    settings = SETTINGS.with_changes(definition="igsio", fill="stick", stick_length_voxels=8)
    filled, _ = stick_filled(voxels, known, settings)
    assert np.count_nonzero(filled) == 2


def test_distance_filling_weighs_by_the_inverse_square():
    voxels = np.zeros((1, 1, 4), dtype=np.float32)
    voxels[0, 0, [0, 3]] = (10, 40)
    known = (voxels > 0).astype(np.uint8)
    settings = SETTINGS.with_changes(fill="distance", fill_radius_mm=2.5)
    filled, count = left_over_filled(voxels, known, settings)
    assert count == 2
    np.testing.assert_allclose(filled[0, 0], [10, (10 + 40 / 4) / 1.25, (10 / 4 + 40) / 1.25, 40], rtol=1e-6)


def test_distance_filling_reaches_no_farther_than_its_radius():
    voxels = np.zeros((9, 9, 9), dtype=np.uint8)
    voxels[4, 4, 4] = 77
    known = (voxels > 0).astype(np.uint8)
    settings = SETTINGS.with_changes(fill="distance", fill_radius_mm=3.0)
    filled, _ = left_over_filled(voxels, known, settings)
    k, j, i = np.indices(voxels.shape) - 4
    np.testing.assert_array_equal(filled != 0, k * k + j * j + i * i <= 9)
    assert set(np.unique(filled)) == {0, 77}


def test_offsets_are_sorted_and_respect_the_spacing():
    offsets, squared = offsets_within(1.0, (0.5, 0.5, 2.0))
    assert (np.diff(squared) >= 0).all()
    assert (offsets[:, 2] == 0).all() and len(offsets) == 12


def test_between_two_frames_the_grey_level_changes_evenly(make_sweep):
    frames = []
    for value, z in ((50, 0.0), (250, 4.0)):
        pose = np.diag([0.5, 0.5, 1.0, 1.0])
        pose[2, 3] = z
        frames.append(make_sweep(1, frames=1).frames[0].with_changes(
            pixels=np.full((10, 12), value, dtype=np.uint8), image_to_reference=pose
        ))  # fmt: skip
    made = reconstruct(Sweep(frames), SETTINGS.with_changes(fill="distance"))
    for k, expected in enumerate((50, 100, 150, 200, 250)):
        assert np.abs(made.volume.voxels[k].astype(int) - expected).max() <= 17  # steps of a third of a voxel


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


@pytest.mark.parametrize("fill", ["none", "stick", "distance"])
@pytest.mark.parametrize("live", [False, True])
def test_the_volume_carries_where_a_pixel_came_or_a_hole_was_filled_also_where_that_is_black(fill, live):
    """Frames that are black but for a bright corner, so far apart that there are holes between them."""
    pixels = np.zeros((20, 24), np.uint8)
    pixels[:6, :6] = 200
    frames = []
    for number in range(6):
        pose = np.diag([0.5, 0.5, 1.0, 1.0])
        pose[2, 3] = 1.5 * number
        frames.append(TrackedFrame(pixels, pose, number / 30))
    settings = ReconstructionSettings(spacing_mm=0.5, fill=fill, threads=2)
    if live:
        with LiveReconstruction(settings) as growing:
            for frame in frames:
                growing.add(frame)
        made = growing.snapshot()
        assert not np.any(growing.snapshot(fill=False).volume.seen != (made.seen.voxels != 0))
    else:
        made = reconstruct(Sweep(frames), settings)
    slices = made.seen.voxels.any(axis=(1, 2))
    assert slices.tolist() == [number % 3 == 0 for number in range(16)]
    # every voxel of a frame's slice had a pixel, and all slices between them are filled, or none
    expected = np.ones(made.volume.voxels.shape, bool) if fill != "none" else made.seen.voxels != 0
    np.testing.assert_array_equal(made.volume.seen, expected)
    assert not made.volume.seen_is_guessed and (made.volume.voxels[made.volume.seen] == 0).any()


def test_distance_filling_is_closer_to_what_left_out_frames_saw_than_the_stick(spine_sweep):
    """Every other frame of a real sweep is left out; what it saw is the truth for the holes."""
    sweep = spine_sweep
    settings = ReconstructionSettings(
        spacing_mm=0.8, clip_rectangle=ClipRectangle(192, 16, 420, 580), fill_radius_mm=3.0, stick_length_voxels=9
    )
    whole = reconstruct(sweep, settings)
    region = {"origin_mm": tuple(whole.volume.origin_ras), "dimensions": whole.volume.dimensions}
    left_out = reconstruct(Sweep(sweep.frames[1::2]), settings.with_changes(**region))
    errors = {}
    for fill in ("stick", "distance"):
        made = reconstruct(Sweep(sweep.frames[::2]), settings.with_changes(fill=fill, **region))
        hole = (made.seen.voxels == 0) & (left_out.seen.voxels != 0) & (made.volume.voxels != 0)
        errors[fill] = np.abs(made.volume.voxels[hole].astype(float) - left_out.volume.voxels[hole]).mean()
    assert errors["distance"] < errors["stick"]


@pytest.mark.parametrize("steps_mm, is_told", [([1.0] * 4 + [8.0] + [1.0] * 4, True), ([1.0] * 9, False)])
def test_what_was_guessed_over_a_wide_gap_is_filled_and_told(frames_with_steps, steps_mm, is_told):
    sweep = Sweep(frames_with_steps(steps_mm), name="a gap")
    settings = ReconstructionSettings(spacing_mm=1.0, fill="distance", threads=1, reject_jumps=False)
    with LiveReconstruction(settings) as live:
        for frame in sweep.frames:
            live.add(frame)
        live.wait()
        for made in (reconstruct(sweep, settings), live.snapshot()):
            assert [note for note in made.report.notes if "8 mm between two frames" in note] == (
                [*made.report.notes] if is_told else []
            )
            assert made.volume.seen.all()
    assert not reconstruct(sweep, settings.with_changes(fill="stick")).report.notes
