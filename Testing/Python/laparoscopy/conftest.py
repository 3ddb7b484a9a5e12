"""A small model of a liver whose view is known."""

import numpy as np
import pytest
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.laparoscopy.pose.model_landmarks import ModelLandmarks
from CRLMSegmentationLib.laparoscopy.surface.mesh import mesh_of
from CRLMSegmentationLib.laparoscopy.surface.view import view_of
from CRLMSegmentationLib.values.camera import Camera
from CRLMSegmentationLib.values.landmarks import Polyline
from skimage.measure import find_contours
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkFiltersSources import vtkSphereSource


def on_liver(right_left, front_back, up):
    """Places on a lump, in RAS mm, by unit vectors: wide, thinner to the left, pointed in front."""
    x, y, z = right_left, front_back, up
    wide = 1 + 0.35 * x
    return np.column_stack([85 * x, 60 * y * wide + 12 * np.abs(y) * (y > 0), 45 * z * wide + 10 * x * y])


class View:
    """The model, the camera, the true pose and the true lines in the picture."""

    def __init__(self):
        source = vtkSphereSource()
        source.SetThetaResolution(90)
        source.SetPhiResolution(90)
        source.SetRadius(1.0)
        source.Update()
        self.surface = source.GetOutput()
        unit = vtk_to_numpy(self.surface.GetPoints().GetData()).astype(float)
        self.surface.GetPoints().SetData(numpy_to_vtk(on_liver(*unit.T).astype(np.float32), deep=True))
        angle, over = np.radians(np.linspace(15, 165, 120)), np.radians(np.linspace(10, 80, 60))
        ridge = on_liver(np.cos(angle), np.sin(angle), np.zeros(120))
        ligament = on_liver(np.full(60, -0.2), 0.98 * np.cos(over), 0.98 * np.sin(over))
        self.curves = {"ridge": [ridge], "ligament": [ligament]}
        self.model = ModelLandmarks(mesh_of(self.surface), self.curves)
        intrinsics = np.array([[380.0, 0, 240], [0, 381, 134], [0, 0, 1]])
        self.camera = Camera(intrinsics, (480, 270), np.array([-0.2, 0.05, 0.001, -0.001]))
        self.pose = self._pose()
        self.lines = self._lines()

    def _pose(self):
        eye = np.array([-20.0, 150, -75])
        ahead = np.array([0.0, 35, 0]) - eye
        ahead /= np.linalg.norm(ahead)
        right = np.cross(ahead, [0.1, 0.2, 1])
        right /= np.linalg.norm(right)
        pose = np.eye(4)
        pose[:3, :3] = [right, np.cross(ahead, right), ahead]
        pose[:3, 3] = -pose[:3, :3] @ eye
        return pose

    def _lines(self):
        seen = view_of(self.model.liver, self.camera, self.pose)
        lines = []
        for name, (curve,) in self.curves.items():
            in_camera = transform_points(self.pose, curve)
            pixels = self.camera.project(in_camera)
            inside = self.camera.is_in_image(pixels)
            u, v = np.round(np.where(inside[:, None], pixels, 0)).astype(int).T
            shown = inside & (in_camera[:, 2] < seen.depth_mm[v, u] + 3)
            lines.append(Polyline(name, pixels[shown]))
        for contour in find_contours(np.pad(seen.seen, 1, mode="edge").astype(float), 0.5):
            points = contour[:, ::-1] - 1
            inner = ((points > 1) & (points < np.array(self.camera.image_size) - 2)).all(axis=1)
            lines.append(Polyline("silhouette", points[inner]))
        return lines

    def of(self, *names):
        return [line for line in self.lines if line.landmark in names]


@pytest.fixture(scope="module")
def liver_view():
    return View()
