"""Segment: the tumor in the box, another threshold, corrections by hand, and that the surface always follows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import GeometryError, SegmentationError
from ...mrml.nodes import is_stale
from ...mrml.segmentation_watch import SegmentationWatch
from ...mrml.tumor import TumorNodes
from ...navigation.distance import TumorDistance
from ...values import Box, Volume
from ..box import BoxPart
from ..case.case_clock import CaseClock
from ..case.case_facts import CaseFacts
from ..engine import Engine
from ..jobs.job import Job
from ..jobs.jobs import Jobs
from ..jobs.latest import Latest
from ..state import Step, StepStatus
from ..volume import VolumePart
from ..workflow import Workflow
from .hand_corrections import HandCorrections
from .tumor_shape import shape_of_mask, shape_of_surface
from .tumor_state import DEFAULT_SMOOTHING, TumorState, empty_state, state_of_result, state_of_scene

if TYPE_CHECKING:
    from ...segmentation.segment import SegmentationResult

_THRESHOLD = "CRLM.Threshold"


@dataclass(frozen=True, eq=False)
class Finding:
    """What a segmentation job gives: the result as segmentation/ made it, and the tumor that comes of it."""

    result: Any
    state: TumorState


class TumorPart:
    """The tumor of one session.

    state       the tumor as it is now; None when there is none
    is_simulated  True while the data of the case are simulated
    on_tumor    called with surface and TumorDistance whenever another tumor is shown, and with None twice when none is
    """

    def __init__(
        self, scene, workflow: Workflow, jobs: Jobs, volume: VolumePart, box: BoxPart, engine: Engine,
        clock: CaseClock, on_tumor: Callable, is_simulated: Callable[[], bool],
    ):  # fmt: skip
        self.state: TumorState | None = None
        self.is_correcting = False
        self._workflow, self._jobs, self._volume, self._box = workflow, jobs, volume, box
        self._engine, self._clock, self._on_tumor, self._is_simulated = engine, clock, on_tumor, is_simulated
        self._acknowledged: frozenset[str] = frozenset()
        self.nodes = TumorNodes(scene)
        self._watch = SegmentationWatch(self._on_edited)
        self._shaping = Latest("tumor surface")
        self._edited = self._is_taking_stroke = False
        self._wanted_threshold: tuple[float, str] | None = None
        self._smoothing = DEFAULT_SMOOTHING
        workflow.rests[Step.SEGMENT] = self._rest
        jobs.takers[Step.SEGMENT] = self._take

    # Finding the tumor

    @property
    def result(self):
        """SegmentationResult of the present probability and threshold, before corrections; None when there is none."""
        return self.state.result if self.state is not None else None

    @property
    def threshold(self) -> float | None:
        """Of probability, as it was asked for last; None when there is none yet."""
        if self._wanted_threshold is not None:
            return self._wanted_threshold[0]
        return self.state.threshold if self.state is not None else None

    @property
    def figures(self) -> dict | None:
        """Of the tumor as it is shown."""
        if self.state is None or self.state.shape.surface is None:
            return None
        shape = self.state.shape
        return {
            "volume_ml": shape.volume_ml,
            "largest_diameter_mm": shape.largest_diameter_mm,
            "voxels_corrected_by_hand": self.state.corrections.count,
        }

    @property
    def has_probability(self) -> bool:
        """True when there is something that another threshold can cut."""
        return self.result is not None

    @property
    def is_shaping(self) -> bool:
        """True while an edit, a threshold or a smoothing is on its way to the screen."""
        return self._edited or self._shaping.is_busy

    def begin(self, segmenter, threshold: float | None = None, keep: str = "largest") -> Job:
        """The job that finds the tumor in the box, to be run and finished by the caller.

        segmenter  segmentation.Segmenter or Model
        threshold  None for the model's own
        keep       which part counts; see segmentation.segment
        Raises SegmentationError when there is no volume or box.
        """
        return self._begin(lambda *_: segmenter, threshold, keep)

    def segment(
        self, segmenter, threshold: float | None = None, progress: Callable[[float, str], None] | None = None,
        should_cancel: Callable[[], bool] | None = None, keep: str = "largest",
    ) -> SegmentationResult:  # fmt: skip
        """Find the tumor here and now. Raises SegmentationError and GeometryError."""
        return self._jobs.run(self.begin(segmenter, threshold, keep), progress, should_cancel).result

    def _begin(self, segmenter, threshold: float | None, keep: str) -> Job:
        """The job that asks what `segmenter(should_cancel, progress)` gives, a Segmenter or a Model."""
        volume, box, tight, smoothing = *self._input(), self._smoothing

        def compute(progress, should_cancel):
            from ...segmentation.postprocess import with_guessed_seen
            from ...segmentation.segment import segment

            ready = segmenter(should_cancel, progress)
            result = segment(with_guessed_seen(volume), box, ready, threshold, tight, keep, progress, should_cancel)
            return Finding(result, state_of_result(result, smoothing, keep))

        return self._jobs.begin(Step.SEGMENT, compute)

    def start(self, threshold: float | None = None, keep: str = "largest") -> None:
        """Find the tumor in the box, in the background. Raises SegmentationError when there is no volume or box."""
        job = self._begin(self._engine.segmenter, threshold, keep)
        self._engine.start()
        self._jobs.start(job)

    def start_region_growing(self, seed_ras) -> None:
        """Grow the tumor from a place (3,) RAS mm in it, within the box when there is one, in the background.

        Raises SegmentationError when there is no volume.
        """
        volume, smoothing = self._needed_volume(), self._smoothing
        box = self._box.value

        def compute(progress, should_cancel):
            from ...segmentation.postprocess import with_guessed_seen
            from ...segmentation.region_growing import grow_region

            result = grow_region(
                with_guessed_seen(volume), seed_ras, box, progress=progress, should_cancel=should_cancel
            )
            return Finding(result, state_of_result(result, smoothing))

        self._jobs.start(self._jobs.begin(Step.SEGMENT, compute))

    def set(self, mask: Volume, probability: Volume | None = None, surface=None) -> None:
        """Take a tumor mask that belongs to the present volume and box.

        mask         nonzero inside the tumor, in Reference;  probability  float32, any grid, or None
        surface      vtkPolyData, RAS mm; None makes one of the mask
        Raises GeometryError when the surface is open, SegmentationError when the mask is empty.
        """
        if not mask.voxels.any():
            raise SegmentationError("The mask is empty: there is no surface to make.")
        self._drop_pending()
        try:
            shape = shape_of_mask(mask, self._smoothing) if surface is None else shape_of_surface(mask, surface)
        except Exception:
            self._on_tumor(None, None)
            raise
        self._show(TumorState(shape, mask, probability=probability, smoothing=self._smoothing), put_mask=True)

    def _take(self, finding: Finding) -> None:
        took_s = getattr(finding.result, "timings_s", {})
        timings_s = self._workflow.state.timings_s
        timings_s["crop"] = took_s.get("crop", 0.0)
        timings_s["segment"] = took_s.get("network", 0.0) + took_s.get("mask", 0.0)
        timings_s["surface"] = took_s.get("surface", 0.0)
        self._drop_shaping()
        self._acknowledged = frozenset()
        self._show(finding.state, put_mask=True)

    # Another threshold, another smoothing, a hand

    @property
    def kept_part(self) -> str:
        """Which part of what the threshold cuts counts; see segmentation.postprocess.KEEP."""
        return self.state.keep if self.state is not None else TumorState.keep

    def set_threshold(self, threshold: float, keep: str = "largest") -> None:
        """Cut the stored probability at another threshold, in the background; corrections by hand stay.

        Raises SegmentationError.
        """
        if not self.has_probability:
            raise SegmentationError("There is no probability to cut; segment the box first.")
        if not 0 < threshold < 1:
            raise SegmentationError(f"The threshold is {threshold:g}; it must lie between 0 and 1.")
        self._wanted_threshold = float(threshold), keep
        self._reshape()

    @property
    def smoothing(self) -> float:
        """Of the surface, 0 to 1."""
        return self._smoothing

    def set_smoothing(self, smoothing: float) -> None:
        """Of the surface, from 0 (the voxels' stairs) to 1; the volume stays that of the mask."""
        self._smoothing = min(max(float(smoothing), 0.0), 1.0)
        if self.state is not None:
            self._reshape()
        self._workflow.touch()
        self._workflow.tell()

    @property
    def doubts(self) -> tuple[str, ...]:
        """Sentences that speak against what the segmentation shows, or against that it shows nothing."""
        return self._workflow.state.doubts

    @property
    def doubts_acknowledged(self) -> bool:
        """False until a person has said that he has seen the doubts; True when there are none."""
        return self._workflow.state.doubts_acknowledged

    @property
    def mask(self) -> Volume | None:
        """The tumor mask on the voxels of the volume, corrections by hand included; None when there is none."""
        grid = self._volume.grid
        return None if grid is None else self.nodes.mask(grid)

    @property
    def probability(self) -> Volume | None:
        """float32 on the voxels of the crop; None when there is none."""
        return self.nodes.probability()

    @property
    def surface(self):
        """The tumor surface as vtkPolyData in RAS mm; None when there is none."""
        return self.nodes.surface()

    def begin_correction(self):
        """Let a hand edit the segmentation: returns its node, for the Segment Editor. The surface follows every stroke.

        Earlier corrections stay and can be gone on with. A stroke that comes while the tumor is being found stops that.
        Raises SegmentationError when there is no volume to draw on, or the tumor is being found.
        """
        if Step.SEGMENT in self._jobs.steps:
            raise SegmentationError("The tumor is being found: wait until that has ended, or cancel it, then correct.")
        if self.state is None:
            grid = self._needed_volume()
            self.state = empty_state(grid)
        else:
            grid = self.state.mask
        with self._watch.own_edit():
            node = self.nodes.make_editable(self._volume.node(), grid)
        self._watch.watch(node)
        self.is_correcting = True
        self._clock.go_on()
        self._workflow.set(Step.SEGMENT, StepStatus.DONE, "being corrected by hand")
        self._workflow.tell()
        return node

    def end_correction(self) -> None:
        """The hand has left; the last strokes are on their way to the surface."""
        if not self.is_correcting:
            return
        self.is_correcting = False
        self._edited = True
        self._tell_text()
        self._workflow.tell()

    def discard_corrections(self) -> None:
        """Take back all that a hand made of the tumor, in the background, also strokes that are on their way."""
        state = self.state
        if state is None:
            return
        self.is_correcting = self._edited = False
        self._shaping.request(lambda: (self.state or state).uncorrected, self._on_uncorrected, self._on_shaping_failed)

    def _on_uncorrected(self, state: TumorState) -> None:
        self._edited = False
        if state.shape.surface is None and state.result is None:
            # A hand had drawn all of it.
            self.make_stale()
            self._workflow.tell()
            return
        self._show(state, put_mask=True)

    def _on_edited(self) -> None:
        """Called out of a VTK event, perhaps in the middle of an edit: looked at by the next process()."""
        if self.state is not None and not is_stale(self.nodes.segmentation_node()):
            self._edited = True
            if Step.SEGMENT in self._jobs.steps:
                # What it finds would take the place of what the hand is making.
                self._workflow.revisions[Step.SEGMENT] += 1
                self._jobs.cancel(Step.SEGMENT)
                self._workflow.note("Finding the tumor was stopped, because the tumor was corrected by hand meanwhile.")

    def _reshape(self) -> None:
        self._shaping.request(self._begin_shaping, self._on_shaped, self._on_shaping_failed)

    def _begin_shaping(self) -> Callable[[], tuple[TumorState, bool, int]]:
        state, smoothing, edits = self.state, self._smoothing, self._watch.edits
        edited, self._edited = self._edited, False
        self._is_taking_stroke = edited
        labelmap = self.nodes.labelmap() if edited else None
        cut = self._wanted_threshold

        def compute():
            following = state.edited(labelmap) if edited else state
            if cut is not None and cut != (following.threshold, following.keep):
                following = following.cut_at(*cut)
            if smoothing != following.smoothing:
                following = following.smoothed(smoothing)
            return following, cut is not None, edits

        return compute

    def _on_shaped(self, shaped: tuple[TumorState, bool, int]) -> None:
        state, was_cut, edits = shaped
        self._is_taking_stroke = False
        if self._wanted_threshold == (state.threshold, state.keep):
            self._wanted_threshold = None
        if edits != self._watch.edits:
            # Strokes came meanwhile. They were made on the mask that is still there, so that is what they change.
            if not was_cut:
                self.state = state
            else:
                self._wanted_threshold = self._wanted_threshold or (state.threshold, state.keep)
            self._edited = True
            return
        if state is not self.state or was_cut:
            self._show(state, put_mask=was_cut)

    def _on_shaping_failed(self, error: Exception) -> None:
        self._workflow.set(Step.SEGMENT, StepStatus.FAILED, str(error))
        self.nodes.put_surface(None)
        self._on_tumor(None, None)
        self._workflow.set(Step.NAVIGATE, StepStatus.WAITING)
        self._workflow.tell()

    # Showing and hiding

    def _show(self, state: TumorState, put_mask: bool) -> None:
        self.state = state
        surface = state.shape.surface
        if put_mask or surface is None:
            self._put(state)
        else:
            self.nodes.put_surface(surface)
        self._watch.watch(self.nodes.segmentation_node())
        self._on_tumor(surface, state.shape.distance)
        self._tell_text()
        self._tell_doubts(state)
        self._workflow.set(Step.NAVIGATE, StepStatus.WAITING if surface is None else StepStatus.READY)
        self._workflow.edited()
        self._workflow.tell()

    def _tell_doubts(self, state: TumorState) -> None:
        """Those of the tumor; and that nothing was found says little about data that the model has never seen."""
        doubts, card = state.doubts, getattr(state.result, "card", None)
        is_none = state.shape.surface is None and not state.is_corrected
        if is_none and card is not None and not self._is_simulated():
            sentence = f"No tumor was found, which may be the model's fault. {card.trained_on}"
            doubts = (*(doubt for doubt in doubts if doubt != sentence), sentence)
        self._workflow.state.doubts = doubts
        self._workflow.state.doubts_acknowledged = self._acknowledged.issuperset(doubts)

    def acknowledge_doubts(self) -> None:
        """A person has seen all of them. Other doubts, and any about another tumor, are told anew."""
        doubts = self._workflow.state.doubts
        if doubts and not self._workflow.state.doubts_acknowledged:
            self._acknowledged |= set(doubts)
            self._workflow.state.doubts_acknowledged = True
            self._workflow.log.add("doubts acknowledged", number=len(doubts))
            self._workflow.edited()
        self._workflow.tell()

    @property
    def has_hand_corrections(self) -> bool:
        """True when a hand has changed the tumor, be it with a stroke that is still on its way to the surface."""
        return self._edited or self._is_taking_stroke or (self.state is not None and self.state.is_corrected)

    def _tell_text(self) -> None:
        """The step's line, and the clock, which stands while nobody corrects."""
        state = self.state
        if self.is_correcting:
            message = f"being corrected by hand: {state.shape.text}"
        else:
            is_none = state.shape.surface is None and not state.is_corrected
            message = "no tumor was found in the box" if is_none else state.text
            self._clock.stop()
        self._workflow.set(Step.SEGMENT, StepStatus.DONE, message)

    def _put(self, state: TumorState) -> None:
        surface = state.shape.surface
        with self._watch.own_edit():
            if surface is not None:
                self.nodes.put(state.mask, state.probability, surface, self._volume.node())
            elif self.is_correcting:
                self.nodes.put_surface(None)
            else:
                self.nodes.make_stale()
            node = self.nodes.segmentation_node()
            if node is not None:
                node.SetAttribute(_THRESHOLD, None if state.threshold is None else repr(state.threshold))

    def make_stale(self) -> None:
        """Hide the tumor and measure to it no more, because what it was made from has changed."""
        was_running = Step.SEGMENT in self._jobs.steps
        self._workflow.revisions[Step.SEGMENT] += 1
        self._jobs.cancel(Step.SEGMENT)
        self._drop()
        self._workflow.state.doubts, self._workflow.state.doubts_acknowledged = (), True
        self.nodes.make_stale()
        self._clock.go_on()
        message = "out of date: what it was made from has changed" if self._rest() is StepStatus.STALE else ""
        if not was_running and self._workflow.state.status(Step.SEGMENT) is not StepStatus.RUNNING:
            self._workflow.settle(Step.SEGMENT, message)
        self._workflow.set(Step.NAVIGATE, StepStatus.WAITING)
        self._on_tumor(None, None)

    def look(self) -> None:
        """Nodes were taken out of the scene: who deletes one of the tumor's, deletes the tumor."""
        if self.state is None or self.state.shape.surface is None:
            return
        if self.nodes.segmentation_node() is None or self.nodes.surface_node() is None:
            self.state = None
            self.nodes.remove()
            self.make_stale()
            self._workflow.edited()
            self._workflow.tell()

    def adopt(self, facts: CaseFacts) -> None:
        """Take over what the scene holds. What cannot be measured to is hidden, and the step says why.

        facts  what is known of it beside the nodes
        """
        try:
            self._adopt(facts)
        except GeometryError as error:
            self._drop()
            self.nodes.make_stale()
            self._on_tumor(None, None)
            self._workflow.set(Step.SEGMENT, StepStatus.FAILED, f"the tumor in the scene cannot be used: {error}")

    def _adopt(self, facts: CaseFacts) -> None:
        node = self.nodes.segmentation_node()
        labelmap, surface = self.nodes.labelmap(), self.nodes.surface()
        if surface is None:
            self._workflow.settle(Step.SEGMENT)
            return
        grid = self._volume.grid
        mask = labelmap.mask_on(grid) if labelmap is not None and grid is not None else None
        if mask is None:
            self._on_tumor(surface, TumorDistance(surface))
            self._workflow.settle(Step.SEGMENT)
            self._workflow.set(Step.NAVIGATE, StepStatus.READY)
            return
        threshold = node.GetAttribute(_THRESHOLD)
        threshold = float(threshold) if threshold else None
        smoothing = DEFAULT_SMOOTHING if facts.smoothing is None else facts.smoothing
        corrections = HandCorrections() if facts.is_corrected is False else None
        state = state_of_scene(
            self._needed_volume(), mask, surface, self.nodes.probability(), threshold, facts.keep, smoothing,
            facts.card, corrections, facts.doubts,
        )  # fmt: skip
        self.restore(state, put=False, acknowledged=facts.doubts_acknowledged)

    def restore(self, state: TumorState, put: bool = True, acknowledged: bool = False) -> None:
        """Take a tumor that was saved with the present volume; put is False when it is in the scene already."""
        self._drop_pending()
        self._acknowledged = frozenset(state.doubts) if acknowledged else frozenset()
        self._smoothing = state.smoothing
        self._show(state, put_mask=put)

    def forget(self) -> None:
        """As at the beginning; the nodes stay."""
        self._drop()
        self._watch.release()

    def process(self) -> None:
        """Take in what has been computed and what a hand has done; called by the session's timer."""
        self._shaping.process()
        if self._edited and not self._shaping.is_busy:
            self._reshape()

    def finish_shaping(self, timeout_s: float = 10.0) -> None:
        """Wait until the last stroke has reached the surface."""
        until = time.monotonic() + timeout_s
        while self.is_shaping and time.monotonic() < until:
            self.process()
            time.sleep(0.005)

    def close(self) -> None:
        self._watch.release()
        self._shaping.close()

    def _drop(self) -> None:
        self._drop_shaping()
        self.state, self._acknowledged = None, frozenset()

    def _drop_shaping(self) -> None:
        """What was asked of the tumor so far (a threshold, a stroke) concerns no other one."""
        self._shaping.drop()
        self._wanted_threshold = None
        self._edited = self._is_taking_stroke = self.is_correcting = False

    def _drop_pending(self) -> None:
        """Another tumor is given: what is being computed, of it or in its place, is not wanted any more."""
        self._drop_shaping()
        self._acknowledged = frozenset()
        self._workflow.revisions[Step.SEGMENT] += 1
        self._jobs.cancel(Step.SEGMENT)

    def _input(self) -> tuple[Volume, Box, bool]:
        volume, box = self._needed_volume(), self._box.value
        if box is None:
            raise SegmentationError("There is no box; place one around the tumor first.")
        return volume, box, self._box.is_tight

    def _needed_volume(self) -> Volume:
        volume = self._volume.value
        if volume is None:
            raise SegmentationError("There is no volume to segment; reconstruct the sweep first.")
        return volume

    def _rest(self) -> StepStatus:
        if self.state is not None or self.nodes.is_there:
            return StepStatus.DONE
        if self.nodes.segmentation_node() is not None or self.nodes.surface_node() is not None:
            return StepStatus.STALE
        ready = self._volume.is_there and self._workflow.state.status(Step.BOX) is StepStatus.DONE
        return StepStatus.READY if ready else StepStatus.WAITING
