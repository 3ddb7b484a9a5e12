"""Record: a recording is begun and ended, the volume grows meanwhile, and recordings on disk are opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Callable

from ..errors import RecordingError
from ..sweep import Sweep, TrackedFrame, read_plus_configuration, read_sweep
from .case_clock import CaseClock
from .jobs import Jobs
from .latest import Latest
from .live_volume import LiveVolume
from .recording import Recording, RecordingState
from .recordings import Recordings
from .state import Step
from .task import Task
from .volume_step import VolumeStep
from .workflow import Workflow

if TYPE_CHECKING:
    from ..openigtlink.temporal_calibration import TimingEstimate


class RecordStep:
    """Recordings of one session.

    live_reconstruction  True to make the volume while it is swept
    recorded_path        the file of the sweep, once it is complete
    """

    def __init__(self, workflow: Workflow, jobs: Jobs, volume: VolumeStep, clock: CaseClock):
        self.live_reconstruction = True
        self.recorded_path: Path | None = None
        self._recording: Recording | None = None
        self._is_own = False
        self._workflow, self._jobs, self._volume, self._clock = workflow, jobs, volume, clock
        self._recordings = Recordings(workflow, self._on_file)
        self._live: LiveVolume | None = None
        self._delay = Latest("image delay")
        self._warming: Task | None = None

    @property
    def folder(self) -> Path | None:
        return self._recordings.folder

    @folder.setter
    def folder(self, folder) -> None:
        self._recordings.folder = None if folder is None else Path(folder)
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
    def frames(self) -> int:
        """So far, in the recording that is going on."""
        return len(self._recordings.current or ())

    @property
    def is_writing(self) -> bool:
        return self._recordings.is_writing or self._delay.is_busy

    @property
    def recorder(self):
        """The sweep.Recorder that writes now; None when there is none."""
        current = self._recordings.current
        return current.recorder if current is not None else None

    def add(self, frame: TrackedFrame) -> None:
        """Take a live frame, when recording."""
        self._recordings.add(frame)

    def warm_up(self) -> None:
        """Load what a recording needs, in the background, so that its first frames are not kept waiting."""
        if self._warming is None:
            self._warming = Task(_load_modules, "modules for recording")

    def start(self, path=None) -> None:
        """Keep every frame from now on. Raises RecordingError."""
        settings = self._volume.settings
        live = LiveVolume(settings, self._volume.show_growing) if self.live_reconstruction else None
        try:
            self._recordings.start(path, settings, live.engine if live is not None else None)
        except RecordingError:
            if live is not None:
                live.close()
            raise
        self._end_live()
        self._live = live

    def stop(self) -> Sweep:
        """End the recording and take it as the sweep. Raises RecordingError when no frame came."""
        live, self._live = self._live, None
        try:
            recording, sweep = self._recordings.stop()
        except RecordingError:
            if live is not None:
                live.close()
            raise
        self._clock.start()
        self.take(sweep)
        self._recording = recording
        if live is not None:
            compute = lambda progress, should_cancel: live.finish(sweep, progress, should_cancel)  # noqa: E731
            self._jobs.start(self._jobs.begin(Step.RECONSTRUCT, compute))
        return sweep

    def open(self, path, plus_configuration=None) -> Sweep:
        """Take a recording from a file. Raises SequenceFileError, TransformError and ConfigurationError."""
        calibration = read_plus_configuration(plus_configuration).transforms if plus_configuration else None
        sweep = read_sweep(path, calibration)
        self._clock.forget()
        self.take(sweep)
        self.recorded_path = Path(path)
        return sweep

    def take(self, sweep: Sweep) -> None:
        """A sweep from anywhere, in place of what was recorded or opened."""
        self._volume.set_sweep(sweep)
        self.recorded_path, self._is_own, self._recording = None, False, None

    def start_delay_estimate(self, on_found: Callable[[TimingEstimate], None]) -> None:
        """How late the images of the sweep are, in the background; told by a notice. Raises RecordingError."""
        sweep = self._volume.sweep
        if sweep is None:
            raise RecordingError("There is no sweep to measure the delay of; record a probe that moves up and down.")

        def compute():
            from ..openigtlink.temporal_calibration import estimate_image_delay

            return estimate_image_delay(Sweep(sweep.frames))

        def found(estimate: TimingEstimate) -> None:
            self._workflow.note(f"In this recording {estimate}.")
            on_found(estimate)

        self._delay.request(lambda: compute, found, lambda error: self._workflow.note(str(error)))

    def process(self, now_s: float) -> None:
        """Tell how it goes; called by the session's timer."""
        self._recordings.process(now_s)
        self._delay.process()
        if self._live is not None:
            self._live.process(now_s)

    def forget(self) -> None:
        """The sweep is gone; a recording that goes on is not."""
        self.recorded_path, self._is_own, self._recording = None, False, None

    def close(self) -> None:
        """End what goes on; every frame that came is on disk afterwards."""
        self._recordings.close()
        self._delay.close()
        if self._warming is not None:
            self._warming.join()
        self._end_live()

    def _on_file(self, recording: Recording, files: list[Path]) -> None:
        if recording is self._recording:
            self.recorded_path = files[0]
            # Else some frames are missing in it, or are in another file.
            self._is_own = len(files) == 1 and not recording.recorder.problem
        self._workflow.touch()

    def _end_live(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.close()


def _load_modules() -> None:
    from ..reconstruction import LiveReconstruction, SweepWatch  # noqa: F401
