"""All that decides what the tumor on the screen is: probability, threshold, hand corrections, smoothing.

Plain values that are never changed in place, so that the next state can be computed in any thread.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from ...errors import SegmentationError
from ...values import Volume
from ..state import NO_PROBABILITY
from .hand_corrections import EarlierMask, HandCorrections, digest_of, earlier_mask
from .labelmap import Labelmap
from .tumor_shape import TumorShape, shape_of_mask, shape_of_surface

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ...inference.models.card import ModelCard
    from ...segmentation.crop import Crop
    from ...segmentation.segment import SegmentationResult

DEFAULT_SMOOTHING = 0.5
_MOST_UNDONE = 100


@dataclass(frozen=True, eq=False)
class TumorState:
    """A tumor as it is shown.

    shape        mask, surface and figures, corrections included
    base         uint8 mask as the threshold or the region growing made it, on the same grid; zeros when drawn by hand
    corrections  what a hand made of it
    probability  float32 on the grid of the crop; None when there is none
    threshold    of probability, and which part counts (segmentation.postprocess.KEEP)
    smoothing    of the surface, 0 to 1
    doubts       sentences that speak against the mask
    result       SegmentationResult that all this began with; None when it was drawn by hand
    earlier      masks that a hand has changed since the threshold was set, the newest last: an undo goes back to one
    found_at     when it was found, by the clock on the wall; None where nobody knows
    """

    shape: TumorShape
    base: Volume
    corrections: HandCorrections = HandCorrections()
    probability: Volume | None = None
    threshold: float | None = None
    keep: str = "largest"
    smoothing: float = DEFAULT_SMOOTHING
    doubts: tuple[str, ...] = ()
    result: SegmentationResult | None = None
    earlier: tuple[EarlierMask, ...] = ()
    found_at: datetime | None = None

    @property
    def mask(self) -> Volume:
        """uint8 on the grid of the volume."""
        return self.shape.mask

    @property
    def is_corrected(self) -> bool:
        """True when a hand has set any voxel."""
        return self.corrections.count > 0

    @property
    def is_nothing_found(self) -> bool:
        """True when there is no tumor, and it was no hand that erased it."""
        return self.shape.surface is None and not self.is_corrected

    @property
    def text(self) -> str:
        """One line for people."""
        return self.shape.text + (", corrected by hand" if self.is_corrected else "")

    def edited(self, labelmap: Labelmap | None) -> TumorState:
        """After a hand has made `labelmap` of the mask (None: it removed the segment)."""
        empty = np.zeros(self.mask.voxels.shape, np.uint8)
        mask = self.mask.on_grid(empty) if labelmap is None else labelmap.mask_on(self.mask)
        corrections = self.corrections.learned(self.mask.voxels, mask.voxels)
        if corrections is self.corrections:
            return self
        # Who corrects by hand has looked at what was doubtful.
        doubts: tuple[str, ...] = ()
        digest = digest_of(mask.voxels)
        for one in self.earlier:
            if one.digest == digest:
                corrections, doubts = one.corrections(mask.voxels.shape), one.doubts
                break
        before = earlier_mask(self.mask.voxels, self.corrections, self.doubts)
        earlier = (*(one for one in self.earlier if one.digest != before.digest), before)[-_MOST_UNDONE:]
        return replace(
            self, shape=shape_of_mask(mask, self.smoothing), corrections=corrections, doubts=doubts, earlier=earlier
        )

    def cut_at(self, threshold: float, keep: str) -> TumorState:
        """The same probability at another threshold, with the same corrections. Raises SegmentationError."""
        if self.result is None:
            raise SegmentationError(NO_PROBABILITY)
        result = self.result.with_threshold(threshold, keep)
        no_doubts: tuple[str, ...] = ()
        if self.is_corrected:
            mask = result.mask.with_voxels(self.corrections.applied(result.mask.voxels))
            shape, doubts = shape_of_mask(mask, self.smoothing), no_doubts
        else:
            shape, doubts = _shape_of_result(result, self.smoothing), tuple(result.doubts)
        return replace(
            self, shape=shape, base=result.mask, threshold=threshold, keep=keep, doubts=doubts, result=result,
            earlier=(),
        )  # fmt: skip

    def uncorrected(self) -> TumorState:
        """As it was found, without what a hand made of it; empty when a hand has drawn all of it."""
        result = self.result
        shape = shape_of_mask(self.base, self.smoothing) if result is None else _shape_of_result(result, self.smoothing)
        doubts = () if result is None else tuple(result.doubts)
        return replace(self, shape=shape, corrections=HandCorrections(), doubts=doubts, earlier=())

    def smoothed(self, smoothing: float) -> TumorState:
        """The same mask with another surface."""
        return replace(self, shape=shape_of_mask(self.mask, smoothing), smoothing=smoothing)


def state_of_result(result: SegmentationResult, smoothing: float, keep: str = "largest") -> TumorState:
    """Of a SegmentationResult, or of what region growing gives, which has no probability."""
    return TumorState(
        _shape_of_result(result, smoothing), result.mask, probability=getattr(result, "probability", None),
        threshold=getattr(result, "threshold", None), keep=keep, smoothing=smoothing, doubts=tuple(result.doubts),
        result=result, found_at=now(),
    )  # fmt: skip


def state_of_scene(
    volume: Volume, mask: Volume, surface: vtkPolyData | None, probability: Volume | None, threshold: float | None,
    keep: str = "largest", smoothing: float = DEFAULT_SMOOTHING, card: ModelCard | None = None,
    corrections: HandCorrections | None = None, doubts: tuple[str, ...] | None = None,
    found_at: datetime | None = None,
) -> TumorState:  # fmt: skip
    """Of what was saved.

    card         ModelCard of the model that gave the probability; None when unknown
    corrections  None when unknown: then they are what the mask has more or less than the probability says
    doubts       None when unknown: then they are judged anew
    Raises GeometryError when the surface is open, or the probability lies on other voxels than the volume's.
    """
    shape = shape_of_surface(mask, surface)
    if probability is None or threshold is None:
        corrections = corrections or HandCorrections()
        return TumorState(
            shape,
            mask,
            corrections,
            probability,
            keep=keep,
            smoothing=smoothing,
            doubts=tuple(doubts or ()),
            found_at=found_at,
        )
    from ...segmentation.postprocess import unseen_voxels, with_guessed_seen
    from ...segmentation.segment import finish

    block = block_of(with_guessed_seen(volume), probability)
    unseen = unseen_voxels(block.volume)
    # Where the probe passed, 0 stands outside a box that was turned against the volume (segmentation.crop).
    inside = (probability.voxels > 0) | (False if unseen is None else unseen)
    block = replace(block, inside=None if inside.all() else inside)
    result = finish(block, probability, volume, threshold, keep, {}, card, unseen)
    if corrections is None:
        corrections = HandCorrections().learned(result.mask.voxels, mask.voxels)
    if doubts is None:
        doubts = () if corrections.count else tuple(result.doubts)
    return TumorState(
        shape, result.mask, corrections, probability, threshold, keep, smoothing, tuple(doubts), result,
        found_at=found_at,
    )  # fmt: skip


def block_of(volume: Volume, part: Volume) -> Crop:
    """segmentation.crop.Crop of the voxels of `volume` that the grid of `part` was cut from. Raises GeometryError."""
    from ...segmentation.crop import Crop, paste

    inside = paste(part.with_voxels(np.ones(part.voxels.shape, bool)), volume).voxels
    first = np.array([inside.any(axis=axes).argmax() for axes in ((1, 2), (0, 2), (0, 1))])
    (k, j, i), (to_k, to_j, to_i) = first, first + part.voxels.shape
    place = slice(k, to_k), slice(j, to_j), slice(i, to_i)
    seen = None if volume.seen is None else np.ascontiguousarray(volume.seen[place])
    voxels = np.ascontiguousarray(volume.voxels[place])
    block = replace(volume, voxels=voxels, ijk_to_ras=part.ijk_to_ras, seen=seen)
    return Crop(block, (int(i), int(j), int(k)))


def empty_state(grid: Volume) -> TumorState:
    """Nothing yet: for a tumor that is drawn by hand on the voxels of `grid`."""
    mask = grid.on_grid(np.zeros(grid.voxels.shape, np.uint8))
    return TumorState(shape_of_surface(mask, None), mask, found_at=now())


def now() -> datetime:
    """As the clock on the wall shows it."""
    return datetime.now()  # noqa: DTZ005


def _shape_of_result(result: SegmentationResult, smoothing: float) -> TumorShape:
    is_smoothed_so = smoothing == DEFAULT_SMOOTHING
    return shape_of_surface(result.mask, result.surface) if is_smoothed_so else shape_of_mask(result.mask, smoothing)
