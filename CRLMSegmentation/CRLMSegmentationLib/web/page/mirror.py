"""The session in the page's terms: every function gives values of PageState."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...navigation.image_crossing import image_crossing
from ...navigation.margin import Severity
from ...navigation.stated_distance import error_text, explanation
from ...navigation.tracked_tool import ToolStatus
from ...session.actions import ACTIONS
from ...session.case.case_source import LIVE, REPLAYED
from ...session.state import SessionState, Step, StepStatus
from ...session.tumors.tumor_lines import tumor_lines
from ...words import mark, tr
from .calibration_values import calibration_values

if TYPE_CHECKING:
    from ...session.case.case import CasePart
    from ...session.live.live_part import LivePart
    from ...session.session import Session
    from ...session.tools import ToolReading
    from ...tracking import StreamStatus
    from ...values import ImagePlane

_STATUS = {
    StepStatus.WAITING: "waiting",
    StepStatus.READY: "ready",
    StepStatus.RUNNING: "running",
    StepStatus.DONE: "done",
    StepStatus.STALE: "stale",
    StepStatus.FAILED: "failed",
}
_TEXTS = {
    "connect": ("", mark("Choose where the images come from")),
    "record": (mark("Connect first"), mark("Ready to record")),
    "box": (mark("Record a sweep first"), mark("Click on the tumor")),
    "segment": (mark("Place the box first"), mark("Ready")),
    "navigate": (mark("Find the tumor first"), mark("Distances of the tools")),
}
_KINDS = {
    Severity.CLEAR: "clear",
    Severity.WARNING: "near",
    Severity.DANGER: "inside",
    Severity.UNKNOWN: "lost",
}
_ORIGINS = {"simulated": mark("Simulated, not clinical"), "replayed": mark("Replayed"), "live": mark("Live")}
LIVE_TITLE = mark("Live ultrasound")
_TITLES = {"simulated": mark("Simulated ultrasound"), "replayed": mark("Replayed ultrasound")}
_NO_OTHER = {"other": "", "other_kind": "lost", "other_explanation": ""}
_PAGE_STEP = {Step.RECONSTRUCT: "record", Step.SEGMENT: "segment"}


def step_lines(state: SessionState, is_measuring: bool, needs_check: bool = False) -> dict[str, dict[str, str]]:
    """The five steps of the page: {'status', 'text'} by name. Recording and its volume are one step there.

    is_measuring  whether the distance of a tool is known now
    needs_check   whether a person should look at what the segmentation gave before going on
    """
    lines = {
        "connect": _line("connect", state, Step.CONNECT),
        "record": _line("record", state, _record_step(state)),
        "box": _line("box", state, Step.BOX),
        "segment": _line("segment", state, Step.SEGMENT),
        "navigate": _line("navigate", state, Step.NAVIGATE),
    }
    if is_measuring:
        lines["navigate"]["status"] = "live"
    if needs_check and lines["segment"]["status"] == "done":
        lines["segment"]["status"] = "check"
    return lines


def action_values(session: Session, plain: Callable[[str], str]) -> dict[str, dict[str, str]]:
    """{'why_not'} of every action by its name: the sentence why it cannot be done now, '' when it can.

    plain  takes out of a sentence what is not for the page
    """
    return {action.name: {"why_not": plain(action.why_not(session))} for action in ACTIONS}


def outline_values(part: LivePart, plain: Callable[[str], str]) -> dict[str, Any]:
    """What the page shows of outlining live, by the names of PageState."""
    return {
        "outlining": part.is_on,
        "outline_text": plain(part.text),
        "outline_warnings": [part.moved_warning] if part.moved_warning else [],
        "proposal_text": part.proposal_text,
    }


def distance_values(session: Session, readings: Sequence[ToolReading]) -> dict[str, Any]:
    """The distances of all tools, by the names of PageState; readings: of all tools, now."""
    no_distance = "" if session.case.question is None else tr("same patient?")
    name = session.tumors.chosen.name if len(session.tumors.all) > 1 else ""
    image = session.stream.image
    lines = tool_lines(readings, no_distance, name, image.plane if image.is_live() else None)
    for line in lines:
        line["color"] = session.tools.looks.of(line["name"]).color
    # Also of a tumor that is not the chosen one.
    is_measured = any(one.signed_distance_mm is not None or one.other is not None for one in readings)
    return {"tools": lines, "alarm": alarm_of(lines) if is_measured else ""}


def live_values(session: Session, readings: Sequence[ToolReading], plain: Callable[[str], str]) -> dict[str, Any]:
    """What changes all the time beside steps and distances, by the names of PageState.

    readings  of all tools, now
    """
    values = {
        "tumors": tumor_values(session, readings), "publish_text": session.publishing.text,
        "full_screen": session.screen.is_full, "hands_free_text": session.hands_free.text,
    }  # fmt: skip
    return {**values, **outline_values(session.live, plain), **calibration_values(session.calibration, plain)}


def clock_text(seconds: float | None) -> str:
    """How long it took to the tumor; '' while there is none."""
    return tr("From the end of the sweep to the tumor: {seconds:.0f} s", seconds=seconds) if seconds else ""


def origin_text(origin: str | None) -> str:
    """Of a session's origin; '' for None."""
    return tr(_ORIGINS.get(origin or "", ""))


