"""A receiver without a thread of its own keeps up with a timer that is late, and says so when it cannot."""

import time

import numpy as np
import pytest

from CRLMSegmentationLib.openigtlink import Receiver, Replayer
from CRLMSegmentationLib.openigtlink import receiver as receiver_module
from CRLMSegmentationLib.sweep import Pose, Sweep, TrackedFrame


@pytest.fixture
def video():
    """Replays 640 x 480 at 40 frames/s with a stylus, without end."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (480, 640), dtype=np.uint8)
    stylus = {"StylusToReference": Pose(np.eye(4), True)}
    frames = [TrackedFrame(pixels, np.eye(4), 100 + number / 40, transforms=stylus) for number in range(80)]
    with Replayer(Sweep(frames), 0, loop=True) as replayer:
        yield replayer


def test_a_late_timer_still_sees_what_is_now(video):
    receiver = Receiver(port=video.port).start(own_thread=False)
    try:
        while not receiver.poll():
            time.sleep(0.01)
        frames = 0
        for _ in range(6):
            time.sleep(0.4)
            frames += len(receiver.poll())
            assert receiver.behind_s == 0 and receiver.status.age_s < 0.2
        assert frames > 6 * 0.4 * 40 * 0.7 and receiver.status.dropped == 0
    finally:
        receiver.stop()


def test_what_waited_in_the_socket_is_not_taken_for_new(video, monkeypatch):
    receiver = Receiver(port=video.port).start(own_thread=False)
    try:
        while not receiver.poll():
            time.sleep(0.01)
        # A program that hardly finds time: one piece of the stream for each call.
        monkeypatch.setattr(receiver_module, "_PUMP_SHARE", 0.0)
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            receiver.pump(longest_s=1e-6)
            time.sleep(0.02)
        assert receiver.behind_s > 0.6
        assert receiver.latest_transform("StylusToReference")[1] > 0.6 and receiver.status.age_s > 0.6
        monkeypatch.undo()
        deadline = time.monotonic() + 5
        while receiver.behind_s and time.monotonic() < deadline:
            receiver.poll()
        assert receiver.behind_s == 0 and receiver.latest_transform("StylusToReference")[1] < 0.5
    finally:
        receiver.stop()
