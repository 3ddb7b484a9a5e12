"""Volumes, boxes and affine transforms in one convention.

Lengths are in mm and patient coordinates RAS. A voxel array is indexed [k, j, i]; `ijk_to_ras` maps the
index (i, j, k, 1) of a voxel's centre to RAS mm, as 3D Slicer does. In this project the RAS frame is
*Reference*, the sensor fixed to the liver.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .errors import GeometryError


def as_affine(matrix, name: str = "matrix") -> np.ndarray:
    """`matrix` as a (4, 4) float64 affine.

    Raises GeometryError if it has another shape, holds NaN or infinity, does not end in 0 0 0 1, or is singular.
    """
    affine = np.asarray(matrix, dtype=np.float64)
    if affine.shape != (4, 4):
        raise GeometryError(f"{name} has shape {affine.shape}; an affine transform has shape (4, 4).")
    if not np.isfinite(affine).all():
        raise GeometryError(f"{name} holds a value that is not a finite number.")
    if not np.allclose(affine[3], (0, 0, 0, 1), atol=1e-9):
        raise GeometryError(f"The last row of {name} is {affine[3].tolist()}; it must be 0 0 0 1.")
    linear = affine[:3, :3]
    scale = np.linalg.norm(linear, axis=0).prod()
    if scale == 0 or abs(np.linalg.det(linear)) < 1e-9 * scale:
        raise GeometryError(f"{name} is singular: it maps space onto a plane or less.")
    return affine


def invert_affine(matrix) -> np.ndarray:
    """The full (4, 4) inverse, not a transpose: tracked rotations are orthonormal to about six digits only."""
    return np.linalg.inv(as_affine(matrix))


def transform_points(matrix, points) -> np.ndarray:
    """`points` (..., 3) mapped by an affine (4, 4), as float64 of the same shape."""
    matrix = np.asarray(matrix, dtype=np.float64)
    return np.asarray(points, dtype=np.float64) @ matrix[:3, :3].T + matrix[:3, 3]


def corners_of_extent(lower, upper) -> np.ndarray:
    """The (8, 3) corners of the axis-aligned extent from `lower` to `upper`, each (3,)."""
    ends = np.array([lower, upper], dtype=np.float64)
    pick = np.array([[(corner >> axis) & 1 for axis in range(3)] for corner in range(8)])
    return ends[pick, np.arange(3)]


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

    def __post_init__(self):
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
        return np.linalg.norm(self.ijk_to_ras[:3, :3], axis=0)

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
        return transform_points(
            self.ijk_to_ras, corners_of_extent((-0.5, -0.5, -0.5), np.array(self.dimensions) - 0.5)
        )

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


@dataclass(frozen=True, eq=False)
class Box:
    """A box in RAS, as a Markups ROI holds it.

    center_ras  (3,) RAS mm
    size_mm     (3,) full edge lengths along the box's own axes, each > 0
    axes_ras    (3, 3) orthonormal, column a is the direction of the box's axis a in RAS
    """

    center_ras: np.ndarray
    size_mm: np.ndarray
    axes_ras: np.ndarray = None

    def __post_init__(self):
        center = np.asarray(self.center_ras, dtype=np.float64).reshape(-1)
        size = np.asarray(self.size_mm, dtype=np.float64).reshape(-1)
        axes = np.eye(3) if self.axes_ras is None else np.asarray(self.axes_ras, dtype=np.float64)
        if center.shape != (3,) or size.shape != (3,) or axes.shape != (3, 3):
            raise GeometryError("A box needs a center (3 numbers), a size (3 numbers) and three axes.")
        if not (np.isfinite(center).all() and np.isfinite(size).all() and np.isfinite(axes).all()):
            raise GeometryError("The box holds a value that is not a finite number.")
        if (size <= 0).any():
            raise GeometryError(
                f"The box has size {' x '.join(f'{edge:g}' for edge in size)} mm; every edge must be longer than 0."
            )
        if not np.allclose(axes.T @ axes, np.eye(3), atol=1e-4):
            raise GeometryError("The axes of the box are not perpendicular unit vectors.")
        object.__setattr__(self, "center_ras", center)
        object.__setattr__(self, "size_mm", size)
        object.__setattr__(self, "axes_ras", axes)

    @classmethod
    def around_mask(cls, mask: Volume) -> Box:
        """The tight box, along the axes of `mask`, that covers every nonzero voxel to its edges.

        Raises GeometryError when the mask is empty.
        """
        occupied = np.nonzero(mask.voxels)
        if occupied[0].size == 0:
            raise GeometryError("The mask is empty: there is nothing to put a box around.")
        lower = np.array([axis.min() for axis in occupied[::-1]]) - 0.5
        upper = np.array([axis.max() for axis in occupied[::-1]]) + 0.5
        spacing = mask.spacing_mm
        return cls(
            transform_points(mask.ijk_to_ras, (lower + upper) / 2),
            (upper - lower) * spacing,
            mask.ijk_to_ras[:3, :3] / spacing,
        )

    @classmethod
    def around_volume(cls, volume: Volume) -> Box:
        """The box that covers the whole of `volume`, along its axes."""
        spacing = volume.spacing_mm
        return cls(volume.center_ras, np.array(volume.dimensions) * spacing, volume.ijk_to_ras[:3, :3] / spacing)

    def expanded(self, margin_mm: float) -> Box:
        """The box grown by `margin_mm` on every side (shrunk when negative)."""
        return Box(self.center_ras, self.size_mm + 2 * margin_mm, self.axes_ras)

    @property
    def box_to_ras(self) -> np.ndarray:
        """(4, 4) from the box's own frame (origin at its center, mm along its axes) to RAS."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.axes_ras
        matrix[:3, 3] = self.center_ras
        return matrix

    def corners_ras(self) -> np.ndarray:
        """(8, 3) RAS mm of its corners."""
        return transform_points(self.box_to_ras, corners_of_extent(-self.size_mm / 2, self.size_mm / 2))

    def contains(self, points_ras) -> np.ndarray:
        """Boolean (...) for `points_ras` (..., 3): inside or on the box."""
        local = transform_points(np.linalg.inv(self.box_to_ras), points_ras)
        return (np.abs(local) <= self.size_mm / 2 + 1e-9).all(axis=-1)
