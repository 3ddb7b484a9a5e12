"""What a session writes down of itself in a case's index; case_facts.py reads it again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ...files.laparoscope.camera_file import camera_values
from ..tumors.tumor_facts import facts_of_tumor

if TYPE_CHECKING:
    from ..session import Session


def facts_of(session: Session) -> dict[str, Any]:
    """To be written, as plain values."""
    scope = session.laparoscope
    state, result, tumors = session.state, session.tumor.result, session.tumors
    at = None if session.tumor.state is None else session.tumor.state.found_at
    card = getattr(result, "card", None)
    return {
        "origin": session.case.origin,
        "box_is_tight": session.box.is_tight,
        "threshold": session.tumor.threshold,
        "keep": session.tumor.kept_part,
        "smoothing": session.tumor.smoothing,
        "margin_mm": session.structures.margin_mm,
        "shows_uncertainty": session.structures.shows_uncertainty,
        "model": None if card is None else {"name": card.name, "version": card.version},
        "model_card": None if card is None else card.text,
        "corrected_by_hand": session.tumor.state is not None and session.tumor.state.is_corrected,
        "doubts": list(state.doubts),
        "doubts_acknowledged": session.tumor.doubts_acknowledged,
        "tumor": session.tumor.figures,
        "found_at": None if at is None else at.isoformat(timespec="seconds"),
        "tumors": [facts_of_tumor(tumor) for tumor in tumors.all] if tumors.is_any else [],
        "chosen": tumors.chosen.number,
        "sweep": 0 if tumors.scan is None else tumors.scan.number,
        "tools": {name: session.tools.tip_to_tool(name).ravel().tolist() for name in session.tools.names},
        "tool_looks": {name: look.as_plain() for name, look in session.tools.looks.own().items()},
        "scope_camera": None if scope.camera is None else camera_values(scope.camera, scope.on_sensor),
        "timings_s": {name: round(seconds, 4) for name, seconds in state.timings_s.items() if math.isfinite(seconds)},
        "case_clock_s": session.case.clock_s,
        "steps": {step.value: state.status(step).value for step in state.steps},
    }
