"""The tumor's surface as a sweep with errors shows it: point by point, or through frames, voxels and a mask."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...calibration.accuracy.error_model import SeenPlace
from ...geometry import transform_points
from ...reconstruction import ReconstructionSettings, reconstruct
from ...segmentation.surface import surface_from_mask
from ...sweep import Sweep, TrackedFrame
from ..calibration.pivoting import SmoothField
from ..lesion_shape import LesionShape, sphere_directions

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

_POINTS = 2000
_AROUND_MM = 6.0


@dataclass(frozen=True, eq=False)
class TrueTumor:
    """shape about `center` (3,) in Reference, mm."""

    shape: LesionShape
    center: np.ndarray

    def points(self) -> np.ndarray:
        """(n, 3) evenly about its surface."""
        directions = sphere_directions(_POINTS)
        return np.asarray(self.center + directions * self.shape.radius_mm(directions)[:, np.newaxis])

    def surface(self) -> vtkPolyData:
        """Closed triangles between these points."""
        return surface_through(self.points())


def surface_through(points: np.ndarray) -> vtkPolyData:
    """vtkPolyData through (n, 3) points that are those of TrueTumor.points(), moved a little."""
    from scipy.spatial import ConvexHull
    from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData

    # The triangles of the sphere; their orientation is found again by who measures.
    triangles = ConvexHull(sphere_directions(_POINTS)).simplices.astype(np.int64)
    surface, places, cells = vtkPolyData(), vtkPoints(), vtkCellArray()
    places.SetData(numpy_to_vtk(np.ascontiguousarray(points), deep=True))
    cells.SetData(3, numpy_to_vtkIdTypeArray(triangles.ravel(), deep=True))
    surface.SetPoints(places)
    surface.SetPolys(cells)
    return surface


@dataclass(frozen=True, eq=False)
class Sweeping:
    """n frames at `times_s` (n,).

    true_image_to_reference  (n, 4, 4) where the images were
    probe_to_reference       (n, 4, 4) as the tracker says
    image_to_reference       (n, 4, 4) as the tracker and the calibration say
    image_size               width and height in pixels
    """

    times_s: np.ndarray
    true_image_to_reference: np.ndarray
    probe_to_reference: np.ndarray
    image_to_reference: np.ndarray
    image_size: tuple[int, int]

    def shown(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) where the sweep puts what is really at (n, 3) `points`: between the two frames that pass them."""
        pixels = transform_points_of(np.linalg.inv(self.true_image_to_reference), points)
        beyond = pixels[..., 2]
        passes = np.sign(beyond[1:]) != np.sign(beyond[:-1])
        first = np.where(passes.any(axis=0), passes.argmax(axis=0), np.abs(beyond[:-1]).argmin(axis=0))
        which = np.arange(len(points))
        before, after = beyond[first, which], beyond[first + 1, which]
        share = np.clip(before / np.where(before == after, 1.0, before - after), 0, 1)[:, np.newaxis]
        pixel = (1 - share) * pixels[first, which] + share * pixels[first + 1, which]
        pixel[:, 2] = 0
        ends = [self._placed(number, pixel) for number in (first, first + 1)]
        return np.asarray((1 - share) * ends[0] + share * ends[1])

    def seen(self, point_ras: np.ndarray) -> SeenPlace:
        """The frame that shows a place (3,), as far as is known."""
        pixels = transform_points_of(np.linalg.inv(self.image_to_reference), point_ras[np.newaxis])[:, 0]
        number = int(np.abs(pixels[:, 2]).argmin())
        pixel = np.array([pixels[number, 0], pixels[number, 1], 0.0])
        low, high = max(number - 2, 0), min(number + 2, len(self.times_s) - 1)
        ends = [transform_points(self.image_to_reference[one], pixel) for one in (low, high)]
        velocity = (ends[1] - ends[0]) / (self.times_s[high] - self.times_s[low])
        return SeenPlace(self.image_to_reference[number], pixel[:2], self.probe_to_reference[number], velocity)

    def _placed(self, numbers: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        poses = self.image_to_reference[numbers]
        return np.asarray(np.einsum("nab,nb->na", poses[:, :3, :3], pixels) + poses[:, :3, 3])


def transform_points_of(matrices: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(m, n, 3): (n, 3) points mapped by each of (m, 4, 4) affines."""
    return np.asarray(np.einsum("mab,nb->mna", matrices[:, :3, :3], points) + matrices[:, np.newaxis, :3, 3])


def found_surface(
    tumor: TrueTumor, sweeping: Sweeping, outline: SmoothField | None, spacing_mm: float | None
) -> vtkPolyData:
    """The surface that is found.

    outline     how far the segmentation's surface lies beside the one that it sees; None for not at all
    spacing_mm  of the voxels; None for a surface that never was voxels
    """
    if spacing_mm is not None:
        return _through_voxels(tumor, sweeping, outline, spacing_mm)
    points = tumor.points()
    shown = sweeping.shown(points)
    if outline is not None:
        outward = (points - tumor.center) / np.linalg.norm(points - tumor.center, axis=1, keepdims=True)
        normals = _normals(surface_through(shown), shown, outward)
        shown = shown + normals * outline(shown)[:, :1]
    return surface_through(shown)


def _normals(surface: vtkPolyData, points: np.ndarray, outward: np.ndarray) -> np.ndarray:
    """(n, 3) unit normals at the points of a surface, on the side of `outward` (n, 3)."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    triangles = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    faces = np.cross(b - a, c - a)
    faces *= np.sign((faces * outward[triangles[:, 0]]).sum(axis=1, keepdims=True))
    normals = np.zeros_like(points)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], faces)
    return np.asarray(normals / np.linalg.norm(normals, axis=1, keepdims=True))


