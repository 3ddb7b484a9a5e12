"""The navigation session, from Connect to Navigate, in parts with their own state and commands.

The session belongs to one thread, that of its front end: its methods are called there, and none of them waits for
the network, the disk or a computation. What takes long runs elsewhere, and process(), called by a timer, takes in what
has come of it. A result is only shown while it belongs to what it was made from: a new sweep makes the volume
stale, a new volume or box makes the tumor stale, and what is stale is hidden, gives no distance, and is left out of
saved scenes.

Here the parts are put together, and nothing else. A front end uses the part that it shows. What shows all of it, such
as mrml.scene_view.SceneView, is attached from outside; without it a session is plain values.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from ..navigation.tool_transforms import DEFAULT_TOOL
from ..tracking.age import TrackingClock
from ..values.defaults import DEFAULT_SAFETY_MARGIN_MM
from .accuracy.accuracy_part import AccuracyPart
from .attached import Attached
from .box import BoxPart
from .calibration.calibration_part import CalibrationPart
from .case.case import CasePart
from .case.contents import CaseContents
from .case.restoring import restore_case
from .engine import Engine
from .faults import Faults
from .frame_source import FrameSource
from .hands_free.hands_free_part import HandsFreePart
from .jobs.jobs import Jobs
from .jobs.yielding import pause_s
from .laparoscope.laparoscope_part import LaparoscopePart
from .live.live_part import LivePart
from .live_image import LiveImage
from .preoperative.preoperative_part import PreoperativePart
from .publishing.publishing_part import PublishingPart
from .recording import RecordingPart
from .screen import ScreenPart
from .state import SessionState, Step, StepStatus
from .stream import StreamPart
from .structures import StructuresPart
from .tools import ToolReading, Tools
from .tumor.tumor import TumorPart
from .tumors.tumors_part import TumorsPart
from .volume import VolumePart
from .workflow import Workflow

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ..calibration.timing_estimate import TimingEstimate
    from ..navigation.distance import TumorDistance
    from ..sweep import TrackedFrame


class Session:
    """One case, from the live stream to the distance of the tools.

    margin_mm    within which a tool tip is warned of
    tool_names   tools that are looked for in live frames, beside those that are calibrated or came by tools.update()
    yields       True when process() gives the other threads of Python a moment, which the idle event loop of 3D Slicer
                 keeps from them; a receiver has no thread of its own then

    stream      what is connected, and the live image
    recording   recordings, and the sweep
    volume      what is reconstructed of the sweep
    live        the tumor in each live frame, and the box that follows from many
    box         around the tumor
    engine      the model, warm in a process of its own
    tumor       what is found in the box, and what a hand makes of it
    tumors      all tumors of the case; box and tumor are those of the chosen one
    structures  what is drawn around the tumor: margin, uncertainty, outlines on the live image
    tools       where tracked tools are, and how far from the tumor
    accuracy    how far off these distances may be
    publishing  tumor and distances for other programs
    screen      whether the views alone are to be seen
    hands_free  what keys and foot switches ask for
    calibration a stylus or a probe, calibrated from the live stream
    preoperative  the CT before the operation, in a frame of its own
    laparoscope   its video, landmarks in it, and a model of the liver over it
    case        whose data these are, saved and opened as a whole
    jobs        what is being computed
    """

    def __init__(
        self,
        margin_mm: float = DEFAULT_SAFETY_MARGIN_MM,
        tool_names: tuple[str, ...] = (DEFAULT_TOOL,),
        yields: bool = False,
    ) -> None:
        self._yields = yields
        workflow = self._workflow = Workflow()
        clock = TrackingClock()
        self._faults = Faults(workflow)
        self.jobs = Jobs(workflow)
        self.engine = Engine()
        case = self.case = CasePart(self, workflow, self._faults.report)
        faults = self._faults
        self.tools = Tools(clock, margin_mm, lambda: case.question is None, faults.are_none, faults.report)
        image = LiveImage(clock, faults.are_none, faults.report)
        self.volume = VolumePart(workflow, self.jobs, self._on_volume, faults.report)
        self.recording = RecordingPart(
            workflow, self.jobs, self.volume, case.clock, case.source, lambda: self.stream.source,
            case.begin_from_file, case.check_source, self._on_delay, faults.report,
        )  # fmt: skip
        self.stream = StreamPart(
            workflow, image, self.tools, tool_names, self.recording, self._faults, not self._yields,
            self._on_source,
        )  # fmt: skip
        self.box = BoxPart(
            workflow, self.volume, lambda: self.engine.margin_mm, lambda: self.tumor.make_stale(), faults.report
        )
        self.live = LivePart(
            image, lambda: self.volume.settings, lambda box: self.tumors.place(box), self._on_held_shown,
            on_error=faults.report,
        )  # fmt: skip
        self.stream.hold_back = self.live.take
        self.recording.started.connect(self.live.forget)
        self.structures = StructuresPart(workflow, image, self.tools, lambda: self.tumor.result, faults.report)
        self.tumor = TumorPart(
            workflow, self.jobs, self.volume, self.box, self.engine, case.clock, self._on_tumor,
            lambda: case.origin == "simulated", self._faults.report,
        )  # fmt: skip
        self.accuracy = AccuracyPart(
            lambda: self.recording.sweep, lambda: self.tumor.result, lambda: self.tumor.has_hand_corrections,
            lambda: case.origin == "simulated",
        )  # fmt: skip
        self.tools.budget = self.accuracy.budget
        self.tumors = TumorsPart(
            workflow, self.jobs, self.volume, self.box, self.tumor, self.structures, self.tools,
            self.recording, faults.report,
        )  # fmt: skip
        self.accuracy.other, self.accuracy.remark = self.tumors.get, lambda: self.tools.remark
        self.calibration = CalibrationPart(
            self.stream, self.tools, self.accuracy, lambda: self.recording.state is not None,
            lambda: self.volume.has_any or self.recording.sweep is not None, self.report, faults.report,
        )  # fmt: skip
        self.preoperative = PreoperativePart(self.volume, self.recording, self.tools, faults.report, workflow.edited)
        self.laparoscope: LaparoscopePart = LaparoscopePart(faults.report, self.preoperative.place_of)
        self._surface: vtkPolyData | None = None
        self.publishing = PublishingPart(workflow, self.tools, self._surface_to_go_by, self._others_to_go_by)
        self.screen, self.hands_free = ScreenPart(workflow), HandsFreePart(self, workflow)
        self.publishing.ask = self.hands_free.ask
        self._attached: list[Attached] = []

    @property
    def state(self) -> SessionState:
        """What a front end shows of the steps."""
        return self._workflow.state

    def add_listener(self, listener: Callable[[SessionState], None]) -> Callable[[], None]:
        """Call `listener(state)` after every change; returns a function that ends it."""
        return self._workflow.add_listener(listener)

    def report(self, sentence: str) -> None:
        """Report something to people that belongs to no step's own line; see SessionState.notices."""
        self._workflow.note(sentence)
        self._workflow.notify()

    def attach(self, attached: Attached) -> None:
        """Process `attached` with the session from now on, and close it with the session."""
        self._attached.append(attached)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within the block listeners hear of nothing; at its end, once."""
        with self._workflow.held():
            yield

    @property
    def is_held(self) -> bool:
        """True within such a block: what changes meanwhile is the session's own doing."""
        return self._workflow.is_held

    def report_fault(self, error: Exception) -> None:
        """Something that is attached has failed: see fault."""
        self._faults.report(error)

    def process(self, now_s: float | None = None) -> None:
        """Take in what has arrived and what has been computed; called by a timer, 20 to 40 times a second.

        Never raises. When a part fails, the others go on, `fault` says so, and image and tools are shown as lost until
        a second has passed without another failure.
        """
        began_s = time.monotonic()
        now_s = began_s if now_s is None else now_s
        for one in self._attached:
            with self._faults.caught(now_s):
                one.take_over()
        if any(one.is_changing for one in self._attached):
            # A timer that comes in between would make nodes beside those that are on their way.
            return
        with self._workflow.held():
            self._faults.begin(now_s)
            before = self._faults.count
            parts: list[Callable[[], object]] = [
                lambda: self.stream.process(now_s, lambda: now_s + time.monotonic() - began_s),
                lambda: self._process_live(now_s), lambda: self.recording.process(now_s), self.jobs.process,
                lambda: self.calibration.process(now_s), self.preoperative.process, self.laparoscope.process,
                self.tumor.process, self.structures.process,
                self.case.process, self.hands_free.process, lambda: self.refresh(now_s),
                lambda: self.publishing.process(now_s),
                *(partial(one.process, now_s) for one in self._attached),
            ]  # fmt: skip
            for part in parts:
                with self._faults.caught(now_s):
                    part()
            if self._faults.count > before:
                # What was brought up to date before the part that failed is hidden, too.
                for one in self._attached:
                    with self._faults.caught(now_s):
                        one.hide_live()
        if self._yields and self.is_busy:
            time.sleep(pause_s(bool(self.jobs.steps) or self.tumor.is_shaping))

    def refresh(self, now_s: float | None = None) -> list[ToolReading]:
        """Bring image and tools up to date with the clock, so that silence shows; process() does it too."""
        self.stream.image.refresh(now_s)
        return self.tools.refresh(now_s)

    @property
    def fault(self) -> str | None:
        """What went wrong in process() within the last second, for people; None when nothing did."""
        return self._faults.sentence

    def wait(self, timeout_s: float = 60.0) -> bool:
        """For scripts: process until nothing is being computed any more; False when that takes longer."""
        until = time.monotonic() + timeout_s
        while True:
            self.process()
            if not self.is_computing:
                return True
            if time.monotonic() > until:
                return False
            time.sleep(0.005)

    @property
    def is_computing(self) -> bool:
        """True while a job runs, the engine starts, a recording is completed on disk and in the scene, the tumor's
        surface is made, or a scene that was loaded is still to be taken over.
        """
        return (
            bool(self.jobs.steps)
            or self.recording.is_writing
            or self.tumor.is_shaping
            or self.structures.is_busy
            or self.engine.status.state == "starting"
            or self.calibration.is_ending
            or self.preoperative.is_busy
            or self.laparoscope.is_working
            or self.case.is_saving
            or any(one.is_busy for one in self._attached)
        )

    @property
    def is_busy(self) -> bool:
        """True while other threads have work: a stream is connected, or something is being computed."""
        return self.stream.source is not None or self.laparoscope.is_playing or self.is_computing

    def close(self) -> None:
        """No listener, thread or process is left, and nothing that was attached shows it any more. Can be repeated."""
        self.case.finish_saving()
        for one in self._attached:
            one.close()
        self._workflow.close()
        self.stream.close()
        self.calibration.close()
        self.preoperative.close()
        self.laparoscope.close()
        self.live.close()
        self.jobs.cancel()
        self.recording.close()
        self.engine.close()
        self.jobs.close()
        self.tumor.close()
        self.structures.close()
        self.publishing.stop()

    # What one part does to others

    def _on_source(self, source: FrameSource | None) -> None:
        """Another source is connected, or none any more."""
        if source is None:
            self.case.source.disconnect()
        else:
            self.case.source.connect(source)
        self.calibration.on_source(source)
        self.live.forget()
        self.case.check_source()

    def _on_tumor(self, surface: vtkPolyData | None, distance: TumorDistance | None) -> None:
        """There is another tumor, or none any more."""
        self._surface = surface
        self.structures.set_tumor(surface, distance)
        self.tumors.take(surface, distance)

    def _on_held_shown(self, frame: TrackedFrame) -> None:
        """A frame that waited for its outline is on the screen."""
        source = self.stream.source
        if source is not None:
            source.shown(frame)

    def _surface_to_go_by(self) -> vtkPolyData | None:
        """Of the tumor, while it is known to belong to the patient and nothing has failed."""
        return self._surface if self.tools.may_measure() and self._faults.are_none() else None

    def _others_to_go_by(self) -> dict[int, vtkPolyData]:
        return self.tumors.current_others if self.tools.may_measure() and self._faults.are_none() else {}

    def _process_live(self, now_s: float) -> None:
        self.live.set_tumor(self.tumors.surface if self.tools.may_measure() else None)
        self.live.process(now_s)

    def _on_delay(self, estimate: TimingEstimate) -> None:
        if estimate.is_known:
            self.stream.image_delay_s = estimate.image_delay_s if estimate.is_to_be_set else 0.0

    def _on_volume(self) -> None:
        """There is another volume, or none any more."""
        self.tumors.follow_volume()
        self.box.update_status()
        self.tumor.make_stale()

    def restore(self, contents: CaseContents) -> None:
        """Go on from what a scene or a saved case holds, in place of an empty case: it counts as never saved."""
        restore_case(self, self._workflow, contents)

    def forget_case(self, keep_ct: bool = False) -> None:
        """Sweep, volume, boxes and tumors are gone, as at the beginning; jobs that still run will be refused. Tools and
        stream stay, and with keep_ct the CT, which was opened for the case that begins.
        """
        if not keep_ct:
            self.preoperative.forget()
        with self._workflow.held():
            self.jobs.cancel()
            self._workflow.start_anew()
            for part in (
                self.box, self.tumor, self.structures, self.live, self.volume, self.recording, self.tumors,
                self.accuracy, self.case, self.laparoscope,
            ):  # fmt: skip
                part.forget()
            self._workflow.set(Step.CONNECT, StepStatus.READY)
