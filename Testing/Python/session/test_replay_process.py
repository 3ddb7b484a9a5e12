"""The process that serves a recording: what it says, and what becomes of it."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import StreamError
from CRLMSegmentationLib.session.recordings.replay_process import ReplayProcess
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, write_sweep
from CRLMSegmentationLib.tracking import Receiver


def recording(path, frames=3, name="Reference"):
    pixels = np.zeros((12, 16), np.uint8)
    return write_sweep(Sweep([TrackedFrame(pixels + k, np.eye(4), k / 10) for k in range(frames)], "a", {}, name), path)


def test_all_frames_come_in_the_frame_of_reference_of_the_recording(tmp_path):
    path = recording(tmp_path / "a.igs.mha", name="Tracker")
    server = ReplayProcess(path, speed=None)
    assert server.answer() is None
    with server as port, Receiver(port=port, reference="Tracker") as receiver:
        answer = server.answer()
        assert (answer.port, answer.frames, answer.problem) == (port, 3, "")
        frames = list(receiver.frames(until_closed=True))
    assert [frame.pixels[0, 0] for frame in frames] == [0, 1, 2] and all(frame.valid for frame in frames)
    assert server.answer() is None
    server.stop()


def test_what_cannot_be_served_is_said_in_a_sentence(tmp_path):
    (tmp_path / "a.igs.mha").write_bytes(b"no recording")
    with pytest.raises(StreamError, match=r"a\.igs\.mha"), ReplayProcess(tmp_path / "a.igs.mha"):
        pass


def test_a_server_that_dies_is_said_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("CRLMSegmentationLib.session.recordings.replay_process._SERVER", "no.such.module")
    with pytest.raises(StreamError, match=r"did not start .*no"), ReplayProcess(tmp_path / "a.igs.mha"):
        pass
