"""What is said about a sweep while it is recorded."""

import math

import numpy as np
import pytest

from CRLMSegmentationLib.errors import ReconstructionError
from CRLMSegmentationLib.reconstruction import ReconstructionSettings, SweepWatch, sweep_quality
from CRLMSegmentationLib.sweep import Sweep

SETTINGS = ReconstructionSettings(spacing_mm=0.5)


def watched(frames):
    watch = SweepWatch(SETTINGS)
    return watch, [watch.add(frame) for frame in frames]


def test_a_good_sweep_has_no_hints(frames_with_steps):
    watch, hints = watched(frames_with_steps([1.0] * 10))
    assert set(hints) == {()}
    reading = watch.reading
    assert (reading.frames, reading.frames_used, reading.frames_skipped) == (11, 11, {})
    np.testing.assert_allclose(
        [reading.gap_mm, reading.gap_voxels, reading.speed_mm_per_s, reading.frames_per_s, reading.covered_share],
        [1.0, 2.0, 10.0, 10.0, 1.0],
    )


def test_too_fast_is_said_at_once_and_for_a_while(frames_with_steps):
    _, hints = watched(frames_with_steps([0.5] * 5 + [4.0] + [0.5] * 40))
    assert hints[5] == ()
    assert "4.0 mm" in hints[6][0] and "below 15 mm/s" in hints[6][0]
    assert hints[20] == hints[6]
    assert hints[30] == ()


def test_the_covered_share_is_of_the_way(frames_with_steps):
    watch, _ = watched(frames_with_steps([1.0] * 4 + [4.0]))
    assert watch.reading.covered_share == pytest.approx(0.5)


def test_a_lost_probe_is_said_until_it_is_back(frames_with_steps):
    frames = frames_with_steps([0.5] * 10)
    frames[3:6] = [frame.with_changes(valid=False) for frame in frames[3:6]]
    watch, hints = watched(frames)
    assert hints[4] == ()
    assert "not tracked (pose not valid)" in hints[5][0]
    assert [hint.split(";")[0] for hint in hints[6]] == ["A gap of 2.0 mm where frames could not be used"]
    assert watch.reading.frames_skipped == {"pose not valid": 3}


def test_a_jump_is_said_and_left_out(frames_with_steps):
    frames = frames_with_steps([0.5] * 10)
    far = frames[4].image_to_reference.copy()
    far[0, 3] += 300
    frames[4] = frames[4].with_changes(image_to_reference=far)
    watch, hints = watched(frames)
    assert hints[4] == () and "jumped" in hints[5][0]
    assert watch.reading.frames_skipped == {"tracker jump": 1}
    assert watch.reading.gap_mm == pytest.approx(0.5)


def test_frames_that_cannot_be_used_are_no_error(frames_with_steps):
    frames = frames_with_steps([0.5] * 3)
    bad = [
        frames[1].with_changes(image_to_reference=None),
        frames[1].with_changes(image_to_reference=np.full((4, 4), np.nan)),
        frames[1].with_changes(pixels=np.zeros((3, 5), np.uint8)),
    ]
    watch, _ = watched([frames[0], *bad])
    assert sum(watch.reading.frames_skipped.values()) == 3
    assert math.isnan(watch.reading.gap_mm)


def test_nothing_yet():
    watch = SweepWatch(SETTINGS)
    assert watch.reading.hints == () and watch.reading.covered_share == 1.0
    with pytest.raises(ReconstructionError, match="wait for the first tracked frame"):
        watch.quality()


def test_at_the_end_it_says_what_is_said_about_the_whole_sweep(spine_sweep):
    frames = list(spine_sweep.frames)
    frames[3] = frames[3].with_changes(valid=False)
    watch, _ = watched(frames)
    whole, grown = sweep_quality(Sweep(frames), SETTINGS), watch.quality()
    assert grown.sentences() == whole.sentences() and len(whole.sentences()) > 1
    assert (grown.frames_used, grown.frames_skipped) == (whole.frames_used, whole.frames_skipped)
    np.testing.assert_allclose(grown.gap_map_mm, whole.gap_map_mm)
    np.testing.assert_allclose(grown.speed_mm_per_s, whole.speed_mm_per_s)
    assert (grown.gap_voxels, grown.frames_per_s) == (whole.gap_voxels, whole.frames_per_s)
