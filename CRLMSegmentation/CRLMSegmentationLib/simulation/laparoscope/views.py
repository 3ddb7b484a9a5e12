"""A laparoscope before a patient's liver in the operation: where it is, how deep each pixel looks, and where the
landmarks are that registration is made with: ridge, falciform ligament and silhouette.

Geometry alone: pictures are made in looks/. Camera and pixels are those of values.camera (OpenCV).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...errors import ConfigurationError
from ...geometry import invert_affine, transform_points
from ...laparoscopy.surface.depth import lay_triangles
from ...values.camera import Camera
from ...values.triangles import surface_points
from ..patient.operation import Operation

# In the order in which they are laid: where two meet, the later one is seen.
LANDMARKS = {"background": 0, "liver": 1, "silhouette": 2, "falciform ligament": 3, "ridge": 4}
_SIZE = (960, 540)
_MOST_VIEWS, _TRIES = 1000, 40
_CLEAR_MM, _BEHIND_MM, _LEAST_SHARE = 25.0, 3.0, 0.1
# A view as a surgeon would hold it: much of the picture is liver, about its middle, with both landmarks in it.
WELL_FRAMED = 5
_GOOD_SHARE, _OFF_MIDDLE, _GOOD_RIDGE_PX, _GOOD_LIGAMENT_PX = (0.2, 0.8), 0.2, 300, 60
# The ligament stands out of the fissure, into which its line on the surface dips by less than this.
_FISSURE_MM = 30.0
_CURVE_STEP_MM = 0.1
_NEVER_MM = np.inf


@dataclass(frozen=True, eq=False)
class LaparoscopeViews:
    """Some pictures' geometry; n views of (v, u) pixels.

    camera               the same for all
    camera_to_reference  (n, 4, 4) rigid, the true poses
    depth_mm             (n, v, u) float32, z in the camera's frame; 0 where the liver is not seen
    landmarks            (n, v, u) uint8, LANDMARKS
    """

    camera: Camera
    camera_to_reference: np.ndarray
    depth_mm: np.ndarray
    landmarks: np.ndarray


def draw_views(operation: Operation, count: int) -> LaparoscopeViews:
    """`count` views from ports below the liver; the same for the same patient, the first of many those of few.

    Raises ConfigurationError for a count that is not from 1 to 1000.
    """
    if not 1 <= count <= _MOST_VIEWS:
        raise ConfigurationError(f"{count} views of the laparoscope are not offered: choose 1 to {_MOST_VIEWS}.")
    for_camera, *for_views = np.random.SeedSequence(operation.patient.seeds(20265)).spawn(1 + count)
    camera = _draw_camera(np.random.default_rng(for_camera))
    scene = _Scene(operation, camera)
    views = [scene.draw(np.random.default_rng(seeds)) for seeds in for_views]
    poses, depths, landmarks = (np.stack([view[part] for view in views]) for part in range(3))
    return LaparoscopeViews(camera, poses, depths, landmarks)


def _draw_camera(rng: np.random.Generator) -> Camera:
    focal = round(rng.uniform(690.0, 800.0), 2)
    center = np.round(np.array(_SIZE) / 2 - 0.5 + rng.uniform(-12, 12, 2), 2)
    intrinsics = np.array(
        [[focal, 0, center[0]], [0, round(focal * rng.uniform(0.998, 1.002), 2), center[1]], [0, 0, 1]]
    )
    lens = [rng.uniform(-0.22, -0.08), rng.uniform(0.0, 0.06), *rng.uniform(-0.001, 0.001, 2)]
    return Camera(intrinsics, _SIZE, np.round(lens, 5))


class _Scene:
    """The liver in the operation, in Reference, and the camera before it."""

    def __init__(self, operation: Operation, camera: Camera):
        from vtkmodules.util.numpy_support import vtk_to_numpy

        self._operation, self._camera = operation, camera
        surface = operation.patient.surface
        self._points = operation.ct_to_reference(surface_points(surface))
        self._triangles = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int64)
        self._curves = {
            "falciform ligament": self._close_together(operation.patient.falciform_ligament),
            "ridge": self._close_together(operation.patient.ridge),
        }
        self._ligament_normals = self._normals(self._curves["falciform ligament"])

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pose, depth and landmarks of a view that is well framed; of the best one when none of many is."""
        best: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        most = 0
        for _ in range(_TRIES):
            pose = self._draw_pose(rng)
            outside = self._operation.patient.shape.outside_mm(self._operation.reference_to_ct(pose[None, :3, 3]))
            if outside[0] < _CLEAR_MM:
                continue
            depth, landmarks = self.look_from(pose)
            good = how_well_framed(landmarks)
            if good > most:
                best, most = (pose, depth, landmarks), good
            if good == WELL_FRAMED:
                break
        if best is None:
            raise ConfigurationError("No view of this liver's ridge was found.")
        return best

    def look_from(self, camera_to_reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Depth and landmarks (v, u) of the camera there."""
        to_camera = invert_affine(camera_to_reference)
        points = transform_points(to_camera, self._points)
        # What is far outside of the view may be folded into it by the lens's polynomial.
        in_view = (points[:, 2] > 1.0) & (np.abs(points[:, :2]) < 1.2 * points[:, 2:]).all(axis=1)
        pixels = np.where(in_view[:, None], self._camera.project(points), np.nan)
        nearest = np.full(self._camera.image_size[::-1], _NEVER_MM)
        which = np.full(nearest.shape, -1, dtype=np.int64)
        whole = self._triangles[in_view[self._triangles].all(axis=1)]
        lay_triangles(nearest, which, pixels, points[:, 2].copy(), whole)
        seen = nearest < _NEVER_MM
        landmarks = seen.astype(np.uint8)
        # Where the picture ends the liver may go on: that is no silhouette.
        landmarks[seen & ndimage.binary_dilation(~seen, iterations=2)] = LANDMARKS["silhouette"]
        for name, curve in self._curves.items():
            hidden_by_mm = np.full(len(curve), _BEHIND_MM)
            if name == "falciform ligament":
                faces = ((camera_to_reference[:3, 3] - curve) * self._ligament_normals).sum(axis=1) > 0
                hidden_by_mm[faces] = _FISSURE_MM
            landmarks[self._drawn(transform_points(to_camera, curve), hidden_by_mm, nearest) & seen] = LANDMARKS[name]
        return np.where(seen, nearest, 0.0).astype(np.float32), landmarks

    def _drawn(self, curve: np.ndarray, hidden_by_mm: np.ndarray, nearest: np.ndarray) -> np.ndarray:
        """(v, u) boolean: a line of 3 pixels where the curve's points (n, 3) lie before the liver, or behind it by no
        more than hidden_by_mm (n,).
        """
        pixels = self._camera.project(curve[curve[:, 2] > 1.0])
        z, hidden_by_mm = curve[curve[:, 2] > 1.0, 2], hidden_by_mm[curve[:, 2] > 1.0]
        inside = self._camera.is_in_image(pixels)
        u, v = np.round(pixels[inside]).astype(int).T
        # A curve of the surface may lie a little behind its triangles, or just beside the outermost of them.
        before = ndimage.maximum_filter(nearest, 3)
        open_view = z[inside] < before[v, u] + hidden_by_mm[inside]
        drawn = np.zeros(nearest.shape, dtype=bool)
        drawn[v[open_view], u[open_view]] = True
        return np.asarray(ndimage.binary_dilation(drawn, np.ones((3, 3), dtype=bool)))

    def _normals(self, curve: np.ndarray) -> np.ndarray:
        """(n, 3) in Reference: outwards from the liver along a dense curve (n, 3) of its surface, as the surface would
        face without its fissures; not of unit length.
        """
        outside, to_ct = self._operation.patient.shape.outside_mm, self._operation.reference_to_ct
        normals = np.column_stack([outside(to_ct(curve + axis)) - outside(to_ct(curve - axis)) for axis in np.eye(3)])
        return np.asarray(ndimage.gaussian_filter1d(normals, _FISSURE_MM / _CURVE_STEP_MM, axis=0, mode="nearest"))

    def _draw_pose(self, rng: np.random.Generator) -> np.ndarray:
        """(4, 4) camera to Reference: from a port below and in front of the liver, towards the front of its ridge."""
        patient, deformation = self._operation.patient, self._operation.deformation
        line = patient.ridge[len(patient.ridge) // 4 : 3 * len(patient.ridge) // 4]
        target = deformation.to_operation(line[int(rng.integers(len(line)))]) + rng.uniform(-15, 15, 3)
        port = target + [rng.uniform(-60, 40), rng.uniform(50, 110), rng.uniform(-110, -40)]
        ahead = (target - port) / np.linalg.norm(target - port)
        down = np.array([0.0, -1.0, 0.0]) - ahead * -ahead[1]
        down /= np.linalg.norm(down)
        right, roll = np.cross(down, ahead), np.radians(rng.uniform(-20, 20))
        right, down = np.cos(roll) * right + np.sin(roll) * down, np.cos(roll) * down - np.sin(roll) * right
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = np.stack([right, down, ahead], axis=-1), port
        result: np.ndarray = np.round(self._operation.patient_to_reference @ pose, 9)
        return result

    def _close_together(self, curve_ras: np.ndarray) -> np.ndarray:
        """(n, 3) in Reference: the curve of the CT, points 0.1 mm apart, less than a pixel."""
        # Its own points are 1.5 mm apart.
        places = np.arange(0, len(curve_ras) - 1 + 1e-9, _CURVE_STEP_MM / 1.5)
        dense = np.column_stack([np.interp(places, np.arange(len(curve_ras)), curve_ras[:, axis]) for axis in range(3)])
        return self._operation.ct_to_reference(dense)


def how_well_framed(landmarks: np.ndarray) -> int:
    """0 for a view that is of no use, up to WELL_FRAMED; from the landmarks (v, u)."""
    liver = landmarks != LANDMARKS["background"]
    ridge = int((landmarks == LANDMARKS["ridge"]).sum())
    if liver.mean() < _LEAST_SHARE or ridge == 0:
        return 0
    off_middle = [
        abs(float(np.average(np.arange(count), weights=liver.sum(axis=1 - axis))) / (count - 1) - 0.5)
        for axis, count in enumerate(liver.shape)
    ]
    good = (
        _GOOD_SHARE[0] <= float(liver.mean()) <= _GOOD_SHARE[1],
        max(off_middle) <= _OFF_MIDDLE,
        ridge >= _GOOD_RIDGE_PX,
        int((landmarks == LANDMARKS["falciform ligament"]).sum()) >= _GOOD_LIGAMENT_PX,
    )
    return 1 + good.count(True)
