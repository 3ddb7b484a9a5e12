"""The case in 3D: the swept volume, an ultrasound frame, the box, the tumor, the probe and the tool with its distance."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..geometry import Box, Volume, transform_points
from ..sweep import Sweep, TrackedFrame
from . import names
from . import picture_style as style
from .live_image import probe_face_to_reference
from .offscreen import render_window
from .tool_shapes import probe_shape, stylus_shape
from .tools import ToolReading

SIZE_PX = (1280, 860)
_FRAME_OUTLINES = 14
_BOX_EDGES = [(start, start | 1 << axis) for start in range(8) for axis in range(3) if not start & 1 << axis]
# The view turns away from the image plane by so much, to the side and from above.
_TURN_DEG, _LIFT_DEG = 50.0, 24.0


@dataclass(frozen=True, eq=False)
class ViewContents:
    """What is shown; everything in Reference, RAS mm, and whatever is None is left out.

    sweep    its frames' outlines, and the frame nearest to the tumor with its pixels
    surface  vtkPolyData of the tumor
    tool     drawn only when it is live
    """

    volume: Volume | None = None
    sweep: Sweep | None = None
    box: Box | None = None
    surface: Any = None
    tool: ToolReading | None = None


def scene_picture(path, session, caption: str = "", tool: str = names.DEFAULT_TOOL, now_s: float | None = None) -> Path:
    """Write a PNG of what the session holds; see view_picture.

    tool   whose tip and distance are shown while it is live;  now_s  the moment (time.monotonic()), None for now
    """
    reading = session.tool_reading(tool, now_s)
    contents = ViewContents(session.volume, session.sweep, session.box, session.surface, reading)
    return view_picture(path, contents, caption)


def view_picture(path, contents: ViewContents, caption: str = "", size=SIZE_PX) -> Path:
    """Write a PNG of `contents` in 3D; caption: one line, such as that the data are simulated. Returns the path.

    Raises RenderingError when this machine cannot render, FileFormatError when the file cannot be written.
    """
    scene = _Scene(size)
    frame = _nearest_frame(contents)
    if contents.volume is not None:
        corners = contents.volume.corners_ras()
        for edge in _BOX_EDGES:
            scene.add_line(corners[list(edge)], style.SWEEP, 0.12, 0.5)
    if contents.sweep is not None:
        valid = contents.sweep.valid_frames
        for number in np.unique(np.linspace(0, len(valid) - 1, _FRAME_OUTLINES).astype(int)) if valid else ():
            scene.add_line(_closed(_content_corners(valid[number])), style.SWEEP, 0.15, 0.45)
    if frame is not None:
        scene.add_frame(frame)
        scene.add_surface(probe_shape(), _probe_place(frame), (120, 134, 152))
    if contents.surface is not None:
        scene.add_surface(contents.surface, np.eye(4), style.TUMOR)
    if contents.box is not None:
        corners = contents.box.corners_ras()
        for edge in _BOX_EDGES:
            scene.add_line(corners[list(edge)], style.BOX, 0.3, 1.0)
    tool = contents.tool if contents.tool is not None and contents.tool.tip_to_reference is not None else None
    if tool is not None:
        scene.add_surface(stylus_shape(), tool.tip_to_reference, style.TOOL)
        if tool.closest_point_ras is not None:
            scene.add_line(np.array([tool.tip_ras, tool.closest_point_ras]), style.ALERT[tool.margin.name], 0.6, 1.0)
    scene.look(*_view(contents, frame))
    picture = scene.render()
    overlay = style.Overlay(size)
    _label(overlay, scene, contents, frame, tool)
    entries = [("Tumor found", style.TUMOR, None)] if contents.surface is not None else []
    entries += [("Box", style.BOX, None)] if contents.box is not None else []
    entries += [("Frames of the sweep", style.SWEEP, None)] if contents.sweep is not None else []
    style.legend(overlay, 22, size[1] - 30, entries)
    overlay.text((size[0] - 22, size[1] - 30), caption, style.FAINT_TEXT, 18, "rm")
    return style.save_picture(overlay.onto(picture), path)


class _Scene:
    """A renderer, filled part by part, that gives a Pillow picture."""

    def __init__(self, size):
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

    def add_line(self, points, color, radius_mm: float, opacity: float) -> None:
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

    def add_surface(self, surface, to_reference, color) -> None:
        """A shaded surface; to_reference (4, 4) from its own frame."""
        from .conversion import vtk_matrix

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

        from .conversion import image_data

        width, height = frame.image_size
        outline = [(-0.5, -0.5), (width - 0.5, -0.5), (-0.5, height - 0.5)]
        corner, right, down = transform_points(frame.image_to_reference, [(*place, 0) for place in outline])
        plane = vtkPlaneSource()
        plane.SetOrigin(*corner)
        plane.SetPoint1(*right)
        plane.SetPoint2(*down)
        plane.Update()
        gray = _as_gray(frame.pixels)
        colored = np.dstack([gray, gray, gray, np.where(_content(frame.pixels), 255, 0).astype(np.uint8)])
        texture = vtkTexture()
        texture.SetInputData(_rgba_image(colored, image_data))
        texture.InterpolateOn()
        actor = self._actor(plane.GetOutput(), (255, 255, 255))
        actor.SetTexture(texture)
        actor.GetProperty().LightingOff()

    def look(self, focus, toward, up, bounds_points) -> None:
        """See `bounds_points` (n, 3) with the camera on the side that `toward` points to, `up` upwards."""
        camera = self._renderer.GetActiveCamera()
        camera.SetFocalPoint(*focus)
        camera.SetPosition(*(np.asarray(focus) + toward))
        camera.SetViewUp(*up)
        camera.SetViewAngle(24)
        low, high = np.min(bounds_points, axis=0), np.max(bounds_points, axis=0)
        self._renderer.ResetCamera(np.column_stack([low, high]).ravel().tolist())
        camera.Zoom(1.28)
        self._renderer.ResetCameraClippingRange()

    def place(self, point_ras) -> np.ndarray:
        """(2,) pixels, from the top left, at which a point is seen."""
        self._renderer.SetWorldPoint(*point_ras, 1.0)
        self._renderer.WorldToDisplay()
        x, y, _ = self._renderer.GetDisplayPoint()
        return np.array([x / 2, self.size[1] - y / 2])

    def render(self):
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
        picture = image.fromarray(vtk_to_numpy(pixels).reshape(height, width, 3)[::-1].copy())
        return picture.resize(self.size, image.LANCZOS)

    def _actor(self, surface, color):
        from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

        mapper = vtkPolyDataMapper()
        mapper.SetInputData(surface)
        mapper.ScalarVisibilityOff()
        actor = vtkActor()
        actor.SetMapper(mapper)
        actor.GetProperty().SetColor(*(np.array(color) / 255))
        self._renderer.AddActor(actor)
        return actor


def _rgba_image(colored: np.ndarray, image_data):
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


def _content(pixels: np.ndarray) -> np.ndarray:
    """Boolean (rows, columns): the fan or rectangle of the ultrasound, without marks beside it."""
    from scipy import ndimage

    bright = ndimage.binary_closing(np.pad(pixels > 0, 8), iterations=6)[8:-8, 8:-8]
    parts, number = ndimage.label(bright)
    if number == 0:
        return np.ones(pixels.shape, dtype=bool)
    largest = np.argmax(np.bincount(parts.ravel())[1:]) + 1
    return ndimage.binary_fill_holes(parts == largest)


def _content_extent(pixels: np.ndarray) -> tuple[int, int, int, int]:
    """First and last column and row (u0, u1, v0, v1) that hold ultrasound."""
    content = _content(pixels[::4, ::4])
    columns, rows = np.flatnonzero(content.any(axis=0)) * 4, np.flatnonzero(content.any(axis=1)) * 4
    return int(columns[0]), int(columns[-1]), int(rows[0]), int(rows[-1])


def _content_corners(frame: TrackedFrame) -> np.ndarray:
    """(4, 3) RAS of the rectangle around the ultrasound of a frame, from the top left around."""
    left, right, top, bottom = _content_extent(frame.pixels)
    corners = [(left, top, 0), (right, top, 0), (right, bottom, 0), (left, bottom, 0)]
    return transform_points(frame.image_to_reference, corners)


def _closed(points: np.ndarray) -> np.ndarray:
    return np.vstack([points, points[:1]])


def _probe_place(frame: TrackedFrame) -> np.ndarray:
    """(4, 4) of the probe's shape: on the first row of the middle column that holds ultrasound."""
    content = _content(frame.pixels)
    column = content.shape[1] // 2
    rows = np.flatnonzero(content[:, column])
    place = probe_face_to_reference(frame)
    place[:3, 3] = (frame.image_to_reference @ [column, rows[0] if rows.size else 0, 0, 1])[:3]
    return place


