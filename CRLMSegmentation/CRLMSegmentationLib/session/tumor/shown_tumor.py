"""The tumor that is shown: its state, its figures, and that it is hidden as soon as it is out of date."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...navigation.distance import TumorDistance
from ...values import Volume
from ...words import tr
from ..case.case_clock import CaseClock
from ..event import Event
from ..jobs.jobs import Jobs
from ..state import Step, StepStatus
from ..tumors.case_tumor import color_of
from ..volume import VolumePart
from ..workflow import Workflow
from .labelmap import Labelmap
from .shown_doubts import ShownDoubts
from .tumor_state import TumorState

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ...segmentation.segment import SegmentationResult

OnTumor = Callable[["vtkPolyData | None", "TumorDistance | None"], None]


class ShownTumor:
    """The tumor of one session. What it gives out is never changed in place.

    on_tumor      called with surface and TumorDistance whenever another tumor is shown; with None twice when none is
    is_simulated  True while the data of the case are simulated
    on_error      called with what a handler of an event raises

    others_are_shown  gives True while another tumor of the case can be navigated by
    state          the tumor as it is now; None when there is none
    surface        that is shown, RAS mm; None when none is
    is_editable    True while the mask of the state is shown, be it empty, so that a hand can change it
    is_correcting  True while a hand is at work
    was_shown      True when a tumor is shown, or one that is out of date now was
    mask_revision  how often the mask has become another than the one that a hand has drawn: then who shows it draws it
    color          red, green, blue, 0 to 1, that it is drawn in
    changed        any of these may be another
    """

    def __init__(
        self, workflow: Workflow, jobs: Jobs, volume: VolumePart, clock: CaseClock, on_tumor: OnTumor,
        is_simulated: Callable[[], bool], on_error: Callable[[Exception], None] | None = None,
    ):  # fmt: skip
        self.state: TumorState | None = None
        self.surface: vtkPolyData | None = None
        self.is_editable = self.is_correcting = self.was_shown = False
        self.mask_revision = 0
        self.color = color_of(1)
        self.others_are_shown: Callable[[], bool] = lambda: False
        self.changed: Event[[]] = Event(on_error)
        self._workflow, self._jobs, self._volume, self._clock = workflow, jobs, volume, clock
        self._on_tumor = on_tumor
        self._doubts = ShownDoubts(workflow, is_simulated)
        workflow.resting[Step.SEGMENT] = self._resting

    @property
    def result(self) -> SegmentationResult | None:
        """Of the present probability and threshold, before corrections; None when there is none."""
        return self.state.result if self.state is not None else None

    @property
    def mask(self) -> Volume | None:
        """uint8 on the voxels of the volume, corrections by hand included; None when there is none."""
        grid = self._volume.value
        if self.state is None or not self.is_editable or grid is None:
            return None
        mask = self.state.mask
        return mask if mask.has_geometry_of(grid) else Labelmap.of_mask(mask).mask_on(grid)

    @property
    def probability(self) -> Volume | None:
        """float32 on the voxels of the crop; None when there is none."""
        return self.state.probability if self.state is not None and self.is_editable else None

    @property
    def figures(self) -> dict[str, float] | None:
        """Of the tumor as it is shown; None while none is."""
        if self.state is None or self.surface is None:
            return None
        shape = self.state.shape
        return {
            "volume_ml": shape.volume_ml,
            "largest_diameter_mm": shape.largest_diameter_mm,
            "voxels_corrected_by_hand": self.state.corrections.count,
        }

    @property
    def is_there(self) -> bool:
        """True when there is a tumor, or one is being drawn."""
        return self.state is not None or self.surface is not None

    @property
    def is_stale(self) -> bool:
        """True when a tumor was shown that is out of date now."""
        return self.was_shown and self.surface is None and not self.is_editable

    @property
    def has_probability(self) -> bool:
        """True when there is something that another threshold can cut."""
        return self.result is not None

    @property
    def doubts(self) -> tuple[str, ...]:
        """Sentences that speak against what the segmentation shows, or against that it shows nothing."""
        return self._workflow.state.doubts

    @property
    def doubts_acknowledged(self) -> bool:
        """False until a person has said that he has seen the doubts; True when there are none."""
        return self._workflow.state.doubts_acknowledged

    def acknowledge_doubts(self) -> None:
        """A person has seen all of them. Other doubts, and any about another tumor, are reported anew."""
        self._doubts.acknowledge()
        self._workflow.notify()

    def _show(self, state: TumorState, is_new_mask: bool) -> None:
        self.state, self.surface = state, state.shape.surface
        self.is_editable = self.surface is not None or self.is_correcting
        self.was_shown |= self.is_editable
        self.mask_revision += is_new_mask
        self.changed()
        self._on_tumor(self.surface, state.shape.distance)
        self._report_text(state)
        self._doubts.show(state)
        self.check_navigate()
        self._workflow.edited()
        self._workflow.notify()

    def _report_text(self, state: TumorState) -> None:
        """The step's line, and the clock, which stands while nobody corrects."""
        if self.is_correcting:
            message = tr("being corrected by hand: {text}", text=state.shape.text)
        else:
            message = tr("no tumor was found in the box") if state.is_nothing_found else state.text
            self._clock.stop()
        self._workflow.set(Step.SEGMENT, StepStatus.DONE, message)

    def make_stale(self) -> None:
        """Hide the tumor and measure to it no more, because what it was made from has changed."""
        was_running = Step.SEGMENT in self._jobs.steps
        self._workflow.revisions[Step.SEGMENT] += 1
        self._jobs.cancel(Step.SEGMENT)
        self._drop()
        self._doubts.hide()
        self.changed()
        self._clock.go_on()
        message = tr("out of date: what it was made from has changed") if self.is_stale else ""
        if not was_running and self._workflow.state.status(Step.SEGMENT) is not StepStatus.RUNNING:
            self._workflow.rest(Step.SEGMENT, message)
        self.check_navigate()
        self._on_tumor(None, None)

    def check_navigate(self) -> None:
        """Put the step into the status that it has by this tumor and the others."""
        ready = self.surface is not None or self.others_are_shown()
        self._workflow.set(Step.NAVIGATE, StepStatus.READY if ready else StepStatus.WAITING)

    def _drop(self) -> None:
        """Nothing is shown, and nothing is known of it."""
        self._doubts.begin()
        self.state = self.surface = None
        self.is_editable = False

    def _resting(self) -> StepStatus:
        if self.is_there:
            return StepStatus.DONE
        if self.was_shown:
            return StepStatus.STALE
        ready = self._volume.is_there and self._workflow.state.status(Step.BOX) is StepStatus.DONE
        return StepStatus.READY if ready else StepStatus.WAITING
