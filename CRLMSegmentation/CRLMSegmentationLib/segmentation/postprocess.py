"""From a probability to one filled mask."""

from __future__ import annotations

import numpy as np

from ..errors import SegmentationError
from ..geometry import occupied_extent
from ..inference.models.card import ModelCard
from ..values import Volume
from ..words import tr

KEEP = ("largest", "middle", "all")
# So many voxels without a grey level side by side in all three directions are no hole between pixels.
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
        raise SegmentationError(tr("The threshold is {threshold:g}; it must lie between 0 and 1.", threshold=threshold))
    if keep not in KEEP:
        raise SegmentationError(
            tr("There is no way '{keep}' to choose components: use {keep_2}.", keep=keep, keep_2=", ".join(KEEP))
        )
    above = probability.voxels >= threshold
    if unseen is not None:
        above &= ~unseen
    mask = np.zeros(above.shape, dtype=np.uint8)
    extent = occupied_extent(above)
    if extent is not None and keep != "all":
        first = np.array([places.start for places in extent])
        component = _one_component(above[extent], keep, first, above.shape)
        within = occupied_extent(component)
        assert within is not None, "a component has voxels"
        extent = tuple(slice(start + part.start, start + part.stop) for start, part in zip(first, within))
        mask[extent] = without_cavities(component[within])
    elif extent is not None:
        mask[extent] = without_cavities(above[extent])
    return probability.on_grid(mask)


def unless_too_faint(mask: Volume, probability: Volume, card: ModelCard) -> Volume:
    """`mask`, or an empty one where `card`'s model marks less surely, on the mean over the mask, than it marks tumors.

    mask  made of `probability` at the card's own threshold, for which the limit was calibrated
    """
    marked = probability.voxels[mask.voxels > 0]
    limit = card.least_mean_probability
    if limit is None or not marked.size or float(marked.mean(dtype=np.float64)) >= limit:
        return mask
    return mask.with_voxels(np.zeros_like(mask.voxels))


def mask_by_card(probability: Volume, card: ModelCard, unseen: np.ndarray | None = None) -> Volume:
    """uint8 mask as it is shown unless the user says otherwise: at the card's threshold, the largest component, nothing
    where the probe did not pass (`unseen`, from unseen_voxels()), empty when that is too faint for a tumor.
    """
    return unless_too_faint(mask_from_probability(probability, card.threshold, unseen=unseen), probability, card)


def unseen_voxels(ultrasound: Volume) -> np.ndarray | None:
    """Boolean [k, j, i] of where the probe did not pass, so far as `ultrasound.seen` says; None when it passed
    everywhere.

    A single voxel without a grey level is a hole between pixels: only UNSEEN_BLOCK_VOXELS side by side count.
    """
    if ultrasound.seen is None or ultrasound.seen.all():
        return None
    blocks = _blocks_in(~ultrasound.seen)
    return blocks if blocks.any() else None


def with_guessed_seen(ultrasound: Volume) -> Volume:
    """`ultrasound` with a guess of what was seen, where nothing is known about it; unchanged where it is.

    A reconstruction leaves 0 where no frame came by. A single black voxel may be speckle, and a black region in the
    middle a cyst or a vessel: only black blocks that hang together with the border of the volume count as not seen.
    For volumes of other programs and from old files; our own reconstructions know.
    """
    if ultrasound.seen is not None:
        return ultrasound
    return ultrasound.with_seen(~black_at_the_border(ultrasound.voxels), is_guessed=True)


def black_at_the_border(voxels: np.ndarray) -> np.ndarray:
    """Boolean [k, j, i] of the black blocks of `voxels` that hang together, through faces, with their border."""
    from scipy import ndimage

    black: np.ndarray = voxels == 0
    if not black.any() or black.all():
        return black
    labels, count = ndimage.label(_blocks_in(black))
    reaching = np.zeros(count + 1, dtype=bool)
    for axis in range(3):
        for end in (0, -1):
            reaching[np.take(labels, end, axis=axis)] = True
    reaching[0] = False
    at_the_border: np.ndarray = reaching[labels]
    return at_the_border


def known_voxels(ultrasound: Volume) -> np.ndarray:
    """Boolean [k, j, i] of the voxels with a grey level for the network.

    Networks learned that 0 is what was not seen. A black voxel counts only where it is known that a pixel came: a
    guess leaves what the network sees as it is without one.
    """
    known: np.ndarray = ultrasound.voxels != 0
    if ultrasound.seen is not None and not ultrasound.seen_is_guessed:
        known |= ultrasound.seen
    return known


def _blocks_in(voxels: np.ndarray) -> np.ndarray:
    """Those of the boolean `voxels` [k, j, i] that lie in a cube of UNSEEN_BLOCK_VOXELS of them (an opening)."""
    # The border goes on outside as it is, so that a thin layer at the edge is found too.
    size = UNSEEN_BLOCK_VOXELS
    blocks = np.pad(voxels, size, mode="edge")
    for axis in range(3):
        blocks = _along(np.logical_and, blocks, axis, size)
    blocks = np.pad(blocks, size - 1)
    for axis in range(3):
        blocks = _along(np.logical_or, blocks, axis, size)
    return blocks[(slice(size, -size),) * 3]


def _along(combine: np.ufunc, voxels: np.ndarray, axis: int, size: int) -> np.ndarray:
    """Every `size` neighbours along `axis` combined into one: so many fewer voxels, less one."""
    length = voxels.shape[axis] - size + 1
    parts = [voxels[(slice(None),) * axis + (slice(start, start + length),)] for start in range(size)]
    combined: np.ndarray = combine(parts[0], parts[1])
    for part in parts[2:]:
        combine(combined, part, out=combined)
    return combined


def without_cavities(mask: np.ndarray) -> np.ndarray:
    """Boolean `mask` with every hole filled that has no way out through faces."""
    from scipy import ndimage

    outside, _ = ndimage.label(~np.pad(mask, 1))
    filled: np.ndarray = (outside != outside[0, 0, 0])[(slice(1, -1),) * 3]
    return filled


def touches_border(mask: np.ndarray) -> bool:
    """True when a voxel of the outermost layer belongs to the mask."""
    return any(np.take(mask, end, axis=axis).any() for axis in range(3) for end in (0, -1))


def _one_component(block: np.ndarray, keep: str, first: np.ndarray, whole_shape: tuple[int, ...]) -> np.ndarray:
    from scipy import ndimage

    labels, count = ndimage.label(block)
    if count == 1:
        return block
    if keep == "largest":
        largest: np.ndarray = labels == int(np.bincount(labels.ravel())[1:].argmax()) + 1
        return largest
    middle = (np.array(whole_shape) - 1) / 2 - first
    places = np.argwhere(block)
    nearest = places[((places - middle) ** 2).sum(axis=1).argmin()]
    component: np.ndarray = labels == labels[tuple(nearest)]
    return component
