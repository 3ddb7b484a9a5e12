"""A tracker that sends no images is recorded all the same, as PLUS records it."""

import threading

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.commands import replay
from CRLMSegmentationLib.errors import StreamError
from CRLMSegmentationLib.sweep import Pose, describe_sequence
from CRLMSegmentationLib.sweep.sequence_files.sequence_formats import read_sequence_header
from CRLMSegmentationLib.sweep.sequence_files.tool_poses import read_tracker
from CRLMSegmentationLib.tracking import record
from CRLMSegmentationLib.tracking.openigtlink.conversion import transform_message
from CRLMSegmentationLib.tracking.openigtlink.server import Server
from CRLMSegmentationLib.tracking.recording.pose_frames import PoseFrames


def at(x):
    matrix = np.eye(4)
    matrix[0, 3] = x
    return matrix


@pytest.fixture
def tracker():
    """Serves poses of two tools, 100 a second, from the first client on; gives the port and what was sent."""
    server, ended, sent = Server(), threading.Event(), []

    def serve():
        while not server.client_count and not ended.wait(0.005):
            pass
        while not ended.wait(0.01):
            number = len(sent)
            messages = [transform_message(at(number), "ProbeToTracker", 10 + number / 100)]
            messages += [transform_message(at(-number), "StylusToTracker", 10 + number / 100)] * (number % 5 != 4)
            server.send(messages)
            sent.append(number)

    server.start()
    thread = threading.Thread(target=serve)
    thread.start()
    yield server.port, sent
    ended.set()
    thread.join()
    server.stop()


def test_poses_that_come_without_images_are_recorded_from_the_first_on(tracker, tmp_path):
    port, _sent = tracker
    summary = record(tmp_path / "a.igs.mha", port=port, frames=60, timeout_s=1.0)
    assert not summary.has_images and summary.frames == 60
    fields = read_sequence_header(tmp_path / "a.igs.mha").frame_fields
    numbers = [round(float(one["Timestamp"]) * 100) - 1000 for one in fields]
    assert numbers == list(range(numbers[0], numbers[0] + 60)) and numbers[0] < 30, "none is missing between"
    assert all(float(one["ProbeToTrackerTransform"].split()[3]) == number for one, number in zip(fields, numbers))
    lost = [number for one, number in zip(fields, numbers) if one["StylusToTrackerTransformStatus"] != "OK"]
    assert lost == [number for number in numbers if number % 5 == 4]
    description = describe_sequence(tmp_path / "a.igs.mha")
    assert description["image_size"] == [0, 0] and description["frames"] == 60


def test_a_recording_that_ends_before_an_image_came_keeps_the_poses(tracker, tmp_path):
    port, sent = tracker
    summary = record(tmp_path / "a.igs.mha", port=port, timeout_s=600, should_stop=lambda: len(sent) > 20)
    assert not summary.has_images and summary.frames >= 10


def test_frames_are_the_times_of_the_tracker():
    frames = PoseFrames()
    assert frames.first_came_s is None
    frames.add(1.0, {"AToTracker": Pose(at(1))})
    frames.add(1.0, {"BToTracker": Pose(at(2))})
    frames.add(1.1, {"AToTracker": Pose(at(3)), "no transform": Pose(at(4))})
    frames.add(1.1, {"AToTracker": Pose(at(5))})
    assert [(frame.timestamp, set(frame.transforms)) for frame in frames.take()] == [
        (1.0, {"AToTracker", "BToTracker"}), (1.1, {"AToTracker"}),
    ]  # fmt: skip
    (last,) = frames.take(with_last=True)
    assert last.transforms["AToTracker"].matrix[0, 3] == 5
    frames.stop()
    frames.add(2.0, {"AToTracker": Pose(at(1))})
    assert frames.take(with_last=True) == []


def test_neither_images_nor_poses_is_reported(tmp_path):
    server = Server().start()
    with pytest.raises(StreamError):
        record(tmp_path / "a.igs.mha", port=server.port, timeout_s=0.2)
    server.stop()
    assert list(tmp_path.iterdir()) == []


def test_what_was_recorded_of_it_is_replayed_with_its_poses(tracker, tmp_path, monkeypatch):
    port, _sent = tracker
    record(tmp_path / "a.igs.mha", port=port, frames=30, timeout_s=1.0)
    replayers, start = [], replay.Replayer.start
    monkeypatch.setattr(replay.Replayer, "start", lambda one: replayers.append(one) or start(one))
    served = threading.Thread(target=main, args=(["replay", str(tmp_path / "a.igs.mha"), "--port", "0", "--quiet"],))
    served.start()
    while not replayers:
        served.join(0.01)
    summary = record(tmp_path / "b.igs.mha", port=replayers[0].port, frames=20, timeout_s=1.0)
    replayers[0].stop()
    served.join()
    assert not summary.has_images
    first, again = (read_tracker(tmp_path / name) for name in ("a.igs.mha", "b.igs.mha"))
    poses = [
        [(round(frame.timestamp, 2), frame.transforms["ProbeToTracker"].matrix[0, 3]) for frame in sweep.frames]
        for sweep in (first, again)
    ]
    assert len(poses[1]) == 20 and set(poses[1]) <= set(poses[0])
