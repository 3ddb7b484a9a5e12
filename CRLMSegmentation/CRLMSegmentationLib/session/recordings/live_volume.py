"""The volume that fills in under the probe while it is swept."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...errors import ReconstructionError
from ...reconstruction import ReconstructionSettings
from ...sweep import Sweep
from ...sweep.steadying import shaking_mm
from ...values.progress import Progress, ShouldCancel
from ...words import tr
from ..jobs.task import Task

if TYPE_CHECKING:
    from ...reconstruction import Reconstruction

_SHORTEST_PAUSE_S = 0.3
# Snapshots take at most this part of the time, so that frames are inserted in between.
_LARGEST_SHARE = 0.2


class LiveVolume:
    """A live reconstruction and the snapshots that are shown of it.

    engine       LiveReconstruction: takes the frames
    on_snapshot  called by process() with each new snapshot (Reconstruction), holes left open
    """

    def __init__(self, settings: ReconstructionSettings, on_snapshot: Callable[[Reconstruction], None]):
        from ...reconstruction import LiveReconstruction

        self.engine = LiveReconstruction(settings)
        self._settings = settings
        self._on_snapshot = on_snapshot
        self._snapshot: Task | None = None
        self._next_s = -math.inf

    def process(self, now_s: float) -> None:
        """Show a snapshot that is ready; take another when it is time."""
        if self._snapshot is not None:
            if not self._snapshot.has_ended:
                return
            task, self._snapshot = self._snapshot, None
            self._next_s = now_s + max(_SHORTEST_PAUSE_S, task.seconds / _LARGEST_SHARE)
            if task.error is None:
                self._on_snapshot(task.result)
        elif now_s >= self._next_s:
            engine = self.engine
            self._snapshot = Task(lambda: engine.snapshot(fill=False), "live volume")

    def finish(
        self, sweep: Sweep, progress: Progress | None = None, should_cancel: ShouldCancel | None = None
    ) -> Reconstruction:
        """In a job's thread: the Reconstruction of every frame, holes filled. Raises ReconstructionError."""
        from ...reconstruction import reconstruct

        if progress is not None:
            progress(0.1, tr("inserting the last frames"))
        self.engine.close()
        if progress is not None:
            progress(0.5, tr("filling holes"))
        try:
            made = self.engine.snapshot()
            # Frames were put in as they came, also where they turn out to shake.
            poses = [*sweep.image_to_reference()]
            if shaking_mm(poses, sweep.image_size) > self._settings.evens_above_mm:
                return reconstruct(sweep, self._settings, progress, should_cancel)
            # Frames of the sweep that were taken for odd ones, before many like them had come.
            odd = sum(skipped.kind.startswith("image of another") for skipped in made.report.frames_skipped)
            if odd <= len(made.report.frames_used) + len(made.report.frames_skipped) - len(sweep):
                return made
        except ReconstructionError:
            pass  # a frame that could not be inserted on the way: all at once may do, or say why not
        return reconstruct(sweep, self._settings, progress, should_cancel)

    def close(self) -> None:
        """End the thread that inserts."""
        if self._snapshot is not None:
            # First: a snapshot that is being taken would start threads of the engine again.
            self._snapshot.join()
            self._snapshot = None
        self.engine.close()
