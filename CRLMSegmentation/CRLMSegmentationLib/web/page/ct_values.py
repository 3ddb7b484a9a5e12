"""The CT section in the page's terms: the values of PageState that it shows."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...pictures.ct_sheet import png_of
from ...preoperative.ct_slices import COLORS, PLANES
from ...preoperative.structures import VALUES
from ...session.preoperative import figures
from ...words import tr

if TYPE_CHECKING:
    from ...preoperative.follow_up import FollowUp
    from ...session.preoperative.opened_ct import ListedSeries
    from ...session.preoperative.preoperative_part import PreoperativePart

# Of the drawing of diameters over time, in its own units.
_WIDTH, _HEIGHT, _EDGE = 300.0, 130.0, 12.0
_TOPS_MM = (10, 20, 30, 40, 50, 75, 100, 150, 200, 300)
_CURVE_COLORS = ("#6cc5f5", "#ffb945", "#5fdc8b", "#ff8f8f", "#c79bff", "#8fe3d9", "#e6d36b", "#b8c7d4")


class CtValues:
    """Remembers what is costly to say again: the pictures of series."""

    def __init__(self, part: PreoperativePart) -> None:
        self._part = part
        self._series: tuple[ListedSeries, ...] = ()
        self._listed: list[dict[str, Any]] = []

    def of(self, plain: Callable[[str], str]) -> dict[str, Any]:
        """By the names of PageState.

        plain  takes out of a sentence what is not for the page
        """
        part = self._part
        if part.series is not self._series:
            self._series, self._listed = part.series, [_series(one) for one in part.series]
        ct, result = part.ct, part.ct.result if part.ct is not None else None
        fraction, text = part.progress
        found = part.registration
        return {
            "ct_busy": part.is_busy,
            "ct_progress": round(100 * fraction),
            "ct_progress_text": plain(part.without_places(text)),
            "ct_problem": plain(part.problem),
            "ct_line": _line(part),
            "ct_title": ct.facts.title if ct is not None else "",
            "ct_there": ct is not None,
            "ct_has_result": result is not None,
            "ct_series": self._listed,
            "ct_choosing": part.is_choosing,
            "ct_figures": [list(one) for one in figures.liver_figures(result.measures)] if result is not None else [],
            "ct_lesions": [list(figures.lesion_row(one)) for one in result.measures.lesions] if result else [],
            "ct_doubts": ct.doubts if ct is not None else [],
            "ct_structures": [
                {
                    "name": name,
                    "title": tr(figures.NAMES[name]),
                    "color": _css(COLORS[name]),
                    "shown": name in part.shown,
                }
                for name in part.structures
            ],
            "ct_counts": {plane: ct.slices.count(plane) for plane in PLANES} if ct is not None else {},
            "ct_registration": figures.registration_text(found),
            "ct_registered": found is not None,
            "ct_touched": figures.touched_lines(part.touched, found),
            "ct_remnant": figures.remnant_lines(part.remnant.found),
            "ct_cut": {plane: [list(one) for one in line] for plane, line in part.remnant.handles().items()},
            "ct_corrected": figures.correction_text(ct),
            "ct_brushes": [{"title": tr(figures.NAMES[name]), "value": name} for name in VALUES],
            **({f"ct_{plane}": number for plane, number in part.at.items()} if ct is not None else {}),
            **follow_up_values(part.followed),
        }


def follow_up_values(found: FollowUp | None) -> dict[str, Any]:
    """The drawing of diameters over time, and what RECIST says."""
    if found is None:
        return {"ct_follow_lines": [], "ct_tracks": [], "ct_dates": [], "ct_top": ""}
    largest = max((mm for track in found.tracks for mm in track.diameters_mm if mm is not None), default=0.0)
    top = next((top for top in _TOPS_MM if top >= largest), largest)
    across = _places(found.dates)
    tracks = []
    for number, track in enumerate(found.tracks):
        points = [
            (x, round(_HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * mm / top, 1)) if mm is not None else None
            for x, mm in zip(across, track.diameters_mm)
        ]
        there = [point for point in points if point is not None]
        tracks.append({
            "number": track.number, "color": _CURVE_COLORS[number % len(_CURVE_COLORS)],
            "lines": _stretches(points), "dots": [list(point) for point in there],
            "end": list(there[-1]) if track.diameters_mm[-1] is None else [], "text": figures.track_text(track),
        })  # fmt: skip
    dates = [
        {"x": x, "text": figures.date_text(date, number)} for number, (x, date) in enumerate(zip(across, found.dates))
    ]
    return {
        "ct_follow_lines": figures.follow_up_lines(found), "ct_tracks": tracks, "ct_dates": dates,
        "ct_top": f"{top:g} mm",
    }  # fmt: skip


def picture_url(picture: np.ndarray) -> str:
    """A small picture, grey (rows, columns) or colored (rows, columns, 3), as a data URL."""
    return "data:image/png;base64," + base64.b64encode(png_of(picture)).decode("ascii")


def _series(one: ListedSeries) -> dict[str, Any]:
    return {
        "number": one.summary.number, "title": one.title, "details": one.details, "is_ct": one.is_ct,
        "picture": "" if one.picture is None else picture_url(one.picture),
    }  # fmt: skip


def _line(part: PreoperativePart) -> str:
    """What stands below the title of the section, also while it is closed."""
    if part.is_busy:
        return part.without_places(part.progress[1]) or tr("Working")
    if part.problem:
        return tr("That did not work: open to see why")
    if part.is_choosing:
        return tr("{series} series: choose one", series=len(part.series))
    return figures.ct_line(part.ct)


def _places(dates: tuple[str, ...]) -> list[float]:
    """Across the drawing, by the days between the dates; evenly where one is not known or all are the same."""
    days = [datetime.date.fromisoformat(date).toordinal() if date else None for date in dates]
    known = [day for day in days if day is not None]
    count = max(len(dates) - 1, 1)
    if len(known) == len(dates) and known[-1] > known[0]:
        shares = [(day - known[0]) / (known[-1] - known[0]) for day in known]
    else:
        shares = [number / count for number in range(len(dates))]
    return [round(2 * _EDGE + (_WIDTH - 4 * _EDGE) * share, 1) for share in shares]


def _stretches(points: list[tuple[float, float] | None]) -> list[str]:
    """Points of a polyline for every stretch of dates at which the lesion was there."""
    stretches: list[list[str]] = [[]]
    for point in points:
        if point is None:
            stretches.append([])
        else:
            stretches[-1].append(f"{point[0]},{point[1]}")
    return [" ".join(stretch) for stretch in stretches if len(stretch) > 1]


def _css(color: tuple[int, int, int]) -> str:
    return "rgb({}, {}, {})".format(*color)
