"""A recording of any length takes little memory, frames of several kinds are kept and reported, the disk keeps
what came.
"""

import os
import time

import numpy as np
import pytest
from CRLMSegmentationLib.errors import SequenceFileError
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, describe_sequence, read_sweep, recorded_frame, write_sweep
from CRLMSegmentationLib.sweep.recorder import Recorder
from CRLMSegmentationLib.sweep.sequence_files import pixels_on_demand


def make_frame(number, shape=(8, 12), dtype=np.uint8):
    pixels = np.random.default_rng(number).integers(0, 200, shape).astype(dtype)
    return TrackedFrame(pixels, np.eye(4), 1 + number / 10)


def wait_until(condition):
    for _ in range(2000):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("it did not happen")


@pytest.mark.parametrize("name", ["a.igs.mha", "a.igs.nrrd"])
def test_the_disk_keeps_the_pixels_and_gives_them_back(tmp_path, name):
    frames = [make_frame(number, (8, 12 if number != 3 else 5)) for number in range(6)]
    recorder = Recorder(tmp_path / name)
    kept = [recorder.add(frame) for frame in frames]
    wait_until(lambda: recorder.frames == len(frames))
    wait_until(lambda: all(frame.is_on_disk for frame in kept))
    files = []
    later = kept[4].with_changes(timestamp=9.0)
    for _ in ("recording", "recorded"):
        # While it is recorded, and from its files afterwards.
        for frame, one in zip(frames, kept):
            np.testing.assert_array_equal(one.pixels, frame.pixels)
            assert (one.image_size, one.dtype, one.timestamp) == (frame.image_size, frame.dtype, frame.timestamp)
        np.testing.assert_array_equal(later.pixels, frames[4].pixels)
        assert later.is_on_disk and later.timestamp == 9.0
        files = files or recorder.stop()
    assert not list(tmp_path.glob("*.journal"))
    assert [len(read_sweep(path)) for path in files] == [5, 1]


def test_a_file_that_is_gone_is_reported(tmp_path):
    recorder = Recorder(tmp_path / "a.igs.mha")
    kept = recorder.add(make_frame(70))
    (path,) = recorder.stop()
    path.unlink()
    with pytest.raises(SequenceFileError, match="put the file back"):
        _ = kept.pixels


def test_odd_frames_are_recorded_and_told_and_leave_the_others_together(tmp_path):
    recorder = Recorder(tmp_path / "a.igs.mha")
    assert recorder.mixture == ""
    for number in range(9):
        odd = {4: ((8, 12), np.uint16), 6: ((3, 4), np.uint8)}.get(number, ((8, 12), np.uint8))
        recorder.add(make_frame(number, *odd))
    assert "2 of 9 frames" in recorder.mixture and "uint16" in recorder.mixture and "4 x 3" in recorder.mixture
    files = recorder.stop()
    assert [[frame.timestamp for frame in read_sweep(path).frames] for path in files] == [
        [1.0, 1.1, 1.2, 1.3, 1.5, 1.7, 1.8], [1.4], [1.6],
    ]  # fmt: skip
    assert files[0].name == "a.igs.mha"


def test_a_sweep_of_mixed_pixels_is_refused():
    with pytest.raises(SequenceFileError, match="uint16"):
        Sweep([make_frame(0), make_frame(1, dtype=np.uint16)])


def test_the_disk_is_made_to_keep_what_came(tmp_path, monkeypatch):
    """A power cut costs what the disk has not been made to keep: that is asked of it while frames come."""
    synced = []
    name = "fdatasync" if hasattr(os, "fdatasync") else "fsync"
    real = getattr(os, name)
    monkeypatch.setattr(os, name, lambda descriptor: (synced.append(os.fstat(descriptor).st_size), real(descriptor)))
    recorder = Recorder(tmp_path / "a.igs.mha")
    recorder.add(make_frame(0))
    size = lambda: recorder.journal.stat().st_size  # noqa: E731
    wait_until(lambda: recorder.frames == 1 and synced and synced[-1] == size())
    first = synced[-1]
    recorder.add(make_frame(1))
    wait_until(lambda: recorder.frames == 2 and synced[-1] == size() and size() > first)
    recorder.stop()


def test_frames_that_the_sender_skipped_are_told_of_a_recording(tmp_path):
    times = [number / 30 for number in range(60) if number not in (20, 21, 40)]
    frames = [make_frame(0).with_changes(timestamp=1 + time_s) for time_s in times]
    path = write_sweep(Sweep(frames), tmp_path / "a.igs.mha")
    assert any("About 3 frames are missing" in doubt for doubt in describe_sequence(path)["doubts_about_times"])
    path = write_sweep(Sweep(frames[:15]), tmp_path / "b.igs.mha")
    assert not describe_sequence(path)["doubts_about_times"]


@pytest.mark.parametrize("name", ["a.igs.mha", "a.igs.nrrd"])
@pytest.mark.parametrize("compressed", [True, False])
def test_a_recording_is_opened_without_its_pixels(tmp_path, monkeypatch, name, compressed):
    monkeypatch.setattr(pixels_on_demand, "_CHECKPOINT_BYTES", 300)
    monkeypatch.setattr(pixels_on_demand, "_CHUNK_BYTES", 70)
    monkeypatch.setattr(recorded_frame, "_cache", recorded_frame._Cache(0))
    frames = [make_frame(number) for number in range(40)]
    path = write_sweep(Sweep(frames), tmp_path / name, compressed)
    back = read_sweep(path, in_memory=False)
    assert all(frame.is_on_disk for frame in back.frames)
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(40), 3))
    for number in order:
        np.testing.assert_array_equal(back.frames[number].pixels, frames[number].pixels)
    path.unlink()
    with pytest.raises(SequenceFileError, match="put the file back"):
        _ = back.frames[7].pixels


def test_a_damaged_recording_is_told_when_it_is_opened(tmp_path):
    path = write_sweep(Sweep([make_frame(number) for number in range(9)]), tmp_path / "a.igs.mha")
    data = path.read_bytes()
    path.write_bytes(data[:-200])
    with pytest.raises(SequenceFileError, match="cut off"):
        read_sweep(path, in_memory=False)
    path.write_bytes(data[:-300] + bytes(40) + data[-260:])
    with pytest.raises(SequenceFileError):
        read_sweep(path, in_memory=False)
