"""A frame whose pose cannot be is left out with the reason, in a whole sweep, live and while it is watched."""

import numpy as np
import pytest
from CRLMSegmentationLib.reconstruction import (
    LiveReconstruction,
    ReconstructionSettings,
    SweepWatch,
    reconstruct,
    sweep_quality,
)
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame
from scipy.spatial.transform import Rotation

SETTINGS = ReconstructionSettings(spacing_mm=0.5, threads=1)
WIDTH, HEIGHT, PIXEL_MM = 24, 20, 0.5


def frame(number, middle_mm, turn=np.eye(3), pixel_mm=PIXEL_MM, period_s=0.1) -> TrackedFrame:
    """A frame whose image has its middle at `middle_mm`, turned about it."""
    pose = np.eye(4)
    pose[:3, :3] = turn @ np.diag([pixel_mm, pixel_mm, 1.0])
    pose[:3, 3] = np.array(middle_mm) - pose[:3, :3] @ ((WIDTH - 1) / 2, (HEIGHT - 1) / 2, 0)
    pixels = np.random.default_rng(number).integers(1, 255, (HEIGHT, WIDTH)).astype(np.uint8)
    return TrackedFrame(pixels, pose, number * period_s)


def straight(count=24, step_mm=0.5):
    return [frame(number, (0, 0, step_mm * number)) for number in range(count)]


def about(axis, angle_deg):
    return Rotation.from_euler(axis, angle_deg, degrees=True).as_matrix()


BAD = {
    "turned about the beam": (dict(turn=about("y", 180)), "turned by 180 degrees"),
    "upside down": (dict(turn=about("z", 180)), "turned by 180 degrees"),
    "turned by 40 degrees": (dict(turn=about("z", 40)), "turned by 40 degrees"),
    "mirrored": (dict(turn=np.diag([-1.0, 1, 1])), "mirrored against the other frames"),
    "three times as large": (dict(pixel_mm=1.5), "pixels of 3 times the size"),
    "beside by 25 mm": (dict(beside_mm=25.0), "25 mm beside"),
    "beside by 8 mm": (dict(beside_mm=8.0), "8 mm beside"),
}


def with_bad(frames, places, how):
    frames = list(frames)
    for place in places:
        middle = (how.get("beside_mm", 0.0), 0, 0.5 * place)
        frames[place] = frame(place, middle, how.get("turn", np.eye(3)), how.get("pixel_mm", PIXEL_MM))
    return frames


def left_out_live(frames):
    with LiveReconstruction(SETTINGS) as live:
        for one in frames:
            live.add(one)
    snapshot = live.snapshot()
    watch = SweepWatch(SETTINGS)
    for one in frames:
        watch.add(one)
    return snapshot, watch


@pytest.mark.parametrize("places", [[12], [12, 13], [6, 15], [8, 10, 12]])
@pytest.mark.parametrize("how, reported", BAD.values(), ids=BAD.keys())
def test_it_is_left_out_with_the_reason_everywhere(how, reported, places):
    frames = with_bad(straight(), places, how)
    whole = reconstruct(Sweep(frames), SETTINGS)
    live, watch = left_out_live(frames)
    quality = sweep_quality(Sweep(frames), SETTINGS)
    for skipped in (
        whole.report.frames_skipped, live.report.frames_skipped, watch.quality().frames_skipped, quality.frames_skipped
    ):  # fmt: skip
        assert [one.number for one in skipped] == places
        assert all(reported in one.reason for one in skipped)
    without = reconstruct(Sweep([one for number, one in enumerate(frames) if number not in places]), SETTINGS)
    assert np.array_equal(whole.volume.voxels, without.volume.voxels)
    for judged in (quality, watch.quality()):
        assert any(reported in sentence and f"frame {places[0]}" in sentence for sentence in judged.sentences())


@pytest.mark.parametrize("place", [0, 23])
def test_one_that_is_turned_at_an_end_is_left_out_too(place):
    frames = with_bad(straight(), [place], BAD["upside down"][0])
    (skipped,) = reconstruct(Sweep(frames), SETTINGS).report.frames_skipped
    assert skipped.number == place and "turned by 180 degrees" in skipped.reason


def test_the_watch_says_it_at_once(frames_with_steps):
    watch = SweepWatch(SETTINGS)
    hints = [watch.add(one) for one in with_bad(straight(), [12], BAD["mirrored"][0])]
    assert hints[12] == () and "pose that cannot be (mirrored" in hints[13][0]


def swept(positions_mm, tilts_deg=None, period_s=0.1):
    tilts = np.zeros(len(positions_mm)) if tilts_deg is None else tilts_deg
    return [
        frame(number, (0, 0, z), about("x", tilt), period_s=period_s)
        for number, (z, tilt) in enumerate(zip(positions_mm, tilts))
    ]


seconds = np.arange(120) / 10
POSSIBLE = {
    "a probe that turns back sharply": swept(np.concatenate([np.arange(0, 90, 6.0), np.arange(90, 0, -6.0)])),
    "a rocking probe": swept(0 * seconds, 30 * np.sin(2 * np.pi * seconds / 1.5)),
    "to and fro": swept(20 * np.sin(2 * np.pi * seconds / 2)),
    "at rest, then quick, then at rest": swept(np.concatenate([np.zeros(20), np.arange(0, 60, 7.0), np.full(20, 60)])),
    "a step of 10 mm and on": swept(np.concatenate([np.arange(0, 10, 0.3), np.arange(20, 30, 0.3)])),
    "a hand that trembles": swept(np.cumsum(np.random.default_rng(1).normal(0.5, 0.4, 80))),
    "at rest in noise": swept(
        np.random.default_rng(2).normal(0, 0.05, 60), np.random.default_rng(3).normal(0, 0.3, 60)
    ),
    "quicker at the end": swept([*np.arange(0, 10, 0.5), 15.0, 22.0]),
}


@pytest.mark.parametrize("frames", POSSIBLE.values(), ids=POSSIBLE.keys())
def test_no_frame_of_a_sweep_that_a_hand_can_do_is_lost(frames):
    whole = reconstruct(Sweep(frames), SETTINGS)
    live, _ = left_out_live(frames)
    assert whole.report.frames_skipped == live.report.frames_skipped == ()
    assert len(live.report.frames_used) == len(frames)


def test_a_depth_that_was_changed_in_the_middle_is_no_impossible_pose():
    frames = straight(30)
    frames[15:] = [frame(number, (0, 0, 0.5 * number), pixel_mm=0.8) for number in range(15, 30)]
    assert reconstruct(Sweep(frames), SETTINGS).report.frames_skipped == ()


def test_no_frame_of_a_real_sweep_is_lost(spine_sweep, shared_data):
    from CRLMSegmentationLib.sweep import read_sweep

    for sweep in (spine_sweep, read_sweep(shared_data / "liver-volunteer" / "LiverVolunteer.igs.mha")):
        frames = sweep.valid_frames
        assert sweep_quality(Sweep(frames), SETTINGS).frames_skipped == ()
        watch = SweepWatch(SETTINGS)
        for one in frames:
            watch.add(one)
        assert watch.reading.frames_skipped == {} and watch.reading.frames_used >= len(frames) - 1
