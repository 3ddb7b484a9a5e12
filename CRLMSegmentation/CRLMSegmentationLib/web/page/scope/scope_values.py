"""The laparoscope's section in the page's terms: the values of PageState that it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....laparoscopy.overlay.landmark_drawing import LANDMARK_COLORS
from ....session.laparoscope.laparoscope_part import LaparoscopePart
from ....session.laparoscope.shown_frame import SWITCHES
from ....words import mark, tr

_TITLES = {"landmarks": mark("Landmarks"), "liver": mark("Liver"), "vessels": mark("Vessels"), "tumors": mark("Tumors")}


def scope_values(part: LaparoscopePart, plain: Callable[[str], str]) -> dict[str, Any]:
    """By the names of PageState.

    plain  takes out of a sentence what is not for the page
    """
    newest = part.newest
    return {
        "scope_open": part.is_open,
        "scope_title": plain(part.title),
        "scope_line": _line(part),
        "scope_busy": part.is_busy,
        "scope_problem": plain(part.problem),
        "scope_there": newest is not None,
        "scope_frame": newest.frame.name if newest is not None else "",
        "scope_text": part.landmarks_text,
        "scope_old": part.landmarks_text if part.is_old else "",
        "scope_recorded": part.recording.is_on,
        "scope_recording": plain(". ".join(filter(None, (part.recording.text, part.recording.problem)))),
        "scope_has_model": part.model is not None,
        "scope_has_camera": part.camera is not None,
        "scope_aligning": part.alignment.is_on,
        "scope_calibration": plain(part.calibration.text or part.calibration.problem),
        "scope_calibrating": part.calibration.is_running,
        "scope_result_waits": part.calibration.result is not None,
        "scope_calibration_doubts": [
            plain(doubt) for doubt in (part.calibration.result.doubts if part.calibration.result is not None else ())
        ],
        "scope_registration": part.registration_text(),
        "scope_doubts": [plain(doubt) for doubt in part.doubts],
        "scope_switches": [
            {"name": name, "title": tr(_TITLES[name]), "shown": name in part.shown} for name in SWITCHES
        ],
        "scope_landmarks": [
            {"name": tr(name), "color": "rgb({}, {}, {})".format(*LANDMARK_COLORS[name]), "percent": text}
            for name, text in (newest.confidence_texts() if newest is not None else {}).items()
        ],
    }


def _line(part: LaparoscopePart) -> str:
    """What stands below the title of the section, also while it is closed."""
    if part.is_playing:
        return tr("{fps:.0f} frames/s", fps=part.frames_per_second)
    if part.is_open and part.newest is not None:
        return tr("The last frame of the video")
    return tr("That did not work: open to see why") if part.problem else tr("No video is open")
