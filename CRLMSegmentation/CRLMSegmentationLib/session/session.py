"""The navigation session: Connect, Record, Reconstruct, Box, Segment, Navigate on the nodes of one MRML scene.

The session belongs to one thread, the one that owns the scene: its methods are called there, and none of them waits
for the network, the disk or a computation. What takes long runs elsewhere, and process(), called by a timer, takes in
what has come of it. A result is only shown while it belongs to what it was made from: a new sweep makes the volume
stale, a new volume or box makes the tumor stale, and what is stale is hidden, gives no distance, and is left out of
saved scenes.

This is the one face that front ends see; what each step does is in its own file (record_step, volume_step, box_step,
segment_step, navigate_step), and what they share in workflow and jobs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..errors import RecordingError
from ..inference.models.catalogue import CatalogueEntry, model_choices
from ..mrml import names
from ..mrml.application import Application, current_application
from ..mrml.live_image import LiveImage
from ..mrml.nodes import HiddenNodes, find
from ..mrml.scene_watch import SceneWatch
from ..mrml.tools import ToolReading, Tools
from ..reconstruction import ReconstructionSettings
from ..sweep import Sweep, TrackedFrame
from ..tracking.age import TrackingClock
from ..values import Box, Volume
from ..values.defaults import DEFAULT_BOX_EDGE_MM, DEFAULT_PORT, DEFAULT_SAFETY_MARGIN_MM
from .box_step import BoxStep
from .case import case_step
from .case.case_clock import CaseClock
from .case.case_facts import facts_in, put_facts
from .case.case_source import ORIGINS, CaseSource, file_identity, origin_of
from .engine import Engine, EngineStatus
from .faults import Faults
from .jobs.job import Job
from .jobs.jobs import Jobs
from .live_stream import LiveStream
from .navigate_step import NavigateStep
from .record_step import RecordStep
from .recordings.recording import RecordingState
from .recordings.replay import ReplaySource
from .state import SessionState, Step, StepStatus
from .stream import FrameSource, NetworkSource, with_origin
from .tumor.tumor_state import TumorState
from .tumor_step import SegmentStep
from .volume_step import VolumeStep, engines
from .workflow import Workflow

_PAUSE_S = 0.001
_NEVER_SAVED = -1


class NavigationSession:
    """One case, from the live stream to the distance of the tools.

    application  None takes that of the running Slicer, or makes a scene of its own outside of it
    margin_mm    within which a tool tip is warned of
    tool_names   tools that are looked for in live frames, beside those that are calibrated or came by update_tool()
    yields       True when process() gives the other threads of Python a moment; None for what the application needs
    """

    def __init__(
        self,
        application: Application | None = None,
        margin_mm: float = DEFAULT_SAFETY_MARGIN_MM,
        tool_names: tuple[str, ...] = (names.DEFAULT_TOOL,),
        yields: bool | None = None,
    ):
        self.application = application or current_application()
        # The idle event loop of 3D Slicer keeps Python to itself: other threads stand still without this.
        self._yields = self.application.in_slicer if yields is None else bool(yields)
        workflow = self._workflow = Workflow()
        clock = TrackingClock()
        self._clock = CaseClock()
        self._jobs = Jobs(workflow)
        self._engine = Engine()
        self._faults = Faults(workflow)
        self._source = CaseSource(self._holding)
        self._hidden, self._asked = HiddenNodes(self.scene), None
        self.tools = Tools(self.scene, clock, margin_mm, lambda: self._source.question is None, self._faults.are_none)
        self._live_image = LiveImage(self.scene, clock, self._faults.are_none)
        self._volume = VolumeStep(self.application, workflow, self._jobs, self._on_volume)
        self._record = RecordStep(
            workflow, self._jobs, self._volume, self._clock, self.stop_recording, self._on_recorded
        )
        self._stream = LiveStream(workflow, self._live_image, self.tools, tool_names, self._record_frame)
        self._box = BoxStep(self.scene, workflow, self._volume, lambda: self._engine.margin_mm, self._make_tumor_stale)
        self._navigate = NavigateStep(self.scene, self.tools, lambda: self._segment.result)
        self._segment = SegmentStep(
            self.scene, workflow, self._jobs, self._volume, self._box, self._engine, self._clock,
            self._navigate.set_tumor, lambda: self.origin == "simulated",
        )  # fmt: skip
        self._recorded_from: FrameSource | None = None
        # By which the images of the next connection are late; see openigtlink.FramePairing.
        self.image_delay_s = 0.0
        self._saved_edits = _NEVER_SAVED
        self._watch = SceneWatch(
            self.scene, self._faults, self._on_scene_closed, self._on_nodes_loaded, self._on_nodes_removed
        )
        self._adopt()
        workflow.add_listener(lambda state: self._put_facts())

    @property
    def scene(self):
        """The vtkMRMLScene."""
        return self.application.scene

    # State, and who wants to hear of it

    @property
    def state(self) -> SessionState:
        """What a front end shows of the steps."""
        return self._workflow.state

    def add_listener(self, listener: Callable[[SessionState], None]) -> Callable[[], None]:
        """Call `listener(state)` after every change; returns a function that ends it."""
        return self._workflow.add_listener(listener)

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
            for part in (
                lambda: self._stream.process(now_s, lambda: now_s + time.monotonic() - began_s),
                lambda: self._record.process(now_s), self._jobs.process, self._segment.process, self._navigate.process,
                self._heed_source, lambda: self._live_image.refresh(now_s), lambda: self.tools.refresh(now_s),
            ):  # fmt: skip
                with self._faults.caught(now_s):
                    part()
            if self._faults.is_new(now_s):
                # What was brought up to date before the part that failed is hidden, too.
                for hide in (self._live_image.refresh, self.tools.hide):
                    with self._faults.caught(now_s):
                        hide()
        if self._yields and self.is_busy:
            time.sleep(_PAUSE_S)

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
            bool(self._jobs.steps)
            or self._record.is_writing
            or self._segment.is_shaping
            or self._navigate.shells.is_busy
            or self._engine.status.state == "starting"
            or self._watch.is_changing
        )

    @property
    def is_busy(self) -> bool:
        """True while other threads have work: a stream is connected, or something is being computed."""
        return self._stream.source is not None or self.is_computing

    @property
    def running(self) -> Step | None:
        """The step that is being computed; None when none is."""
        return next(iter(self._jobs.steps), None)

    def cancel(self, step: Step | None = None) -> None:
        """Stop what is being computed for that step, or for all."""
        self._jobs.cancel(step)

    def close(self) -> None:
        """Let go of the scene: no observer, listener, thread or process is left. The nodes stay. Can be repeated."""
        self._watch.close()
        self._hidden.show()
        self._workflow.close()
        self._box.release()
        self._stream.disconnect()
        self._jobs.cancel()
        self._record.close()
        self._engine.close()
        self._jobs.close()
        self._segment.close()
        self._navigate.close()

    # Connect

    def connect(
        self, host: str = "localhost", port: int = DEFAULT_PORT, calibration=None, image_name: str | None = None
    ) -> None:  # fmt: skip
        """Receive from an OpenIGTLink server, such as PLUS; returns at once, and the state tells how it goes.

        calibration  (4, 4) by name, for a server that sends ProbeToReference: {'ImageToProbe': pixel to mm}
        image_name   the image stream to take, by its device name or the part before the last '_'; None takes the first,
                     and choose_image() another one of stream_status.image_names
        """
        delay_s = self.image_delay_s
        self.connect_source(
            NetworkSource(
                host, port, calibration, own_thread=not self._yields, image_delay_s=delay_s, image_name=image_name
            )
        )

    def choose_image(self, name: str | None) -> None:
        """Take this one of the image streams that come (stream_status.image_names); None for the next that comes."""
        self._stream.choose_image(name)

    def connect_source(self, source: FrameSource) -> None:
        """Receive from any source of frames (see stream.FrameSource).

        When the case holds anything from another source, `source_question` asks whether it is the same patient. A
        recording that goes on of another source ends here and is taken as the sweep: one recording, one source.
        """
        with_origin(source)
        self._record.warm_up()
        before = self._recorded_from
        if self.recording is not None and before is not None and before.identity != source.identity:
            try:
                self.stop_recording()
                self._workflow.note("The recording has ended, because the images come from another source now.")
            except RecordingError as error:
                self._workflow.note(str(error))
        self._stream.connect(source)
        self._source.connect(source)
        self._heed_source()

    def replay(self, path, plus_configuration=None, speed: float | None = 1.0, loop: bool = True, **options) -> None:
        """Serve a recording on this computer as PLUS would, and receive it; see replay.ReplaySource."""
        options.setdefault("own_thread", not self._yields)
        self.connect_source(ReplaySource(path, plus_configuration, speed, loop, **options))

    def disconnect(self) -> None:
        """Receive no more."""
        self._stream.disconnect()
        self._source.disconnect()
        self._heed_source()

    @property
    def source(self) -> FrameSource | None:
        """What is connected, with its `origin` and `identity`; None when nothing is."""
        return self._stream.source

    @property
    def origin(self) -> str | None:
        """Of the case's data: 'live', 'replayed', or 'simulated' as soon as some of them are; None when the case is
        empty or nobody said where they are from. It is saved with the case and outlasts the connection.
        """
        return self._source.origin

    @property
    def source_question(self) -> str | None:
        """A sentence that asks whether the case belongs to the patient whom the connected source shows; else None.

        While it stands the stream goes on, tumor and box are hidden, there are no distances, and nothing can be
        recorded. keep_case() and new_case() answer it, and so does going back to the source of the case.
        """
        return self._source.question

    def keep_case(self) -> None:
        """It is the same patient: what the case holds is shown again, with the source that is connected now."""
        self._source.keep()
        self._workflow.log.add("same patient")
        self._heed_source()
        self._workflow.tell()

    @property
    def stream_status(self):
        """openigtlink.StreamStatus, whose str() is one line for people; None when nothing is connected."""
        return self._stream.status

    @property
    def health_rows(self) -> tuple:
        """openigtlink.HealthRow of connection, frame rate, latency, losses and disk; none when nothing is connected."""
        from ..tracking import health_rows

        status = self.stream_status
        return () if status is None else health_rows(status, self._record.recorder)

    def start_delay_estimate(self) -> None:
        """Measure on the sweep (the probe moving up and down) how late the images are, in the background.

        What is found is told by a notice, and a delay that is known and surely not 0 is used by the next connect().
        Raises RecordingError without a sweep.
        """
        self._record.start_delay_estimate(self._take_delay)

    def _take_delay(self, estimate) -> None:
        if estimate.is_known:
            self.image_delay_s = estimate.image_delay_s if estimate.is_to_be_set else 0.0

    def _record_frame(self, frame: TrackedFrame) -> None:
        # One that cannot be kept must not cost those that came with it.
        with self._faults.caught():
            self._record.add(frame)

    def show_frame(self, frame: TrackedFrame, received_s: float | None = None) -> None:
        """Show a live frame and the tools that came with it; keep it when recording.

        received_s  time.monotonic() when it arrived; now, when left out
        """
        self._record.add(frame)
        self._stream.show(frame, received_s)

    def refresh(self, now_s: float | None = None) -> list[ToolReading]:
        """Bring image and tools up to date with the clock, so that silence shows; process() does it too."""
        self._live_image.refresh(now_s)
        return self.tools.refresh(now_s)

    # Record

    @property
    def record_folder(self) -> Path | None:
        """Where recordings go, on disk as they grow; None keeps them in memory only.

        When it is set, recordings in it that were cut off earlier are recovered, which a notice tells.
        """
        return self._record.folder

    @record_folder.setter
    def record_folder(self, folder) -> None:
        self._record.folder = folder

    @property
    def live_reconstruction(self) -> bool:
        """True to make the volume while it is swept."""
        return self._record.live_reconstruction

    @live_reconstruction.setter
    def live_reconstruction(self, wanted: bool) -> None:
        self._record.live_reconstruction = bool(wanted)

    @property
    def recording(self) -> RecordingState | None:
        """The recording that goes on; None when there is none."""
        return self._record.state

    @property
    def recorded_path(self) -> Path | None:
        """The file of the sweep, once it is complete; None when there is none."""
        return self._record.recorded_path

    @property
    def own_recording(self) -> Path | None:
        """recorded_path when this session has recorded it; None for one that was opened, whose fields are unknown."""
        return self._record.own_recording

    def start_recording(self, path=None) -> None:
        """Keep every frame from now on: in the file `path`, or a new one in `record_folder`.

        Raises RecordingError when a recording goes on already, the file cannot be begun, or source_question stands.
        """
        question = self.source_question
        if question is not None:
            raise RecordingError(question)
        self._record.start(path, self._source.marks)
        self._recorded_from = self._stream.source

    def stop_recording(self) -> Sweep:
        """End the recording and take it as the sweep. Its file is completed in the background, and so is the volume
        when it was reconstructed live; its Sequence browser, which grew meanwhile, by process().

        Raises RecordingError when no frame came; then an earlier sweep stays.
        """
        sweep = self._record.stop()
        if self._recorded_from is not None:
            self._source.add(self._recorded_from.origin)
        return sweep

    def complete_scene(self) -> None:
        """Have the scene hold all of the recorded sweep now, for who is about to save it.

        After stop_recording() its Sequence browser is completed bit by bit by process(), and nothing of it goes into
        saved scenes before that. is_computing tells, and save_case() needs not wait for it. What is hidden because of
        `source_question` is shown again until the next process(), so that it is not saved as hidden.
        """
        self._hidden.show()
        with self._workflow.held():
            self._record.complete_scene()

    def open_sweep(self, path, plus_configuration=None, origin: str | None = None, sweep: Sweep | None = None) -> Sweep:
        """Take a recording from a file.

        Who opens a recording means the patient whom it shows: unless it is the recording of this very case, it begins
        a new case, as new_case() does, because nothing else tells that it is the same patient. A stream goes on, and
        `source_question` is asked about it.

        origin  'replayed' or 'simulated'; None for what the file says
        sweep   what was read from the file already, for a window that cannot wait; else it is read here
        Raises SequenceFileError, TransformError and ConfigurationError, before anything is dropped.
        """
        if sweep is None:
            sweep = self._record.read(path, plus_configuration)
        identity = file_identity(path)
        with self._workflow.held():
            if not self._source.knows(identity):
                self._drop_case()
                self._source.begin(identity=identity)
            self._record.take_opened(sweep, path)
            self._source.add(origin or origin_of(sweep), identity)
            self._heed_source()
        return sweep

    @property
    def sweep(self) -> Sweep | None:
        """The recorded sweep."""
        return self._volume.sweep

    def set_sweep(self, sweep: Sweep) -> None:
        """Take a recorded sweep. The volume and the tumor made from an earlier one become stale."""
        self._record.take(sweep)
        if origin_of(sweep) == "simulated":
            self._source.add("simulated")

    # Reconstruct

    @property
    def reconstruction_settings(self) -> ReconstructionSettings:
        """Of the next volume."""
        return self._volume.settings

    @reconstruction_settings.setter
    def reconstruction_settings(self, settings: ReconstructionSettings) -> None:
        self._volume.settings = settings

    def reconstruction_engines(self) -> tuple[str, ...]:
        """What can make a volume here: 'crlm', our own, and 'igsio' where SlicerIGSIO and SlicerIGT are installed."""
        return engines()

    @property
    def reconstruction_engine(self) -> str:
        """Of start_reconstruct(); every other way, and the volume that grows while recording, is our own engine's."""
        return self._volume.engine

    def set_reconstruction_engine(self, name: str) -> None:
        """One of reconstruction_engines(). Raises ReconstructionError, which says what is missing, for another.

        'igsio' takes turns with the window instead of running beside it, and fills holes by sticks, if at all.
        """
        self._volume.choose_engine(name)
        self._workflow.touch()
        self._workflow.tell()

    def start_reconstruct(self, settings: ReconstructionSettings | None = None) -> None:
        """Make the volume of the sweep in the background. Raises ReconstructionError when there is no sweep."""
        volume = self._volume
        self._jobs.start(volume.begin(settings, volume.engine))

    def begin_reconstruct(self, settings: ReconstructionSettings | None = None) -> Job:
        """The job that makes a volume of the sweep, to be run and finished by the caller; with our own engine.

        settings  None for reconstruction_settings, as everywhere. Raises as above.
        """
        return self._volume.begin(settings)

    def reconstruct(self, settings: ReconstructionSettings | None = None, progress=None):
        """Make the volume of the sweep here and now; returns the Reconstruction. Raises ReconstructionError."""
        return self._jobs.run(self._volume.begin(settings), progress)

    @property
    def volume(self) -> Volume | None:
        """A copy of the reconstructed volume; None when there is none, or it is stale or still growing."""
        return self._volume.volume

    def set_volume(self, volume: Volume) -> None:
        """Take a reconstructed volume; an earlier tumor becomes stale."""
        self._volume.set_volume(volume)

    # Box

    @property
    def box(self) -> Box | None:
        """The box around the tumor as it is in the scene; None when none was placed."""
        return self._box.box

    @property
    def box_is_tight(self) -> bool:
        """True when the model's margin is still to be added."""
        return self._box.tight

    def set_box(self, box: Box, tight: bool = False) -> None:
        """Place the box. The tumor found in another one becomes stale.

        tight  True when the box closely fits the tumor: the model's margin is added before it is segmented
        """
        self._box.set(box, tight)

    def place_box(self, center_ras, size_mm=(DEFAULT_BOX_EDGE_MM,) * 3, tight: bool = False) -> None:
        """Place the box around a point (3,) RAS mm, along the axes of Reference."""
        self.set_box(Box(center_ras, size_mm), tight)

    @property
    def box_warnings(self) -> tuple[str, ...]:
        """What speaks against the box before it is segmented; empty when all is well or there is none."""
        return self._box.warnings

    # Segment

    def model_choices(self) -> list[CatalogueEntry]:
        """The shipped models, then those that the user imported; one that cannot be used tells its `problem`."""
        return model_choices()

    def set_model(self, name_or_folder) -> None:
        """The model for the next segmentation: a shipped one's name, or a folder."""
        self._engine.choose(model=name_or_folder)

    def set_device(self, device: str) -> None:
        """'auto', 'cpu' or 'cuda' for the next segmentation. Raises SegmentationError for another."""
        self._engine.choose(device=device)

    def start_engine(self) -> None:
        """Start the worker process now, so that it is warm when the box is placed."""
        self._engine.start()

    @property
    def engine_status(self) -> EngineStatus:
        """How the engine is."""
        return self._engine.status

    @property
    def engine_process_id(self) -> int | None:
        """Of the worker process; None when there is none."""
        return self._engine.process_id

    def start_segment(self, threshold: float | None = None, keep: str = "largest") -> None:
        """Find the tumor in the box, in the background. Raises SegmentationError when there is no volume or box."""
        self._segment.start(threshold, keep)

    def start_region_growing(self, seed_ras) -> None:
        """Grow the tumor from a place (3,) RAS mm in it, within the box when there is one, in the background.

        Raises SegmentationError when there is no volume.
        """
        self._segment.start_region_growing(seed_ras)

    def begin_segment(self, segmenter, threshold: float | None = None, keep: str = "largest") -> Job:
        """The job that finds the tumor in the box, to be run and finished by the caller.

        segmenter  segmentation.Segmenter or Model
        threshold  None for the model's own
        keep       which part counts; see segmentation.segment
        Raises SegmentationError when there is no volume or box.
        """
        return self._segment.begin(lambda *_: segmenter, threshold, keep)

    def segment(self, segmenter, threshold: float | None = None, progress=None, should_cancel=None, keep="largest"):
        """Find the tumor here and now; returns the SegmentationResult. Raises SegmentationError and GeometryError."""
        return self._jobs.run(self.begin_segment(segmenter, threshold, keep), progress, should_cancel).result

    @property
    def segmentation_result(self):
        """SegmentationResult of the present probability, before corrections by hand; None when there is none."""
        return self._segment.result

    @property
    def has_probability(self) -> bool:
        """True when set_threshold() has something to cut."""
        return self._segment.has_probability

    @property
    def threshold(self) -> float | None:
        """Of probability, as it was asked for last; None when nothing was segmented."""
        return self._segment.threshold

    @property
    def kept_part(self) -> str:
        """Which part of what the threshold cuts counts; see segmentation.postprocess.KEEP."""
        return self._segment.state.keep if self._segment.state is not None else TumorState.keep

    def set_threshold(self, threshold: float, keep: str = "largest") -> None:
        """Cut the stored probability at another threshold; corrections by hand stay. Raises SegmentationError."""
        self._segment.set_threshold(threshold, keep)

    @property
    def smoothing(self) -> float:
        """Of the surface, 0 to 1."""
        return self._segment.smoothing

    def set_smoothing(self, smoothing: float) -> None:
        """Of the surface, from 0 (the voxels' stairs) to 1; the volume stays that of the mask."""
        self._segment.smoothing = smoothing
        self._workflow.touch()
        self._workflow.tell()

    def set_segmentation(self, mask: Volume, probability: Volume | None = None, surface=None) -> None:
        """Take a tumor mask that belongs to the present volume and box.

        mask         nonzero inside the tumor, in Reference;  probability  float32, any grid, or None
        surface      vtkPolyData, RAS mm; None makes one of the mask
        Raises GeometryError when the surface is open, SegmentationError when the mask is empty.
        """
        self._segment.set(mask, probability, surface)

    @property
    def doubts(self) -> tuple[str, ...]:
        """Sentences that speak against what the segmentation shows, or against that it shows nothing."""
        return self._workflow.state.doubts

    @property
    def doubts_acknowledged(self) -> bool:
        """False until a person has said that he has seen the doubts; True when there are none."""
        return self._workflow.state.doubts_acknowledged

    def acknowledge_doubts(self) -> None:
        """A person has seen all of them. Other doubts, and any about another tumor, are told anew."""
        self._segment.acknowledge_doubts()
        self._workflow.tell()

    @property
    def has_hand_corrections(self) -> bool:
        """True when a hand has changed the tumor and has not undone it all: another segmentation would overwrite that,
        so a front end asks before start_segment() and start_region_growing().
        """
        return self._segment.has_hand_corrections

    def begin_correction(self):
        """Let a hand edit the segmentation: returns its node, for the Segment Editor. The surface follows every stroke.

        Earlier corrections stay and can be gone on with. A stroke that comes while the tumor is being found stops that.
        Raises SegmentationError when there is no volume to draw on, or the tumor is being found.
        """
        return self._segment.begin_correction()

    def end_correction(self) -> None:
        """The hand has finished."""
        self._segment.end_correction()

    def discard_corrections(self) -> None:
        """Take back everything that was corrected by hand, in the background; threshold and smoothing stay."""
        self._segment.discard_corrections()

    @property
    def is_correcting(self) -> bool:
        """True between begin_correction and end_correction; a new box or volume ends it as well."""
        return self._segment.is_correcting

    @property
    def case_clock_s(self) -> float | None:
        """Seconds from the end of the recording to the tumor on the screen, corrections included; runs until then."""
        return self._clock.seconds

    @property
    def mask(self) -> Volume | None:
        """The tumor mask on the voxels of the volume, corrections by hand included; None when there is none."""
        grid = self._volume.grid
        return None if grid is None else self._segment.nodes.mask(grid)

    @property
    def probability(self) -> Volume | None:
        """float32 on the voxels of the crop; None when there is none."""
        return self._segment.nodes.probability()

    @property
    def surface(self):
        """The tumor surface as vtkPolyData in RAS mm; None when there is none."""
        return self._segment.nodes.surface()

    # Navigate

    @property
    def margin_mm(self) -> float:
        """The margin around the tumor: the only one there is. A front end shows this one; listeners are told of
        another, such as that of a case that is opened.
        """
        return self._navigate.margin_mm

    def set_margin_mm(self, margin_mm: float) -> None:
        """The margin around the tumor, 0 to 20 mm, within which a tip is warned of; 0 hides its shell.

        Raises ConfigurationError for another one.
        """
        self._navigate.margin_mm = margin_mm
        self._workflow.touch()
        self._workflow.tell()

    @property
    def shows_uncertainty(self) -> bool:
        """What show_uncertainty() was told last."""
        return self._navigate.shows_uncertainty

    def show_uncertainty(self, wanted: bool) -> None:
        """Show the two surfaces between which the model is unsure of the border; see uncertainty_shell()."""
        self._navigate.shows_uncertainty = wanted
        self._workflow.touch()
        self._workflow.tell()

    def tumor_contours(self) -> list[np.ndarray]:
        """The tumor's outlines in the plane of the live image: (n, 2) pixels (u, v) each, none while it is not live."""
        return self._navigate.contours(self._live_image.image_to_reference)

    @property
    def tool_names(self) -> tuple[str, ...]:
        """Tools that are looked for in what arrives."""
        return self._stream.tool_names

    @tool_names.setter
    def tool_names(self, tools) -> None:
        self._stream.tool_names = tuple(tools)

    def update_tool(self, name: str, pose, stamp_s: float | None = None, received_s: float | None = None) -> bool:
        """Take a tool's pose or calibration by its PLUS name ('StylusToReference', 'StylusTipToStylus').

        An invalid pose, or None, loses the tool. Returns False for a transform that concerns no tool.
        """
        return self.tools.update(name, pose, stamp_s, received_s)

    def readings(self, now_s: float | None = None) -> list[ToolReading]:
        """What is known of every tool now; a tool whose pose is invalid or older than 0.5 s is lost."""
        return self.tools.readings(now_s)

    def tool_reading(self, name: str = names.DEFAULT_TOOL, now_s: float | None = None) -> ToolReading:
        """What is known of a tool now: its status, tip, distance and what that means for the margin."""
        return self.tools.reading(name, now_s)

    def tool_distance_mm(self, name: str = names.DEFAULT_TOOL, now_s: float | None = None) -> float | None:
        """Tip to tumor surface, negative inside; None when the tool is lost or there is no tumor to measure to."""
        return self.tools.reading(name, now_s).signed_distance_mm

    @property
    def live_pose_is_valid(self) -> bool:
        """True while the live image is young and its pose is known."""
        return self._live_image.is_live()

    # Case

    def save_case(self, folder) -> Path:
        """Write everything into one folder that opens again, with no name of a person in it; returns the folder.

        Raises FileFormatError; then an earlier case in that folder is as it was.
        """
        self._segment.finish_shaping()
        # What is hidden for as long as it is asked about is not saved as hidden.
        self._hidden.show()
        try:
            path = case_step.save_case(self, folder)
        finally:
            self._heed_source()
        self._saved_edits = self._workflow.edits
        self._workflow.touch()
        self._workflow.tell()
        return path

    def load_case(self, folder) -> None:
        """Go on from a case that was saved; a stream goes on, and what others have in the scene stays.

        Raises FileFormatError, before anything is replaced, for a folder that is no case or is damaged.
        """
        with self._workflow.held():
            case_step.load_case(self, folder)
            self._saved_edits = self._workflow.edits
            self._heed_source()

    @property
    def has_unsaved_data(self) -> bool:
        """True when something was recorded or computed that save_case() has not written."""
        is_anything = self.sweep is not None or self.volume_node() is not None or self.segmentation_node() is not None
        return self._record.state is not None or (is_anything and self._workflow.edits != self._saved_edits)

    @property
    def event_log(self) -> str:
        """What happened when: lines of JSON, without names of files."""
        return self._workflow.log.text

    @property
    def tumor_figures(self) -> dict | None:
        """volume_ml, largest_diameter_mm, voxels_corrected_by_hand of the tumor as shown; None when there is none."""
        return self._segment.figures

    def new_case(self) -> None:
        """Let go of sweep, volume, box, tumor and what is known of them, and take their nodes out of the scene; and
        those of the tools, which come back with their next pose and keep their calibration. The stream goes on, and so
        does a recording. What was not saved is gone: see has_unsaved_data.
        """
        with self._workflow.held():
            self._drop_case()
            self._source.begin()
            self._saved_edits = self._workflow.edits
            self._heed_source()

    def begin_loaded_case(self, origin: str | None) -> None:
        """Let go of everything, as new_case(), for a case from a file whose data are from `origin`."""
        self._drop_case(keep_calibration=False)
        self._source.begin(origin if origin in ORIGINS else None, identity="")

    @property
    def tumor_state(self) -> TumorState | None:
        """The tumor as it is, corrections and doubts included; None when there is none, or what it was made from has
        changed.
        """
        return self._segment.state

    def restore_tumor(self, state: TumorState, acknowledged: bool = False) -> None:
        """Take a tumor that was saved with the present volume; acknowledged: whether its doubts had been seen."""
        self._segment.restore(state, acknowledged=acknowledged)

    # Jobs that the caller runs

    def finish(self, job: Job, result) -> bool:
        """Take what job.run() gave; returns False, and drops it, when what it was made from has changed meanwhile."""
        return self._jobs.finish(job, result)

    def fail(self, job: Job, error: Exception) -> None:
        """Tell that a job ended with an error."""
        self._jobs.fail(job, error)

    def set_progress(self, step: Step, fraction: float, text: str) -> None:
        """Tell how far a running job is; to be called in the session's thread."""
        self._jobs.set_progress(step, fraction, text)

    # The scene as somebody else changes it

    @contextmanager
    def scene_replaced(self):
        """For who loads another scene into this session: go on from what is in it afterwards."""
        with self._workflow.held():
            self.tools.forget()
            self._forget()
            try:
                with self._watch.paused():
                    yield
            finally:
                self._adopt()
                self._heed_source()

    def _on_recorded(self, path: Path) -> None:
        """The case's own recording, opened or replayed, shows the same patient."""
        self._source.add(None, file_identity(path))

    def _holding(self) -> str:
        """What the case holds, for people; '' when it is empty."""
        if self.segmentation_node() is not None or self.surface_node() is not None:
            figures = self._segment.figures
            return "A tumor" if figures is None else f"A tumor of {figures['volume_ml']:.1f} mL"
        if self._box.is_there:
            return "A box"
        if self._volume.node() is not None:
            return "A volume"
        return "A sweep" if self._volume.sweep is not None else ""

    def _heed_source(self) -> None:
        """Hide the case while it is not known whether it belongs to what is connected; show it again after that."""
        question = self._source.question
        if question is not None:
            self._hidden.hide(self._case_nodes())
            self._workflow.set(Step.NAVIGATE, StepStatus.WAITING, question)
        elif self._asked is not None:
            self._hidden.show()
            self._workflow.set(Step.NAVIGATE, StepStatus.READY if self._navigate.has_tumor else StepStatus.WAITING)
        if question != self._asked:
            self._asked = question
            self._workflow.touch()
            self.tools.refresh()
        self._workflow.tell()

    def _case_nodes(self) -> list:
        """What would be taken for part of the live scene."""
        return [self.surface_node(), self.segmentation_node(), *self._box.shown_nodes(), *self._navigate.shells.nodes()]

    def _on_volume(self) -> None:
        """There is another volume, or none any more."""
        self._box.settle()
        self._segment.make_stale()

    def _make_tumor_stale(self) -> None:
        self._segment.make_stale()

    def _drop_case(self, keep_calibration: bool = True) -> None:
        with self._watch.paused():
            if keep_calibration:
                self.tools.start_anew()
            else:
                self.tools.remove_nodes()
                self.tools.forget()
            self._forget()
            case_step.remove_results(self.scene)

    def _on_scene_closed(self) -> None:
        self.tools.forget()
        self._forget()
        self._source.begin()
        self._heed_source()
        self._workflow.tell()

    def _on_nodes_loaded(self, loaded: list) -> None:
        """Somebody has loaded nodes of a session, of a saved case or scene: what they hold is gone on from.

        Results take the place of those that are there. Of image and tools those stay that are there already: they are
        live, and what was saved of them is not.
        """
        with self._workflow.held(), self._watch.paused():
            is_case = any(case_step.is_result(node) for node in loaded)
            if is_case:
                self._forget()
                case_step.remove_results(self.scene, loaded)
            case_step.remove_doubles(self.scene, loaded)
            if is_case:
                self._adopt()
            else:
                self.tools.adopt()
                self._live_image.refresh()
            self._heed_source()

    def _on_nodes_removed(self) -> None:
        """What was deleted is not there any more, and neither is what was made from it; shells and tools come back."""
        with self._workflow.held():
            for part in (self._volume, self._box, self._segment, self._navigate):
                part.look()
            self._heed_source()

    def _put_facts(self) -> None:
        if not self._watch.is_changing:
            with self._watch.paused():
                put_facts(self, is_empty=not self._holding())

    def _forget(self) -> None:
        """As at the beginning; jobs that still run will be refused."""
        self._jobs.cancel()
        self._workflow.start_anew()
        for part in (self._box, self._segment, self._navigate, self._volume, self._record, self._clock, self._hidden):
            part.forget()
        self._workflow.set(Step.CONNECT, StepStatus.READY)

    def _adopt(self) -> None:
        """Take over what the scene already holds. Image and tools in it are not live, and nothing of it was saved as a
        case by this session.
        """
        facts = facts_in(self.scene)
        self._saved_edits = _NEVER_SAVED
        self._workflow.set(Step.CONNECT, StepStatus.READY)
        self._volume.adopt()
        self._box.adopt(facts.box_is_tight)
        self._live_image.adopt()
        self.tools.adopt()
        if self._holding():
            self._source.begin(facts.origin, identity="")
            self._navigate.margin_mm = self.margin_mm if facts.margin_mm is None else facts.margin_mm
        self._segment.adopt(facts)
        if self._segment.state is not None:
            self._navigate.shows_uncertainty = facts.shows_uncertainty

    # Nodes, None when they are not there

    def box_node(self):
        """The Markups ROI, made when it is not there. Dragging its handles is the same as set_box()."""
        return self._box.node()

    def volume_node(self):
        """Of the reconstructed volume."""
        return self._volume.node()

    def live_image_node(self):
        """Of the live ultrasound image; it lies under image_to_reference_node()."""
        return find(self.scene, "vtkMRMLScalarVolumeNode", names.LIVE_IMAGE)

    def image_to_reference_node(self):
        """The transform of the live image."""
        return find(self.scene, "vtkMRMLLinearTransformNode", names.IMAGE_TO_REFERENCE)

    def surface_node(self):
        """The model of the tumor's surface."""
        return self._segment.nodes.surface_node()

    def segmentation_node(self):
        """The segmentation that is corrected by hand."""
        return self._segment.nodes.segmentation_node()

    def probability_node(self):
        """The volume of the tumor's probability."""
        return self._segment.nodes.probability_node()

    def tool_tip_node(self, name: str = names.DEFAULT_TOOL):
        """The transform of a tool's tip, under that of the tool: TipToTool, ToolToReference."""
        return find(self.scene, "vtkMRMLLinearTransformNode", names.tip_to_tool(name))

    def margin_node(self):
        """The model of the shell at the margin's distance; None while it is not shown."""
        return self._navigate.shells.margin_node()
