"""The protocol of a case, for people: what was found by which model and with which doubts, and what happened when."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ..state import StepStatus
from .ct_files import FOLLOW_UP

_TITLE = "CRLM Navigation: protocol of a case"
_USE = "For research. Not a medical device."
_ORIGINS = {
    "simulated": "simulated, not clinical",
    "replayed": "replayed from a recording",
    "live": "received live",
    None: "from an unknown source",
}
_KEPT = {"largest": "the largest part was kept", "all": "all parts were kept"}
# What a step's status says in a list of events; a step that only became possible is no event.
_HAPPENED = {
    StepStatus.RUNNING.value: "began",
    StepStatus.DONE.value: "done",
    StepStatus.STALE.value: "out of date",
    StepStatus.FAILED.value: "failed",
}
_STATUSES = {status.value for status in StepStatus}


def protocol_of(facts: Mapping[str, Any], log: str) -> str:
    """Plain text, one line for each fact and for each event.

    facts  of the case's index (session_facts.facts_of); what is missing there is left out
    log    JSON lines of the EventLog; a line that is none is shown as it is
    """
    lines = [_TITLE, _USE, "", *_findings(facts), "", "What happened", ""]
    return "\n".join([*lines, *_events(log)]) + "\n"


def _findings(facts: Mapping[str, Any]) -> Iterator[str]:
    yield _row("Data", _ORIGINS.get(facts.get("origin"), _ORIGINS[None]))
    tumors = [one for one in facts.get("tumors") or () if isinstance(one, dict)]
    if len(tumors) > 1:
        for tumor in tumors:
            yield from ("", _heading(tumor), *_finding(tumor))
        yield ""
    else:
        yield from _finding(facts)
    yield from ct_lines(facts.get("ct"))
    if facts.get("case_clock_s") is not None:
        yield _row("Time", f"{facts['case_clock_s']:.1f} s from the end of the recording to the tumor")


def _row(name: str, text: str) -> str:
    return f"{name:<12}{text}"


def ct_lines(ct: Mapping[str, Any] | None) -> Iterator[str]:
    """Of the CT before the operation: which one, what was found in it by whom, and whether it was registered when."""
    if ct is None:
        return
    yield from _follow_up_line(ct.get(FOLLOW_UP))
    if "description" not in ct:
        return
    yield _row("CT", ", ".join(str(ct[name]) for name in ("description", "date") if ct.get(name)) or "without a date")
    measures, about, found = (ct.get(name) or {} for name in ("measures", "about", "registration"))
    if measures:
        yield _row("", f"liver {measures['liver_ml']:.0f} mL, {len(measures['lesions'])} lesions")
        model = about.get("model") or {}
        yield _row("", f"found by {' '.join(str(model[name]) for name in ('name', 'version') if name in model) or '?'}")
        corrections = about.get("corrections") or ()
        yield _row("", f"corrected by hand, {len(corrections)} times" if corrections else "not corrected by hand")
    if ct.get("remnant"):
        cut = ct["remnant"]
        yield _row("", f"planned cut: {cut['remnant_ml']:.0f} mL stay, {cut['share']:.0%} of the liver without tumors")
    if found:
        count = len(found["names"])
        yield _row(
            "", f"registered by {count} landmarks, {found['made_at']}: error at the tumor {found['error_mm']:.1f} mm"
        )
        if found.get("refined"):
            yield _row(
                "", "refined by vessels where the ultrasound shows the liver: the error is that of the landmarks"
            )
    else:
        yield _row("", "not registered")


def _follow_up_line(followed: Mapping[str, Any] | None) -> Iterator[str]:
    """Of which dates the lesions were compared, and what RECIST says of the last one."""
    if followed:
        dates = ", ".join(date or "without a date" for date in followed["dates"])
        yield _row("CTs", f"{dates}: {followed['responses'][-1] or 'no target lesion'}")


def _heading(tumor: Mapping[str, Any]) -> str:
    """Which tumor, and where it was found when."""
    found = [f"found in sweep {tumor['sweep']}"] if tumor.get("sweep") else []
    found += [str(tumor["found_at"]).replace("T", " ")] if tumor.get("found_at") else []
    found += ["before the present volume was made"] if tumor.get("is_stale") else []
    return str(tumor.get("name")) + (f": {', '.join(found)}" if found else "")


def _finding(facts: Mapping[str, Any]) -> Iterator[str]:
    """Of one tumor, from the facts of the case or its own."""
    tumor, model = facts.get("tumor"), facts.get("model")
    if tumor:
        yield _row("Tumor", f"{tumor['volume_ml']:.1f} mL, largest diameter {tumor['largest_diameter_mm']:.1f} mm")
        if model:
            yield _row("Found by", f"{model['name']} {model['version']}")
        if facts.get("threshold") is not None:
            kept = _KEPT.get(str(facts.get("keep")), f"kept: {facts.get('keep')}")
            yield _row("Threshold", f"{facts['threshold']:.2f} of the probability; {kept}")
        by_hand = tumor.get("voxels_corrected_by_hand")
        corrected = f"yes, {by_hand} voxels" if by_hand else "yes"
        yield _row("By hand", corrected if facts.get("corrected_by_hand") else "no correction")
    else:
        yield _row("Tumor", "none")
    if facts.get("margin_mm") is not None:
        yield _row("Margin", f"{facts['margin_mm']:.1f} mm")
    doubts = facts.get("doubts") or ()
    seen = "looked at by a person" if facts.get("doubts_acknowledged") else "NOT looked at by a person"
    yield _row("Doubts", f"{len(doubts)}, {seen}" if doubts else "none")
    yield from (_row("", f"- {doubt}") for doubt in doubts)


def _events(log: str) -> Iterator[str]:
    day = None
    for line in log.splitlines():
        try:
            entry = json.loads(line)
            when = datetime.fromisoformat(entry["time"])
            event = str(entry["event"])
        except (ValueError, KeyError, TypeError):
            yield line
            continue
        text = _event_text(event, entry)
        if text is None:
            continue
        if when.date() != day:
            day = when.date()
            yield f"{day:%Y-%m-%d}"
        yield f"{when:%H:%M:%S}  {text}"


def _event_text(event: str, entry: Mapping[str, Any]) -> str | None:
    """In words; None for what is no event to people."""
    status, message = entry.get("status"), entry.get("message")
    if status in _STATUSES:
        happened = _HAPPENED.get(status)
        if happened is None and not message:
            return None
        said = f"{event}: {happened or status}"
        return f"{said}. {message}" if message else said
    others = {name: value for name, value in entry.items() if name not in {"time", "seconds", "event", "message"}}
    said = ", ".join([event.capitalize(), *(f"{name} {value}" for name, value in others.items())])
    return f"{said}: {message}" if message else said
