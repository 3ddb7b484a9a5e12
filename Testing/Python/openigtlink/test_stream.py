"""Receiver and replayer over a real socket on this computer."""

import socket
import threading
import time

import numpy as np
import pytest

from CRLMSegmentationLib.errors import RecordingError, StreamError
from CRLMSegmentationLib.openigtlink import Receiver, Replayer, record
from CRLMSegmentationLib.openigtlink.conversion import image_message, transform_message
from CRLMSegmentationLib.openigtlink.pairing import FramePairing
from CRLMSegmentationLib.sweep import Pose, Sweep, TrackedFrame, read_sweep

IMAGE_TO_PROBE = np.diag([0.1, 0.2, 1.0, 1.0])


def translation(x, y, z):
    matrix = np.eye(4)
    matrix[:3, 3] = x, y, z
    return matrix


@pytest.fixture
def a_sweep():
    random = np.random.default_rng(0)
    return Sweep(
        [
            TrackedFrame(
                random.integers(0, 256, (24, 32), dtype=np.uint8),
                translation(number / 4, 0, 0) @ IMAGE_TO_PROBE,
                100 + number / 50,
                valid=number not in (3, 4),
                transforms={"StylusToReference": Pose(translation(0, number, 0), number != 5)},
            )
            for number in range(40)
        ]
    )


def received(sweep, **options):
    with Replayer(sweep, 0, speed=None, **options) as replayer, Receiver(port=replayer.port) as receiver:
        return list(receiver.frames(until_closed=True, timeout_s=5)), receiver.status


@pytest.mark.parametrize("mode", ["image_image", "image_reference"])
def test_every_frame_arrives_in_order_with_its_own_pose(a_sweep, mode):
    frames, status = received(a_sweep, mode=mode)
    assert len(frames) == 40 and status.frames == 40 and status.invalid == 2 and status.dropped == 0
    for sent, got in zip(a_sweep.frames, frames):
        np.testing.assert_array_equal(got.pixels, sent.pixels)
        assert got.valid == sent.valid and got.timestamp == pytest.approx(sent.timestamp, abs=1e-6)
        if sent.valid:
            np.testing.assert_allclose(got.image_to_reference, sent.image_to_reference, atol=1e-5)
    stylus = [frame.transforms.get("StylusToReference") for frame in frames]
    assert stylus[5] is None, "a tool that was not seen must not be given its old place"
    assert all(pose.matrix[1, 3] == number for number, pose in enumerate(stylus) if number != 5)


def test_the_pose_may_come_through_the_probe_and_its_calibration(a_sweep):
    pairing = FramePairing({"ImageToProbe": IMAGE_TO_PROBE})
    pairing.add_image(image_message(np.zeros((2, 3), np.uint8), np.eye(4), "Image_Image", 1.0), 0)
    pairing.add_transform(transform_message(translation(7, 0, 0), "ProbeToReference", 1.0))
    (frame,) = pairing.give_up_waiting(np.inf)
    np.testing.assert_allclose(frame.image_to_reference, translation(7, 0, 0) @ IMAGE_TO_PROBE, atol=1e-6)


@pytest.mark.parametrize("transform_first", [True, False])
def test_a_frame_is_never_paired_with_the_pose_of_another_time(transform_first):
    pairing, frames = FramePairing(), []
    for number in range(6):
        image = image_message(np.full((2, 3), number, np.uint8), np.eye(4), "Image_Image", number / 50)
        pose = transform_message(translation(number, 0, 0), "ImageToReference", number / 50)
        stylus = transform_message(np.eye(4), "StylusToReference", number / 50)
        steps = [lambda: pairing.add_transform(stylus), lambda: pairing.add_image(image, number)]
        # The pose of frame 2 is lost on the way; the stylus always comes before it.
        if number != 2:
            steps.insert(0 if transform_first else 2, lambda: pairing.add_transform(pose))
        for step in steps:
            frames += step()
    frames += pairing.give_up_waiting(np.inf)
    assert [frame.valid for frame in frames] == [True, True, False, True, True, True]
    assert all(frame.image_to_reference[0, 3] == frame.pixels[0, 0] for frame in frames if frame.valid)


