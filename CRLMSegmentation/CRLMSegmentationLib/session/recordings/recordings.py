"""Starting and ending recordings: the one that goes on, the files that are still being written, those to recover."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import CRLMError, RecordingError
from ...reconstruction import ReconstructionSettings
from ...sweep import Sweep, TrackedFrame
from ...sweep.recovery import recover_unfinished
from ...words import tr
from ..jobs.task import Task
from ..state import NO_RECORDING, RECORDING_GOES_ON, Step, StepStatus
from ..workflow import Workflow
from .recording import Recording, RecordingState, new_recording_path

if TYPE_CHECKING:
    from ...reconstruction import LiveReconstruction


class Recordings:
    """At most one recording goes on at a time.

    folder   where recordings go
    on_file  called with a Recording and the files that were made of it, once they are complete
    """

    def __init__(self, workflow: Workflow, on_file: Callable[[Recording, list[Path]], None]):
        self.folder: Path | None = None
        self._workflow, self._on_file = workflow, on_file
        self._now: Recording | None = None
        self._reported_s = 0.0
        self._writing: list[tuple[Recording, Task]] = []
        self._recovering: Task | None = None

    @property
    def is_recording(self) -> bool:
        return self._now is not None

    @property
    def is_completing(self) -> bool:
        """True while the file of a recording that has ended is being completed."""
        return bool(self._writing)

    @property
    def is_writing(self) -> bool:
        """True also while an earlier one is recovered."""
        return self.is_completing or self._recovering is not None

    @property
    def current(self) -> Recording | None:
        return self._now

    @property
    def state(self) -> RecordingState | None:
        return self._now.state() if self._now is not None else None

    def recover(self) -> None:
        """Finish what was cut off in the folder, in the background; a notice says so."""
        folder = self.folder
        if folder is not None and folder.is_dir() and self._recovering is None:
            self._recovering = Task(lambda: [str(one) for one in recover_unfinished(folder)], "recovery of recordings")

    def start(
        self, path: str | Path | None, settings: ReconstructionSettings, live: LiveReconstruction | None = None
    ) -> None:
        """Keep every frame from now on.

        path  None for a new name in the folder, or in memory only when there is no folder
        Raises RecordingError when one is going on already or the file cannot be begun.
        """
        if self._now is not None:
            raise RecordingError(RECORDING_GOES_ON)
        if path is None and self.folder is not None:
            path = new_recording_path(self.folder)
        self._now = Recording(path, settings, live)
        self._workflow.set(Step.RECORD, StepStatus.RUNNING, "recording")
        self._workflow.notify()

    def add(self, frame: TrackedFrame) -> TrackedFrame:
        """Take a live frame, when recording; returns it as it is kept."""
        return self._now.add(frame) if self._now is not None else frame

    def stop(self) -> tuple[Recording, Sweep]:
        """End the recording; its file is completed in the background. Raises RecordingError when no frame came."""
        recording, self._now = self._now, None
        if recording is None:
            raise RecordingError(NO_RECORDING)
        try:
            sweep = recording.sweep()
        except RecordingError as error:
            recording.discard()
            self._workflow.set(Step.RECORD, StepStatus.FAILED, str(error))
            self._workflow.notify()
            raise
        if recording.recorder is not None:
            self._writing.append((recording, Task(recording.recorder.stop, "recording file")))
        return recording, sweep

    def process(self, now_s: float) -> None:
        """Tell how the recording goes, and of files that are complete."""
        if self._now is not None and now_s - self._reported_s > 0.2:
            self._reported_s = now_s
            self._workflow.set(Step.RECORD, StepStatus.RUNNING, f"recording, {self._now.state().text}")
        for entry in list(self._writing):
            recording, task = entry
            if task.has_ended:
                self._writing.remove(entry)
                self._report_file(recording, task)
        if self._recovering is not None and self._recovering.has_ended:
            task, self._recovering = self._recovering, None
            for sentence in task.result or ([str(task.error)] if task.error else []):
                self._workflow.note(sentence)

    def close(self) -> None:
        """End what goes on; every frame that came is on disk afterwards."""
        if self._now is not None:
            try:
                self.stop()
            except CRLMError:
                pass
        for recording, task in self._writing:
            task.join()
            self._report_file(recording, task)
        self._writing.clear()
        if self._recovering is not None:
            self._recovering.join()
            self._recovering = None

    def _report_file(self, recording: Recording, task: Task) -> None:
        if task.error is not None:
            self._workflow.note(str(task.error))
            return
        recorder = recording.recorder
        if recorder is not None and recorder.problem:
            self._workflow.note(tr("The recording is incomplete: {problem}.", problem=recorder.problem))
        self._on_file(recording, [Path(path) for path in task.result])
