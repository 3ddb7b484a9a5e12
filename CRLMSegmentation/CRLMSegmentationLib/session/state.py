"""What a front end needs to know of the session, as plain values."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

from ..words import mark

# Sentences by which a part refuses a command; the actions say the same before the command is given.
RECORDING_GOES_ON = mark("A recording is going on already; stop it first.")
FORMER_IMAGE = mark(
    "What this case holds was recorded with the former calibration of the image; record the sweep anew."
)
NO_RECORDING = mark("No recording is going on; start one first.")
SIMULATED_IS_NOT_KEPT = mark("A calibration of simulated devices is not kept: it would be taken for a real one.")
OTHER_IMAGE_SIZE = mark(
    "The images have another size than they were calibrated at: the image's calibration counts no more; set the depth "
    "as it was, or calibrate the probe again."
)
NO_TIMED_SWEEP = mark("There is no sweep to measure the delay of; record a probe that moves up and down.")
OTHER_SOURCE = mark("The recording has ended, because the images come from another source now.")
MOST_TUMORS_THERE = mark("A case holds {most} tumors at most; delete one that is not needed.")
NO_PROPOSAL = mark("No box is proposed yet: outline live, and sweep over the tumor.")
NO_SWEEP = mark("There is no sweep to make a volume of; record one first.")
NO_BOX = mark("There is no box; place one around the tumor first.")
NO_PROBABILITY = mark("There is no probability to cut; segment the box first.")
NOTHING_COMES = mark("Connect first: nothing comes that could be calibrated.")
NO_CALIBRATION = mark("No calibration is going on; begin one first.")
NO_RESULT = mark("There is no result to take; calibrate first.")
NOTHING_MEASURED = mark("Nothing was measured yet: touch the targets of a phantom first.")
NOTHING_ACCEPTED = mark("No calibration was taken yet: there is nothing to keep.")
CT_BUSY = mark("Something is being done with a CT: wait until that has ended, or cancel it.")
NO_LIVE_VIDEO = mark(
    "Only a video that happens now can be recorded: connect to its images, or open a capture device first."
)
NOT_RECORDED = mark("The video is not being recorded.")
NO_FOLDER = mark("There is no folder for recordings: choose one first.")
NO_VIDEO = mark("No video of a laparoscope is open.")
NO_LINES = mark("No landmark is seen in this frame: show the liver's ridge, its ligament or its outline.")
NO_SCOPE_MODEL = mark("No model of the liver is open for the laparoscope: open one first.")
NO_CAMERA = mark("The camera is not known: open the file that crlm scope calibrate writes.")
SCOPE_BUSY = mark("The model is being registered: wait until that has ended.")
NOT_ALIGNED = mark("The model is not being laid over the video by hand; begin that first.")
SCOPE_CALIBRATING = mark("The laparoscope's camera is being calibrated: end or discard that first.")
NO_SCOPE_BOARDS = mark("The laparoscope's camera is not being calibrated; begin that first.")
NO_SCOPE_RESULT = mark("No camera was found that could be taken: calibrate it first.")
NO_SUCH_SERIES = mark("There is no series {number} in the list: open the DICOM folder again.")
SERIES_IS_NO_CT = mark("'{title}' is no CT ({kind}): choose a CT.")
NO_CT = mark("No CT is open; open a DICOM folder, a volume or an earlier result first.")
NO_CT_VOXELS = mark("Of this CT there are masks alone; open its DICOM folder or volume first.")
NO_CT_RESULT = mark("Nothing was found in this CT yet; segment it, or open its labels first.")
NOTHING_SEEN = mark(
    "The ultrasound has seen nothing yet that the landmarks could be checked against; record a sweep first."
)
IS_SAVING = mark("The case is being saved: wait until that has ended.")
TUMOR_BEING_FOUND = mark("The tumor is being found: wait until that has ended, or cancel it.")
BEING_FOUND = mark("The tumor is being found: wait until that has ended, or cancel it, then correct.")


class Step(Enum):
    """The workflow, in its order."""

    CONNECT = mark("Connect")
    RECORD = mark("Record")
    RECONSTRUCT = mark("Reconstruct")
    BOX = mark("Box")
    SEGMENT = mark("Segment")
    NAVIGATE = mark("Navigate")


class StepStatus(Enum):
    """How far a step is."""

    WAITING = "waiting"  # an earlier step is to be done first
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    STALE = mark("out of date")  # was done, but what it was made from has changed
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