def test_the_receiver_reconnects_by_itself(a_sweep):
    first = Replayer(a_sweep, 0, speed=None).start()
    port = first.port
    with Receiver(port=port) as receiver:
        assert len([receiver.get(5) for _ in range(40)]) == 40
        first.stop()
        deadline = time.monotonic() + 5
        while receiver.status.connected and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not receiver.status.connected and receiver.status.problem
        with Replayer(a_sweep, port, speed=None):
            again = [receiver.get(5) for _ in range(40)]
    assert all(frame is not None for frame in again) and receiver.status.connections == 2


def test_a_stuck_client_holds_up_nobody_else():
    # 20 MB, more than the socket buffers of a client that never reads.
    frame = TrackedFrame(np.zeros((512, 512), np.uint8), np.eye(4), 0)
    large = Sweep([frame.with_changes(timestamp=number / 1000) for number in range(160)])
    with Replayer(large, 0, speed=50.0) as replayer:
        stuck = socket.create_connection(("127.0.0.1", replayer.port))
        with Receiver(port=replayer.port) as receiver:
            frames = list(receiver.frames(until_closed=True, timeout_s=10))
        stuck.close()
    # The first frames may have gone out before the receiver was there; from its first on, none is missing.
    times = [round(frame.timestamp * 1000) for frame in frames]
    assert times == list(range(times[0], 160)) and len(times) > 100


def test_a_server_that_is_not_there_or_silent_gives_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with Receiver(port=port) as receiver, pytest.raises(StreamError, match="No image came"):
            next(receiver.frames(timeout_s=0.5))
    with Receiver(port=port) as receiver, pytest.raises(StreamError, match="No OpenIGTLink server answers"):
        receiver.wait_until_connected(0.5)


def test_a_port_in_use_gives_a_sentence(a_sweep):
    with Replayer(a_sweep, 0) as replayer, pytest.raises(StreamError, match="cannot be used"):
        Replayer(a_sweep, replayer.port)


def test_rubbish_from_the_peer_ends_in_reconnection_not_in_a_crash(a_sweep):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with Receiver(port=port) as receiver:
            connection, _ = server.accept()
            connection.sendall(b"\xff" * 500)
            again, _ = server.accept()
            again.sendall(image_message(a_sweep.frames[0].pixels, np.eye(4), "Image_Reference", 5).pack())
            frame = receiver.get(5)
            connection.close()
            again.close()
    assert frame is not None and frame.valid


def test_record_writes_what_was_sent(a_sweep, tmp_path):
    with Replayer(a_sweep, 0, speed=None) as replayer:
        summary = record(tmp_path / "r.igs.mha", port=replayer.port, until_closed=True)
    back = read_sweep(summary.files[0])
    assert (summary.frames, summary.invalid, summary.dropped) == (40, 2, 0) and len(back.valid_frames) == 38
    assert [path.name for path in tmp_path.iterdir()] == ["r.igs.mha"]
    with Replayer(a_sweep, 0, speed=None) as replayer, pytest.raises(RecordingError, match="not overwritten"):
        record(tmp_path / "r.igs.mha", port=replayer.port, until_closed=True)


def test_record_stops_at_the_number_of_frames(a_sweep, tmp_path):
    with Replayer(a_sweep, 0, loop=True, speed=50.0) as replayer:
        assert record(tmp_path / "r.igs.mha", port=replayer.port, frames=55).frames == 55
    assert len(read_sweep(tmp_path / "r.igs.mha")) == 55


def test_nothing_runs_on_after_stop(a_sweep):
    before = threading.active_count()
    received(a_sweep)
    assert threading.active_count() == before
