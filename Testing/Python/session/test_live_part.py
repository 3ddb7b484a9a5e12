"""Outline live, in a session: image and outline are of one frame, and nothing old is shown as new.

The network is played by the test (fixtures/fake_worker.py), and the times of the clock are given where they matter.
"""

import time

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.inference.engine import WorkerPredictor
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.live.live_tumor import LiveTumor
from CRLMSegmentationLib.session.live.frame_engine import FrameEngine, RunningNetwork
from CRLMSegmentationLib.session.live.live_part import LivePart
from CRLMSegmentationLib.session.live_image import LiveImage
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.sweep import TrackedFrame
from CRLMSegmentationLib.tracking.age import TrackingClock
from dark_model import dark_model  # noqa: F401
from fake_worker import fake_workers  # noqa: F401

LONGEST_S = 600
SHAPE = (40, 50)


def frame(number, valid=True):
    pose = np.diag([0.5, 0.5, 1.0, 1.0])
    pose[2, 3] = number
    return TrackedFrame(np.full(SHAPE, number, np.uint8), pose if valid else None, 10 + number / 10, valid)


def until(condition, step=lambda: None):
    ends = time.monotonic() + LONGEST_S
    while not condition():
        assert time.monotonic() < ends
        step()
        time.sleep(0.002)


class Played:
    """A part whose network is played by the test."""

    def __init__(self, folder, workers):
        self.workers, self.boxes, self.shown, self.changes = workers, [], [], 0
        self.image = LiveImage(TrackingClock())
        self.image.frame_shown.connect(lambda frame: self.shown.append(frame))

        def begin(name, settings):
            predictor = WorkerPredictor(load_model(folder), "cpu", connect=workers)
            return RunningNetwork(predictor, LiveTumor(predictor, settings))

        from CRLMSegmentationLib.reconstruction import ReconstructionSettings

        self.engine = FrameEngine(begin)
        self.engine.choose(folder)
        self.reported = []
        self.part = LivePart(self.image, ReconstructionSettings, self.boxes.append, self.reported.append, self.engine)
        self.part.changed.connect(self._changed)

    def _changed(self):
        self.changes += 1

    def begin(self):
        self.part.start()
        until(lambda: self.engine.live is not None)
        worker = self.workers.wait_for(1)
        worker.is_ready()
        until(lambda: self.part.status.state == "on")
        return worker

    def comes(self, one):
        """A frame comes as it does in StreamPart.show()."""
        now_s = time.monotonic()
        held = self.part.take(one, now_s, now_s)
        if not held:
            self.image.show(one, now_s, now_s)
        return held

    def answered(self, worker, number, value=0.9):
        live = self.engine.live
        before = live.status.outlined
        worker.answers(worker.wait_for_requests(number), value)
        until(lambda: live.status.outlined > before)
        self.part.process()


@pytest.fixture
def played(dark_model, fake_workers):  # noqa: F811
    made = Played(dark_model, fake_workers)
    yield made
    made.part.close()


def test_an_image_waits_for_its_outline_once_outlines_come(played):
    worker = played.begin()
    first, second, third = frame(1), frame(2), frame(3)
    assert not played.comes(first) and played.image.frame is first and played.part.outline is None
    played.answered(worker, 1)
    assert played.part.outline.outline.frame is first
    assert played.comes(second) and played.image.frame is first and played.part.outline.outline.frame is first
    assert played.comes(third)
    played.answered(worker, 2)
    assert played.image.frame is second and played.part.outline.outline.frame is second
    played.answered(worker, 3)
    assert played.image.frame is third and played.reported == [second, third]
    assert played.shown == [first, second, third]


def test_an_outline_is_never_drawn_on_another_frame(played):
    worker = played.begin()
    played.comes(frame(1))
    played.comes(frame(2))
    played.answered(worker, 1)
    # The second frame is on the screen already: the first does not come back, and its outline is not shown.
    assert [one.timestamp for one in played.shown] == [10.1, 10.2] and played.part.outline is None


@pytest.mark.real_ages
def test_when_no_outline_comes_the_newest_image_is_shown_without(played, monkeypatch):
    worker = played.begin()
    now = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    played.comes(frame(1))
    worker.wait_for_requests(1)
    monkeypatch.undo()
    worker.answers(worker.requests[0], 0.9)
    assert played.engine.live.outliner.wait(LONGEST_S)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    played.part.process()
    assert played.part.outline is not None
    now[0] += 0.2
    late = frame(2)
    assert played.comes(late) and played.part.outline is not None
    now[0] += 0.15
    # Its frame is older than 0.3 s: the outline disappears, and the newest frame is shown.
    played.part.process()
    assert played.part.outline is None and played.image.frame is late
    assert not played.comes(frame(3))


def test_a_frame_without_a_pose_is_shown_without_an_outline(played):
    worker = played.begin()
    played.comes(frame(1))
    played.answered(worker, 1)
    played.comes(frame(2, valid=False))
    played.answered(worker, 2)
    assert played.image.frame.timestamp == 10.2 and played.part.outline is None
    assert played.part.status.frames.outlined == 2