def _nearest_frame(contents: ViewContents) -> TrackedFrame | None:
    """The valid frame whose middle is nearest to the tumor, else to the box, else the middle one of the sweep."""
    frames = contents.sweep.valid_frames if contents.sweep is not None else []
    if not frames:
        return None
    focus = _focus(contents)
    if focus is None:
        return frames[len(frames) // 2]

    def distance_mm(frame):
        return abs(np.linalg.inv(frame.image_to_reference)[2] @ [*focus, 1.0]) * np.linalg.norm(
            frame.image_to_reference[:3, 2]
        )

    return min(frames, key=distance_mm)


def _focus(contents: ViewContents) -> np.ndarray | None:
    if contents.surface is not None:
        return np.array(contents.surface.GetCenter())
    return contents.box.center_ras if contents.box is not None else None


def _view(contents: ViewContents, frame: TrackedFrame | None):
    """Focal point, direction towards the camera, up, and the points that have to be seen."""
    shown = []
    if frame is not None:
        place = _probe_place(frame)
        lateral, depth, normal = place[:3, :3].T
        shown.append(_content_corners(frame))
        shown.append((place @ [0, -70, 0, 1])[None, :3])
    else:
        lateral, depth, normal = np.array([1.0, 0, 0]), np.array([0, 0, -1.0]), np.array([0, -1.0, 0])
        shown.append(contents.volume.corners_ras() if contents.volume is not None else np.zeros((1, 3)))
    if contents.box is not None:
        shown.append(contents.box.corners_ras())
    tool = contents.tool
    if tool is not None and tool.tip_to_reference is not None:
        shaft = transform_points(tool.tip_to_reference, [(0, 0, 0), (0, 0, 60)])
        shown.append(shaft)
        # From the side of the image on which the tool is, so that the image does not hide it.
        if (shaft[1] - np.vstack(shown[:1]).mean(axis=0)) @ normal < 0:
            normal = -normal
    turn, lift = np.radians(_TURN_DEG), np.radians(_LIFT_DEG)
    toward = np.cos(lift) * (np.cos(turn) * normal - np.sin(turn) * lateral) - np.sin(lift) * depth
    points = np.vstack(shown)
    return (points.min(axis=0) + points.max(axis=0)) / 2, toward, -depth, points


def _label(overlay, scene, contents: ViewContents, frame, tool) -> None:
    if frame is not None:
        overlay.text(scene.place((_probe_place(frame) @ [0, -60, 0, 1])[:3]) + (34, 0), "Probe", style.TEXT, 19, "lm")
    if tool is not None:
        overlay.text(
            scene.place(transform_points(tool.tip_to_reference, [0, 0, 45])) + (16, 0), tool.name, style.TEXT, 19, "lm"
        )
    if tool is not None and tool.signed_distance_mm is not None:
        color = style.ALERT[tool.margin.name]
        middle = scene.place((tool.tip_ras + tool.closest_point_ras) / 2)
        overlay.text(middle + (14, 0), f"{tool.signed_distance_mm:.1f} mm", color, 24, "lm", plate=True)
        overlay.text((22, 22), f"{tool.name} tip to tumor", style.FAINT_TEXT, 20, "la")
        overlay.text((22, 48), f"{tool.signed_distance_mm:.1f} mm", color, 52, "la")
        overlay.text((22, 112), tool.margin.value, color, 20, "la")
    elif contents.tool is not None and contents.tool.status.name == "LOST":
        overlay.text((22, 22), f"{contents.tool.name}: lost", style.ALERT["UNKNOWN"], 26, "la")
