"""What a front end needs to know of the session, as plain values."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

# Sentences by which a part refuses a command; the actions say the same before the command is given.
RECORDING_GOES_ON = "A recording is going on already; stop it first."
FORMER_IMAGE = "What this case holds was recorded with the former calibration of the image; record the sweep anew."
NO_RECORDING = "No recording is going on; start one first."
NO_PROPOSAL = "No box is proposed yet: outline live, and sweep over the tumor."
NO_SWEEP = "There is no sweep to make a volume of; record one first."
NO_BOX = "There is no box; place one around the tumor first."
NO_PROBABILITY = "There is no probability to cut; segment the box first."
NOTHING_COMES = "Connect first: nothing comes that could be calibrated."
NO_CALIBRATION = "No calibration is going on; begin one first."
NO_RESULT = "There is no result to take; calibrate first."
NOTHING_MEASURED = "Nothing was measured yet: touch the targets of a phantom first."
NOTHING_ACCEPTED = "No calibration was taken yet: there is nothing to keep."
CT_BUSY = "Something is being done with a CT: wait until that has ended, or cancel it."
NO_LIVE_VIDEO = "Only a video that happens now can be recorded: connect to its images, or open a capture device first."
NOT_RECORDED = "The video is not being recorded."
NO_FOLDER = "There is no folder for recordings: choose one first."
NO_VIDEO = "No video of a laparoscope is open."
NO_LINES = "No landmark is seen in this frame: show the liver's ridge, its ligament or its outline."
NO_SCOPE_MODEL = "No model of the liver is open for the laparoscope: open one first."
NO_CAMERA = "The camera is not known: open the file that crlm scope calibrate writes."
SCOPE_BUSY = "The model is being registered: wait until that has ended."
NOT_ALIGNED = "The model is not being laid over the video by hand; begin that first."
SCOPE_CALIBRATING = "The laparoscope's camera is being calibrated: end or discard that first."
NO_SCOPE_BOARDS = "The laparoscope's camera is not being calibrated; begin that first."
NO_SCOPE_RESULT = "No camera was found that could be taken: calibrate it first."
NO_CT = "No CT is open; open a DICOM folder, a volume or an earlier result first."
NO_CT_VOXELS = "Of this CT there are masks alone; open its DICOM folder or volume first."
NO_CT_RESULT = "Nothing was found in this CT yet; segment it, or open its labels first."
NOTHING_SEEN = "The ultrasound has seen nothing yet that the landmarks could be checked against; record a sweep first."
IS_SAVING = "The case is being saved: wait until that has ended."
TUMOR_BEING_FOUND = "The tumor is being found: wait until that has ended, or cancel it."
BEING_FOUND = "The tumor is being found: wait until that has ended, or cancel it, then correct."


class Step(Enum):
    """The workflow, in its order."""

    CONNECT = "Connect"
    RECORD = "Record"
    RECONSTRUCT = "Reconstruct"
    BOX = "Box"
    SEGMENT = "Segment"
    NAVIGATE = "Navigate"


class StepStatus(Enum):
    """How far a step is."""

    WAITING = "waiting"  # an earlier step is to be done first
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    STALE = "out of date"  # was done, but what it was made from has changed
    FAILED = "failed"


@dataclass
class StepState:
    """status, and one sentence for people ('' when there is nothing to say)."""

    status: StepStatus = StepStatus.WAITING
    message: str = ""


@dataclass
class SessionState:
    """The state of all steps.

    steps      StepState of every Step
    timings_s  seconds that each step last took: receive, record, reconstruct, crop, segment, surface, total, ...
    progress   0 to 1 of the step that is running
    doubts     sentences that speak against the segmentation on the screen
    doubts_acknowledged  True when there are none, or a person has said that he has seen all of them
    fault      what went wrong in the program itself within the last second, for people; '' when nothing did
    notices    other sentences for people, the newest last: a recording that was recovered, a disk that is filling up
    """

    steps: dict[Step, StepState] = field(default_factory=lambda: {step: StepState() for step in Step})
    timings_s: dict[str, float] = field(default_factory=dict)
    progress: float = 0.0
    doubts: tuple[str, ...] = ()
    doubts_acknowledged: bool = True
    fault: str = ""
    notices: tuple[str, ...] = ()

    def __getitem__(self, step: Step) -> StepState:
        return self.steps[step]

    def status(self, step: Step) -> StepStatus:
        return self.steps[step].status

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Write down how long the block takes."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.timings_s[name] = time.perf_counter() - started
