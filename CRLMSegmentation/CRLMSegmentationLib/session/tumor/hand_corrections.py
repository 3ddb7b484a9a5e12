"""What was painted and erased by hand, kept apart from what the threshold says, so that it survives another one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class HandCorrections:
    """Voxels that a hand has set, on one grid [k, j, i]; the last stroke over a voxel counts.

    painted, erased  boolean, never both; None as long as nothing was corrected
    """

    painted: np.ndarray | None = None
    erased: np.ndarray | None = None

    @cached_property
    def count(self) -> int:
        """Voxels that a hand has set."""
        return 0 if self.painted is None or self.erased is None else int(self.painted.sum() + self.erased.sum())

    @property
    def labels(self) -> np.ndarray | None:
        """uint8 of their shape: 1 painted, 2 erased, 0 neither; None as long as nothing was corrected."""
        if self.painted is None or self.erased is None:
            return None
        labels: np.ndarray = self.painted.astype(np.uint8) + 2 * self.erased.astype(np.uint8)
        return labels

    @staticmethod
    def of_labels(labels: np.ndarray) -> HandCorrections:
        """Those whose `labels` these are."""
        return HandCorrections(labels == 1, labels == 2)

    def applied(self, mask: np.ndarray) -> np.ndarray:
        """`mask` (any dtype, nonzero inside) with the corrections, as uint8 of its shape."""
        inside: np.ndarray = mask != 0
        if self.painted is not None and self.erased is not None:
            inside = (inside | self.painted) & ~self.erased
        return inside.astype(np.uint8)

    def learned(self, before: np.ndarray, after: np.ndarray) -> HandCorrections:
        """These corrections and those that made `after` of the mask `before`."""
        before, after = before != 0, after != 0
        on, off = after & ~before, before & ~after
        if not on.any() and not off.any():
            return self
        if self.painted is None or self.erased is None:
            return HandCorrections(on, off)
        return HandCorrections((self.painted | on) & ~off, (self.erased | off) & ~on)


@dataclass(frozen=True, eq=False)
class EarlierMask:
    """A mask that a hand has changed, and what the hand had set by then: it distinguishes an undo from an erasing
    stroke, after which the voxels are the same.

    digest           of the mask
    painted, erased  indices into the ravelled mask; None when nothing was corrected yet
    doubts           that spoke against it
    """

    digest: bytes
    painted: np.ndarray | None
    erased: np.ndarray | None
    doubts: tuple[str, ...]

    def corrections(self, shape: tuple[int, ...]) -> HandCorrections:
        """As they were."""
        if self.painted is None or self.erased is None:
            return HandCorrections()
        painted, erased = np.zeros(shape, bool), np.zeros(shape, bool)
        painted.ravel()[self.painted], erased.ravel()[self.erased] = True, True
        return HandCorrections(painted, erased)


def earlier_mask(mask: np.ndarray, corrections: HandCorrections, doubts: tuple[str, ...]) -> EarlierMask:
    """Of a mask [k, j, i] before it is changed."""
    if corrections.painted is None or corrections.erased is None:
        return EarlierMask(digest_of(mask), None, None, doubts)
    painted, erased = np.flatnonzero(corrections.painted), np.flatnonzero(corrections.erased)
    return EarlierMask(digest_of(mask), painted, erased, doubts)


def digest_of(mask: np.ndarray) -> bytes:
    """Of what is inside a mask."""
    return hashlib.blake2b(np.packbits(mask != 0).tobytes(), digest_size=16).digest()
