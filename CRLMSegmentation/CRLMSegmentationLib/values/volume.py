"""An image with its place in space."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..errors import GeometryError
from ..geometry import as_affine, corners_of_extent, transform_points


@dataclass(frozen=True, eq=False)
class Volume:
    """An image with its place in space.

    voxels      (k, j, i) array of any scalar dtype
    ijk_to_ras  (4, 4) float64, voxel index (i, j, k, 1) to RAS mm
    seen        boolean (k, j, i): True where the grey level is known, because a pixel of a frame came there or a hole
                between pixels was filled; a black voxel may be either. None when nothing is known about it: then all
                of it counts as seen, as in a CT
    seen_is_guessed   True when `seen` was guessed from black voxels (segmentation.postprocess.with_guessed_seen)
    """

    voxels: np.ndarray
    ijk_to_ras: np.ndarray
    seen: np.ndarray | None = field(default=None, repr=False)
    seen_is_guessed: bool = False

    def __post_init__(self) -> None:
        if np.ndim(self.voxels) != 3:
            raise GeometryError(f"A volume has three axes [k, j, i]; this array has shape {np.shape(self.voxels)}.")
        object.__setattr__(self, "ijk_to_ras", as_affine(self.ijk_to_ras, "ijk_to_ras"))
        if self.seen is not None:
            seen = np.asarray(self.seen)
            if seen.shape != self.voxels.shape:
                raise GeometryError(
                    f"What was seen has shape {seen.shape}, but the volume's voxels have {self.voxels.shape}."
                )
            object.__setattr__(self, "seen", seen if seen.dtype == bool else seen != 0)

    @property
    def dimensions(self) -> tuple[int, int, int]:
        """Number of voxels along i, j, k."""
        k, j, i = self.voxels.shape
        return i, j, k

    @property
    def spacing_mm(self) -> np.ndarray:
        """(3,) distance between voxel centres along i, j, k."""
        spacing: np.ndarray = np.linalg.norm(self.ijk_to_ras[:3, :3], axis=0)
        return spacing

    @property
    def origin_ras(self) -> np.ndarray:
        """(3,) RAS mm of the centre of voxel (0, 0, 0)."""
        return self.ijk_to_ras[:3, 3].copy()

    @property
    def ras_to_ijk(self) -> np.ndarray:
        """(4, 4) RAS mm to continuous index (i, j, k)."""
        return np.linalg.inv(self.ijk_to_ras)

    @property
    def center_ras(self) -> np.ndarray:
        """(3,) RAS mm of the middle of the volume."""
        return transform_points(self.ijk_to_ras, (np.array(self.dimensions) - 1) / 2)

    @property
    def voxel_volume_mm3(self) -> float:
        return float(abs(np.linalg.det(self.ijk_to_ras[:3, :3])))

    def corners_ras(self) -> np.ndarray:
        """(8, 3) RAS mm of the outer corners (voxel edges, not centres)."""
        return transform_points(self.ijk_to_ras, corners_of_extent((-0.5, -0.5, -0.5), np.array(self.dimensions) - 0.5))

    def with_voxels(self, voxels: np.ndarray) -> Volume:
        """The same geometry with other voxels of the same shape; what was seen stays what it was."""
        if voxels.shape != self.voxels.shape:
            raise GeometryError(f"Voxels of shape {voxels.shape} do not fit a volume of shape {self.voxels.shape}.")
        return Volume(voxels, self.ijk_to_ras, self.seen, self.seen_is_guessed)

    def with_seen(self, seen: np.ndarray | None, is_guessed: bool = False) -> Volume:
        """The same voxels with other knowledge of what was seen, boolean (k, j, i) or None."""
        return Volume(self.voxels, self.ijk_to_ras, seen, is_guessed)

    def on_grid(self, values: np.ndarray) -> Volume:
        """Something else on the same grid, of the same shape, such as a mask: what was seen does not go with it."""
        return self.with_seen(None).with_voxels(values)

    def has_geometry_of(self, other: Volume, tolerance_mm: float = 1e-3) -> bool:
        """True when both grids have the same shape and no voxel centre differs by more than `tolerance_mm`."""
        if self.voxels.shape != other.voxels.shape:
            return False
        corners = corners_of_extent((0, 0, 0), np.array(self.dimensions) - 1)
        apart = transform_points(self.ijk_to_ras, corners) - transform_points(other.ijk_to_ras, corners)
        return bool(np.linalg.norm(apart, axis=1).max() <= tolerance_mm)