def test_a_worker_that_dies_is_reported_and_images_go_on(played):
    worker = played.begin()
    played.comes(frame(1))
    worker.wait_for_requests(1)
    worker.dies("out of memory")
    until(lambda: played.part.status.frames.failed == 1, played.part.process)
    assert played.part.status.state == "starting" and "out of memory" in played.part.status.message
    shown = frame(2)
    assert not played.comes(shown) and played.image.frame is shown
    second = played.workers.wait_for(2)
    second.is_ready()
    until(lambda: played.part.status.state == "on")
    last = frame(3)
    played.comes(last)
    played.answered(second, 1)
    assert played.part.outline.outline.frame is last


def test_a_model_that_cannot_be_loaded_is_reported(played, tmp_path):
    played.engine._begin = lambda name, settings: load_model(tmp_path)
    played.part.start()
    until(lambda: played.part.status.state == "failed")
    assert "model.json" in played.part.status.message
    assert not played.comes(frame(1)) and played.part.outline is None
    played.part.stop()
    assert played.part.status.state == "off" and not played.part.is_on


def test_the_box_of_what_was_gathered_is_proposed_and_taken(played):
    with pytest.raises(ConfigurationError, match="No box is proposed"):
        played.part.accept_box()
    worker = played.begin()
    for number in range(1, 9):
        played.comes(frame(number))
        worker.wait_for_requests(number)
        marked = np.zeros((1, 1, *SHAPE), np.float32)
        marked[0, 0, 10:30, 15:35] = 0.95
        worker.block.write(marked)
        worker.says(**{"is": "done", "number": number, "device": "cpu", "runtime": "fake"})
        assert played.engine.live.outliner.wait(LONGEST_S)
        played.part.process()
    assert played.engine.live.evidence.wait(LONGEST_S)
    pace = iter(range(10**6))
    until(
        lambda: played.part.proposal is not None and played.part.proposal.volume_ml > 0.5,
        lambda: played.part.process(1e6 + 100 * next(pace)),
    )
    assert played.part.evidence.seen.any()
    played.part.accept_box()
    (box,) = played.boxes
    np.testing.assert_allclose(box.center_ras[:2], (12.25, 9.75), atol=0.6)
    assert (box.size_mm >= 25).all()
    # Another patient, or another sweep: nothing of before is proposed.
    played.part.forget()
    assert played.part.proposal is None and played.part.evidence is None and played.part.outline is None
    played.part.process(1e9)
    until(lambda: played.part._proposing is None or played.part._proposing.has_ended)
    played.part.process(1e9)
    assert played.part.proposal is None


def test_a_proposal_that_is_still_computed_for_the_case_before_is_not_taken(played, monkeypatch):
    worker = played.begin()
    played.comes(frame(1))
    played.answered(worker, 1)
    until(lambda: played.part._proposing is None, lambda: played.part.process(0.0))
    monkeypatch.setattr(LiveTumor, "evidence_and_box", lambda live: ("old evidence", "old box"))
    played.part.process(1e6)
    played.part.forget()
    until(lambda: played.part._proposing.has_ended)
    played.part.process(1e6 + 1)
    assert played.part.proposal is None and played.part.evidence is None


def test_changes_are_reported_once(played):
    worker = played.begin()
    played.comes(frame(1))
    played.answered(worker, 1)
    played.part._next_proposal_s = 1e12
    played.part.process()
    until(lambda: played.part._proposing is None or played.part._proposing.has_ended)
    played.part.process()
    before = played.changes
    for _ in range(3):
        played.part.process()
    assert played.changes == before
    played.comes(frame(2))
    played.answered(worker, 2)
    assert played.changes == before + 1


def test_a_session_outlines_what_its_stream_shows(dark_model, fake_workers, monkeypatch):  # noqa: F811
    session = Session()
    try:
        assert not session.live.is_on and session.live.status.state == "off"
        one = frame(1)
        session.stream.show_frame(one)
        assert session.stream.image.frame is one and session.live.outline is None

        def begin(name, settings):
            predictor = WorkerPredictor(load_model(dark_model), "cpu", connect=fake_workers)
            return RunningNetwork(predictor, LiveTumor(predictor, settings))

        session.live._engine._begin = begin
        session.live.choose_model(dark_model)
        session.live.start()
        worker = fake_workers.wait_for(1)
        worker.is_ready()
        until(lambda: session.live.status.state == "on", session.process)
        two = frame(2)
        session.stream.show_frame(two)
        worker.answers(worker.wait_for_requests(1), 0.9)
        until(lambda: session.live.outline is not None, session.process)
        assert session.live.outline.outline.frame is two is session.stream.image.frame
        three = frame(3)
        session.stream.show_frame(three)
        assert session.stream.image.frame is two
        worker.answers(worker.wait_for_requests(2), 0.9)
        until(lambda: session.stream.image.frame is three, session.process)
        assert session.live.outline.outline.frame is three
        session.forget_case()
        assert session.live.outline is None and session.live.is_on
    finally:
        session.close()
    assert not session.live.is_on
