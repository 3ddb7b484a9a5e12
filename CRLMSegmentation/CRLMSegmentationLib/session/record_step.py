"""Record: a recording is begun and ended, volume and sequences grow meanwhile, and recordings on disk are opened."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import RecordingError
from ..mrml.sweep_sequence import GrowingSweep
from ..sweep import Sweep, TrackedFrame, read_plus_configuration, read_sweep
from .case.case_clock import CaseClock
from .jobs.jobs import Jobs
from .jobs.latest import Latest
from .jobs.task import Task
from .recordings.live_volume import LiveVolume
from .recordings.recording import Recording, RecordingState
from .recordings.recordings import Recordings
from .state import Step, StepStatus
from .volume_step import VolumeStep
from .workflow import Workflow

# Of each beat of the session's timer, for bringing frames into the scene.
_SCENE_BUDGET_S = 0.008
_LOOK_AT_MEMORY_EVERY_S = 1.0

if TYPE_CHECKING:
    from ..calibration.temporal_calibration import TimingEstimate


class RecordStep:
    """Recordings of one session.

    live_reconstruction  True to make the volume while it is swept
    recorded_path        the file of the sweep, once it is complete
    on_recorded          called with the file of the sweep, once it is complete
    on_must_end          called when a recording has to be ended now
    """

    def __init__(
        self, workflow: Workflow, jobs: Jobs, volume: VolumeStep, clock: CaseClock, on_must_end: Callable[[], object],
        on_recorded: Callable[[Path], None],
    ):  # fmt: skip
        self._on_recorded = on_recorded
        self._on_must_end, self._looked_at_memory_s = on_must_end, -math.inf
        self.live_reconstruction = True
        self.recorded_path: Path | None = None
        self._recording: Recording | None = None
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
        return self._recordings.folder

    @folder.setter
    def folder(self, folder) -> None:
        self._recordings.folder = None if folder is None else Path(folder)
        if folder is not None:
            self._workflow.know_folder(folder)
        self._recordings.recover()

    @property
    def state(self) -> RecordingState | None:
        """None when no recording goes on."""
        return self._recordings.state

    @property
    def own_recording(self) -> Path | None:
        """recorded_path when it was recorded here and is still there."""
        path = self.recorded_path
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

    def start(self, path=None, mark: Mapping[str, str] | None = None) -> None:
        """Keep every frame from now on, with the fields of `mark`. Raises RecordingError."""
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
        self._mark, self._live = dict(mark or {}), live
        self._growing = self._volume.new_growing_sweep()

    def stop(self) -> Sweep:
        """End the recording and take it as the sweep. Raises RecordingError when no frame came."""
        live, self._live = self._live, None
        growing, self._growing = self._growing, None
        try:
            recording, sweep = self._recordings.stop()
        except RecordingError:
            if live is not None:
                live.close()
            raise
        self._clock.start()
        self.take(sweep, growing)
        for note in sweep.notes:
            self._workflow.note(note)
        self._recording = recording
        if live is not None:
            compute = lambda progress, should_cancel: live.finish(sweep, progress, should_cancel)  # noqa: E731
            self._jobs.start(self._jobs.begin(Step.RECONSTRUCT, compute))
        return sweep

    @staticmethod
    def read(path, plus_configuration=None) -> Sweep:
        """A recording from a file. Raises SequenceFileError, TransformError and ConfigurationError."""
        calibration = read_plus_configuration(plus_configuration).transforms if plus_configuration else None
        return read_sweep(path, calibration)

    def take_opened(self, sweep: Sweep, path) -> None:
        """What was read from that file."""
        self._clock.forget()
        self._workflow.know_folder(Path(path).parent)
        self.take(sweep)
        for note in sweep.notes:
            self._workflow.note(note)
        self.recorded_path = Path(path)

    def take(self, sweep: Sweep, growing: GrowingSweep | None = None) -> None:
        """A sweep from anywhere, in place of what was recorded or opened; `growing` brings it into the scene."""
        self._volume.set_sweep(sweep, growing)
        self._completing, self._message = growing, ""
        self.recorded_path, self._is_own, self._recording = None, False, None

    def start_delay_estimate(self, on_found: Callable[[TimingEstimate], None]) -> None:
        """How late the images of the sweep are, in the background; told by a notice. Raises RecordingError."""
        sweep = self._volume.sweep
        if sweep is None:
            raise RecordingError("There is no sweep to measure the delay of; record a probe that moves up and down.")

        def compute():
            from ..calibration.temporal_calibration import estimate_image_delay

            return estimate_image_delay(Sweep(sweep.frames))

        def found(estimate: TimingEstimate) -> None:
            self._workflow.note(f"In this recording {estimate}. {estimate.judgement}")
            on_found(estimate)

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
            self._on_must_end()
            self._workflow.note(why)

    def forget(self) -> None:
        """The sweep is gone; a recording that goes on is not."""
        if self._completing is not None:
            self._completing.remove()
            self._completing = None
        self.recorded_path, self._is_own, self._recording = None, False, None

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
            self.recorded_path = files[0]
            self._on_recorded(files[0])
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
