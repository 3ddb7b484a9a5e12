"""A recording survives whatever happens to the program or the disk."""

import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
from CRLMSegmentationLib.errors import RecordingError
from CRLMSegmentationLib.sweep import Pose, TrackedFrame, read_sweep
from CRLMSegmentationLib.sweep.recorder import Recorder
from CRLMSegmentationLib.sweep.recovery import journal_path, recover, recover_unfinished, unfinished_recordings


def make_frame(number, shape=(4, 6)):
    pose = np.eye(4)
    pose[0, 3] = number
    return TrackedFrame(np.full(shape, number, np.uint8), pose if number != 1 else None, number / 10, number != 1,
                        {"StylusToReference": Pose(pose, number != 2, "OK" if number != 2 else "MISSING")})  # fmt: skip


def test_a_recording_becomes_a_standard_file(tmp_path):
    recorder = Recorder(tmp_path / "a.igs.mha")
    for number in range(5):
        recorder.add(make_frame(number))
    (path,) = recorder.stop()
    frames = read_sweep(path).frames
    assert [frame.pixels[0, 0] for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.valid for frame in frames] == [True, False, True, True, True]
    assert frames[2].transforms["StylusToReference"].status == "MISSING"
    assert list(tmp_path.iterdir()) == [path]


RECORD_UNTIL_KILLED = textwrap.dedent(
    """
    import sys, numpy as np
    from CRLMSegmentationLib.sweep import TrackedFrame
    from CRLMSegmentationLib.sweep.recorder import Recorder
    recorder = Recorder(sys.argv[1])
    number = 0
    while True:
        recorder.add(TrackedFrame(np.full((64, 64), number % 251, np.uint8), np.eye(4), number / 10))
        number += 1
        while recorder.frames < number:
            pass
        print(number, flush=True)
    """
)
# 100 on demand: CRLM_KILLS=100
KILLS = int(os.environ.get("CRLM_KILLS", "3"))


def test_a_recording_killed_at_any_moment_is_recovered(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    chance = random.Random(3)
    for turn in range(KILLS):
        path = tmp_path / f"{turn}.igs.mha"
        command = [sys.executable, "-c", RECORD_UNTIL_KILLED, path]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
            process.stdout.readline()
            with pytest.raises(RecordingError, match="still being recorded"):
                recover(path)
            assert unfinished_recordings(tmp_path) == []
            time.sleep(chance.uniform(0, 0.1))
            process.send_signal(signal.SIGKILL)
            received = 1 + len(process.stdout.read().split())
        assert not path.exists() and unfinished_recordings(tmp_path) == [journal_path(path)]
        with pytest.raises(RecordingError, match="repair"):
            Recorder(path)
        (recovery,) = recover_unfinished(tmp_path)
        (recovered,) = recovery.files
        assert recovered == path
        frames = read_sweep(recovered).frames
        assert len(frames) in (received, received + 1) and not journal_path(path).exists()
        assert [frame.pixels[0, 0] for frame in frames] == [number % 251 for number in range(len(frames))]


def test_a_change_of_image_size_starts_another_file(tmp_path):
    recorder = Recorder(tmp_path / "a.igs.nrrd")
    for number in range(4):
        recorder.add(make_frame(number + 3, (4, 6) if number < 2 else (5, 5)))
    files = recorder.stop()
    assert [path.name for path in files] == ["a.igs.nrrd", "a-2.igs.nrrd"]
    assert [len(read_sweep(path)) for path in files] == [2, 2]


def test_nothing_is_overwritten_and_an_empty_recording_says_so(tmp_path):
    (tmp_path / "a.igs.mha").write_text("precious")
    with pytest.raises(RecordingError, match="not overwritten"):
        Recorder(tmp_path / "a.igs.mha")
    with pytest.raises(RecordingError, match="No whole frame"):
        Recorder(tmp_path / "b.igs.mha").stop()
    with pytest.raises(RecordingError, match="nothing to repair"):
        recover(tmp_path / "c.igs.mha")
    with pytest.raises(RecordingError, match="end in"):
        Recorder(tmp_path / "d.avi")


class FailingDisk:
    """A file whose disk is full from byte `full_at` on, and half of a frame still goes in."""

    def __init__(self, stream, full_at):
        self.stream, self.full_at = stream, full_at

    def write(self, data):
        room = self.full_at - self.stream.tell()
        if room <= 0:
            raise OSError(28, "No space left on device")
        return self.stream.write(data[:room])

    def __getattr__(self, name):
        return getattr(self.stream, name)


def test_a_full_disk_is_told_and_what_was_written_is_safe(tmp_path):
    recorder = Recorder(tmp_path / "a.igs.mha")
    recorder._stream = FailingDisk(recorder._stream, 1500)
    for number in range(6):
        recorder.add(make_frame(number))
    (path,) = recorder.stop()
    assert 0 < len(read_sweep(path)) == recorder.frames < 6 and recorder.dropped == 6 - recorder.frames
    assert "No space left" in recorder.problem


def wait_for(recorder, count):
    deadline = time.monotonic() + 600
    while recorder.frames + recorder.dropped < count and time.monotonic() < deadline:
        time.sleep(0.005)


def test_a_disk_that_has_room_again_is_used_again(tmp_path, monkeypatch):
    monkeypatch.setattr("CRLMSegmentationLib.sweep.recorder._TRY_AGAIN_AFTER_S", 0.0)
    recorder = Recorder(tmp_path / "a.igs.mha")
    recorder._stream = FailingDisk(recorder._stream, 900)

    for number in range(4):
        recorder.add(make_frame(number))
    wait_for(recorder, 4)
    lost = recorder.dropped
    recorder._stream.full_at = 1 << 30
    for number in range(4, 8):
        recorder.add(make_frame(number))
    wait_for(recorder, 8)
    (path,) = recorder.stop()
    assert 0 < lost < 4 and recorder.dropped == lost
    numbers = [frame.pixels[0, 0] for frame in read_sweep(path).frames]
    assert numbers == [*range(4 - lost), 4, 5, 6, 7]


def test_a_slow_disk_never_holds_up_the_receiver_and_losses_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("CRLMSegmentationLib.sweep.recorder._QUEUE_BYTES", 5 * 24)
    recorder = Recorder(tmp_path / "a.igs.mha")
    gate = threading.Event()
    fast = recorder._stream

    class Slow:
        def write(self, data):
            gate.wait(600)
            return fast.write(data)

        def __getattr__(self, name):
            return getattr(fast, name)

    recorder._stream = Slow()
    for number in range(20):
        recorder.add(make_frame(number))
    assert recorder.dropped >= 14 and "too slow" in recorder.problem
    gate.set()
    (path,) = recorder.stop()
    assert len(read_sweep(path)) == recorder.frames == 20 - recorder.dropped


def test_a_folder_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match="cannot be recorded"):
        Recorder(tmp_path / "file" / "a.igs.mha")