def _through_voxels(
    tumor: TrueTumor, sweeping: Sweeping, outline: SmoothField | None, spacing_mm: float
) -> vtkPolyData:
    """Frames that show the tumor white, their volume, its mask with the outline's error, and the mask's surface."""
    from scipy import ndimage

    shown = sweeping.shown(tumor.points())
    lower = shown.min(axis=0) - _AROUND_MM
    size = np.ceil((np.ptp(shown, axis=0) + 2 * _AROUND_MM) / spacing_mm).astype(int) + 1
    settings = ReconstructionSettings(
        spacing_mm=(spacing_mm,) * 3, fill="distance", origin_mm=(lower[0], lower[1], lower[2]),
        dimensions=(int(size[0]), int(size[1]), int(size[2])), reject_jumps=False,
    )  # fmt: skip
    volume = reconstruct(_sweep(tumor, sweeping), settings).volume
    inside = volume.voxels >= 128
    if outline is not None:
        outside_mm = ndimage.distance_transform_edt(~inside) - ndimage.distance_transform_edt(inside)
        near = np.argwhere(np.abs(outside_mm) * spacing_mm < _AROUND_MM)
        places = transform_points(volume.ijk_to_ras, near[:, ::-1])
        # The middle between the last voxel inside and the first outside is the border.
        off = outside_mm[tuple(near.T)] * spacing_mm
        inside[tuple(near.T)] = off - np.sign(off) * spacing_mm / 2 < outline(places)[:, 0]
    labels, _ = ndimage.label(inside)
    largest = labels == np.bincount(labels[labels > 0]).argmax()
    return surface_from_mask(replace(volume, voxels=largest.astype(np.uint8)))


def _sweep(tumor: TrueTumor, sweeping: Sweeping) -> Sweep:
    width, height = sweeping.image_size
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    reach = tumor.shape.largest_radius_mm()
    frames = []
    for time_s, true, said in zip(sweeping.times_s, sweeping.true_image_to_reference, sweeping.image_to_reference):
        pixels = np.ones((height, width), dtype=np.uint8)
        away = transform_points(true, np.stack([columns, rows, np.zeros_like(rows)], axis=-1)) - tumor.center
        near = (away**2).sum(axis=-1) <= reach**2
        pixels[near] = np.where(tumor.shape.radial_distance_mm(away[near]) <= 0, 255, 1)
        frames.append(TrackedFrame(pixels, said, float(time_s)))
    return Sweep(frames, "phantom")