def origin_values(session: Session) -> dict[str, Any]:
    """Where the data are from, and whether they are saved, by the names of PageState."""
    source = session.stream.source
    origin = session.case.origin or (source.origin if source is not None else None)
    return {
        "origin_text": origin_text(origin), "is_real": origin in (LIVE, REPLAYED),
        "live_title": live_title(source.origin if source is not None else None), "saved_text": saved_text(session.case),
    }  # fmt: skip


def saved_text(case: CasePart) -> str:
    """Whether the case is saved, and since when; '' while it never was."""
    if case.is_saving:
        return tr("Saving")
    if case.save_problem:
        return tr("Not saved")
    if case.saved is None:
        return ""
    changed = tr(", changed since") if case.has_unsaved_data else ""
    return tr("Saved {at:%H:%M}{changed}", at=case.saved.at, changed=changed)


def live_title(origin: str | None) -> str:
    """What the view of the stream is called, by the origin of its source."""
    return tr(_TITLES.get(origin or "", LIVE_TITLE))


def live_view(status: StreamStatus | None, pose_is_valid: bool) -> tuple[str, bool]:
    """(why the image of the stream is not live where it is shown, whether it is shown at all); '' when it is live.

    status  None when nothing is connected
    """
    if status is None:
        return tr("No live image"), False
    if not status.connected:
        return tr("No connection"), False
    if not status.age.is_live:
        return tr("No new image"), False
    # Why it is unknown is reported by the step Connect.
    return ("", True) if pose_is_valid else (tr("Position unknown"), True)


def running_step(step: Step | None) -> str:
    """The page's name of the step that is computed; '' when none is."""
    return "" if step is None else _PAGE_STEP.get(step, step.value.lower())


def _record_step(state: SessionState) -> Step:
    """What there is to report: the recording until it is done, then its volume."""
    if state.status(Step.RECORD) in (StepStatus.RUNNING, StepStatus.FAILED):
        return Step.RECORD
    return Step.RECORD if state.status(Step.RECONSTRUCT) is StepStatus.WAITING else Step.RECONSTRUCT


def _line(name: str, state: SessionState, step: Step) -> dict[str, str]:
    status, message = _STATUS[state.status(step)], state[step].message
    waiting, ready = _TEXTS[name]
    if step is Step.RECORD and status == "running":
        # The panel below has the figures.
        message = tr("Recording")
    if not message:
        message = tr({"waiting": waiting, "ready": ready}.get(status, ""))
    if step is Step.RECONSTRUCT and status in ("ready", "running") and not state[step].message:
        # Of a case that was saved before its volume was made nothing goes on.
        message = tr("Making the volume") if status == "running" else tr("Recorded; no volume was made of it yet")
    return {"status": status, "text": message[:1].upper() + message[1:]}