def test_a_folder_that_is_removed_meanwhile_comes_back_with_all_frames(tmp_path, monkeypatch):
    monkeypatch.setattr("CRLMSegmentationLib.sweep.recorder._CHECK_DISK_EVERY_S", 0.01)
    recorder = Recorder(tmp_path / "sweeps" / "a.igs.mha")
    recorder.add(make_frame(0))
    wait_for(recorder, 1)
    shutil.rmtree(tmp_path / "sweeps")
    recorder.add(make_frame(1))
    wait_for(recorder, 2)
    shutil.rmtree(tmp_path / "sweeps", ignore_errors=True)
    recorder.add(make_frame(2))
    (path,) = recorder.stop()
    assert [frame.pixels[0, 0] for frame in read_sweep(path).frames] == [0, 1, 2] and not recorder.dropped


def test_a_folder_that_cannot_come_back_is_reported(tmp_path):
    recorder = Recorder(tmp_path / "sweeps" / "a.igs.mha")
    recorder.add(make_frame(0))
    wait_for(recorder, 1)
    shutil.rmtree(tmp_path / "sweeps")
    (tmp_path / "sweeps").write_text("something else")
    with pytest.raises(RecordingError, match="no unfinished recording"):
        recorder.stop()


def test_a_disk_that_is_nearly_full_is_told_before_it_is(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=10**9))
    recorder = Recorder(tmp_path / "a.igs.mha")
    recorder.add(make_frame(0))
    recorder.stop()
    assert "1.0 GB" in recorder.warning and not recorder.problem


def test_files_of_other_recordings_are_never_overwritten(tmp_path):
    (tmp_path / "a-2.igs.mha").write_text("precious")
    recorder = Recorder(tmp_path / "a.igs.mha")
    for number in range(4):
        recorder.add(make_frame(number, (4, 6) if number < 2 else (5, 5)))
    assert [path.name for path in recorder.stop()] == ["a.igs.mha", "a-3.igs.mha"]
    assert (tmp_path / "a-2.igs.mha").read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize("odd", [np.zeros((4, 6), bool), np.zeros((4, 6, 2), np.uint8), np.zeros((4, 6), object)])
def test_a_frame_that_no_file_can_hold_costs_itself_alone(tmp_path, odd):
    recorder = Recorder(tmp_path / "a.igs.mha")
    for number in range(3):
        recorder.add(make_frame(number).with_changes(pixels=odd) if number == 1 else make_frame(number))
    (path,) = recorder.stop()
    assert [frame.pixels[0, 0] for frame in read_sweep(path).frames] == [0, 2]
    assert recorder.dropped == 1 and "cannot be written" in recorder.problem


def test_a_recording_that_ended_takes_no_more(tmp_path):
    recorder = Recorder(tmp_path / "a.igs.mha")
    recorder.add(make_frame(0))
    recorder.stop()
    with pytest.raises(RecordingError, match="has ended"):
        recorder.add(make_frame(1))
