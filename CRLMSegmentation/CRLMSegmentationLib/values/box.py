"""A box in space, such as the one around a tumor."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from ..errors import GeometryError
from ..geometry import corners_of_extent, transform_points
from ..words import tr
from .volume import Volume


@dataclass(frozen=True, eq=False)
class Box:
    """A box in RAS, as a Markups ROI holds it.

    center_ras  (3,) RAS mm
    size_mm     (3,) full edge lengths along the box's own axes, each > 0
    axes_ras    (3, 3) orthonormal, column a is the direction of the box's axis a in RAS
    """

    center_ras: np.ndarray
    size_mm: np.ndarray
    axes_ras: np.ndarray = field(default_factory=lambda: np.eye(3))

    def __post_init__(self) -> None:
        center = np.asarray(self.center_ras, dtype=np.float64).reshape(-1)
        size = np.asarray(self.size_mm, dtype=np.float64).reshape(-1)
        axes = np.asarray(self.axes_ras, dtype=np.float64)
        if center.shape != (3,) or size.shape != (3,) or axes.shape != (3, 3):
            raise GeometryError(tr("A box needs a center (3 numbers), a size (3 numbers) and three axes."))
        if not (np.isfinite(center).all() and np.isfinite(size).all() and np.isfinite(axes).all()):
            raise GeometryError(tr("The box holds a value that is not a finite number."))
        if (size <= 0).any():
            raise GeometryError(
                tr(
                    "The box has size {names} mm; every edge must be longer than 0.",
                    names=" x ".join(f"{edge:g}" for edge in size),
                )
            )
        if not np.allclose(axes.T @ axes, np.eye(3), atol=1e-4):
            raise GeometryError(tr("The axes of the box are not perpendicular unit vectors."))
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
            raise GeometryError(tr("The mask is empty: there is nothing to put a box around."))
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

    def holds(self, point_ras: np.ndarray) -> bool:
        """True for a point (3,) RAS mm in the box or on its faces."""
        local = np.linalg.inv(self.axes_ras) @ (point_ras - self.center_ras)
        return bool((np.abs(local) <= self.size_mm / 2).all())

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

    def contains(self, points_ras: ArrayLike) -> np.ndarray:
        """Boolean (...) for `points_ras` (..., 3): inside or on the box."""
        local = transform_points(np.linalg.inv(self.box_to_ras), points_ras)
        inside: np.ndarray = (np.abs(local) <= self.size_mm / 2 + 1e-9).all(axis=-1)
        return inside
