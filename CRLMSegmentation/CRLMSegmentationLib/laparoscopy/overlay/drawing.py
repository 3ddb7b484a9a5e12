"""Draws a liver's model over a laparoscope's picture: the liver's outline, and through it vessels and tumors.

Depth is shown in three ways: what lies deeper under the liver's surface is fainter, what turns away from the camera is
darker, and what is nearer hides what is behind it (tumors excepted, which are seen through vessels). All of it is
geometry through the camera with its distortion; the picture itself is not bent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import LaparoscopeError
from ...values.camera import Camera
from ...words import tr
from ..picture import as_colors
from ..surface.mesh import refined_mesh
from ..surface.view import SurfaceView, view_of
from .blending import as_bytes, fade, lay_color, lay_surface
from .borders import mark_border, mark_folds, soften
from .parts import CYSTS, LIVER, TUMORS, Color, ModelPart

# A lens bends a longer edge visibly.
_LONGEST_EDGE_MM = 4.0
# At this depth under the surface a part is drawn 1 / e as strong, but never fainter than the least.
_FADE_MM, _FAINTEST = 60.0, 0.3
_LIVER_TINT, _VESSEL_OPACITY, _TUMOR_OPACITY, _LINE_OPACITY, _FOLD_OPACITY = 0.10, 0.6, 0.65, 0.95, 0.5
_DARKEST = 0.45
# From this step in depth on the liver's own edge before itself is drawn.
_FOLD_MM = 8.0
_LINES_PER_WIDTH = 480
_DARK: Color = (10, 12, 16)
# A Gaussian of 0.6 pixels, by which lines lose their steps.
_ALONG = np.exp(-(np.arange(-2.0, 3.0) ** 2) / (2 * 0.6**2))
_SOFT = np.outer(_ALONG, _ALONG) / _ALONG.sum() ** 2


@dataclass(frozen=True, eq=False)
class Overlay:
    """picture (v, u, 3) uint8 with the model drawn in; views of each part, in the order of the parts."""

    picture: np.ndarray
    views: tuple[SurfaceView, ...]


def draw_overlay(
    picture: np.ndarray, parts: Sequence[ModelPart], camera: Camera, model_to_camera: np.ndarray, strength: float = 1.0
) -> Overlay:
    """The parts, as `camera` sees them at `model_to_camera` (4, 4), over `picture`.

    picture   (v, u) or (v, u, 3), uint8 or uint16
    strength  0 to 1: how strong the model is drawn; less for a registration that is old or bad
    Raises LaparoscopeError for a picture of another size than the camera's.
    """
    if picture.shape[1::-1] != camera.image_size:
        raise LaparoscopeError(
            tr(
                "The picture is {shape} x {shape_2} pixels, and the camera's are {image_size} x {image_size_2}.",
                shape=picture.shape[1],
                shape_2=picture.shape[0],
                image_size=camera.image_size[0],
                image_size_2=camera.image_size[1],
            )
        )
    views = views_of(parts, camera, model_to_camera)
    return Overlay(draw_views(picture, parts, views, strength), views)


def views_of(parts: Sequence[ModelPart], camera: Camera, model_to_camera: np.ndarray) -> tuple[SurfaceView, ...]:
    """Each of the parts as `camera` sees it at `model_to_camera` (4, 4)."""
    return tuple(view_of(refined_mesh(part.mesh, _LONGEST_EDGE_MM), camera, model_to_camera) for part in parts)


def draw_views(
    picture: np.ndarray, parts: Sequence[ModelPart], views: Sequence[SurfaceView], strength: float = 1.0
) -> np.ndarray:
    """(v, u, 3) uint8: views_of() the parts over `picture`, see draw_overlay()."""
    canvas = _Canvas(as_colors(picture), strength)
    livers = [view for part, view in zip(parts, views) if part.kind is LIVER]
    for view in livers:
        canvas.lay(LIVER.color, _LIVER_TINT * view.seen)
    surface_mm = np.min([view.depth_mm for view in livers], axis=0) if livers else np.full(picture.shape[:2], np.inf)
    inner = [(part, view) for part, view in zip(parts, views) if part.kind not in (LIVER, TUMORS, CYSTS)]
    nearest = np.min([view.depth_mm for _, view in inner], axis=0) if inner else surface_mm
    for part, view in inner:
        canvas.lay_surface(part.kind.color, view, _VESSEL_OPACITY * _fading(view, surface_mm), nearest)
    for part, view in zip(parts, views):
        if part.kind in (TUMORS, CYSTS):
            fading = _fading(view, surface_mm)
            canvas.lay_surface(part.kind.color, view, _TUMOR_OPACITY * fading, view.depth_mm)
            canvas.outline(part.kind.color, view.seen, _LINE_OPACITY * np.maximum(fading, 0.6))
    for view in livers:
        canvas.lay(LIVER.color, _FOLD_OPACITY * _smooth(_folds(view.depth_mm)) * view.seen)
        canvas.outline(LIVER.color, view.seen, np.full(view.seen.shape, _LINE_OPACITY))
    return canvas.picture()


class _Canvas:
    def __init__(self, colors: np.ndarray, strength: float):
        self._colors, self._strength = np.array(colors, dtype=np.float32, order="C"), float(np.clip(strength, 0, 1))
        self._line_px = max(2, round(colors.shape[1] / _LINES_PER_WIDTH))

    def lay(self, color: Color, opacity: np.ndarray) -> None:
        """`color` over each pixel, by its opacity (v, u) 0 to 1."""
        lay_color(self._colors, np.array(color, dtype=np.float32), opacity.astype(np.float64), self._strength)

    def lay_surface(self, color: Color, view: SurfaceView, opacity: np.ndarray, nearest: np.ndarray) -> None:
        """The same where the surface is seen and lies not behind `nearest` (v, u) mm; darker where it turns away."""
        toward = np.array(color, dtype=np.float32)
        lay_surface(self._colors, toward, view.depth_mm, nearest, view.facing, opacity, _DARKEST, self._strength)

    def outline(self, color: Color, seen: np.ndarray, opacity: np.ndarray) -> None:
        """A line along the inner side of the border of `seen` (v, u), with a dark one beside it to stand out."""
        line = _inner_border(seen, self._line_px)
        beside = _inner_border(seen, self._line_px + max(1, self._line_px // 2)) & ~line
        self.lay(_DARK, 0.5 * opacity * beside)
        self.lay(color, opacity * _smooth(line) * (line | seen))

    def picture(self) -> np.ndarray:
        drawn = np.empty(self._colors.shape, dtype=np.uint8)
        as_bytes(drawn, self._colors)
        return drawn


def _inner_border(seen: np.ndarray, width_px: int) -> np.ndarray:
    """(v, u) boolean: what of `seen` lies within width_px of what is not; the picture's border is no border of it."""
    border = np.zeros(seen.shape, dtype=bool)
    mark_border(border, seen, width_px)
    return border


def _smooth(line: np.ndarray) -> np.ndarray:
    """(v, u) 0 to 1: the line (v, u) boolean without its steps."""
    softened = np.zeros(line.shape, dtype=np.float32)
    soften(softened, line, _SOFT)
    smooth: np.ndarray = np.minimum(np.float32(1.3) * softened, np.float32(1.0))
    return smooth


def _fading(view: SurfaceView, surface_mm: np.ndarray) -> np.ndarray:
    """(v, u): how strong a part is drawn by its depth under the liver's surface (v, u); 1 where it is not under it."""
    faded = np.empty(view.depth_mm.shape)
    fade(faded, view.depth_mm, surface_mm, _FADE_MM, _FAINTEST)
    return faded


def _folds(depth_mm: np.ndarray) -> np.ndarray:
    """(v, u) boolean: where the surface ends before a part of itself that lies farther away."""
    folds = np.zeros(depth_mm.shape, dtype=bool)
    mark_folds(folds, depth_mm, _FOLD_MM)
    return folds
