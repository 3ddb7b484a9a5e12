"""Draws a liver's model over a laparoscope's picture: the liver's outline, and through it vessels and tumors.

Depth is shown in three ways: what lies deeper under the liver's surface is fainter, what turns away from the camera is
darker, and what is nearer hides what is behind it (tumors excepted, which are seen through vessels). All of it is
geometry through the camera with its distortion; the picture itself is not bent.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce

import numpy as np

from ...errors import LaparoscopeError
from ...values.camera import Camera
from ...words import tr
from ..picture import as_colors
from ..surface.view import SurfaceView
from .blending import as_bytes, lay_surface, lay_tint
from .lines import lay_folds, lay_outline
from .parts import CYSTS, LIVER, TUMORS, Color, ModelPart, PartKind

# At this depth under the surface a part is drawn 1 / e as strong, but never fainter than the least.
_FADE_MM, _FAINTEST, _FAINTEST_LINE = 60.0, 0.3, 0.6
_LIVER_TINT, _VESSEL_OPACITY, _TUMOR_OPACITY, _LINE_OPACITY, _FOLD_OPACITY = 0.10, 0.6, 0.65, 0.95, 0.5
_DARKEST = 0.45
# From this step in depth on the liver's own edge before itself is drawn.
_FOLD_MM = 8.0
_LINES_PER_WIDTH = 480
_DARK: Color = (10, 12, 16)
# A Gaussian of 0.6 pixels, by which lines lose their steps.
_ALONG = np.exp(-(np.arange(-2.0, 3.0) ** 2) / (2 * 0.6**2))
_SOFT = np.outer(_ALONG, _ALONG) / _ALONG.sum() ** 2
# The views of the parts at the same time, and the bands of a picture; more than a few gain nothing. Either has its own
# threads: a picture does not wait for the views of the next one.
_BANDS = min(4, os.cpu_count() or 1)
_SEEING = ThreadPoolExecutor(_BANDS, thread_name_prefix="overlay views")
_DRAWING = ThreadPoolExecutor(_BANDS, thread_name_prefix="overlay bands")


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
    """Each of the parts as `camera` sees it at `model_to_camera` (4, 4), in as many threads as there are processors."""
    return tuple(_SEEING.map(lambda part: part.clusters.view(camera, model_to_camera), parts))


def draw_views(
    picture: np.ndarray, parts: Sequence[ModelPart], views: Sequence[SurfaceView], strength: float = 1.0
) -> np.ndarray:
    """(v, u, 3) uint8: views_of() the parts over `picture`, see draw_overlay()."""
    colors, drawn = as_colors(picture), np.empty((*picture.shape[:2], 3), dtype=np.uint8)
    line_px = max(2, round(colors.shape[1] / _LINES_PER_WIDTH))
    kinds, share = [part.kind for part in parts], float(np.clip(strength, 0, 1))
    # In bands, each in a thread: lines reach so far beyond one.
    reach, count = _beside_px(line_px) + len(_SOFT), min(_BANDS, len(drawn))
    edges = [len(drawn) * number // count for number in range(count + 1)]

    def draw(first: int, last: int) -> None:
        lower, upper = max(0, first - reach), min(len(drawn), last + reach)
        canvas = _Canvas(colors[lower:upper], share, line_px)
        canvas.draw(kinds, [view.depth_mm[lower:upper] for view in views], [view.facing[lower:upper] for view in views])
        canvas.put(drawn[first:last], first - lower)

    list(_DRAWING.map(draw, edges[:-1], edges[1:]))
    return drawn


class _Canvas:
    def __init__(self, colors: np.ndarray, strength: float, line_px: int):
        self._colors, self._strength, self._line_px = np.array(colors, np.float32, order="C"), strength, line_px

    def draw(self, kinds: Sequence[PartKind], depths: Sequence[np.ndarray], facings: Sequence[np.ndarray]) -> None:
        """Parts of these kinds at depths (v, u) mm, which face the camera by facings (v, u)."""
        livers = [depth for kind, depth in zip(kinds, depths) if kind is LIVER]
        inner = [depth for kind, depth in zip(kinds, depths) if kind not in (LIVER, TUMORS, CYSTS)]
        for depth in livers:
            lay_tint(self._colors, _values(LIVER.color), depth, _LIVER_TINT * self._strength)
        surface = _nearest(livers, self._colors.shape[:2])
        nearest = _nearest(inner, self._colors.shape[:2])
        for kind, depth, facing in zip(kinds, depths, facings):
            if kind not in (LIVER, TUMORS, CYSTS):
                self._surface(kind.color, depth, nearest, facing, surface, _VESSEL_OPACITY)
        for kind, depth, facing in zip(kinds, depths, facings):
            if kind in (TUMORS, CYSTS):
                self._surface(kind.color, depth, depth, facing, surface, _TUMOR_OPACITY)
                self._outline(kind.color, depth, surface)
        for depth in livers:
            opacity = _FOLD_OPACITY * self._strength
            lay_folds(self._colors, _values(LIVER.color), depth, _FOLD_MM, _SOFT, opacity)
            self._outline(LIVER.color, depth, depth)

    def put(self, drawn: np.ndarray, first: int) -> None:
        """Put the rows from `first` on into `drawn` (v, u, 3) uint8."""
        as_bytes(drawn.reshape(-1), self._colors[first : first + len(drawn)].reshape(-1))

    def _surface(
        self, color: Color, depth: np.ndarray, nearest: np.ndarray, facing: np.ndarray, surface: np.ndarray,
        opacity: float,
    ) -> None:  # fmt: skip
        """`color` where depth is not behind nearest, fainter under the liver's surface, darker where it turns away."""
        lay_surface(
            self._colors, _values(color), depth, nearest, facing, surface, _FADE_MM, _FAINTEST, _DARKEST,
            opacity * self._strength,
        )  # fmt: skip

    def _outline(self, color: Color, depth: np.ndarray, surface: np.ndarray) -> None:
        """A line along the inner side of the border of what is seen at depth, with a dark one beside it to stand out;
        fainter under the liver's surface.
        """
        lay_outline(
            self._colors, _values(color), _values(_DARK), depth, surface, self._line_px, _beside_px(self._line_px),
            _SOFT, _FADE_MM, _FAINTEST_LINE, _LINE_OPACITY * self._strength,
        )  # fmt: skip


def _values(color: Color) -> np.ndarray:
    return np.array(color, dtype=np.float32)


def _nearest(depths: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """(v, u) mm: the least of the depths, infinite where nothing is."""
    return reduce(np.minimum, depths) if depths else np.full(shape, np.inf, dtype=np.float32)


def _beside_px(line_px: int) -> int:
    """How far from a border the dark line beside one of line_px ends."""
    return line_px + max(1, line_px // 2)
