"""Record: a recording is begun and ended, volume and sequences grow meanwhile, and recordings on disk are opened."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RecordingError
from ..mrml.sweep_sequence import GrowingSweep
from ..sweep import Sweep, TrackedFrame, read_plus_configuration, read_sweep
from ..sweep.sweep import SIMULATED
from .case.case_clock import CaseClock
from .case.case_source import CaseSource, file_identity, origin_of
from .frame_source import FrameSource
from .jobs.jobs import Jobs
from .jobs.latest import Latest
from .jobs.task import Task
from .recordings.live_volume import LiveVolume
from .recordings.recording import Recording, RecordingState
from .recordings.recordings import Recordings
from .state import Step, StepStatus
from .volume import VolumePart
from .workflow import Workflow

# Of each beat of the session's timer, for bringing frames into the scene.
_SCENE_BUDGET_S = 0.008
_LOOK_AT_MEMORY_EVERY_S = 1.0

if TYPE_CHECKING:
    from ..calibration.temporal_calibration import TimingEstimate


class RecordingPart:
    """Recordings of one session, and the sweep that was recorded, opened or given last.

    live_reconstruction  True to make the volume while it is swept
    path                 the file of the sweep, once it is complete; None when there is none
    source               where the data of the case are from: asked before a recording begins, told of every sweep
    connected            gives the source of frames that is connected now; None when there is none
    begin_case           called with the identity of a file that begins a new case
    check_source         called when other data have come to the case
    on_delay             called with what start_delay_estimate() has found
    """

    def __init__(
        self, workflow: Workflow, jobs: Jobs, volume: VolumePart, clock: CaseClock, source: CaseSource,
        connected: Callable[[], FrameSource | None], begin_case: Callable[[str], None],
        check_source: Callable[[], None], on_delay: Callable[[TimingEstimate], None],
    ):  # fmt: skip
        self._source, self._connected = source, connected
        self._begin_case, self._check_source, self._on_delay = begin_case, check_source, on_delay
        self._looked_at_memory_s = -math.inf
        self.live_reconstruction = True
        self.path: Path | None = None
        self._recording: Recording | None = None
        self._recorded_from: FrameSource | None = None
        self._is_own = False
        self._mark: dict[str, str] = {}
        self._workflow, self._jobs, self._volume, self._clock = workflow, jobs, volume, clock
        self._recordings = Recordings(workflow, self._on_file)
        self._live: LiveVolume | None = None
        self._growing: GrowingSweep | None = None
        self._completing: GrowingSweep | None = None
        self._message = ""
        self._delay = Latest("image delay")
        self._warming: Task | None = None

    @property
    def folder(self) -> Path | None:
        """Where recordings go, on disk as they grow; None keeps them in memory only.

        When it is set, recordings in it that were cut off earlier are recovered, which a notice tells.
        """
        return self._recordings.folder

    @folder.setter
    def folder(self, folder) -> None:
        self._recordings.folder = None if folder is None else Path(folder)
        if folder is not None:
            self._workflow.know_folder(folder)
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
    def is_writing(self) -> bool:
        return self._recordings.is_writing or self._delay.is_busy or not self.is_in_scene

    @property
    def is_in_scene(self) -> bool:
        """False while the sequences of a recording that has ended are being completed."""
        return self._completing is None

    def complete_scene(self) -> None:
        """Complete them now."""
        if self._completing is not None:
            self._completing.write()
            self._end_completing()

    @property
    def recorder(self):
        """The sweep.Recorder that writes now; None when there is none."""
        current = self._recordings.current
        return current.recorder if current is not None else None

    def add(self, frame: TrackedFrame) -> None:
        """Take a live frame, when recording."""
        if not self._recordings.is_recording:
            return
        if self._mark:
            frame = frame.with_changes(fields={**frame.fields, **self._mark})
        frame = self._recordings.add(frame)
        if self._growing is not None:
            self._growing.add(frame)

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
            self._workflow.know_folder(Path(path).parent)
        live = LiveVolume(settings, self._volume.show_growing) if self.live_reconstruction else None
        try:
            self._recordings.start(path, settings, live.engine if live is not None else None)
        except RecordingError:
            if live is not None:
                live.close()
            raise
        self._end_live()
        self._mark, self._live = dict(self._source.marks), live
        self._growing = self._volume.new_growing_sweep()
        self._recorded_from = self._connected()

    def stop(self) -> Sweep:
        """End the recording and take it as the sweep. Its file is completed in the background, and so is the volume
        when it was reconstructed live; its Sequence browser, which grew meanwhile, by process().

        Raises RecordingError when no frame came; then an earlier sweep stays.
        """
        live, self._live = self._live, None
        growing, self._growing = self._growing, None
        try:
            recording, sweep = self._recordings.stop()
        except RecordingError:
            if live is not None:
                live.close()
            raise
        self._clock.start()
        self._take(sweep, growing)
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
            self._workflow.note("The recording has ended, because the images come from another source now.")
        except RecordingError as error:
            self._workflow.note(str(error))

    def open(
        self, path: str | Path, plus_configuration: str | Path | None = None, origin: str | None = None,
        sweep: Sweep | None = None,
    ) -> Sweep:  # fmt: skip
        """Take a recording from a file.

        Who opens a recording means the patient whom it shows: unless it is the recording of this very case, it begins
        a new case, as case.begin() does, because nothing else tells that it is the same patient. A stream goes on, and
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
        self._workflow.know_folder(Path(path).parent)
        self._take(sweep)
        for note in sweep.notes:
            self._workflow.note(note)
        self.path = Path(path)

    def _take(self, sweep: Sweep, growing: GrowingSweep | None = None) -> None:
        """A sweep from anywhere, in place of what was recorded or opened; `growing` brings it into the scene."""
        self._volume.set_sweep(sweep, growing)
        self._completing, self._message = growing, ""
        self.path, self._is_own, self._recording = None, False, None

    def start_delay_estimate(self) -> None:
        """Measure on the sweep (the probe moving up and down) how late the images are, in the background.

        What is found is told by a notice, and a delay that is known and surely not 0 is used by the next connection.
        Raises RecordingError without a sweep.
        """
        sweep = self._volume.sweep
        if sweep is None:
            raise RecordingError("There is no sweep to measure the delay of; record a probe that moves up and down.")

        def compute():
            from ..calibration.temporal_calibration import estimate_image_delay

            return estimate_image_delay(Sweep(sweep.frames))

        def found(estimate: TimingEstimate) -> None:
            self._workflow.note(f"In this recording {estimate}. {estimate.judgement}")
            self._on_delay(estimate)

        self._delay.request(lambda: compute, found, lambda error: self._workflow.note(str(error)))

    def process(self, now_s: float) -> None:
        """Tell how it goes; called by the session's timer."""
        self._recordings.process(now_s)
        self._end_when_memory_is_short(now_s)
        self._delay.process()
        if self._live is not None:
            self._live.process(now_s)
        # One after the other: the next one takes the place of the one before in the scene.
        if self._completing is not None:
            self._completing.write(_SCENE_BUDGET_S)
            if self._completing.is_complete:
                self._end_completing()
            elif not self._message:
                self._message = self._workflow.state[Step.RECORD].message
                self._tell(f"{self._message}; the Sequence browser is being completed")
        elif self._growing is not None:
            self._growing.write(_SCENE_BUDGET_S)

    def _end_when_memory_is_short(self, now_s: float) -> None:
        current = self._recordings.current
        if current is None or not len(current) or now_s - self._looked_at_memory_s < _LOOK_AT_MEMORY_EVERY_S:
            return
        self._looked_at_memory_s = now_s
        why = current.must_end
        if why:
            self.stop()
            self._workflow.note(why)

    def forget(self) -> None:
        """The sweep is gone; a recording that goes on is not."""
        if self._completing is not None:
            self._completing.remove()
            self._completing = None
        self.path, self._is_own, self._recording = None, False, None

    def close(self) -> None:
        """End what goes on; every frame that came is on disk afterwards, and no half of a sweep is in the scene."""
        self.complete_scene()
        if self._growing is not None:
            self._growing.remove()
            self._growing = None
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
            self._is_own = len(files) == 1 and not recording.recorder.problem
        self._workflow.touch()

    def _end_completing(self) -> None:
        message, self._message, every, self._completing = self._message, "", self._completing.every, None
        if every > 1:
            self._workflow.note(f"The Sequence browser holds one frame of {every} of this sweep; the sweep has all.")
        if message:
            self._tell(message)

    def _tell(self, message: str) -> None:
        if self._workflow.state.status(Step.RECORD) is StepStatus.DONE:
            self._workflow.set(Step.RECORD, StepStatus.DONE, message)

    def _end_live(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.close()


def _load_modules() -> None:
    from ..reconstruction import LiveReconstruction, SweepWatch  # noqa: F401
