"""The lines of an overlay, compiled, each in one go: outlines and folds of a surface, laid over a picture."""

from __future__ import annotations

import numpy as np

from ...compilation.jit import compiled
from .blending import lay_line
from .borders import mark_border, mark_folds, soften, strengthen

# A softened line is made so many times as strong.
_STRONGER = 1.3
# A dark line beside one is so strong.
_BESIDE = 0.5


@compiled
def lay_outline(
    colors: np.ndarray, color: np.ndarray, dark: np.ndarray, depth: np.ndarray, surface: np.ndarray, line_px: int,
    beside_px: int, weights: np.ndarray, fade_mm: float, faintest: float, opacity: float,
) -> None:  # fmt: skip
    """Draw a line of line_px in `color` (3,) into `colors` (v, u, 3) float32 along the inner side of the border of a
    surface at `depth` (v, u) mm, and beside it, to beside_px, one in `dark`; see mark_border() and lay_line().
    """
    line, beside = np.zeros(depth.shape, np.bool_), np.zeros(depth.shape, np.bool_)
    mark_border(line, beside, depth, line_px, beside_px)
    for v in range(depth.shape[0]):
        for u in range(depth.shape[1]):
            beside[v, u] &= not line[v, u]
    lay_line(colors, dark, beside, depth, surface, fade_mm, faintest, _BESIDE * opacity)
    _lay_softened(colors, color, line, depth, surface, weights, fade_mm, faintest, opacity)


@compiled
def lay_folds(
    colors: np.ndarray, color: np.ndarray, depth: np.ndarray, step_mm: float, weights: np.ndarray, opacity: float
) -> None:
    """Draw a line in `color` (3,) into `colors` (v, u, 3) float32 where a surface at `depth` (v, u) mm ends before
    itself, see mark_folds().
    """
    folds = np.zeros(depth.shape, np.bool_)
    mark_folds(folds, depth, step_mm)
    _lay_softened(colors, color, folds, depth, depth, weights, 1.0, 1.0, opacity)


@compiled
def _lay_softened(
    colors: np.ndarray, color: np.ndarray, line: np.ndarray, depth: np.ndarray, surface: np.ndarray,
    weights: np.ndarray, fade_mm: float, faintest: float, opacity: float,
) -> None:  # fmt: skip
    softened = np.zeros(depth.shape, np.float32)
    soften(softened, np.flatnonzero(line), weights)
    strengthen(softened.reshape(-1), _STRONGER)
    lay_line(colors, color, softened, depth, surface, fade_mm, faintest, opacity)
