"""From the voxels of a CT to those of a network, and from its answers back, slice by slice.

A CT of 512 x 512 x 200 as float32 is 200 MB, and so is every probability on its voxels. Nothing of that size is made
here: slices are averaged as they come, and of the answers only the masks are made, and these only around what is above
the threshold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..geometry import occupied_extent
from ..inference.averaging import averaged_shape, averaging_matrix
from ..inference.resampling import resizing_matrix
from ..values import Volume
from .orientation import Orientation

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# Scanners fill what lies outside of their circle with -3024 or the like: to a mean, that is air.
_AIR_HU = -1024
# What the sums of an interpolation lose.
_ROUNDING = 1e-4


@dataclass(frozen=True, eq=False)
class CoarserCt:
    """A CT as a network sees it.

    hu           float32 [S, A, R], laid along R, A, S
    spacing_mm   along S, A, R
    orientation  of the CT that it was made from
    """

    hu: np.ndarray
    spacing_mm: tuple[float, float, float]
    orientation: Orientation


@dataclass(frozen=True, eq=False)
class MasksInBlock:
    """Boolean masks by name, all of one block of a CT; there is nothing outside of it.

    masks  (k, j, i) of the block
    block  its slices of the CT's [k, j, i]
    """

    masks: dict[str, np.ndarray]
    block: tuple[slice, slice, slice]


def coarser(ct: Volume, network_spacing_kji: tuple[float | None, ...]) -> CoarserCt:
    """`ct` (HU, or a mask) along R, A, S, averaged to the spacing of a network wherever it is finer."""
    orientation = Orientation.of(ct)
    laid = orientation.lay(ct.voxels)
    spacing_kji = ct.spacing_mm[::-1]
    spacing = tuple(float(spacing_kji[axis]) for axis in orientation.axes)
    target = [mm if wanted is None else wanted for mm, wanted in zip(spacing, network_spacing_kji)]
    shape = averaged_shape(laid.shape, spacing, target)
    to_a, to_r = (None if size == new else averaging_matrix(size, new) for size, new in zip(laid.shape[1:], shape[1:]))
    hu = np.empty((laid.shape[0], *shape[1:]), dtype=np.float32)
    for number, plane in enumerate(laid):
        hu[number] = _along_both(np.maximum(plane, _AIR_HU).astype(np.float32), to_a, to_r)
    if shape[0] != len(hu):
        hu = (averaging_matrix(len(hu), shape[0]) @ hu.reshape(len(hu), -1)).reshape(shape)
    s, a, r = (mm * old / new for mm, old, new in zip(spacing, laid.shape, shape))
    return CoarserCt(hu, (s, a, r), orientation)


def fine_masks(
    answers: Mapping[str, np.ndarray], orientation: Orientation, ct: Volume, threshold: float
) -> MasksInBlock | None:
    """Where each of `answers`, probabilities [S, A, R] on the voxels of a network and linear between them, is at least
    `threshold` on the voxels of the CT; None where that is nowhere.
    """
    from scipy.sparse import csr_array

    # Between voxels below the threshold nothing is above it.
    above = np.logical_or.reduce([answer >= threshold - _ROUNDING for answer in answers.values()])
    extent = occupied_extent(above)
    if extent is None:
        return None
    laid = orientation.lay(ct.voxels)
    matrices = [resizing_matrix(size, new, 1) for size, new in zip(above.shape, laid.shape)]
    # Of each axis the voxels of the CT that these of the network have a part in, and of the network's all that these
    # ask.
    fine = [_extent_of(matrix[:, part] != 0, axis=1) for matrix, part in zip(matrices, extent)]
    asked = [_extent_of(matrix[part] != 0, axis=0) for matrix, part in zip(matrices, fine)]
    along_s, along_a, along_r = (csr_array(matrix[one, other]) for matrix, one, other in zip(matrices, fine, asked))
    masks = {}
    for name, answer in answers.items():
        mask = np.empty([part.stop - part.start for part in fine], dtype=bool)
        whole = np.ascontiguousarray(answer[tuple(asked)], dtype=np.float32)
        for number in range(len(mask)):
            plane = (along_s[[number]] @ whole.reshape(len(whole), -1)).reshape(whole.shape[1:])
            mask[number] = _along_both(plane, along_a, along_r) >= threshold
        masks[name] = np.ascontiguousarray(orientation.lay_back(mask))
    return MasksInBlock(masks, orientation.block_back(fine, laid.shape))


def _along_both(plane: np.ndarray, to_a: csr_array | None, to_r: csr_array | None) -> np.ndarray:
    """(a, r) of a slice (A, R) float32, by sparse matrices (a, A) and (r, R); None leaves an axis as it is."""
    if to_a is not None:
        plane = to_a @ plane
    return plane if to_r is None else (to_r @ np.ascontiguousarray(plane.T)).T


def _extent_of(used: np.ndarray, axis: int) -> slice:
    """Of the rows (axis 1) or columns (axis 0) in which anything is true."""
    places = np.flatnonzero(used.any(axis=axis))
    return slice(int(places[0]), int(places[-1]) + 1)
