"""All that decides what the tumor on the screen is: probability, threshold, hand corrections, smoothing.

Plain values that are never changed in place, so that the next state can be computed in any thread.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..geometry import Volume
from .hand_corrections import HandCorrections
from .labelmap import Labelmap
from .tumor_shape import TumorShape, shape_of_mask, shape_of_surface

DEFAULT_SMOOTHING = 0.5


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
    ultrasound   the crop that was segmented, and whether the box had left the volume; for the doubts
    """

    shape: TumorShape
    base: Volume
    corrections: HandCorrections = HandCorrections()
    probability: Volume | None = None
    threshold: float | None = None
    keep: str = "largest"
    smoothing: float = DEFAULT_SMOOTHING
    doubts: tuple[str, ...] = ()
    ultrasound: Volume | None = None
    box_was_clipped: bool = False

    @property
    def mask(self) -> Volume:
        """uint8 on the grid of the volume."""
        return self.shape.mask

    @property
    def is_corrected(self) -> bool:
        return self.corrections.count > 0

    @property
    def text(self) -> str:
        """One line for people."""
        return self.shape.text + (", corrected by hand" if self.is_corrected else "")

    def edited(self, labelmap: Labelmap | None) -> TumorState:
        """After a hand has made `labelmap` of the mask (None: it removed the segment)."""
        empty = np.zeros(self.mask.voxels.shape, np.uint8)
        mask = self.mask.with_voxels(empty) if labelmap is None else labelmap.mask_on(self.mask)
        corrections = self.corrections.learned(self.mask.voxels, mask.voxels)
        if corrections is self.corrections:
            return self
        # Who corrects by hand has looked at what was doubtful.
        return replace(self, shape=shape_of_mask(mask, self.smoothing), corrections=corrections, doubts=())

    def cut_at(self, threshold: float, keep: str) -> TumorState:
        """The same probability at another threshold, with the same corrections. Raises SegmentationError."""
        from ..segmentation.crop import paste
        from ..segmentation.postprocess import doubts_about, mask_from_probability

        found = mask_from_probability(self.probability, threshold, keep)
        base = paste(found, self.base)
        mask = base.with_voxels(self.corrections.applied(base.voxels))
        doubts = () if self.is_corrected else doubts_about(found, self.box_was_clipped, self.ultrasound)
        shape = shape_of_mask(mask, self.smoothing)
        return replace(self, shape=shape, base=base, threshold=threshold, keep=keep, doubts=doubts)

    def smoothed(self, smoothing: float) -> TumorState:
        """The same mask with another surface."""
        return replace(self, shape=shape_of_mask(self.mask, smoothing), smoothing=smoothing)


def state_of_result(result, smoothing: float, keep: str = "largest") -> TumorState:
    """Of a SegmentationResult, or what region growing gives, which has no probability."""
    if smoothing == DEFAULT_SMOOTHING:
        shape = shape_of_surface(result.mask, result.surface)
    else:
        shape = shape_of_mask(result.mask, smoothing)
    crop = getattr(result, "crop", None)
    return TumorState(
        shape, result.mask, probability=getattr(result, "probability", None),
        threshold=getattr(result, "threshold", None), keep=keep, smoothing=smoothing, doubts=tuple(result.doubts),
        ultrasound=crop.volume if crop is not None else None,
        box_was_clipped=bool(crop.warnings) if crop is not None else False,
    )  # fmt: skip


def state_of_scene(mask: Volume, surface, probability: Volume | None, threshold: float | None) -> TumorState:
    """Of what was saved: corrections are what the mask has more or less than the probability says.

    Raises GeometryError when the surface is open.
    """
    shape = shape_of_surface(mask, surface)
    state = TumorState(shape, mask, probability=probability, threshold=threshold)
    if probability is None or threshold is None:
        return state
    from ..segmentation.crop import paste
    from ..segmentation.postprocess import mask_from_probability

    base = paste(mask_from_probability(probability, threshold, state.keep), mask)
    return replace(state, base=base, corrections=HandCorrections().learned(base.voxels, mask.voxels))


def empty_state(grid: Volume) -> TumorState:
    """Nothing yet: for a tumor that is drawn by hand on the voxels of `grid`."""
    mask = grid.with_voxels(np.zeros(grid.voxels.shape, np.uint8))
    return TumorState(shape_of_surface(mask, None), mask)
