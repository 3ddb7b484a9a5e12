"""A 3D renderer without a window, for things in Reference, that gives a Pillow picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..geometry import transform_points
from ..session.recordings.frame_content import content_of
from ..sweep import TrackedFrame
from . import picture_style as style
from .offscreen import render_window

if TYPE_CHECKING:
    from PIL import Image
    from vtkmodules.vtkCommonDataModel import vtkPolyData


class ViewRenderer:
    """Filled part by part; then look() and render()."""

    def __init__(self, size: tuple[int, int]):
        from vtkmodules.vtkRenderingCore import vtkRenderer

        self.size = size
        self._window = render_window()
        # Rendered at twice the size and scaled down, which smooths edges on any OpenGL.
        self._window.SetSize(2 * size[0], 2 * size[1])
        self._renderer = vtkRenderer()
        self._renderer.SetBackground(*(np.array(style.BACKGROUND) * 0.75 / 255))
        self._renderer.SetBackground2(*(np.array(style.BACKGROUND) * 2.4 / 255))
        self._renderer.GradientBackgroundOn()
        self._window.AddRenderer(self._renderer)

    def add_line(self, points: np.ndarray, color: style.Color, radius_mm: float, opacity: float) -> None:
        """A round line through `points` (n, 3) RAS."""
        from vtkmodules.vtkCommonCore import vtkPoints
        from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
        from vtkmodules.vtkFiltersCore import vtkTubeFilter

        places, line = vtkPoints(), vtkCellArray()
        line.InsertNextCell(len(points))
        for number, point in enumerate(points):
            places.InsertNextPoint(*point)
            line.InsertCellPoint(number)
        curve = vtkPolyData()
        curve.SetPoints(places)
        curve.SetLines(line)
        tube = vtkTubeFilter()
        tube.SetInputData(curve)
        tube.SetRadius(radius_mm)
        tube.SetNumberOfSides(10)
        tube.CappingOn()
        tube.Update()
        prop = self._actor(tube.GetOutput(), color).GetProperty()
        prop.SetOpacity(opacity)
        prop.LightingOff()

    def add_surface(self, surface: vtkPolyData, to_reference: np.ndarray, color: style.Color) -> None:
        """A shaded surface; to_reference (4, 4) from its own frame."""
        from ..mrml.conversion import vtk_matrix

        actor = self._actor(surface, color)
        actor.SetUserMatrix(vtk_matrix(to_reference))
        prop = actor.GetProperty()
        prop.SetInterpolationToPhong()
        prop.SetAmbient(0.18)
        prop.SetDiffuse(0.75)
        prop.SetSpecular(0.35)
        prop.SetSpecularPower(28)

    def add_frame(self, frame: TrackedFrame) -> None:
        """The pixels of a frame where they were taken; what lies outside of the fan is clear."""
        from vtkmodules.vtkFiltersSources import vtkPlaneSource
        from vtkmodules.vtkRenderingCore import vtkTexture

        from ..mrml.conversion import image_data

        width, height = frame.image_size
        outline = [(-0.5, -0.5), (width - 0.5, -0.5), (-0.5, height - 0.5)]
        corner, right, down = transform_points(np.asarray(frame.image_to_reference), [(*place, 0) for place in outline])
        plane = vtkPlaneSource()
        plane.SetOrigin(*corner)
        plane.SetPoint1(*right)
        plane.SetPoint2(*down)
        plane.Update()
        gray = _as_gray(frame.pixels)
        colored = np.dstack([gray, gray, gray, np.where(content_of(frame.pixels), 255, 0).astype(np.uint8)])
        texture = vtkTexture()
        texture.SetInputData(_rgba_image(colored, image_data))
        texture.InterpolateOn()
        actor = self._actor(plane.GetOutput(), (255, 255, 255))
        actor.SetTexture(texture)
        actor.GetProperty().LightingOff()

    def look(self, focus: ArrayLike, toward: ArrayLike, up: ArrayLike, bounds_points: np.ndarray) -> None:
        """See `bounds_points` (n, 3) with the camera on the side that `toward` points to, `up` upwards."""
        camera = self._renderer.GetActiveCamera()
        camera.SetFocalPoint(*np.asarray(focus))
        camera.SetPosition(*(np.asarray(focus) + toward))
        camera.SetViewUp(*np.asarray(up))
        camera.SetViewAngle(24)
        low, high = np.min(bounds_points, axis=0), np.max(bounds_points, axis=0)
        self._renderer.ResetCamera(np.column_stack([low, high]).ravel().tolist())
        room = np.array(self.size) * (0.92, 0.86)
        for _ in range(3):
            seen = np.array([self.place(point) for point in bounds_points])
            camera.Zoom(float((room / np.maximum(np.ptp(seen, axis=0), 1)).min()))
            seen = np.array([self.place(point) for point in bounds_points])
            off = (seen.min(axis=0) + seen.max(axis=0)) / 2 / self.size - 0.5
            camera.SetWindowCenter(*(np.array(camera.GetWindowCenter()) + (2 * off[0], -2 * off[1])))
        self._renderer.ResetCameraClippingRange()

    def place(self, point_ras: np.ndarray) -> np.ndarray:
        """(2,) pixels, from the top left, at which a point is seen."""
        self._renderer.SetWorldPoint([*map(float, point_ras), 1.0])
        self._renderer.WorldToDisplay()
        x, y, _ = self._renderer.GetDisplayPoint()
        return np.array([x / 2, self.size[1] - y / 2])

    def render(self) -> Image.Image:
        """The picture at its final size (Pillow, RGB)."""
        from vtkmodules.util.numpy_support import vtk_to_numpy
        from vtkmodules.vtkCommonCore import vtkUnsignedCharArray

        image, _, _ = style.pillow()
        self._renderer.UseDepthPeelingOn()
        self._renderer.SetMaximumNumberOfPeels(8)
        self._window.SetAlphaBitPlanes(1)
        self._window.SetMultiSamples(0)
        self._window.Render()
        width, height = self._window.GetSize()
        pixels = vtkUnsignedCharArray()
        self._window.GetPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)
        picture: Image.Image = image.fromarray(vtk_to_numpy(pixels).reshape(height, width, 3)[::-1].copy())
        return picture.resize(self.size, image.LANCZOS)

    def _actor(self, surface: vtkPolyData, color: style.Color) -> Any:
        from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

        mapper = vtkPolyDataMapper()
        mapper.SetInputData(surface)
        mapper.ScalarVisibilityOff()
        actor = vtkActor()
        actor.SetMapper(mapper)
        actor.GetProperty().SetColor(*(np.array(color) / 255))
        self._renderer.AddActor(actor)
        return actor


def _rgba_image(colored: np.ndarray, image_data: Any) -> Any:
    """vtkImageData of (rows, columns, 4) uint8."""
    from vtkmodules.util.numpy_support import numpy_to_vtk

    image = image_data(colored[None, ..., 0])
    image.GetPointData().SetScalars(numpy_to_vtk(colored.reshape(-1, 4), deep=True))
    return image


def _as_gray(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype == np.uint8:
        return pixels
    low, high = float(pixels.min()), float(pixels.max())
    return ((pixels - low) / max(high - low, 1e-9) * 255).astype(np.uint8)
