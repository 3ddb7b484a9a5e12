"""Pictures of measured values as SVG, which a page holds itself and any browser shows.

No library that draws is in 3D Slicer's Python: these two kinds of picture are few lines, and need none.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np

from ...words import tr

_WIDTH, _LEFT, _RIGHT, _ROW, _FOOT = 640, 200, 20, 26, 46
_BLUE, _RED, _GREY, _DARK = "#2563eb", "#c2410c", "#cbd5e1", "#334155"
_MOST_DOTS = 400


def drawn_rows(values: Mapping[str, np.ndarray], what: str) -> str:
    """One row for each name: every value (n,) a dot, and the median a line.

    what  the axis, for people, with its unit
    """
    every = np.concatenate([np.ravel(one) for one in values.values()])
    ticks = _ticks(min(0.0, float(every.min())), max(0.0, float(every.max())))
    place = _Scale(ticks[0], ticks[-1], _LEFT, _WIDTH - _RIGHT)
    height = len(values) * _ROW + _FOOT
    parts = _axis(ticks, place, 6, height - _FOOT, what)
    for number, (name, one) in enumerate(values.items()):
        middle = 6 + (number + 0.5) * _ROW
        parts.append(_text(_LEFT - 10, middle + 4, name, "end"))
        parts += [_dot(place(value), middle, _BLUE) for value in np.ravel(one)[:_MOST_DOTS]]
        median = place(float(np.median(one)))
        parts.append(_line(median, middle - 9, median, middle + 9, _RED, 3))
    return _picture(parts, height, f"{what}: {', '.join(values)}")


def drawn_pairs(x: np.ndarray, y: np.ndarray, names: tuple[str, str], is_good: np.ndarray, has_diagonal: bool) -> str:
    """y (n,) over x (n,), both from 0 up; what is not good (n,) in red; names of both axes with their units.

    has_diagonal  draws where both are the same, on axes of the same length
    """
    height, foot, left = 340, 46, 70
    tops = [max(float(one.max(initial=0.0)), 1e-3) for one in (x, y)]
    tops = [max(tops)] * 2 if has_diagonal else tops
    across, up = (_ticks(0.0, top) for top in tops)
    place_x = _Scale(across[0], across[-1], left, _WIDTH - _RIGHT)
    place_y = _Scale(up[0], up[-1], height - foot, 10)
    parts = _axis(across, place_x, 10, height - foot, names[0])
    for tick in up:
        parts.append(_line(left, place_y(tick), _WIDTH - _RIGHT, place_y(tick), _GREY, 1))
        parts.append(_text(left - 8, place_y(tick) + 4, f"{tick:g}", "end"))
    middle = (height - foot) / 2
    parts.append(f'<g transform="rotate(-90 16 {middle:g})">{_text(16, middle, names[1], "middle")}</g>')
    if has_diagonal:
        end = min(across[-1], up[-1])
        parts.append(_line(place_x(0), place_y(0), place_x(end), place_y(end), _DARK, 1))
    for one, other, good in list(zip(x, y, is_good))[:_MOST_DOTS]:
        parts.append(_dot(place_x(float(one)), place_y(float(other)), _BLUE if good else _RED))
    return _picture(parts, height, tr("{one} over {other}", one=names[1], other=names[0]))


class _Scale:
    """Maps values between two ends to places in the picture."""

    def __init__(self, low: float, high: float, begin: float, end: float) -> None:
        self._low, self._begin = low, begin
        self._factor = (end - begin) / (high - low)

    def __call__(self, value: float) -> float:
        return self._begin + (value - self._low) * self._factor


def _ticks(low: float, high: float) -> np.ndarray:
    """Round values from below `low` to above `high`."""
    span = max(high - low, 1e-6)
    step = 10 ** np.floor(np.log10(span / 3))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (factor * step) <= 6)
    begin, end = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
    return np.asarray(step * np.arange(begin, max(end, begin + 1) + 1))


def _axis(ticks: np.ndarray, place: _Scale, top: float, bottom: float, what: str) -> list[str]:
    parts = []
    for tick in ticks:
        parts.append(_line(place(tick), top, place(tick), bottom, _DARK if abs(tick) < 1e-9 else _GREY, 1))
        parts.append(_text(place(tick), bottom + 16, f"{tick:.6g}", "middle"))
    parts.append(_text((place(ticks[0]) + place(ticks[-1])) / 2, bottom + 36, what, "middle"))
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, color: str, width: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" stroke-width="{width:g}"/>'


def _dot(x: float, y: float, color: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{color}" fill-opacity="0.55"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _picture(parts: list[str], height: float, title: str) -> str:
    return (
        f'<svg role="img" viewBox="0 0 {_WIDTH} {height:g}" width="{_WIDTH}" font-family="sans-serif" font-size="13" '
        f'fill="{_DARK}"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )
