"""A recording survives whatever happens to the program or the disk."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from CRLMSegmentationLib.errors import RecordingError
from CRLMSegmentationLib.sweep import Pose, TrackedFrame, read_sweep
from CRLMSegmentationLib.sweep.journal import MAGIC, pack_frame, read_journal
from CRLMSegmentationLib.sweep.recorder import Recorder, journal_path, recover


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


def test_a_journal_cut_at_any_byte_gives_all_whole_frames(tmp_path):
    records = [pack_frame(make_frame(number)) for number in range(3)]
    whole = MAGIC + b"".join(records)
    ends = np.cumsum([len(MAGIC)] + [len(record) for record in records])
    path = tmp_path / "a.journal"
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        assert len(list(read_journal(path))) == (ends[1:] <= length).sum()


def test_a_damaged_frame_ends_the_journal_before_it(tmp_path):
    records = [pack_frame(make_frame(number)) for number in range(3)]
    records[1] = records[1][:-1] + b"\xff"
    (tmp_path / "a.journal").write_bytes(MAGIC + b"".join(records))
    assert len(list(read_journal(tmp_path / "a.journal"))) == 1


def test_a_killed_recording_is_recovered(tmp_path):
    script = textwrap.dedent(
        """
        import sys, time, numpy as np
        from CRLMSegmentationLib.sweep import TrackedFrame
        from CRLMSegmentationLib.sweep.recorder import Recorder
        recorder = Recorder(sys.argv[1])
        for number in range(20):
            recorder.add(TrackedFrame(np.full((8, 8), number, np.uint8), np.eye(4), number / 10))
        while recorder.frames < 20:
            time.sleep(0.01)
        print("ready", flush=True)
        time.sleep(60)
        """
    )
    path = tmp_path / "a.igs.mha"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", script, path], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout.readline().strip() == b"ready"
        process.send_signal(signal.SIGKILL)
    assert not path.exists() and journal_path(path).exists()
    with pytest.raises(RecordingError, match="repair"):
        Recorder(path)
    (recovered,) = recover(path)
    assert len(read_sweep(recovered)) == 20 and not journal_path(path).exists()


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


def test_a_failing_disk_is_told_and_what_was_written_is_safe(tmp_path):
    class FullDisk:
        def __init__(self, stream):
            self.stream = stream

        def write(self, data):
            if self.stream.tell() > 600:
                raise OSError(28, "No space left on device")
            return self.stream.write(data)

        def __getattr__(self, name):
            return getattr(self.stream, name)

    recorder = Recorder(tmp_path / "a.igs.mha")
    recorder._stream = FullDisk(recorder._stream)
    for number in range(6):
        recorder.add(make_frame(number))
    (path,) = recorder.stop()
    assert 0 < len(read_sweep(path)) == recorder.frames < 6 and recorder.dropped == 6 - recorder.frames
    assert "No space left" in recorder.problem
