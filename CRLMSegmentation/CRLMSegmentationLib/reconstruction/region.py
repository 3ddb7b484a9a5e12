"""Where the voxels of a reconstructed volume lie.

The grid is aligned with the axes of Reference. Extent, origin and number of voxels follow IGSIO
(vtkIGSIOVolumeReconstructor::SetOutputExtentFromFrameList), so that both give the same grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..errors import ReconstructionError
from ..words import tr
from .settings import ClipRectangle, ReconstructionSettings


@dataclass(frozen=True)
class Region:
    """A grid of voxels.

    origin_mm   Reference mm of the centre of voxel (0, 0, 0)
    spacing_mm  along i, j, k
    dimensions  number of voxels along i, j, k
    """

    origin_mm: tuple[float, float, float]
    spacing_mm: tuple[float, float, float]
    dimensions: tuple[int, int, int]

    @property
    def ijk_to_ras(self) -> np.ndarray:
        """(4, 4) float64, voxel index to Reference mm."""
        matrix = np.diag([*self.spacing_mm, 1.0])
        matrix[:3, 3] = self.origin_mm
        return matrix

    @property
    def number_of_voxels(self) -> int:
        return math.prod(self.dimensions)


def clipped_corners(image_size: tuple[int, int], clip: ClipRectangle | None) -> tuple[int, int, int, int]:
    """First column, last column, first row, last row of the used part of an image of (width, height) pixels.

    Raises ReconstructionError when the clip rectangle has no pixel of the image.
    """
    width, height = image_size
    if clip is None:
        return 0, width - 1, 0, height - 1
    if clip.width <= 0 or clip.height <= 0:
        raise ReconstructionError(
            tr(
                "The clip rectangle is {width} x {height} pixels; both must be greater than 0.",
                width=clip.width,
                height=clip.height,
            )
        )
    first_u, last_u = max(0, clip.u), min(width - 1, clip.u + clip.width)
    first_v, last_v = max(0, clip.v), min(height - 1, clip.v + clip.height)
    if first_u > last_u or first_v > last_v:
        raise ReconstructionError(
            tr(
                "The clip rectangle (origin {u}, {v}; size {width} x {height}) lies outside the image of "
                "{width_2} x {height_2} pixels: nothing would be left of the sweep.",
                u=clip.u,
                v=clip.v,
                width=clip.width,
                height=clip.height,
                width_2=width,
                height_2=height,
            )
        )
    return first_u, last_u, first_v, last_v


def corner_points(image_to_reference: np.ndarray, corners: tuple[int, int, int, int]) -> np.ndarray:
    """(4, 3) Reference mm of the corner pixels, summed in the order in which vtkMatrix4x4 does it."""
    first_u, last_u, first_v, last_v = corners
    matrix = np.asarray(image_to_reference, dtype=np.float64)[:3].tolist()
    return np.array(
        [
            [(line[0] * u + line[1] * v) + line[3] for line in matrix]
            for u in (first_u, last_u)
            for v in (first_v, last_v)
        ]
    )


def region_of_settings(settings: ReconstructionSettings) -> Region:
    """The grid that the settings give."""
    assert settings.origin_mm is not None and settings.dimensions is not None  # the settings have both or neither
    (x, y, z), (i, j, k) = settings.origin_mm, settings.dimensions
    return Region((float(x), float(y), float(z)), settings.spacing_mm, (int(i), int(j), int(k)))


def region_of_sweep(
    poses: Iterable[np.ndarray], image_size: tuple[int, int], settings: ReconstructionSettings
) -> Region:
    """The grid that holds every used pixel of frames with these ImageToReference `poses`, or the one in the
    settings.
    """
    if settings.dimensions is not None:
        return region_of_settings(settings)
    corners = clipped_corners(image_size, settings.clip_rectangle)
    points = np.concatenate([corner_points(pose, corners) for pose in poses])
    lower, upper = points.min(axis=0), points.max(axis=0)
    # half a voxel away from zero, as C's round()
    i, j, k = (math.floor((upper[a] - lower[a]) / settings.spacing_mm[a] + 0.5) + 1 for a in range(3))
    return Region((float(lower[0]), float(lower[1]), float(lower[2])), settings.spacing_mm, (i, j, k))


def image_to_voxel_matrix(image_to_reference: np.ndarray, region: Region) -> np.ndarray:
    """(3, 3) float64: columns are the voxel index change per column, per row, and the index of pixel (0, 0).

    The inverse of the grid's matrix is taken by the adjoint, as vtkMatrix4x4::Invert does, so that the last bits agree.
    """
    inverse_scale, inverse_shift = _inverse_of_grid(region)
    matrix = np.asarray(image_to_reference, dtype=np.float64)[:3]
    voxel: np.ndarray = matrix[:, (0, 1, 3)] * inverse_scale[:, None]
    voxel[:, 2] += inverse_shift
    return voxel


def _inverse_of_grid(region: Region) -> tuple[np.ndarray, np.ndarray]:
    """Scale and shift of the inverse of translate(origin) * scale(spacing), by cofactors over the determinant."""
    (sx, sy, sz), (ox, oy, oz) = region.spacing_mm, region.origin_mm
    determinant = sx * (sy * sz)
    scale = np.array([sy * sz, sx * sz, sx * sy]) / determinant
    shift = np.array([-(ox * (sy * sz)), -(sx * (sz * oy)), -(sx * (sy * oz))]) / determinant
    return scale, shift
