"""Record: a recording is begun and ended, a volume grows meanwhile, and recordings on disk are opened."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RecordingError
from ..sweep import Sweep, TrackedFrame, read_plus_configuration, read_sweep
from ..sweep.sweep import SIMULATED
from ..words import tr
from .case.case_clock import CaseClock
from .case.case_source import CaseSource, file_identity, origin_of
from .event import Event
from .frame_source import FrameSource
from .jobs.jobs import Jobs
from .jobs.latest import Latest
from .jobs.task import Task
from .recordings.live_volume import LiveVolume
from .recordings.recording import Recording, RecordingState
from .recordings.recordings import Recordings
from .state import NO_TIMED_SWEEP, OTHER_SOURCE, Step, StepStatus
from .volume import VolumePart, sweep_text
from .workflow import Workflow

if TYPE_CHECKING:
    from ..calibration.timing_estimate import TimingEstimate
    from ..sweep.recorder import Recorder

_CHECK_MEMORY_EVERY_S = 1.0


class RecordingPart:
    """Recordings of one session, and the sweep that was recorded, opened or given last.

    started        event: a recording begins
    frame_added    event: it has taken this frame, as it is kept
    stopped        event: it has ended, and this is its sweep; None when no frame came
    sweep_changed  event: `sweep` is another one, by whatever way

    live_reconstruction  True to make the volume while it is swept
    path                 the file of the sweep, once it is complete; None when there is none
    source               where the data of the case are from: asked before a recording begins, and given every sweep
    connected            gives the source of frames that is connected now; None when there is none
    begin_case           called with the identity of a file that begins a new case
    check_source         called when other data have come to the case
    on_delay             called with what start_delay_estimate() has found
    on_error             called with what a handler of an event raises
    """

    def __init__(
        self, workflow: Workflow, jobs: Jobs, volume: VolumePart, clock: CaseClock, source: CaseSource,
        connected: Callable[[], FrameSource | None], begin_case: Callable[[str], None],
        check_source: Callable[[], None], on_delay: Callable[[TimingEstimate], None],
        on_error: Callable[[Exception], None] | None = None,
    ):  # fmt: skip
        self.started: Event[[]] = Event(on_error)
        self.frame_added: Event[[TrackedFrame]] = Event(on_error)
        self.stopped: Event[[Sweep | None]] = Event(on_error)
        self.sweep_changed: Event[[]] = Event(on_error)
        self._source, self._connected = source, connected
        self._begin_case, self._check_source, self._on_delay = begin_case, check_source, on_delay
        self._memory_checked_s = -math.inf
        self.live_reconstruction = True
        self.path: Path | None = None
        self._recording: Recording | None = None
        self._recorded_from: FrameSource | None = None
        self._is_own = False
        self._mark: dict[str, str] = {}
        self._workflow, self._jobs, self._volume, self._clock = workflow, jobs, volume, clock
        self._recordings = Recordings(workflow, self._on_file)
        self._live: LiveVolume | None = None
        self._line = ""
        self._delay = Latest("image delay")
        self._warming: Task | None = None

    @property
    def folder(self) -> Path | None:
        """Where recordings go, on disk as they grow; None keeps them in memory only.

        When it is set, recordings in it that were cut off earlier are recovered, and a notice says so.
        """
        return self._recordings.folder

    @folder.setter
    def folder(self, folder: str | Path | None) -> None:
        self._recordings.folder = None if folder is None else Path(folder)
        if folder is not None:
            self._workflow.redact_folder(folder)
        self._recordings.recover()

    @property
    def state(self) -> RecordingState | None:
        """Of the recording that goes on; None when there is none."""
        return self._recordings.state

    @property
    def sweep(self) -> Sweep | None:
        """The sweep that was recorded, opened or given last."""
        return self._volume.sweep

    @property
    def own_path(self) -> Path | None:
        """`path` when this session has recorded it; None for one that was opened, whose fields are unknown."""
        path = self.path
        return path if self._is_own and path is not None and path.is_file() else None

    @property
    def is_at_work(self) -> bool:
        """True while a recording goes on, or its file is being completed."""
        return self._recordings.is_recording or self._recordings.is_completing

    @property
    def is_writing(self) -> bool:
        """True while a file is being completed or recovered, or a delay is measured."""
        return self._recordings.is_writing or self._delay.is_busy

    @property
    def recorder(self) -> Recorder | None:
        """The sweep.Recorder that writes now; None when there is none."""
        current = self._recordings.current
        return current.recorder if current is not None else None

    def add(self, frame: TrackedFrame) -> None:
        """Take a live frame, when recording."""
        if not self._recordings.is_recording:
            return
        if self._mark:
            frame = frame.with_changes(fields={**frame.fields, **self._mark})
        self.frame_added(self._recordings.add(frame))

    def warm_up(self) -> None:
        """Load what a recording needs, in the background, so that its first frames are not kept waiting."""
        if self._warming is None:
            self._warming = Task(_load_modules, "modules for recording")

    def start(self, path: str | Path | None = None) -> None:
        """Keep every frame from now on: in the file `path`, or a new one in `folder`.

        Raises RecordingError when a recording goes on already, the file cannot be begun, or `case.question` stands.
        """
        question = self._source.question
        if question is not None:
            raise RecordingError(question)
        settings = self._volume.settings
        if path is not None:
            self._workflow.redact_folder(Path(path).parent)
        live = LiveVolume(settings, self._volume.show_growing) if self.live_reconstruction else None
        try:
            self._recordings.start(path, settings, live.engine if live is not None else None)
        except RecordingError:
            if live is not None:
                live.close()
            raise
        self._end_live()
        self._mark, self._live = dict(self._source.marks), live
        self._recorded_from = self._connected()
        self.started()

    def stop(self) -> Sweep:
        """End the recording and take it as the sweep. Its file is completed in the background, and so is the volume
        when it was reconstructed live.

        Raises RecordingError when no frame came; then an earlier sweep stays.
        """
        live, self._live = self._live, None
        try:
            recording, sweep = self._recordings.stop()
        except RecordingError:
            if live is not None:
                live.close()
            self.stopped(None)
            raise
        self._clock.start()
        with self._workflow.held():
            # Before it is the sweep: what shows it has most of it already.
            self.stopped(sweep)
            self._take(sweep)
        for note in sweep.notes:
            self._workflow.note(note)
        self._recording = recording
        if live is not None:
            compute = lambda progress, should_cancel: live.finish(sweep, progress, should_cancel)  # noqa: E731
            self._jobs.start(self._jobs.begin(Step.RECONSTRUCT, compute))
        if self._recorded_from is not None:
            self._source.add(self._recorded_from.origin)
        return sweep

    def end_for(self, source: FrameSource) -> None:
        """Frames come from `source` from now on: a recording of another one ends, and is taken as the sweep."""
        before = self._recorded_from
        if self.state is None or before is None or before.identity == source.identity:
            return
        try:
            self.stop()
            self._workflow.note(tr(OTHER_SOURCE))
        except RecordingError as error:
            self._workflow.note(str(error))

    def open(
        self, path: str | Path, plus_configuration: str | Path | None = None, origin: str | None = None,
        sweep: Sweep | None = None,
    ) -> Sweep:  # fmt: skip
        """Take a recording from a file.

        Who opens a recording means the patient whom it shows: unless it is the recording of this very case, it begins
        a new case, as case.begin() does, because nothing else says that it is the same patient. A stream goes on, and
        `case.question` is asked about it.

        origin  'replayed' or 'simulated'; None for what the file says
        sweep   what was read from the file already, for a window that cannot wait; else it is read here
        Raises SequenceFileError, TransformError and ConfigurationError, before anything is dropped.
        """
        if sweep is None:
            sweep = self.read(path, plus_configuration)
        identity = file_identity(path)
        with self._workflow.held():
            if not self._source.knows(identity):
                self._begin_case(identity)
            self._take_opened(sweep, path)
            self._source.add(origin or origin_of(sweep), identity)
            self._check_source()
        return sweep

    def set_sweep(self, sweep: Sweep) -> None:
        """Take a recorded sweep. The volume and the tumor made from an earlier one become stale.

        Raises RecordingError when it holds no frame.
        """
        self._take(sweep)
        if origin_of(sweep) == SIMULATED:
            self._source.add(SIMULATED)

    @staticmethod
    def read(path: str | Path, plus_configuration: str | Path | None = None) -> Sweep:
        """A recording from a file. Raises SequenceFileError, TransformError and ConfigurationError."""
        calibration = read_plus_configuration(plus_configuration).transforms if plus_configuration else None
        return read_sweep(path, calibration)

    def _take_opened(self, sweep: Sweep, path: str | Path) -> None:
        """What was read from that file."""
        self._clock.forget()
        self._workflow.redact_folder(Path(path).parent)
        self._take(sweep)
        for note in sweep.notes:
            self._workflow.note(note)
        self.path = Path(path)

    def _take(self, sweep: Sweep) -> None:
        """A sweep from anywhere, in place of what was recorded or opened."""
        with self._workflow.held():
            self._volume.set_sweep(sweep)
            self._line, self.path, self._is_own, self._recording = "", None, False, None
            self.sweep_changed()

    def restore(self, sweep: Sweep | None) -> None:
        """Take a sweep that was saved, or is in a scene already, with the volume that is restored next."""
        self._volume.restore_sweep(sweep)
        if sweep is not None:
            self._workflow.set(Step.RECORD, StepStatus.DONE, sweep_text(sweep))
        self.sweep_changed()

    def show_again(self, sweep: Sweep | None, own_path: Path | None) -> None:
        """An earlier sweep is worked on again, and next its volume; `own_path`: its file, where recorded here."""
        self._volume.restore_sweep(sweep)
        self._line, self.path, self._is_own, self._recording = "", own_path, own_path is not None, None
        self._workflow.set(Step.RECORD, StepStatus.DONE, "" if sweep is None else sweep_text(sweep))
        self.sweep_changed()

    def set_remark(self, remark: str) -> None:
        """What a view has to say of the sweep as long as it is not complete there, beside the step's own line; '' ends
        it.
        """
        step = self._workflow.state[Step.RECORD]
        line = self._line or step.message
        self._line = line if remark else ""
        if step.status is StepStatus.DONE:
            self._workflow.set(Step.RECORD, StepStatus.DONE, f"{line}; {remark}" if remark else line)

    def start_delay_estimate(self) -> None:
        """Measure on the sweep (the probe moving up and down) how late the images are, in the background; a delay that
        is known and surely not 0 is used by the next connection. Raises RecordingError without a sweep.
        """
        sweep = self._volume.sweep
        if sweep is None:
            raise RecordingError(NO_TIMED_SWEEP)

        def compute() -> TimingEstimate:
            from ..calibration.temporal_calibration import estimate_image_delay

            return estimate_image_delay(Sweep(sweep.frames))

        def found(estimate: TimingEstimate) -> None:
            self._workflow.note(tr("In this recording {found}. {so}", found=estimate, so=estimate.judgement))
            self._on_delay(estimate)

        self._delay.request(lambda: compute, found, lambda error: self._workflow.note(str(error)))

    def process(self, now_s: float) -> None:
        """Report how it goes; called by the session's timer."""
        self._recordings.process(now_s)
        self._end_when_memory_is_short(now_s)
        self._delay.process()
        if self._live is not None:
            self._live.process(now_s)

    def _end_when_memory_is_short(self, now_s: float) -> None:
        current = self._recordings.current
        if current is None or not len(current) or now_s - self._memory_checked_s < _CHECK_MEMORY_EVERY_S:
            return
        self._memory_checked_s = now_s
        why = current.must_end
        if why:
            self.stop()
            self._workflow.note(why)

    def forget(self) -> None:
        """The sweep is gone; a recording that goes on is not."""
        self._volume.restore_sweep(None)
        self._line, self.path, self._is_own, self._recording = "", None, False, None
        self.sweep_changed()

    def close(self) -> None:
        """End what goes on; every frame that came is on disk afterwards."""
        self._recordings.close()
        self._delay.close()
        if self._warming is not None:
            self._warming.join()
        self._end_live()

    def _on_file(self, recording: Recording, files: list[Path]) -> None:
        if recording is self._recording:
            self.path = files[0]
            # The case's own recording, opened or replayed, shows the same patient.
            self._source.add(None, file_identity(files[0]))
            # Else some frames are missing in it, or are in another file.
            self._is_own = len(files) == 1 and recording.recorder is not None and not recording.recorder.problem
        self._workflow.touch()

    def _end_live(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.close()


def _load_modules() -> None:
    from ..reconstruction import LiveReconstruction, SweepWatch  # noqa: F401
