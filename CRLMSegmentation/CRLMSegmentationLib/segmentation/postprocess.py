"""From a probability to one filled mask, and what a reader of the mask should doubt."""

from __future__ import annotations

import numpy as np

from ..errors import SegmentationError
from ..geometry import Volume

KEEP = ("largest", "middle", "all")


def mask_from_probability(probability: Volume, threshold: float, keep: str = "largest") -> Volume:
    """uint8 mask of the voxels with probability >= `threshold`, one component, cavities filled.

    keep  'largest' component; 'middle' for the one that holds, or else comes nearest to, the middle of the box;
          'all' components. Components hang together through faces. Nothing found gives an empty mask.
    Raises SegmentationError for a threshold outside 0..1 or an unknown `keep`.
    """
    from scipy import ndimage

    if not 0 < threshold < 1:
        raise SegmentationError(f"The threshold is {threshold:g}; it must lie between 0 and 1.")
    if keep not in KEEP:
        raise SegmentationError(f"There is no way '{keep}' to choose components: use {', '.join(KEEP)}.")
    above = probability.voxels >= threshold
    if keep != "all" and above.any():
        labels, count = ndimage.label(above)
        if count > 1:
            above = labels == (_largest(labels) if keep == "largest" else _nearest_middle(labels))
    return probability.with_voxels(ndimage.binary_fill_holes(above).astype(np.uint8))


def doubts_about(mask: Volume, box_was_clipped: bool = False, ultrasound: Volume | None = None) -> tuple[str, ...]:
    """Sentences about what makes a mask doubtful; `mask` on the grid of the crop, `ultrasound` the crop itself."""
    doubts = []
    if ultrasound is not None and not ultrasound.voxels.any():
        doubts.append("The probe never passed through the box: there is no ultrasound in it.")
    elif not mask.voxels.any():
        doubts.append("Nothing was found in the box: check that the tumor is inside, or lower the threshold.")
    elif touches_border(mask):
        doubts.append(
            "The tumor touches the edge of the volume: sweep farther, so that it is covered whole."
            if box_was_clipped else "The tumor touches the edge of the box: enlarge the box."
        )
    return tuple(doubts)


def touches_border(mask: Volume) -> bool:
    """True when a voxel of the outermost layer belongs to the mask."""
    voxels = mask.voxels
    return any(np.take(voxels, end, axis=axis).any() for axis in range(3) for end in (0, -1))


def _largest(labels: np.ndarray) -> int:
    return int(np.bincount(labels.ravel())[1:].argmax()) + 1


def _nearest_middle(labels: np.ndarray) -> int:
    places = np.argwhere(labels)
    away = np.linalg.norm(places - (np.array(labels.shape) - 1) / 2, axis=1)
    return int(labels[tuple(places[away.argmin()])])
