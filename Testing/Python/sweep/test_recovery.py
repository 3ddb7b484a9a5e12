"""The journal of a recording, cut off or damaged anywhere, becomes a file of all the whole frames in it."""

import errno
import io
import os
import time

import numpy as np
import pytest
from CRLMSegmentationLib.errors import RecordingError
from CRLMSegmentationLib.sweep import Pose, TrackedFrame, read_sweep
from CRLMSegmentationLib.sweep.journal import MAGIC, journal_entries, journal_record
from CRLMSegmentationLib.sweep.recorder import Recorder
from CRLMSegmentationLib.sweep.recovery import journal_path, recover, recover_unfinished
from CRLMSegmentationLib.sweep.sequence_files.packed_frame import pack_frame


def make_frame(number, shape=(4, 6), dtype=np.uint8):
    pose = np.eye(4)
    pose[0, 3] = number
    pixels = np.random.default_rng(number).integers(0, 200, shape).astype(dtype)
    return TrackedFrame(pixels, pose, number / 10, True, {"StylusToReference": Pose(pose)})


def record_of(number, *options):
    return journal_record(pack_frame(make_frame(number, *options)))


def write_journal(path, records):
    journal_path(path).write_bytes(MAGIC + b"".join(records))
    return journal_path(path)


def timestamps(data):
    return [float(entry.fields["Timestamp"]) for entry in journal_entries(io.BytesIO(data))]


def test_a_journal_cut_at_any_byte_gives_all_whole_frames():
    records = [record_of(number) for number in range(3)]
    whole = MAGIC + b"".join(records)
    ends = np.cumsum([len(MAGIC)] + [len(record) for record in records])
    for length in range(len(whole) + 1):
        assert len(timestamps(whole[:length])) == (ends[1:] <= length).sum()


@pytest.mark.parametrize("ending", [".igs.mha", ".igs.nrrd"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_file_of_a_cut_journal_holds_each_frame_as_it_was(tmp_path, ending, dtype):
    records = [record_of(number, (40, 60), dtype) for number in range(6)]
    path = tmp_path / f"a{ending}"
    write_journal(path, [*records[:5], records[5][:-1]])
    (made,) = recover(path)
    frames = read_sweep(made).frames
    assert made == path and len(frames) == 5 and list(tmp_path.iterdir()) == [path]
    for number, frame in enumerate(frames):
        sent = make_frame(number, (40, 60), dtype)
        assert frame.timestamp == sent.timestamp and frame.pixels.dtype == dtype
        np.testing.assert_array_equal(frame.pixels, sent.pixels)
        np.testing.assert_array_equal(frame.image_to_reference, sent.image_to_reference)
        np.testing.assert_array_equal(frame.transforms["StylusToReference"].matrix, sent.image_to_reference)


@pytest.mark.parametrize("damage", ["pixels", "header", "text", "cut out", "mark in rubbish"])
def test_a_damaged_frame_costs_that_frame_only(damage):
    records = [record_of(number) for number in range(4)]
    records[1] = {
        "pixels": records[1][:-1] + bytes([records[1][-1] ^ 1]),
        "header": b"FRMX" + records[1][4:],
        "text": records[1][:16] + b"}" + records[1][17:],
        "cut out": records[1][:40],
        "mark in rubbish": b"FRME" + b"\xff" * 12 + b"FRMEFRME" + records[1][20:],
    }[damage]
    assert timestamps(MAGIC + b"".join(records)) == [0.0, 0.2, 0.3]


def test_what_is_no_journal_is_left_alone(tmp_path):
    (tmp_path / "a.igs.mha.journal").write_bytes(b"something else altogether")
    with pytest.raises(RecordingError, match="not an interrupted recording"):
        recover(tmp_path / "a.igs.mha")
    assert (tmp_path / "a.igs.mha.journal").read_bytes() == b"something else altogether"


def test_a_recovery_cut_off_at_any_step_can_be_done_again(tmp_path, monkeypatch):
    path = tmp_path / "a.igs.mha"
    records = [record_of(number) for number in range(4)]
    write_journal(path, records)
    # Killed while the file was being made,
    (tmp_path / ".a.igs.mha.12345.partial").write_bytes(b"half of it")
    (_made,) = recover(path)
    assert list(tmp_path.iterdir()) == [path]
    # and after it was made, before the journal was removed.
    write_journal(path, records)
    before = path.read_bytes()
    assert recover(path) == [path] and path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_file_of_something_else_is_not_overwritten(tmp_path):
    path = tmp_path / "a.igs.mha"
    write_journal(path, [record_of(1), record_of(2)])
    path.write_text("precious")
    (made,) = recover(path)
    assert made.name == "a-2.igs.mha" and path.read_text(encoding="utf-8") == "precious" and len(read_sweep(made)) == 2


def test_a_file_that_cannot_be_made_leaves_the_journal(tmp_path, monkeypatch):
    path = tmp_path / "a.igs.mha"
    write_journal(
        path, [*(record_of(number) for number in range(2)), *(record_of(number, (5, 5)) for number in (3, 4))]
    )
    sync, calls = os.fsync, []

    def full_the_second_time(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full_the_second_time)
    with pytest.raises(RecordingError, match=r"No space left.*is safe in.*repair"):
        recover(path)
    assert list(tmp_path.iterdir()) == [journal_path(path)]
    monkeypatch.undo()
    assert [len(read_sweep(made)) for made in recover(path)] == [2, 2]


def test_all_recordings_of_a_folder_are_recovered_and_a_hopeless_one_is_reported(tmp_path):
    write_journal(tmp_path / "a.igs.mha", [record_of(1), record_of(2)])
    write_journal(tmp_path / "b.igs.nrrd", [record_of(3)])
    (tmp_path / "c.igs.mha.journal").write_bytes(MAGIC + b"FRME")
    seen = []
    first, second, third = recover_unfinished(tmp_path, lambda fraction, text: seen.append(fraction))
    assert [len(read_sweep(one.files[0])) for one in (first, second)] == [2, 1]
    assert "was recovered" in str(first) and not third.files and "No whole frame" in str(third)
    assert recover_unfinished(tmp_path / "nowhere") == []


def test_a_recording_too_long_for_one_header_goes_on_in_another_file(tmp_path, monkeypatch):
    monkeypatch.setattr("CRLMSegmentationLib.sweep.recovery._MOST_FRAMES_A_FILE", 2)
    write_journal(tmp_path / "a.igs.mha", [record_of(number) for number in range(5)])
    assert [len(read_sweep(path)) for path in recover(tmp_path / "a.igs.mha")] == [2, 2, 1]


def test_without_file_locks_a_recording_is_left_alone_while_it_grows_and_recovered_later(tmp_path, monkeypatch):
    """Some network drives have no locks; another program that starts there must not take a running recording for an old
    one.
    """
    import fcntl

    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    recorder = Recorder(tmp_path / "a.igs.mha")
    recorder.add(make_frame(1))
    an_hour_ago = time.time() - 3600
    assert recover_unfinished(tmp_path) == []
    os.utime(recorder.journal, (an_hour_ago, an_hour_ago))
    recorder._look_at_disk()  # as every two seconds, whether frames come or not
    assert recover_unfinished(tmp_path) == [] and recorder.journal.exists()
    assert [len(read_sweep(path)) for path in recorder.stop()] == [1]
    journal = write_journal(tmp_path / "b.igs.mha", [record_of(1), record_of(2)])
    os.utime(journal, (an_hour_ago, an_hour_ago))
    assert [recovery.files[0].name for recovery in recover_unfinished(tmp_path)] == ["b.igs.mha"]
