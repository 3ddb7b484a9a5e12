"""An image with its place in space."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import GeometryError
from ..geometry import as_affine, corners_of_extent, transform_points
from ..words import tr

REFERENCE = "Reference"
# As the name of a transform can hold it, and the header of every kind of file.
_FRAME_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}\Z")


def check_frame_name(name: str) -> str:
    """The name of a frame. Raises GeometryError when it is none."""
    if not isinstance(name, str) or not _FRAME_NAME.match(name):
        raise GeometryError(
            tr("A frame is called {name!r}; a name has up to 63 letters, digits, '_' and '-'.", name=name)
        )
    return name


@dataclass(frozen=True, eq=False)
class Volume:
    """An image with its place in space.

    voxels      (k, j, i) array of any scalar dtype
    ijk_to_ras  (4, 4) float64, voxel index (i, j, k, 1) to RAS mm of `frame`
    seen        boolean (k, j, i): True where the grey level is known, because a pixel of a frame came there or a hole
                between pixels was filled; a black voxel may be either. None when nothing is known about it: then all
                of it counts as seen, as in a CT
    seen_is_guessed   True when `seen` was guessed from black voxels (segmentation.postprocess.with_guessed_seen)
    frame       the name of the frame that it lies in: 'Reference', the sensor on the liver, or another one, such as
                'CT'
                of a scan that is not registered. What lies in two frames has no known place to each other

    Raises GeometryError for values that fit no volume.
    """

    voxels: np.ndarray
    ijk_to_ras: np.ndarray
    seen: np.ndarray | None = field(default=None, repr=False)
    seen_is_guessed: bool = False
    frame: str = REFERENCE

    def __post_init__(self) -> None:
        if np.ndim(self.voxels) != 3:
            raise GeometryError(
                tr("A volume has three axes [k, j, i]; this array has shape {shape}.", shape=np.shape(self.voxels))
            )
        object.__setattr__(self, "ijk_to_ras", as_affine(self.ijk_to_ras, "ijk_to_ras"))
        if self.seen is not None:
            seen = np.asarray(self.seen)
            if seen.shape != self.voxels.shape:
                raise GeometryError(
                    tr(
                        "What was seen has shape {shape}, but the volume's voxels have {shape_2}.",
                        shape=seen.shape,
                        shape_2=self.voxels.shape,
                    )
                )
            object.__setattr__(self, "seen", seen if seen.dtype == bool else seen != 0)
        check_frame_name(self.frame)

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
            raise GeometryError(
                tr(
                    "Voxels of shape {shape} do not fit a volume of shape {shape_2}.",
                    shape=voxels.shape,
                    shape_2=self.voxels.shape,
                )
            )
        return replace(self, voxels=voxels)

    def with_seen(self, seen: np.ndarray | None, is_guessed: bool = False) -> Volume:
        """The same voxels with other knowledge of what was seen, boolean (k, j, i) or None."""
        return replace(self, seen=seen, seen_is_guessed=is_guessed)

    def on_grid(self, values: np.ndarray) -> Volume:
        """Something else on the same grid, of the same shape, such as a mask: what was seen does not go with it."""
        return self.with_seen(None).with_voxels(values)

    def has_geometry_of(self, other: Volume, tolerance_mm: float = 1e-3) -> bool:
        """True when both grids have the same frame and shape and no voxel centre differs by more than
        `tolerance_mm`.
        """
        if self.frame != other.frame or self.voxels.shape != other.voxels.shape:
            return False
        corners = corners_of_extent((0, 0, 0), np.array(self.dimensions) - 1)
        apart = transform_points(self.ijk_to_ras, corners) - transform_points(other.ijk_to_ras, corners)
        return bool(np.linalg.norm(apart, axis=1).max() <= tolerance_mm)

    def check_frame_of(self, other: Volume) -> None:
        """Raise GeometryError when `other` lies in another frame, so that nobody knows where the two are to
        each other.
        """
        if self.frame != other.frame:
            raise GeometryError(
                tr(
                    "One volume lies in the frame '{frame}' and the other in '{frame_2}': bring both into "
                    "one frame first, by a registration.",
                    frame=self.frame,
                    frame_2=other.frame,
                )
            )
