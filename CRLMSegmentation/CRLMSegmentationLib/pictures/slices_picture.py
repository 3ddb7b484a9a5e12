"""Three orthogonal slices of a volume through the tumor, with its contour, the truth's and the box's."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ..geometry import transform_points
from ..values import Box, Volume
from ..values.image_scale import round_length_mm
from . import picture_style as style

PANEL_PX = 480
_GAP_PX, _TOP_PX, _BOTTOM_PX = 14, 52, 62
_LEAST_SIDE_MM = 60.0
# A little blur takes the voxels' stairs away from a contour and leaves it where it is.
BLUR_VOXELS = 0.7
_Plane = tuple[str, tuple[int, int, int], tuple[int, int, int], str, str, str]
# Name, direction to the right and upwards in the picture, with the letters of both; as radiologists look at them.
_PLANES: tuple[_Plane, ...] = (
    ("Axial", (-1, 0, 0), (0, 1, 0), "L", "A", "S"),
    ("Coronal", (-1, 0, 0), (0, 0, 1), "L", "S", "A"),
    ("Sagittal", (0, -1, 0), (0, 0, 1), "P", "S", "R"),
)


def slices_picture(
    path: str | Path,
    volume: Volume,
    box: Box | None = None,
    mask: Volume | None = None,
    truth: Volume | None = None,
    caption: str = "",
) -> Path:
    """Write a PNG with an axial, a coronal and a sagittal slice of `volume`, in the axes of Reference.

    The slices go through the middle of `mask`, else of `box`, else of the volume. caption: one line, such as that the
    data are simulated. Returns the path. Raises FileFormatError.
    """
    image, _, _ = style.pillow()
    center = _center(volume, box, mask)
    side_mm = _side_mm(volume, box, mask)
    size = (3 * PANEL_PX + 4 * _GAP_PX, _TOP_PX + PANEL_PX + _BOTTOM_PX)
    picture = image.new("RGB", size, style.BACKGROUND)
    overlay = style.Overlay(size)
    window = _gray_window(volume)
    for number, plane in enumerate(_PLANES):
        corner = np.array([_GAP_PX + number * (PANEL_PX + _GAP_PX), _TOP_PX])
        points, to_panel = _panel(center, side_mm, plane)
        picture.paste(image.fromarray(_gray(volume, points, window)), tuple(corner.tolist()))
        lines = _Panel(overlay, corner)
        if box is not None:
            lines.draw(to_panel(_box_outline(box, center, np.cross(plane[1], plane[2]))), style.BOX, 1.6, True)
        if truth is not None:
            for contour in _contours(truth, points):
                lines.draw(contour, style.TRUTH, 2.2, False, (9, 6))
        if mask is not None:
            for contour in _contours(mask, points):
                lines.draw(contour, style.TUMOR, 2.6, False)
        _label(overlay, corner, plane, center, side_mm)
    entries: list[tuple[str, style.Color, tuple[int, int] | None]] = []
    entries += [("Segmented tumor", style.TUMOR, None)] if mask is not None and np.any(mask.voxels) else []
    entries += [("True tumor", style.TRUTH, (9, 6))] if truth is not None else []
    entries += [("Box", style.BOX, None)] if box is not None else []
    middle = size[1] - _BOTTOM_PX / 2
    style.legend(overlay, _GAP_PX + 2, middle, entries)
    overlay.text((size[0] - _GAP_PX - 2, middle), caption, style.FAINT_TEXT, 18, "rm")
    return style.save_picture(overlay.onto(picture), path)


class _Panel:
    """Draws lines in a panel's own pixels, cut off at its border."""

    def __init__(self, overlay: style.Overlay, corner: np.ndarray):
        self._overlay, self._corner = overlay, corner

    def draw(
        self, points: np.ndarray, color: style.Color, width_px: float, closed: bool, dash: tuple[int, int] | None = None
    ) -> None:
        if len(points) < 2:
            return
        if closed:
            points = np.vstack([points, points[:1]])
        for piece in _clipped(points, PANEL_PX - 1):
            self._overlay.line(piece + self._corner, (*color, 255), width_px, dash_px=dash)


