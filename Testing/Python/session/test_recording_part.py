"""Recordings as a plain part: what its events say, to whom shows the sweep."""

from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import RecordingError
from CRLMSegmentationLib.session.case.case_clock import CaseClock
from CRLMSegmentationLib.session.case.case_source import CaseSource
from CRLMSegmentationLib.session.jobs.jobs import Jobs
from CRLMSegmentationLib.session.recording import RecordingPart
from CRLMSegmentationLib.session.state import Step
from CRLMSegmentationLib.session.volume import VolumePart
from CRLMSegmentationLib.session.workflow import Workflow
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame

FRAMES = [TrackedFrame(np.ones((4, 4), np.uint8), np.eye(4), 0.1 * number) for number in range(3)]
LINE = "3 frames, 3 with a valid pose"


@pytest.fixture
def part():
    """A recording that is not reconstructed live, with a list of its events."""
    workflow, events = Workflow(), []
    jobs = Jobs(workflow)
    volume = VolumePart(workflow, jobs, lambda: None)
    recording = RecordingPart(
        workflow, jobs, volume, CaseClock(), CaseSource(lambda: ""), lambda: None, lambda identity: None,
        lambda: None, lambda estimate: None,
    )  # fmt: skip
    recording.live_reconstruction = False
    recording.started.connect(lambda: events.append("started"))
    recording.frame_added.connect(events.append)
    recording.stopped.connect(lambda sweep: events.append(("stopped", sweep)))
    recording.sweep_changed.connect(lambda: events.append(("sweep", recording.sweep)))
    yield SimpleNamespace(recording=recording, volume=volume, state=workflow.state, events=events)
    recording.close()
    jobs.close()


def test_who_shows_a_recording_follows_its_events(part):
    part.recording.add(FRAMES[0])
    part.recording.start()
    for frame in FRAMES:
        part.recording.add(frame)
    assert part.recording.sweep is None
    sweep = part.recording.stop()
    assert part.events == ["started", *sweep.frames, ("stopped", sweep), ("sweep", sweep)]
    assert part.recording.sweep is part.volume.sweep is sweep


def test_a_recording_without_a_frame_leaves_the_sweep(part):
    earlier = Sweep(FRAMES)
    part.recording.set_sweep(earlier)
    part.recording.start()
    with pytest.raises(RecordingError, match="No frame"):
        part.recording.stop()
    assert part.events == [("sweep", earlier), "started", ("stopped", None)] and part.recording.sweep is earlier


def test_a_sweep_that_is_forgotten_is_none_while_a_recording_goes_on(part):
    part.recording.set_sweep(Sweep(FRAMES))
    part.recording.start()
    part.recording.forget()
    assert part.events[-1] == ("sweep", None) and part.volume.sweep is None and part.recording.state is not None


def test_a_remark_stands_beside_the_steps_line_until_it_ends(part):
    part.recording.set_sweep(Sweep(FRAMES))
    for remark in ("half of it is there", "most of it is there"):
        part.recording.set_remark(remark)
        assert part.state[Step.RECORD].message == f"{LINE}; {remark}"
    part.recording.set_remark("")
    assert part.state[Step.RECORD].message == LINE
    part.recording.set_remark("half of it is there")
    part.recording.set_sweep(Sweep(FRAMES[:2]))
    part.recording.set_remark("")
    assert part.state[Step.RECORD].message.startswith("2 frames")
