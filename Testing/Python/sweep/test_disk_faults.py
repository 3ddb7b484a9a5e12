"""Real disks that fail: full, read-only, taken away. A file system of two megabytes, in a name space of its own."""

import os
import shutil
import subprocess
import sys
import textwrap

import pytest

PREPARATION = """
import os, subprocess, sys, time
from pathlib import Path
import numpy as np
from CRLMSegmentationLib.errors import RecordingError
from CRLMSegmentationLib.sweep import TrackedFrame, read_sweep
from CRLMSegmentationLib.sweep.recorder import Recorder
from CRLMSegmentationLib.sweep.recovery import journal_path, recover_unfinished

disk = Path(sys.argv[1])
path = disk / "a.igs.mha"

def run(*command):
    subprocess.run(command, check=True)

def frame(number):
    # Noise: it takes 40 kB, compressed or not.
    return TrackedFrame(np.random.default_rng(number).integers(0, 256, (200, 200), dtype=np.uint8), np.eye(4), number)

def record(recorder, numbers):
    for number in numbers:
        recorder.add(frame(number))
        while recorder.frames + recorder.dropped <= number:
            time.sleep(0.001)

def are_whole(frames, numbers):
    assert [round(one.timestamp) for one in frames] == list(numbers), len(frames)
    for one in frames:
        np.testing.assert_array_equal(one.pixels, frame(round(one.timestamp)).pixels)

run("mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk))
recorder = Recorder(path)
record(recorder, range(10))
"""


@pytest.fixture
def on_a_small_disk(tmp_path):
    """Runs a script that goes on after PREPARATION, ten frames being recorded on the small disk."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        pytest.skip("there is no unshare to make a small disk with")
    if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", tmp_path], capture_output=True).returncode:
        pytest.skip("this system does not let a test mount a disk in a name space of its own")

    def run(script):
        code = PREPARATION + textwrap.dedent(script)
        command = ["unshare", "-rm", sys.executable, "-c", code, tmp_path]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment)
        assert done.returncode == 0, done.stderr

    return run


def test_a_full_disk(on_a_small_disk):
    on_a_small_disk(
        """
        record(recorder, range(10, 70))
        assert 35 < recorder.frames < 55 and recorder.frames + recorder.dropped == 70
        assert "No space left" in recorder.problem and "safe" in recorder.problem and "GB are free" in recorder.warning
        kept = recorder.frames
        try:
            recorder.stop()
            raise SystemExit("there was no room for the file")
        except RecordingError as error:
            assert "No space left" in str(error) and "crlm repair" in str(error)
        assert os.listdir(disk) == [journal_path(path).name]
        # Room again: the next start finishes it.
        run("mount", "-o", "remount,size=8m", str(disk))
        (recovery,) = recover_unfinished(disk)
        are_whole(read_sweep(recovery.files[0]).frames, range(kept))
        """
    )


def test_a_disk_that_becomes_read_only(on_a_small_disk):
    on_a_small_disk(
        """
        # As after an error of the disk: what is open can be written no more.
        recorder._stream.close()
        run("mount", "-o", "remount,ro", str(disk))
        recorder._stream = open(journal_path(path), "rb", buffering=0)
        record(recorder, range(10, 15))
        assert recorder.dropped == 5 and "5 frames could not be written" in recorder.problem
        try:
            recorder.stop()
            raise SystemExit("the disk is read-only")
        except RecordingError as error:
            assert "Read-only file system" in str(error) and "safe" in str(error)
        try:
            Recorder(disk / "b.igs.mha")
            raise SystemExit("the disk is read-only")
        except RecordingError as error:
            assert "choose another folder" in str(error)
        run("mount", "-o", "remount,rw", str(disk))
        (recovery,) = recover_unfinished(disk)
        are_whole(read_sweep(recovery.files[0]).frames, range(10))
        """
    )


def test_a_disk_that_is_taken_away(on_a_small_disk):
    on_a_small_disk(
        """
        run("umount", "--lazy", str(disk))
        # The folder is there still, but on another disk: the recording goes on there, with all that can still be read.
        time.sleep(2.1)
        record(recorder, range(10, 15))
        (made,) = recorder.stop()
        are_whole(read_sweep(made).frames, range(15))
        """
    )
