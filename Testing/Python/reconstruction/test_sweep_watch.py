"""What is said about a sweep while it is recorded."""

import math

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ReconstructionError
from CRLMSegmentationLib.reconstruction import (
    ClipRectangle,
    LiveReconstruction,
    ReconstructionSettings,
    SweepWatch,
    reconstruct,
    sweep_quality,
)
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


def test_a_clip_rectangle_outside_the_image_is_said_and_nothing_raises(frames_with_steps):
    frames = frames_with_steps([0.5] * 10)
    far_outside = ReconstructionSettings(spacing_mm=0.5, clip_rectangle=ClipRectangle(5000, 5000, 50, 50))
    watch = SweepWatch(far_outside)
    hints = [watch.add(frame) for frame in frames]
    assert all("No volume can be made" in hint[0] and "clip rectangle" in hint[0] for hint in hints)
    assert watch.reading.frames_used == 11 and watch.reading.gap_mm == pytest.approx(0.5)
    assert watch.quality().frames_used == tuple(range(11))


class NotToBeWalked(list):
    def __iter__(self):
        raise AssertionError("all frames so far were looked at again")


def test_a_frame_costs_the_same_after_hours(frames_with_steps):
    frames = frames_with_steps([0.5] * 4)
    watch = SweepWatch(SETTINGS)
    for number in range(50):
        watch.add(frames[0].with_changes(valid=False, timestamp=number / 30))
    watch._skipped, watch._used = NotToBeWalked(watch._skipped), NotToBeWalked(watch._used)
    watch._gap_maps, watch._seconds = NotToBeWalked(watch._gap_maps), NotToBeWalked(watch._seconds)
    for frame in (*frames, frames[0].with_changes(valid=False)):
        watch.add(frame.with_changes(timestamp=10 + frame.timestamp))
    assert watch.reading.frames_skipped == {"pose not valid": 51} and watch.reading.frames_used == 5


def of_another_size(frame):
    return frame.with_changes(pixels=np.zeros((3, 5), np.uint8))


def of_another_type(frame):
    return frame.with_changes(pixels=frame.pixels.astype(np.uint16))


@pytest.mark.parametrize("change, reason", [(of_another_size, "size: 5 x 3 pixels"), (of_another_type, "type: uint16")])
def test_an_odd_image_is_left_out_live_and_said(frames_with_steps, change, reason):
    frames = frames_with_steps([0.5] * 12)
    odd = [*frames[:5], change(frames[5]), *frames[6:]]
    watch, hints = watched(odd)
    assert reason.split(":")[0] in hints[5][0] and "it is recorded" in hints[5][0]
    assert [(one.number, reason in one.reason) for one in watch.quality().frames_skipped] == [(5, True)]
    with LiveReconstruction(SETTINGS) as live:
        for frame in odd:
            live.add(frame)
    made = live.snapshot()
    assert [(one.number, reason in one.reason) for one in made.report.frames_skipped] == [
        (5, True)
    ] and not live.problem
    expected = reconstruct(Sweep([*frames[:5], *frames[6:]]), SETTINGS)
    np.testing.assert_array_equal(made.volume.voxels, expected.volume.voxels)


def test_an_odd_image_at_the_beginning_does_not_keep_all_others_out(frames_with_steps):
    frames = frames_with_steps([0.5] * 40)
    odd = [of_another_size(frames[0]), *frames[1:]]
    watch, _ = watched(odd)
    with LiveReconstruction(SETTINGS) as live:
        for frame in odd:
            live.add(frame)
    skipped = live.snapshot().report.frames_skipped
    assert skipped == watch.quality().frames_skipped and len(skipped) < 15
    assert watch.quality().frames_used == live.snapshot().report.frames_used == tuple(range(skipped[-1].number + 1, 41))


def test_a_probe_that_was_not_moved_is_said(frames_with_steps):
    still = frames_with_steps([0.0] * 6)
    watch, _ = watched(still)
    for quality in (watch.quality(), sweep_quality(Sweep(still), SETTINGS)):
        assert "7 frames have nearly the same pose" in quality.sentences()[0]
    assert "one voxel thick" in reconstruct(Sweep(still), SETTINGS).report.notes[0]
    assert reconstruct(Sweep(frames_with_steps([0.5] * 6)), SETTINGS).report.notes == ()
