"""What is made of a tumor that was found: another threshold, another smoothing, corrections by hand."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import SegmentationError
from ...values import Volume
from ...words import tr
from ..case.case_clock import CaseClock
from ..jobs.jobs import Jobs
from ..state import BEING_FOUND, NO_PROBABILITY, Step, StepStatus
from ..volume import VolumePart
from ..workflow import Workflow
from .labelmap import Labelmap
from .shaping import Shaping
from .shown_tumor import OnTumor, ShownTumor
from .tumor_state import TumorState, empty_state


class EditedTumor(ShownTumor):
    """A tumor whose surface follows threshold, smoothing and hand. See ShownTumor for what it is made with."""

    def __init__(
        self, workflow: Workflow, jobs: Jobs, volume: VolumePart, clock: CaseClock, on_tumor: OnTumor,
        is_simulated: Callable[[], bool], on_error: Callable[[Exception], None] | None = None,
    ):  # fmt: skip
        super().__init__(workflow, jobs, volume, clock, on_tumor, is_simulated, on_error)
        self._shaping = Shaping(lambda: self.state, self._keep, self._show, self._fail_shaping)

    @property
    def threshold(self) -> float | None:
        """Of probability, as it was asked for last; None when there is none yet."""
        if self._shaping.wanted_threshold is not None:
            return self._shaping.wanted_threshold[0]
        return self.state.threshold if self.state is not None else None

    @property
    def kept_part(self) -> str:
        """Which part of what the threshold cuts counts; see segmentation.postprocess.KEEP."""
        return self.state.keep if self.state is not None else TumorState.keep

    @property
    def smoothing(self) -> float:
        """Of the surface, 0 to 1."""
        return self._shaping.smoothing

    @property
    def has_hand_corrections(self) -> bool:
        """True when a hand has changed the tumor, be it with a stroke that is still on its way to the surface."""
        return self._shaping.has_any_stroke or (self.state is not None and self.state.is_corrected)

    @property
    def is_shaping(self) -> bool:
        """True while an edit, a threshold or a smoothing is on its way to the screen."""
        return self._shaping.is_busy

    def set_threshold(self, threshold: float, keep: str = "largest") -> None:
        """Cut the stored probability at another threshold, in the background; corrections by hand stay.

        Raises SegmentationError.
        """
        if not self.has_probability:
            raise SegmentationError(NO_PROBABILITY)
        if not 0 < threshold < 1:
            raise SegmentationError(
                tr("The threshold is {threshold:g}; it must lie between 0 and 1.", threshold=threshold)
            )
        self._shaping.cut(float(threshold), keep)

    def set_smoothing(self, smoothing: float) -> None:
        """Of the surface, from 0 (the voxels' stairs) to 1; the volume stays that of the mask."""
        self._shaping.smoothing = min(max(float(smoothing), 0.0), 1.0)
        if self.state is not None:
            self._shaping.request()
        self._workflow.touch()
        self._workflow.notify()

    def set_canvas(self, canvas: Callable[[], Labelmap | None] | None) -> None:
        """What a hand draws on: gives what it has drawn, as it is now, or None when it has removed all of it. Who shows
        the mask sets it, and reports strokes by add_stroke().
        """
        self._shaping.canvas = canvas

    def begin_correction(self) -> None:
        """Let a hand edit the mask, be it an empty one. The surface follows every stroke.

        Earlier corrections stay and can be gone on with. A stroke that comes while the tumor is being found stops that.
        Raises SegmentationError when there is no volume to draw on, or the tumor is being found.
        """
        if Step.SEGMENT in self._jobs.steps:
            raise SegmentationError(BEING_FOUND)
        if self.state is None:
            self.state = empty_state(self._needed_volume())
        if not self.is_editable:
            self.mask_revision += 1
        self.is_editable = self.is_correcting = self.was_shown = True
        self.changed()
        self._clock.go_on()
        self._workflow.set(Step.SEGMENT, StepStatus.DONE, tr("being corrected by hand"))
        self._workflow.notify()

    def add_stroke(self) -> None:
        """A hand has changed what is on the canvas, perhaps in the middle of an edit: process() takes it in."""
        if self.state is None or not self.is_editable:
            return
        self._shaping.add_stroke()
        if Step.SEGMENT in self._jobs.steps:
            # What it finds would take the place of what the hand is making.
            self._workflow.revisions[Step.SEGMENT] += 1
            self._jobs.cancel(Step.SEGMENT)
            self._workflow.note(tr("Finding the tumor was stopped, because the tumor was corrected by hand meanwhile."))

    def end_correction(self) -> None:
        """The hand has left; the last strokes are on their way to the surface."""
        if not self.is_correcting or self.state is None:
            return
        self.is_correcting = False
        self._shaping.has_stroke = True
        self.changed()
        self._report_text(self.state)
        self._workflow.notify()

    def discard_corrections(self) -> None:
        """Take back all that a hand made of the tumor, in the background, also strokes that are on their way."""
        if self.state is not None:
            self.is_correcting = False
            self._shaping.discard(self.state, self._show_uncorrected)

    def _show_uncorrected(self, state: TumorState) -> None:
        self._shaping.has_stroke = False
        if state.shape.surface is None and state.result is None:
            # A hand had drawn all of it.
            self.make_stale()
            self._workflow.notify()
            return
        self._show(state, is_new_mask=True)

    def _keep(self, state: TumorState) -> None:
        self.state = state

    def _fail_shaping(self, error: Exception) -> None:
        self._workflow.set(Step.SEGMENT, StepStatus.FAILED, str(error))
        self.surface = None
        self.changed()
        self._on_tumor(None, None)
        self.check_navigate()
        self._workflow.notify()

    def _drop(self) -> None:
        self._drop_requests()
        super()._drop()

    def _drop_requests(self) -> None:
        """What was asked of the tumor so far (a threshold, a stroke) concerns no other one."""
        self._shaping.drop()
        self.is_correcting = False

    def _needed_volume(self) -> Volume:
        volume = self._volume.value
        if volume is None:
            raise SegmentationError(tr("There is no volume to segment; reconstruct the sweep first."))
        return volume
