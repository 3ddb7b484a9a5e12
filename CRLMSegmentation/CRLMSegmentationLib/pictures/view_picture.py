"""The case in 3D: swept volume, an ultrasound frame, box, tumor, probe, and the tool with its distance."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..geometry import transform_points
from ..mrml.views.tool_shapes import probe_shape, stylus_shape
from ..navigation.stated_distance import error_text
from ..navigation.tool_transforms import DEFAULT_TOOL
from ..navigation.tracked_tool import ToolStatus
from ..session.recordings.frame_content import content_of, content_outline
from ..session.session import Session
from ..session.tools import ToolReading
from ..sweep import Sweep, TrackedFrame
from ..values import Box, Volume
from . import picture_style as style
from .view_renderer import ViewRenderer

SIZE_PX = (1280, 860)
_FRAME_OUTLINES = 14
_BOX_EDGES = [(start, start | 1 << axis) for start in range(8) for axis in range(3) if not start & 1 << axis]
# The view turns away from the image plane by so much, to the side and from above.
_TURN_DEG, _LIFT_DEG = 36.0, 22.0


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


def scene_picture(
    path: str | Path, session: Session, caption: str = "", tool: str = DEFAULT_TOOL, now_s: float | None = None
) -> Path:
    """Write a PNG of what the session holds; see view_picture.

    tool   whose tip and distance are shown while it is live;  now_s  the moment (time.monotonic()), None for now
    """
    reading = session.tools.reading(tool, now_s)
    contents = ViewContents(
        session.volume.value, session.recording.sweep, session.box.value, session.tumor.surface, reading
    )
    return view_picture(path, contents, caption)


def view_picture(path: str | Path, contents: ViewContents, caption: str = "", size: tuple[int, int] = SIZE_PX) -> Path:
    """Write a PNG of `contents` in 3D; caption: one line, such as that the data are simulated. Returns the path.

    Raises RenderingError when this machine cannot render, FileFormatError when the file cannot be written.
    """
    scene = ViewRenderer(size)
    frame = _nearest_frame(contents)
    swept = []
    if contents.volume is not None:
        corners = contents.volume.corners_ras()
        for edge in _BOX_EDGES:
            scene.add_line(corners[list(edge)], style.SWEEP, 0.12, 0.28)
    if contents.sweep is not None:
        valid = contents.sweep.valid_frames
        for number in np.unique(np.linspace(0, len(valid) - 1, _FRAME_OUTLINES).astype(int)) if valid else ():
            outline = content_outline(valid[number])
            swept.append(outline)
            scene.add_line(np.vstack([outline, outline[:1]]), style.SWEEP, 0.15, 0.5)
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
        scene.add_surface(stylus_shape(), np.asarray(tool.tip_to_reference), style.TOOL)
        if tool.closest_point_ras is not None:
            scene.add_line(
                np.array([tool.tip_ras, tool.closest_point_ras]), style.ALERT[tool.margin.severity.value], 0.6, 1.0
            )
    scene.look(*_view(contents, frame, swept))
    picture = scene.render()
    overlay = style.Overlay(size)
    _label(overlay, scene, contents, frame, tool)
    entries = [("Segmented tumor", style.TUMOR, None)] if contents.surface is not None else []
    entries += [("Box", style.BOX, None)] if contents.box is not None else []
    entries += [("Frames of the sweep", style.SWEEP, None)] if contents.sweep is not None else []
    style.legend(overlay, 22, size[1] - 30, entries)
    overlay.text((size[0] - 22, size[1] - 30), caption, style.FAINT_TEXT, 18, "rm")
    return style.save_picture(overlay.onto(picture), path)


def _probe_place(frame: TrackedFrame) -> np.ndarray:
    """(4, 4) of the probe's shape: on the first row of the middle column that holds ultrasound."""
    content = content_of(frame.pixels)
    column = content.shape[1] // 2
    rows = np.flatnonzero(content[:, column])
    plane = frame.plane
    assert plane is not None  # _nearest_frame() gives no other
    place = plane.probe_face_to_reference()
    place[:3, 3] = (np.asarray(frame.image_to_reference) @ [column, rows[0] if rows.size else 0, 0, 1])[:3]
    return place


