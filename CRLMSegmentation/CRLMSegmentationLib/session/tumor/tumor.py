"""Segment: the tumor in the box, another threshold, corrections by hand, and that the surface always follows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ...errors import GeometryError, SegmentationError
from ...navigation.distance import TumorDistance
from ...values import Box, Volume
from ...values.progress import Progress, ShouldCancel
from ...words import tr
from ..box import BoxPart
from ..case.case_clock import CaseClock
from ..case.case_facts import CaseFacts
from ..engine import Engine
from ..event import Event
from ..jobs.job import Job
from ..jobs.jobs import Jobs
from ..state import NO_BOX, Step, StepStatus
from ..volume import VolumePart
from ..workflow import Workflow
from .edited_tumor import EditedTumor
from .finding import Compute, Finding, by_network, by_region_growing
from .saved_tumor import SavedTumor
from .shown_tumor import OnTumor
from .tumor_shape import shape_of_mask, shape_of_surface
from .tumor_state import TumorState, now

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ...inference.models.trained_model import Model
    from ...segmentation.segment import SegmentationResult
    from ...segmentation.segmenter import Segmenter


class TumorPart(EditedTumor):
    """The tumor of one session; see ShownTumor for what it gives out.

    on_tumor      called with surface and TumorDistance whenever another tumor is shown; with None twice when none is
    is_simulated  True while the data of the case are simulated
    on_error      called with what a handler of an event raises

    forgotten  all is as at the beginning; what is shown of it belongs to another case, and is left alone
    """

    def __init__(
        self, workflow: Workflow, jobs: Jobs, volume: VolumePart, box: BoxPart, engine: Engine, clock: CaseClock,
        on_tumor: OnTumor, is_simulated: Callable[[], bool], on_error: Callable[[Exception], None] | None = None,
    ):  # fmt: skip
        super().__init__(workflow, jobs, volume, clock, on_tumor, is_simulated, on_error)
        self.forgotten: Event[[]] = Event(on_error)
        self._box, self._engine = box, engine
        jobs.handlers[Step.SEGMENT] = self._take

    # Finding the tumor

    def begin(self, segmenter: Segmenter | Model, threshold: float | None = None, keep: str = "largest") -> Job:
        """The job that finds the tumor in the box, to be run and finished by the caller.

        threshold  None for the model's own
        keep       which part counts; see segmentation.segment
        Raises SegmentationError when there is no volume or box.
        """
        return self._begin(lambda *_: segmenter, threshold, keep)

    def segment(
        self, segmenter: Segmenter | Model, threshold: float | None = None, progress: Progress | None = None,
        should_cancel: ShouldCancel | None = None, keep: str = "largest",
    ) -> SegmentationResult:  # fmt: skip
        """Find the tumor here and now. Raises SegmentationError and GeometryError."""
        finding: Finding = self._jobs.run(self.begin(segmenter, threshold, keep), progress, should_cancel)
        return finding.result

    def start(self, threshold: float | None = None, keep: str = "largest") -> None:
        """Find the tumor in the box, in the background. Raises SegmentationError when there is no volume or box."""
        job = self._begin(self._engine.segmenter, threshold, keep)
        self._engine.start()
        self._jobs.start(job)

    def start_region_growing(self, seed_ras: ArrayLike) -> None:
        """Grow the tumor from a place (3,) RAS mm in it, within the box when there is one, in the background.

        Raises SegmentationError when there is no volume.
        """
        self._start(by_region_growing(self._needed_volume(), seed_ras, self._box.value, self.smoothing))

    def _begin(
        self, segmenter: Callable[[ShouldCancel, Progress], Segmenter | Model], threshold: float | None, keep: str
    ) -> Job:
        volume, box = self._needed_volume(), self._needed_box()
        compute = by_network(volume, box, segmenter, threshold, self._box.is_tight, keep, self.smoothing)
        return self._jobs.begin(Step.SEGMENT, compute)

    def _start(self, compute: Compute) -> None:
        self._jobs.start(self._jobs.begin(Step.SEGMENT, compute))

    def _take(self, finding: Finding) -> None:
        self._workflow.state.timings_s.update(finding.timings_s)
        self._drop_requests()
        self._doubts.begin()
        self._show(finding.state, is_new_mask=True)

    def set(self, mask: Volume, probability: Volume | None = None, surface: vtkPolyData | None = None) -> None:
        """Take a tumor mask that belongs to the present volume and box.

        mask         nonzero inside the tumor, in Reference;  probability  float32, any grid, or None
        surface      RAS mm; None makes one of the mask
        Raises GeometryError when the surface is open, SegmentationError when the mask is empty.
        """
        if not mask.voxels.any():
            raise SegmentationError(tr("The mask is empty: there is no surface to make."))
        self._drop_pending()
        mask = mask.on_grid((mask.voxels != 0).astype(np.uint8))
        try:
            shape = shape_of_mask(mask, self.smoothing) if surface is None else shape_of_surface(mask, surface)
        except Exception:
            self._on_tumor(None, None)
            raise
        state = TumorState(shape, mask, probability=probability, smoothing=self.smoothing, found_at=now())
        self._show(state, is_new_mask=True)

    def remove(self) -> None:
        """A person has deleted the tumor."""
        self.was_shown = False
        self.make_stale()
        self._workflow.edited()
        self._workflow.notify()

    def leave(self, was_shown: bool = False, message: str = "") -> None:
        """Another tumor of the case is worked on, of which there is nothing to work with here.

        was_shown  True when it is out of date, so that the step says so, with `message`
        """
        self._drop_pending()
        self._drop()
        self._doubts.hide()
        self.was_shown = was_shown
        self.changed()
        self._on_tumor(None, None)
        self._workflow.rest(Step.SEGMENT, message)
        self.check_navigate()

    # Going on from what was saved

    def restore(self, state: TumorState, is_drawn: bool = False, acknowledged: bool = False) -> None:
        """Take a tumor that was saved with the present volume.

        is_drawn      True when its mask is shown already
        acknowledged  True when a person had seen its doubts
        """
        self._drop_pending()
        self._doubts.begin(state.doubts if acknowledged else ())
        self._shaping.smoothing = state.smoothing
        self._show(state, is_new_mask=not is_drawn)

    def restore_saved(self, saved: SavedTumor, facts: CaseFacts) -> None:
        """Take over what a scene holds. What cannot be measured to is hidden, and the step says why.

        facts  what is known of it beside
        """
        self.was_shown = saved.is_any
        try:
            volume = self._volume.value if saved.labelmap is not None and saved.surface is not None else None
            state = None if volume is None else saved.state_on(volume, facts)
            if state is not None:
                self.restore(state, is_drawn=True, acknowledged=facts.doubts_acknowledged)
            else:
                self._restore_surface(saved.surface)
        except GeometryError as error:
            self._drop()
            self.changed()
            self._on_tumor(None, None)
            self._workflow.set(
                Step.SEGMENT, StepStatus.FAILED, tr("the tumor in the scene cannot be used: {error}", error=error)
            )

    def _restore_surface(self, surface: vtkPolyData | None) -> None:
        """Alone: it can be measured to, and nothing of it can be changed."""
        if surface is not None:
            self._on_tumor(surface, TumorDistance(surface))
            self.surface = surface
            self.check_navigate()
        self.changed()
        self._workflow.rest(Step.SEGMENT)

    def forget(self) -> None:
        """As at the beginning."""
        self._drop()
        self.was_shown = False
        self.forgotten()

    def process(self) -> None:
        """Take in what has been computed and what a hand has done; called by the session's timer."""
        self._shaping.process()

    def finish_shaping(self, timeout_s: float = 10.0) -> None:
        """Wait until the last stroke has reached the surface."""
        until = time.monotonic() + timeout_s
        while self.is_shaping and time.monotonic() < until:
            self.process()
            time.sleep(0.005)

    def close(self) -> None:
        """Wait for the threads."""
        self._shaping.close()

    def _drop_pending(self) -> None:
        """Another tumor is given: what is being computed, of it or in its place, is not wanted any more."""
        self._drop_requests()
        self._doubts.begin()
        self._workflow.revisions[Step.SEGMENT] += 1
        self._jobs.cancel(Step.SEGMENT)

    def _needed_box(self) -> Box:
        box = self._box.value
        if box is None:
            raise SegmentationError(NO_BOX)
        return box
