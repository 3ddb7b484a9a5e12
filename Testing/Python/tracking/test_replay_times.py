"""Whatever times a recording has, its replay pairs every image with its own pose."""

import numpy as np
import pytest
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame
from CRLMSegmentationLib.tracking import Receiver, Replayer
from CRLMSegmentationLib.tracking.replay.replay_times import replay_times

COUNT = 16
NAN = float("nan")
TIMES = {
    "negative": [-5 + number / 10 for number in range(COUNT)],
    "absent": [NAN] * COUNT,
    "absent here and there": [NAN if number in (0, 5, 6) else 100 + number / 10 for number in range(COUNT)],
    "milliseconds since 1970": [1764256800000 + 100 * number for number in range(COUNT)],
    "nanoseconds since 1970": [1764256800e9 + 1e8 * number for number in range(COUNT)],
    "beyond what a message carries": [1e11 + number / 10 for number in range(COUNT)],
    "the same for all": [0.0] * COUNT,
    "two by two": [100 + number // 2 / 10 for number in range(COUNT)],
    "all over the place": [(-1.0) ** number * 10.0**number for number in range(COUNT)],
}


def a_sweep(times):
    poses = [np.diag([0.5, 0.5, 1, 1]) for _ in times]
    for number, pose in enumerate(poses):
        pose[2, 3] = number
    frames = zip(poses, times)
    return Sweep([TrackedFrame(np.full((4, 5), number, np.uint8), *frame) for number, frame in enumerate(frames)])


@pytest.mark.parametrize("kind", TIMES)
def test_every_image_arrives_with_its_own_pose_and_it_is_reported(kind):
    replayer = Replayer(a_sweep(TIMES[kind]), 0, speed=None)
    with replayer, Receiver(port=replayer.port) as receiver:
        frames = list(receiver.frames(until_closed=True, timeout_s=600))
    assert [int(frame.pixels[0, 0]) for frame in frames] == list(range(COUNT))
    assert all(frame.valid and frame.image_to_reference[2, 3] == frame.pixels[0, 0] for frame in frames)
    assert replayer.note


@pytest.mark.parametrize("kind", [kind for kind in TIMES if kind != "all over the place"])
def test_the_time_between_frames_is_kept(kind):
    times = replay_times(a_sweep(TIMES[kind]).frames)
    np.testing.assert_allclose(np.diff(times.stamps_s), 0.1, atol=1e-4)
    np.testing.assert_allclose(np.diff(times.elapsed_s), 0.1, atol=1e-4)
    assert times.once_s == pytest.approx(COUNT / 10, abs=1e-3) and times.stamps_s.min() >= 0


def test_ordinary_times_stay_as_they_are():
    recorded = [1764256800.25 + number / 30 for number in range(COUNT)]
    sweep = a_sweep(recorded)
    sweep = Sweep([*sweep.frames[:5], sweep.frames[4], *sweep.frames[5:]])
    recorded.insert(4, recorded[4])
    times = replay_times(sweep.frames)
    np.testing.assert_array_equal(times.stamps_s, recorded)
    assert times.note == ""
    # A pause in the recording is not waited for; the times still tell of it.
    times = replay_times(a_sweep([0.0, 0.1, 0.2, 100.2, 100.3]).frames)
    assert times.stamps_s[3] == 100.2 and times.elapsed_s[3] == pytest.approx(0.3)