def _nearest_frame(contents: ViewContents) -> TrackedFrame | None:
    """The valid frame whose plane is nearest to the tumor, else to the box, else the middle one of the sweep."""
    frames = contents.sweep.valid_frames if contents.sweep is not None else []
    placed = [(frame, plane) for frame in frames if (plane := frame.plane) is not None]
    if not placed:
        return None
    focus = _focus(contents)
    if focus is None:
        return placed[len(placed) // 2][0]
    return min(placed, key=lambda entry: abs((focus - entry[1].middle) @ entry[1].toward_viewer))[0]


def _focus(contents: ViewContents) -> np.ndarray | None:
    if contents.surface is not None:
        return np.array(contents.surface.GetCenter())
    return contents.box.center_ras if contents.box is not None else None


_Look = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _view(contents: ViewContents, frame: TrackedFrame | None, swept: list[np.ndarray]) -> _Look:
    """Focal point, direction towards the camera, up, and the points that have to be seen."""
    shown = list(swept)
    if frame is not None:
        place = _probe_place(frame)
        lateral, depth, normal = place[:3, :3].T
        shown += [content_outline(frame), transform_points(place, [(0, -70, 0), (-17, 0, 0), (17, 0, 0)])]
    else:
        lateral, depth, normal = np.array([1.0, 0, 0]), np.array([0, 0, -1.0]), np.array([0, -1.0, 0])
        shown.append(contents.volume.corners_ras() if contents.volume is not None else np.zeros((1, 3)))
    if contents.box is not None:
        shown.append(contents.box.corners_ras())
    if contents.surface is not None:
        shown.append(np.array(contents.surface.GetBounds()).reshape(3, 2).T)
    tool = contents.tool
    if tool is not None and tool.tip_to_reference is not None:
        shaft = transform_points(tool.tip_to_reference, [(0, 0, 0), (0, 0, 100)])
        # From the side of the image and of the probe on which the tool is, so that neither hides it.
        aside = shaft.mean(axis=0) - (place[:3, 3] if frame is not None else np.vstack(shown).mean(axis=0))
        normal = -normal if aside @ normal < 0 else normal
        lateral = -lateral if aside @ lateral > 0 else lateral
        shown.append(shaft)
    turn, lift = np.radians(_TURN_DEG), np.radians(_LIFT_DEG)
    toward = np.cos(lift) * (np.cos(turn) * normal - np.sin(turn) * lateral) - np.sin(lift) * depth
    points = np.vstack(shown)
    return (points.min(axis=0) + points.max(axis=0)) / 2, toward, -depth, points


def _perpendicular_upwards(direction: np.ndarray) -> np.ndarray:
    """(2,) of length 1, at a right angle to `direction`, upwards in the picture."""
    across = np.array([direction[1], -direction[0]]) / max(np.linalg.norm(direction), 1e-9)
    upwards: np.ndarray = across if across[1] <= 0 else -across
    return upwards


def _label(
    overlay: style.Overlay,
    scene: ViewRenderer,
    contents: ViewContents,
    frame: TrackedFrame | None,
    tool: ToolReading | None,
) -> None:
    if frame is not None:
        place = scene.place((_probe_place(frame) @ [0, -58, 0, 1])[:3])
        overlay.text(place, "Probe", style.TEXT, 19, "mm", plate=True)
    if tool is not None:
        place = scene.place(transform_points(np.asarray(tool.tip_to_reference), (0, 0, 96)))
        overlay.text(place, tool.name, style.TEXT, 19, "mm", plate=True)
    if tool is not None and tool.signed_distance_mm is not None:
        color, distance = style.ALERT[tool.margin.severity.value], f"{tool.signed_distance_mm:.1f} mm"
        tip, along = (scene.place(transform_points(np.asarray(tool.tip_to_reference), (0, 0, z))) for z in (0, 10))
        beside = _perpendicular_upwards(along - tip)
        overlay.text(tip + 30 * beside, distance, color, 22, "lm" if beside[0] >= 0 else "rm", plate=True)
        within = error_text(tool.budget)
        wide = max(style.font(52).getlength(distance), style.font(24).getlength(within) - 20)
        overlay.plate(10, 10, 60 + wide, 180)
        overlay.text((24, 22), f"{tool.name} tip to tumor", style.FAINT_TEXT, 20, "la")
        overlay.text((24, 48), distance, color, 52, "la")
        overlay.text((24, 112), within, style.TEXT, 24, "la")
        overlay.text((24, 146), tool.margin.text, color, 20, "la")
    elif contents.tool is not None and contents.tool.status is ToolStatus.LOST:
        overlay.text((24, 22), f"{contents.tool.name}: lost", style.ALERT["unknown"], 26, "la")
