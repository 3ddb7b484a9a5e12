"""What a hand has drawn: voxels on a grid of their own, brought onto the voxels of the volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...geometry import corners_of_extent, transform_points
from ...values import Volume

_SAME_AXES = 1e-4
_SAME_PLACE_VOXELS = 1e-2


@dataclass(frozen=True, eq=False)
class Labelmap:
    """Voxels that are never changed in place, so that their mask can be made in any thread.

    voxels            boolean [k, j, i], True inside, or uint8 labels; any of its axes may be empty
    ijk_to_reference  (4, 4) from index (i, j, k, 1) to RAS mm of Reference
    """

    voxels: np.ndarray
    ijk_to_reference: np.ndarray

    @staticmethod
    def of_mask(mask: Volume) -> Labelmap:
        """The voxels of a mask, nonzero inside."""
        return Labelmap(mask.voxels != 0, mask.ijk_to_ras)

    def cropped(self) -> Labelmap:
        """Its smallest block that holds every voxel that is not 0; empty where none is."""
        inside = self.voxels != 0
        if not inside.any():
            return Labelmap(self.voxels[:0], self.ijk_to_reference)
        along = [np.flatnonzero(inside.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
        k, j, i = (slice(int(one[0]), int(one[-1]) + 1) for one in along)
        moved = self.ijk_to_reference.copy()
        moved[:3, 3] = transform_points(self.ijk_to_reference, np.array([i.start, j.start, k.start], float))
        return Labelmap(self.voxels[k, j, i], moved)

    def mask_on(self, grid: Volume) -> Volume:
        """uint8 on the voxels of `grid`: copied where both grids coincide, else from the nearest voxel."""
        if self.voxels.size == 0:
            return grid.on_grid(np.zeros(grid.voxels.shape, np.uint8))
        start = transform_points(grid.ras_to_ijk, self.ijk_to_reference[:3, 3])
        same_axes = np.allclose(self.ijk_to_reference[:3, :3], grid.ijk_to_ras[:3, :3], atol=_SAME_AXES)
        if same_axes and np.abs(start - np.round(start)).max() < _SAME_PLACE_VOXELS:
            return grid.on_grid(self._pasted(grid, np.round(start).astype(int)))
        return grid.on_grid(self._resampled(grid))

    def _pasted(self, grid: Volume, start: np.ndarray) -> np.ndarray:
        whole = np.zeros(grid.voxels.shape, np.uint8)
        lower, upper = np.maximum(start, 0), np.minimum(start + self.voxels.shape[::-1], grid.dimensions)
        if (lower < upper).all():
            (i, j, k), (to_i, to_j, to_k) = lower, upper
            from_i, from_j, from_k = lower - start
            whole[k:to_k, j:to_j, i:to_i] = self.voxels[
                from_k : from_k + to_k - k, from_j : from_j + to_j - j, from_i : from_i + to_i - i
            ]
        return whole

    def _resampled(self, grid: Volume) -> np.ndarray:
        whole = np.zeros(grid.voxels.shape, np.uint8)
        size = np.array(self.voxels.shape[::-1])
        grid_to_own = np.linalg.inv(self.ijk_to_reference) @ grid.ijk_to_ras
        # Only where the labelmap lies, a voxel around it included.
        corners = transform_points(np.linalg.inv(grid_to_own), corners_of_extent((-0.5, -0.5, -0.5), size - 0.5))
        lower = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, grid.dimensions)
        upper = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, 0, grid.dimensions)
        j, i = np.mgrid[lower[1] : upper[1], lower[0] : upper[0]]
        for k in range(lower[2], upper[2]):
            points = np.stack([i, j, np.full(i.shape, k)], axis=-1).reshape(-1, 3)
            nearest = np.floor(transform_points(grid_to_own, points) + 0.5).astype(int)
            is_in = ((nearest >= 0) & (nearest < size)).all(axis=1)
            values = np.zeros(len(points), np.uint8)
            of_i, of_j, of_k = nearest[is_in].T
            values[is_in] = self.voxels[of_k, of_j, of_i]
            whole[k, lower[1] : upper[1], lower[0] : upper[0]] = values.reshape(i.shape)
        return whole
