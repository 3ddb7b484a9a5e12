"""The navigation session, from Connect to Navigate, in parts with their own state and commands.

The session belongs to one thread, the one that owns the scene: its methods are called there, and none of them waits
for the network, the disk or a computation. What takes long runs elsewhere, and process(), called by a timer, takes in
what has come of it. A result is only shown while it belongs to what it was made from: a new sweep makes the volume
stale, a new volume or box makes the tumor stale, and what is stale is hidden, gives no distance, and is left out of
saved scenes.

Here the parts are put together, and nothing else. A front end uses the part that it shows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..mrml.application import Application, current_application
from ..mrml.scene_nodes import SceneNodes
from ..mrml.scene_view import SceneView
from ..mrml.scene_watch import SceneWatch
from ..navigation.tool_transforms import DEFAULT_TOOL
from ..tracking.age import TrackingClock
from ..values.defaults import DEFAULT_SAFETY_MARGIN_MM
from .attached import Attached
from .box import BoxPart
from .case import saving
from .case.case import CasePart
from .case.case_facts import facts_in, put_facts
from .engine import Engine
from .faults import Faults
from .frame_source import FrameSource
from .jobs.jobs import Jobs
from .live_image import LiveImage
from .recording import RecordingPart
from .state import SessionState, Step, StepStatus
from .stream import StreamPart
from .structures import StructuresPart
from .tools import ToolReading, Tools
from .tumor.tumor import TumorPart
from .volume import VolumePart
from .workflow import Workflow

_PAUSE_S = 0.001


class Session:
    """One case, from the live stream to the distance of the tools.

    application  None takes that of the running Slicer, or makes a scene of its own outside of it
    margin_mm    within which a tool tip is warned of
    tool_names   tools that are looked for in live frames, beside those that are calibrated or came by tools.update()
    yields       True when process() gives the other threads of Python a moment; None for what the application needs

    stream      what is connected, and the live image
    recording   recordings, and the sweep
    volume      what is reconstructed of the sweep
    box         around the tumor
    engine      the model, warm in a process of its own
    tumor       what is found in the box, and what a hand makes of it
    structures  what is drawn around the tumor: margin, uncertainty, outlines on the live image
    tools       where tracked tools are, and how far from the tumor
    case        whose data these are, saved and opened as a whole
    jobs        what is being computed
    nodes       where all of it is in the scene
    """

    def __init__(
        self,
        application: Application | None = None,
        margin_mm: float = DEFAULT_SAFETY_MARGIN_MM,
        tool_names: tuple[str, ...] = (DEFAULT_TOOL,),
        yields: bool | None = None,
    ):
        self.application = application or current_application()
        # The idle event loop of 3D Slicer keeps Python to itself: other threads stand still without this.
        self._yields = self.application.in_slicer if yields is None else bool(yields)
        workflow = self._workflow = Workflow()
        clock, scene = TrackingClock(), self.scene
        self._faults = Faults(workflow)
        self.jobs = Jobs(workflow)
        self.engine = Engine()
        case = self.case = CasePart(self, workflow)
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
        self.structures = StructuresPart(workflow, image, self.tools, lambda: self.tumor.result, faults.report)
        self.tumor = TumorPart(
            workflow, self.jobs, self.volume, self.box, self.engine, case.clock, self.structures.set_tumor,
            lambda: case.origin == "simulated", self._faults.report,
        )  # fmt: skip
        self._attached: list[Attached] = []
        self.nodes = SceneNodes(self)
        self.view = SceneView(self, self.application)
        self.attach(self.view)
        self._watch = SceneWatch(
            scene, self._faults, self._on_scene_closed, self._on_nodes_loaded, self._on_nodes_removed
        )
        self._adopt()
        workflow.add_listener(lambda state: self._put_facts())

    @property
    def scene(self):
        """The vtkMRMLScene."""
        return self.application.scene

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
        self._workflow.tell()

    def attach(self, attached: Attached) -> None:
        """Process `attached` with the session from now on, and close it with the session."""
        self._attached.append(attached)

    def process(self, now_s: float | None = None) -> None:
        """Take in what has arrived and what has been computed; called by a timer, 20 to 40 times a second.

        Never raises. When a part fails, the others go on, `fault` says so, and image and tools are shown as lost until
        a second has passed without another failure.
        """
        began_s = time.monotonic()
        now_s = began_s if now_s is None else now_s
        with self._faults.caught(now_s):
            self._watch.take_over()
        if self._watch.is_changing:
            # A timer that comes in between would make nodes beside those that are on their way.
            return
        with self._workflow.held():
            self._faults.begin(now_s)
            before = self._faults.count
            for part in (
                lambda: self.stream.process(now_s, lambda: now_s + time.monotonic() - began_s),
                lambda: self.recording.process(now_s), self.jobs.process, self.tumor.process, self.structures.process,
                self.case.check_source, lambda: self.refresh(now_s),
                *(lambda one=one: one.process(now_s) for one in self._attached),
            ):  # fmt: skip
                with self._faults.caught(now_s):
                    part()
            if self._faults.count > before:
                # What was brought up to date before the part that failed is hidden, too.
                for one in self._attached:
                    with self._faults.caught(now_s):
                        one.hide_live()
        if self._yields and self.is_busy:
            time.sleep(_PAUSE_S)

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
            or self._watch.is_changing
            or any(one.is_busy for one in self._attached)
        )

    @property
    def is_busy(self) -> bool:
        """True while other threads have work: a stream is connected, or something is being computed."""
        return self.stream.source is not None or self.is_computing

    def close(self) -> None:
        """Let go of the scene: no observer, listener, thread or process is left. The nodes stay. Can be repeated."""
        self._watch.close()
        for one in self._attached:
            one.close()
        self.case.show_hidden()
        self._workflow.close()
        self.stream.close()
        self.jobs.cancel()
        self.recording.close()
        self.engine.close()
        self.jobs.close()
        self.tumor.close()
        self.structures.close()

    # What one part does to others

    def _on_source(self, source: FrameSource | None) -> None:
        """Another source is connected, or none any more."""
        if source is None:
            self.case.source.disconnect()
        else:
            self.case.source.connect(source)
        self.case.check_source()

    def _on_delay(self, estimate) -> None:
        if estimate.is_known:
            self.stream.image_delay_s = estimate.image_delay_s if estimate.is_to_be_set else 0.0

    def _on_volume(self) -> None:
        """There is another volume, or none any more."""
        self.box.update_status()
        self.tumor.make_stale()

    def drop(self, keep_calibration: bool = True) -> None:
        """Forget the case, and take its nodes out of the scene; see CasePart.begin()."""
        with self._watch.paused():
            self.tools.forget(keep_calibration)
            self._forget()
            saving.remove_results(self.scene)

    # The scene as somebody else changes it

    @contextmanager
    def scene_replaced(self) -> Iterator[None]:
        """For who loads another scene into this session: go on from what is in it afterwards."""
        with self._workflow.held():
            try:
                with self._watch.paused():
                    self.tools.forget()
                    self._forget()
                    yield
            finally:
                self._adopt()
                self.case.check_source()

    def complete_scene(self) -> None:
        """Have the scene hold all of the recorded sweep now, for who is about to save it.

        After recording.stop() its Sequence browser is completed bit by bit by process(), and nothing of it goes into
        saved scenes before that. is_computing tells, and case.save() needs not wait for it. What is hidden because of
        `case.question` is shown again until the next process(), so that it is not saved as hidden.
        """
        self.case.show_hidden()
        with self._workflow.held():
            self.view.complete_scene()

    def _on_scene_closed(self) -> None:
        self.tools.forget()
        self._forget()
        self.case.source.begin()
        self.case.check_source()
        self._workflow.tell()

    def _on_nodes_loaded(self, loaded: list) -> None:
        """Somebody has loaded nodes of a session, of a saved case or scene: what they hold is gone on from.

        Results take the place of those that are there. Of image and tools those stay that are there already: they are
        live, and what was saved of them is not.
        """
        with self._workflow.held(), self._watch.paused():
            is_case = any(saving.is_result(node) for node in loaded)
            if is_case:
                self._forget()
                saving.remove_results(self.scene, loaded)
            saving.remove_doubles(self.scene, loaded)
            if is_case:
                self._adopt()
            else:
                self.tools.restore(self.view.tools.calibrations())
                self.stream.image.refresh()
            self.case.check_source()

    def _on_nodes_removed(self) -> None:
        """What was deleted is not there any more, and neither is what was made from it; shells and tools come back."""
        with self._workflow.held():
            self.view.check_nodes()
            self.case.check_source()

    def _put_facts(self) -> None:
        if not self._watch.is_changing:
            with self._watch.paused():
                put_facts(self, is_empty=self.case.is_empty)

    def _forget(self) -> None:
        """As at the beginning; jobs that still run will be refused."""
        self.jobs.cancel()
        self._workflow.start_anew()
        for part in (self.box, self.tumor, self.structures, self.volume, self.recording, self.case):
            part.forget()
        self._workflow.set(Step.CONNECT, StepStatus.READY)

    def _adopt(self) -> None:
        """Take over what the scene already holds. Image and tools in it are not live, and nothing of it was saved as a
        case by this session.
        """
        facts = facts_in(self.scene)
        self.case.never_saved()
        self._workflow.set(Step.CONNECT, StepStatus.READY)
        self.recording.restore(self.view.sweep.read())
        self.volume.restore(*self.view.volume.read())
        box, problem = self.view.box.read()
        self.box.restore(box, facts.box_is_tight, problem)
        self.stream.image.lose()
        self.tools.restore(self.view.tools.calibrations())
        if not self.case.is_empty:
            self.case.source.begin(facts.origin, identity="")
            if facts.margin_mm is not None:
                self.structures.restore_margin_mm(facts.margin_mm)
            else:
                self.structures.restore_margin_mm(self.structures.margin_mm)
        self.tumor.restore_saved(self.view.tumor.saved(), facts)
        if self.tumor.state is not None:
            self.structures.restore_uncertainty(facts.shows_uncertainty)
