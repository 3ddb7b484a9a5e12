"""The tumors of a case as a list for people: one description for page and window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...navigation.margin import Severity
from ...navigation.stated_distance import distance_text
from ...words import mark, tr, tr_count
from .case_tumor import CaseTumor

if TYPE_CHECKING:
    from ..session import Session
    from ..tools import ToolReading

NO_BOX, NOT_FOUND = mark("no box yet"), mark("not found yet")


@dataclass(frozen=True)
class TumorLine:
    """What a list shows of one tumor.

    color         '#rrggbb', as it is drawn
    text          its volume and diameter, or what is missing
    remark        where and when it was found, when that was in an earlier volume; ''
    distance      of the tool that is nearest to it: '7.5 mm ± 1.8'; '' while none is known
    severity      of that distance, by the tumor's own margin
    doubts        how many sentences speak against it
    doubts_new    True while nobody has looked at them
    is_corrected  True when a hand has changed it, so that it is not deleted unasked
    """

    number: int
    name: str
    color: str
    text: str
    remark: str
    distance: str
    severity: Severity
    doubts: int
    doubts_new: bool
    is_chosen: bool
    is_corrected: bool

    @property
    def doubts_text(self) -> str:
        """'2 doubts, not looked at'; '' without any."""
        if not self.doubts:
            return ""
        number = tr_count("1 doubt", "{count} doubts", self.doubts)
        return number + (tr(", not looked at") if self.doubts_new else "")


def tumor_lines(session: Session, readings: Iterable[ToolReading]) -> list[TumorLine]:
    """One line for each tumor of the session, in their order; none while nothing was placed or found, or while it is
    not known whether it belongs to the patient who is seen.

    readings  of all tools, as they are now
    """
    tumors = session.tumors
    if session.case.question is not None or not tumors.is_any:
        return []
    chosen, nearest = tumors.chosen.number, _nearest(session, readings)
    lines = []
    for tumor in tumors.all:
        is_chosen, found = tumor.number == chosen, tumor.found
        corrected = found is not None and found.is_corrected
        _, distance, severity = nearest.get(tumor.number, (0.0, "", Severity.UNKNOWN))
        lines.append(
            TumorLine(
                tumor.number, tumor.name, hex_color(tumor), _text(tumor), tumor.origin if tumor.is_stale else "",
                distance, severity, 0 if found is None else len(found.doubts),
                found is not None and bool(found.doubts) and not found.acknowledged, is_chosen,
                corrected or (is_chosen and session.tumor.has_hand_corrections),
            )
        )  # fmt: skip
    return lines


def hex_color(tumor: CaseTumor) -> str:
    """'#rrggbb'."""
    return "#" + "".join(f"{round(255 * value):02x}" for value in tumor.color)


def _text(tumor: CaseTumor) -> str:
    if tumor.found is None:
        return tr(NO_BOX if tumor.box is None else NOT_FOUND)
    state = tumor.found.state
    if state is None:
        return tr("a surface alone")
    by_hand = tr(", corrected by hand") if state.is_corrected else ""
    return tr(
        "{volume_ml:.1f} mL, {largest_diameter_mm:.0f} mm across{by_hand}",
        volume_ml=state.shape.volume_ml,
        largest_diameter_mm=state.shape.largest_diameter_mm,
        by_hand=by_hand,
    )


def _nearest(session: Session, readings: Iterable[ToolReading]) -> dict[int, tuple[float, str, Severity]]:
    """By the tumor's number: distance in mm of the tool that is nearest to it, in words, and how much it matters."""
    chosen, nearest = session.tumors.chosen.number, dict[int, tuple[float, str, Severity]]()

    def note(number: int, distance_mm: float, text: str, severity: Severity) -> None:
        if number not in nearest or distance_mm < nearest[number][0]:
            nearest[number] = distance_mm, text, severity

    for reading in readings:
        if reading.signed_distance_mm is not None:
            text = distance_text(reading.signed_distance_mm, reading.budget)
            note(chosen, reading.signed_distance_mm, text, reading.margin.severity)
        for number, one in session.tools.to_others(reading).items():
            note(number, one.signed_distance_mm, distance_text(one.signed_distance_mm, one.budget), one.margin.severity)
    return nearest
