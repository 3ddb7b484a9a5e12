"""The Calibrate section in the page's terms: the values of PageState that it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...words import tr

if TYPE_CHECKING:
    from ...session.calibration.calibration_part import CalibrationPart


def calibration_values(part: CalibrationPart, plain: Callable[[str], str]) -> dict[str, Any]:
    """By the names of PageState.

    plain  takes out of a sentence what is not for the page
    """
    guidance, result = part.guidance, part.result
    figures = guidance.figures if result is None else result.figures
    missing = guidance.missing if result is None else result.missing
    return {
        "calibrating": tr(part.name),
        "calibration_ending": part.is_ending,
        "calibration_instruction": part.instruction,
        "calibration_figures": [list(figure) for figure in figures] if part.is_running or result is not None else [],
        "calibration_missing": [plain(text[:1].upper() + text[1:]) for text in missing]
        if part.is_running or result is not None
        else [],
        "calibration_share": round(100 * guidance.share),
        "calibration_wires": [list(wire) for wire in guidance.wires] if part.is_running else [],
        "calibration_problem": plain(part.problem),
        "calibration_result": "" if result is None else result.text,
        "calibration_measured": result is not None and not result.is_calibration,
        "calibration_accepted": part.accepted,
        "calibration_tools": part.tools,
        "calibration_line": _line(part),
        "known_errors": [
            {"source": one.source, "text": plain(one.text), "known": one.is_known, "coarse": one.is_coarse}
            for one in part.known_errors
        ],
    }


def _line(part: CalibrationPart) -> str:
    """What stands below the title of the section, also while it is closed."""
    if part.is_ending:
        return tr("Computing the result")
    if part.is_running:
        return (
            tr("Calibrating: {name}", name=tr(part.name))
            if part.calibrates
            else tr("Measuring: {name}", name=tr(part.name))
        )
    if part.result is not None:
        return tr("{result}: use it?", result=part.result.text) if part.result.is_calibration else part.result.text
    if part.problem:
        return tr("No result")
    unknown = [one.source for one in part.known_errors if not one.is_known]
    if coarse := [one.source for one in part.known_errors if one.is_coarse]:
        return tr("Known too coarsely: {names}. Calibrate again.", names=", ".join(coarse))
    return tr("Not known: {unknown}", unknown=", ".join(unknown)) if unknown else tr("All errors are known")
