"""A receiver without a thread of its own keeps up with a timer that is late, and says so when it cannot.

The receiver's clock is the tests' own, so that it does not matter how busy the computer is.
"""

import socket
import time
from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.tracking import Receiver
from CRLMSegmentationLib.tracking import pump as pump_module
from CRLMSegmentationLib.tracking import receiver as receiver_module
from CRLMSegmentationLib.tracking.openigtlink.conversion import image_message, transform_message
from CRLMSegmentationLib.tracking.openigtlink.packing import pack_message


@pytest.fixture
def clock(monkeypatch):
    """Stands still but for what a test adds to `now`."""
    clock = SimpleNamespace(now=1000.0, monotonic=lambda: clock.now, sleep=time.sleep, time=time.time)
    for module in (receiver_module, pump_module):
        monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def connected(clock):
    """(receiver, the server's end of its connection)"""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        receiver = Receiver(port=listener.getsockname()[1]).start(own_thread=False)
        until = time.monotonic() + 600
        while not receiver.status.connected and time.monotonic() < until:
            receiver.pump()
        connection, _ = listener.accept()
        yield receiver, connection
        receiver.stop()
        connection.close()


def image(number: int) -> bytes:
    return pack_message(
        image_message(np.full((4, 5), number, np.uint8), np.eye(4), "Image_Reference", 100 + number / 40)
    )


def test_a_late_timer_still_sees_all_that_waited(connected, clock):
    receiver, connection = connected
    for turn in range(3):
        clock.now += 0.4
        connection.sendall(b"".join(image(20 * turn + number) for number in range(20)))
        # The last one waits for poses of its time until another time comes.
        first = max(20 * turn - 1, 0)
        assert [frame.pixels[0, 0] for frame in receiver.poll()] == list(range(first, 20 * turn + 19))
        assert receiver.behind_s == 0 and receiver.status.dropped == 0


def test_a_late_timer_gets_a_quarter_of_the_time_that_went_by(connected, clock, monkeypatch):
    receiver, _ = connected
    clock.now += 2.0
    begun = clock.now
    monkeypatch.setattr(receiver._link, "step", lambda *_: more_is_waiting(clock, 0.05))
    receiver.pump(longest_s=0.01)
    assert clock.now - begun == pytest.approx(0.5, abs=0.051)
    begun = clock.now
    receiver.pump(longest_s=0.3)
    assert clock.now - begun == pytest.approx(0.3, abs=0.051)


def test_what_waited_in_the_socket_is_not_taken_for_new(connected, clock, monkeypatch):
    receiver, connection = connected
    connection.sendall(pack_message(transform_message(np.eye(4), "StylusToReference", 100.0)))
    connection.sendall(image(1) + image(2))
    assert len(receiver.poll()) == 1 and receiver.behind_s == 0
    # A program that hardly finds time: each piece of the stream takes all of it, and more is always waiting.
    with monkeypatch.context() as patch:
        patch.setattr(receiver._link, "step", lambda *_: more_is_waiting(clock, 0.02))
        for _ in range(50):
            receiver.pump(longest_s=1e-6)
    assert receiver.behind_s == pytest.approx(1.0)
    assert receiver.latest.transform("StylusToReference").age.seconds >= 0.999 and receiver.status.age.seconds >= 0.999
    receiver.poll()
    assert receiver.behind_s == 0


def more_is_waiting(clock, takes_s: float) -> bool:
    clock.now += takes_s
    return True
