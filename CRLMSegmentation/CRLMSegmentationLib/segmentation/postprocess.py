"""From a probability to one filled mask."""

from __future__ import annotations

import numpy as np

from ..errors import SegmentationError
from ..geometry import Volume
from .models import ModelCard
from .surface import occupied_extent

KEEP = ("largest", "middle", "all")
# Black voxels side by side in all three directions are no speckle: the probe saw nothing there.
UNSEEN_BLOCK_VOXELS = 3


def mask_from_probability(
    probability: Volume, threshold: float, keep: str = "largest", unseen: np.ndarray | None = None
) -> Volume:
    """uint8 mask of the voxels with probability >= `threshold`, one component, cavities filled.

    keep    'largest' component; 'middle' for the one that holds, or else comes nearest to, the middle of the box;
            'all' components. Components hang together through faces. Nothing found gives an empty mask.
    unseen  boolean [k, j, i] of the voxels that cannot belong to it, from unseen_voxels()
    Raises SegmentationError for a threshold outside 0..1 or an unknown `keep`.
    """
    if not 0 < threshold < 1:
        raise SegmentationError(f"The threshold is {threshold:g}; it must lie between 0 and 1.")
    if keep not in KEEP:
        raise SegmentationError(f"There is no way '{keep}' to choose components: use {', '.join(KEEP)}.")
    above = probability.voxels >= threshold
    if unseen is not None:
        above &= ~unseen
    mask = np.zeros(above.shape, dtype=np.uint8)
    extent = occupied_extent(above)
    if extent is not None and keep != "all":
        first = np.array([places.start for places in extent])
        component = _one_component(above[extent], keep, first, above.shape)
        within = occupied_extent(component)
        extent = tuple(slice(start + part.start, start + part.stop) for start, part in zip(first, within))
        mask[extent] = without_cavities(component[within])
    elif extent is not None:
        mask[extent] = without_cavities(above[extent])
    return probability.with_voxels(mask)


def unless_too_faint(mask: Volume, probability: Volume, card: ModelCard) -> Volume:
    """`mask`, or an empty one where `card`'s model marks less surely, on the mean over the mask, than it marks tumors.

    mask  made of `probability` at the card's own threshold, for which the limit was calibrated
    """
    marked = probability.voxels[mask.voxels > 0]
    limit = card.least_mean_probability
    if limit is None or not marked.size or float(marked.mean(dtype=np.float64)) >= limit:
        return mask
    return mask.with_voxels(np.zeros_like(mask.voxels))


def mask_by_card(probability: Volume, card: ModelCard) -> Volume:
    """uint8 mask as it is shown unless the user says otherwise: at the card's threshold, the largest component, empty
    when that is too faint for a tumor."""
    return unless_too_faint(mask_from_probability(probability, card.threshold), probability, card)


def unseen_voxels(ultrasound: np.ndarray) -> np.ndarray | None:
    """Boolean [k, j, i] of what lies outside the swept region; None when all of it was seen.

    A reconstruction leaves 0 where no frame came by. A single black voxel may be speckle, and a black region in the
    middle a cyst or a vessel: only black blocks that hang together with the border of the crop count.
    """
    from scipy import ndimage

    black = ultrasound == 0
    if not black.any():
        return None
    if black.all():
        return black
    size = UNSEEN_BLOCK_VOXELS
    # The border goes on outside as it is, so that a thin layer at the edge is found too.
    padded = np.pad(black, size, mode="edge").view(np.uint8)
    opened = ndimage.maximum_filter(ndimage.minimum_filter(padded, size), size) > 0
    opened = opened[(slice(size, -size),) * 3]
    labels, count = ndimage.label(opened)
    if count == 0:
        return None
    reaching = np.zeros(count + 1, dtype=bool)
    for axis in range(3):
        for end in (0, -1):
            reaching[np.take(labels, end, axis=axis)] = True
    reaching[0] = False
    return reaching[labels] if reaching.any() else None


def without_cavities(mask: np.ndarray) -> np.ndarray:
    """Boolean `mask` with every hole filled that has no way out through faces."""
    from scipy import ndimage

    outside, _ = ndimage.label(~np.pad(mask, 1))
    return (outside != outside[0, 0, 0])[(slice(1, -1),) * 3]


def touches_border(mask: np.ndarray) -> bool:
    """True when a voxel of the outermost layer belongs to the mask."""
    return any(np.take(mask, end, axis=axis).any() for axis in range(3) for end in (0, -1))


def _one_component(block: np.ndarray, keep: str, first: np.ndarray, whole_shape) -> np.ndarray:
    from scipy import ndimage

    labels, count = ndimage.label(block)
    if count == 1:
        return block
    if keep == "largest":
        return labels == int(np.bincount(labels.ravel())[1:].argmax()) + 1
    middle = (np.array(whole_shape) - 1) / 2 - first
    places = np.argwhere(block)
    nearest = places[((places - middle) ** 2).sum(axis=1).argmin()]
    return labels == labels[tuple(nearest)]
