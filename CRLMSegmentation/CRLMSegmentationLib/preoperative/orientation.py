"""A volume laid along R, A, S, as networks are trained on, and what was found on it laid back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..values import Volume


@dataclass(frozen=True)
class Orientation:
    """Which index of a volume runs along each of R, A, S, as nearly as its grid does, and whether it runs backwards.

    axes      of the array [k, j, i], in the order S, A, R
    reversed  for each of them
    """

    axes: tuple[int, int, int]
    reversed: tuple[bool, bool, bool]

    @classmethod
    def of(cls, volume: Volume) -> Orientation:
        linear = volume.ijk_to_ras[:3, :3] / volume.spacing_mm
        of_ras = np.full(3, -1)
        # The axis that is best aligned chooses first, so that those of an oblique grid are three different ones, too.
        for ras in np.argsort(-np.abs(linear).max(axis=1)):
            free = [index for index in range(3) if index not in of_ras]
            of_ras[ras] = free[int(np.abs(linear[ras, free]).argmax())]
        backwards = [bool(linear[ras, of_ras[ras]] < 0) for ras in range(3)]
        s, a, r = (2 - int(of_ras[ras]) for ras in (2, 1, 0))
        return cls((s, a, r), (backwards[2], backwards[1], backwards[0]))

    def lay(self, array: np.ndarray) -> np.ndarray:
        """A view of `array` [k, j, i] as [S, A, R], each growing."""
        turned = array.transpose(self.axes)
        return turned[tuple(slice(None, None, -1 if back else 1) for back in self.reversed)]

    def lay_back(self, array: np.ndarray) -> np.ndarray:
        """A view of an array [S, A, R] on the indices that it was laid from."""
        turned = array[tuple(slice(None, None, -1 if back else 1) for back in self.reversed)]
        return turned.transpose(np.argsort(self.axes))

    def block_back(self, block: Sequence[slice], shape: Sequence[int]) -> tuple[slice, slice, slice]:
        """Of a block of an array laid along [S, A, R], whose whole has that shape, the slices that hold it where it was
        laid from.
        """
        own = [
            slice(size - part.stop, size - part.start) if back else slice(part.start, part.stop)
            for part, size, back in zip(block, shape, self.reversed)
        ]
        k, j, i = (own[place] for place in np.argsort(self.axes))
        return k, j, i

    def lay_volume(self, volume: Volume) -> Volume:
        """The same voxels at the same places, [S, A, R]."""
        to_index = np.zeros((4, 4))
        to_index[3, 3] = 1
        for new, (axis, back) in enumerate(zip(self.axes, self.reversed)):
            # `new` and `axis` count k, j, i; the columns of a matrix count i, j, k.
            to_index[2 - axis, 2 - new] = -1 if back else 1
            if back:
                to_index[2 - axis, 3] = volume.voxels.shape[axis] - 1
        return Volume(self.lay(volume.voxels), volume.ijk_to_ras @ to_index, frame=volume.frame)