def _clipped(points: np.ndarray, last: float) -> list[np.ndarray]:
    """The pieces of a polyline within 0..last on both axes (Liang and Barsky, segment by segment)."""
    pieces: list[list[np.ndarray]] = []
    piece: list[np.ndarray] = []
    for start, end in itertools.pairwise(points):
        enter, leave, step = 0.0, 1.0, end - start
        for axis in range(2):
            for distance, speed in ((start[axis], -step[axis]), (last - start[axis], step[axis])):
                if speed == 0:
                    leave = -1.0 if distance < 0 else leave
                elif speed > 0:
                    leave = min(leave, distance / speed)
                else:
                    enter = max(enter, distance / speed)
        if enter >= leave:
            continue
        if not piece or enter > 0:
            piece = [start + enter * step]
            pieces.append(piece)
        piece.append(start + leave * step)
        if leave < 1:
            piece = []
    return [np.array(piece) for piece in pieces]


def _center(volume: Volume, box: Box | None, mask: Volume | None) -> np.ndarray:
    if mask is not None and np.any(mask.voxels):
        return Box.around_mask(mask).center_ras
    return box.center_ras if box is not None else volume.center_ras


def _side_mm(volume: Volume, box: Box | None, mask: Volume | None) -> float:
    """Edge of the square that is shown: the box or tumor with as much around it, within the volume."""
    whole = float(np.ptp(volume.corners_ras(), axis=0).max())
    corners = [shape.corners_ras() for shape in (box, _tight(mask)) if shape is not None]
    if not corners:
        return whole
    return min(whole, max(_LEAST_SIDE_MM, 2.0 * float(np.ptp(np.vstack(corners), axis=0).max())))


def _tight(mask: Volume | None) -> Box | None:
    return Box.around_mask(mask) if mask is not None and np.any(mask.voxels) else None


def _panel(center: np.ndarray, side_mm: float, plane: _Plane) -> tuple[np.ndarray, Callable[[ArrayLike], np.ndarray]]:
    """RAS (rows, columns, 3) of every pixel of the panel, and a function from RAS (n, 3) to its pixels (x, y)."""
    right, up = np.array(plane[1], dtype=float), np.array(plane[2], dtype=float)
    mm = side_mm / PANEL_PX
    offsets = (np.arange(PANEL_PX) - (PANEL_PX - 1) / 2) * mm
    points = center + offsets[None, :, None] * right - offsets[:, None, None] * up

    def to_panel(points_ras: ArrayLike) -> np.ndarray:
        away = np.asarray(points_ras, dtype=float).reshape(-1, 3) - center
        return np.column_stack([away @ right, -(away @ up)]) / mm + (PANEL_PX - 1) / 2

    return points, to_panel


def _sampled(volume: Volume, points: np.ndarray, outside: float) -> np.ndarray:
    """Linear interpolation of the voxels at `points` (..., 3) in RAS."""
    from scipy.ndimage import map_coordinates

    index = np.moveaxis(transform_points(volume.ras_to_ijk, points), -1, 0)[::-1]
    values: np.ndarray = map_coordinates(volume.voxels, index, np.float32, order=1, mode="constant", cval=outside)
    return values


def _gray_window(volume: Volume) -> tuple[float, float]:
    """Values shown as black and white."""
    if volume.voxels.dtype == np.uint8:
        return 0.0, 255.0
    low, high = np.percentile(volume.voxels, (1, 99.5))
    return float(low), float(high)


