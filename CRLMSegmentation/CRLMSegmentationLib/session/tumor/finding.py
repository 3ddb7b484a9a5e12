"""Finding the tumor: what is computed for it in the background, by the network or by region growing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...values import Box, Volume
from ...values.progress import Progress, ShouldCancel
from .tumor_state import TumorState, state_of_result

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ...inference.models.trained_model import Model
    from ...segmentation.segment import SegmentationResult
    from ...segmentation.segmenter import Segmenter


@dataclass(frozen=True, eq=False)
class Finding:
    """What a job gives: the result as segmentation/ made it, and the tumor that comes of it."""

    result: SegmentationResult
    state: TumorState

    @property
    def timings_s(self) -> dict[str, float]:
        """Of crop, segment and surface."""
        took_s: dict[str, float] = getattr(self.result, "timings_s", {})
        return {
            "crop": took_s.get("crop", 0.0),
            "segment": took_s.get("network", 0.0) + took_s.get("mask", 0.0),
            "surface": took_s.get("surface", 0.0),
        }


Compute = Callable[[Progress, ShouldCancel], Finding]


def by_network(
    volume: Volume, box: Box, segmenter: Callable[[ShouldCancel, Progress], Segmenter | Model], threshold: float | None,
    tight: bool, keep: str, smoothing: float,
) -> Compute:  # fmt: skip
    """What asks the Segmenter or Model that `segmenter(should_cancel, progress)` gives; see segmentation.segment()."""

    def compute(progress: Progress, should_cancel: ShouldCancel) -> Finding:
        from ...segmentation.postprocess import with_guessed_seen
        from ...segmentation.segment import segment

        ready = segmenter(should_cancel, progress)
        result = segment(with_guessed_seen(volume), box, ready, threshold, tight, keep, progress, should_cancel)
        return Finding(result, state_of_result(result, smoothing, keep))

    return compute


def by_region_growing(volume: Volume, seed_ras: ArrayLike, box: Box | None, smoothing: float) -> Compute:
    """What grows the tumor from a place (3,) RAS mm in it; see segmentation.region_growing."""

    def compute(progress: Progress, should_cancel: ShouldCancel) -> Finding:
        from ...segmentation.postprocess import with_guessed_seen
        from ...segmentation.region_growing import grow_region

        result = grow_region(with_guessed_seen(volume), seed_ras, box, progress=progress, should_cancel=should_cancel)
        return Finding(result, state_of_result(result, smoothing))

    return compute