def tool_lines(
    readings: Iterable[ToolReading], no_distance: str = "", tumor: str = "",
    plane: ImagePlane | None = None,
) -> list[dict[str, str]]:  # fmt: skip
    """What the page shows of each tool: name, tumor, distance, error, explanation, age, text, kind, where it stands
    against the live image, and what is known of the other tumor.

    no_distance  what is said of a tool that is tracked and not measured; '' for the usual
    tumor        what the chosen tumor is called; '' where there is no other one
    plane        of the live image; None while it is not live
    """
    lines = []
    for reading in readings:
        if reading.status is not ToolStatus.LIVE:
            distance, text = "– mm", reading.status.text
        elif reading.signed_distance_mm is None:
            distance, text = "– mm", no_distance or tr("no tumor to measure to")
        else:
            distance, text = f"{reading.signed_distance_mm:.1f} mm", reading.margin_text
        lines.append(
            {
                "name": reading.name, "tumor": tumor or tr("tumor"), "distance": distance, "error": reading.error_text,
                "explanation": reading.error_explanation, "text": text, "kind": _KINDS[reading.severity],
                "own_kind": _KINDS[reading.margin.severity], "in_image": _in_image(reading, plane),
                "short_error": "" if reading.signed_distance_mm is None else error_text(reading.budget),
                "age": reading.age_text,
                **_other_values(reading),
            }
        )  # fmt: skip
    return lines


def _in_image(reading: ToolReading, plane: ImagePlane | None) -> str:
    tip = reading.tip_to_reference
    crossing = None if tip is None or plane is None else image_crossing(tip, plane)
    return "" if crossing is None else crossing.text


def alarm_of(lines: Iterable[Mapping[str, str]]) -> str:
    """The worst kind among the tools that the page shows: 'inside', 'near', 'lost' or 'clear'; '' without tools."""
    kinds = {line["kind"] for line in lines}
    return next((kind for kind in ("inside", "near", "lost", "clear") if kind in kinds), "")


def _other_values(reading: ToolReading) -> dict[str, str]:
    other = reading.other
    if other is None:
        return _NO_OTHER
    return {
        "other": other.text, "other_kind": _KINDS[other.margin.severity],
        "other_explanation": explanation(other.budget),
    }  # fmt: skip


def tumor_values(session: Session, readings: Iterable[ToolReading]) -> list[dict[str, Any]]:
    """What the page lists of the tumors of the case."""
    return [
        {
            "number": one.number, "name": one.name, "color": one.color, "text": one.text, "remark": one.remark,
            "distance": one.distance, "kind": _KINDS[one.severity], "doubts": one.doubts_text, "chosen": one.is_chosen,
        }
        for one in tumor_lines(session, readings)
    ]  # fmt: skip


def lost_lines(lines: list[dict[str, str]]) -> list[dict[str, str]]:
    """The same tools when nothing is known of them any more."""
    lost = {
        "distance": "– mm", "error": "", "short_error": "", "explanation": "", "age": "", "in_image": "",
        "text": ToolStatus.LOST.text, "kind": "lost", "own_kind": "lost", **_NO_OTHER,
    }  # fmt: skip
    return [{**line, **lost} for line in lines]


def lost_tumors(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same tumors when no distance to any is known any more."""
    return [{**line, "distance": "", "kind": "lost"} for line in lines]


def first_distance_mm(readings: Iterable[ToolReading]) -> float | None:
    """Of the first tool that has one."""
    return next((one.signed_distance_mm for one in readings if one.signed_distance_mm is not None), None)