def _gray(volume: Volume, points: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """(rows, columns, 3) uint8; what lies outside of the volume has the panel's own color."""
    values = _sampled(volume, points, np.nan)
    outside = np.isnan(values)
    low, high = window
    gray = np.clip((np.nan_to_num(values) - low) / max(high - low, 1e-9) * 255, 0, 255).astype(np.uint8)
    colored = np.repeat(gray[..., None], 3, axis=2)
    colored[outside] = style.PANEL
    return colored


def _contours(mask: Volume, points: np.ndarray) -> list[np.ndarray]:
    """Closed lines (n, 2) around the mask in panel pixels (x, y)."""
    from scipy.ndimage import gaussian_filter
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkFiltersCore import vtkFlyingEdges2D, vtkStripper

    from ..mrml.conversion import image_data

    mm = np.linalg.norm(points[0, 1] - points[0, 0])
    inside = mask.with_voxels((mask.voxels != 0).astype(np.uint8))
    share = gaussian_filter(_sampled(inside, points, 0.0), BLUR_VOXELS * mask.spacing_mm.mean() / mm)
    edges = vtkFlyingEdges2D()
    edges.SetInputData(image_data(share[None]))
    edges.SetValue(0, 0.5)
    strips = vtkStripper()
    strips.SetInputConnection(edges.GetOutputPort())
    strips.JoinContiguousSegmentsOn()
    strips.SetMaximumLength(100000)
    strips.Update()
    lines = strips.GetOutput()
    if lines.GetNumberOfLines() == 0:
        return []
    places = vtk_to_numpy(lines.GetPoints().GetData())[:, :2].astype(np.float64)
    offsets = vtk_to_numpy(lines.GetLines().GetOffsetsArray())
    members = vtk_to_numpy(lines.GetLines().GetConnectivityArray())
    return [places[members[start:end]] for start, end in itertools.pairwise(offsets)]


def _box_outline(box: Box, center: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """(n, 3) RAS corners of the cut of a plane through the box, in order; empty when it misses."""
    corners = box.corners_ras()
    height = (corners - center) @ normal
    crossings = []
    for start in range(8):
        for axis in range(3):
            end = start | (1 << axis)
            if end != start and (height[start] < 0) != (height[end] < 0):
                share = height[start] / (height[start] - height[end])
                crossings.append(corners[start] + share * (corners[end] - corners[start]))
    if len(crossings) < 3:
        return np.zeros((0, 3))
    cut = np.array(crossings)
    away = cut - cut.mean(axis=0)
    first = away[0] / np.linalg.norm(away[0])
    angle = np.arctan2(away @ np.cross(normal, first), away @ first)
    ordered: np.ndarray = cut[np.argsort(angle)]
    return ordered


def _label(overlay: style.Overlay, corner: np.ndarray, plane: _Plane, center: np.ndarray, side_mm: float) -> None:
    name, right, up, right_letter, up_letter, normal_letter = plane
    normal = np.abs(np.cross(right, up))
    overlay.text(corner + (2, -14), name, style.TEXT, 22, "ls")
    place = f"{normal_letter} = {float(center @ normal):.1f} mm in Reference"
    overlay.text(corner + (PANEL_PX - 2, -14), place, style.FAINT_TEXT, 18, "rs")
    origin = corner + (26, PANEL_PX - 26)
    for direction, letter, anchor in (((34, 0), right_letter, "lm"), ((0, -34), up_letter, "ms")):
        end = origin + direction
        overlay.line([origin, end], (*style.TEXT, 255), 2)
        overlay.text(end + np.sign(direction) * 7, letter, style.TEXT, 18, anchor, plate=False)
    length_mm = round_length_mm(side_mm / 4)
    length_px = length_mm / side_mm * PANEL_PX
    end = corner + (PANEL_PX - 22, PANEL_PX - 24)
    for offset in (0, -length_px):
        overlay.line([end + (offset, -5), end + (offset, 5)], (*style.TEXT, 255), 2)
    overlay.line([end - (length_px, 0), end], (*style.TEXT, 255), 2)
    overlay.text(end + (-length_px / 2, -10), f"{length_mm:g} mm", style.TEXT, 18, "ms", plate=True)
