"""The protocol of a case, for people: what was found by which model and with which doubts, and what happened when."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ...words import mark, tr, tr_count
from ..state import StepStatus
from .ct_files import FOLLOW_UP

_TITLE = mark("CRLM Navigation: protocol of a case")
_USE = mark("For research. Not a medical device.")
_ORIGINS = {
    "simulated": mark("simulated, not clinical"),
    "replayed": mark("replayed from a recording"),
    "live": mark("received live"),
    None: mark("from an unknown source"),
}
_KEPT = {"largest": mark("the largest part was kept"), "all": mark("all parts were kept")}
# What a step's status says in a list of events; a step that only became possible is no event.
_HAPPENED = {
    StepStatus.RUNNING.value: mark("began"),
    StepStatus.DONE.value: mark("done"),
    StepStatus.STALE.value: mark("out of date"),
    StepStatus.FAILED.value: mark("failed"),
}
_STATUSES = {status.value for status in StepStatus}


def protocol_of(facts: Mapping[str, Any], log: str) -> str:
    """Plain text, one line for each fact and for each event.

    facts  of the case's index (session_facts.facts_of); what is missing there is left out
    log    JSON lines of the EventLog; a line that is none is shown as it is
    """
    lines = [tr(_TITLE), tr(_USE), "", *_findings(facts), "", tr("What happened"), ""]
    return "\n".join([*lines, *_events(log)]) + "\n"


def _findings(facts: Mapping[str, Any]) -> Iterator[str]:
    yield _row(tr("Data"), tr(_ORIGINS.get(facts.get("origin"), _ORIGINS[None])))
    tumors = [one for one in facts.get("tumors") or () if isinstance(one, dict)]
    if len(tumors) > 1:
        for tumor in tumors:
            yield from ("", _heading(tumor), *_finding(tumor))
        yield ""
    else:
        yield from _finding(facts)
    yield from ct_lines(facts.get("ct"))
    if facts.get("case_clock_s") is not None:
        yield _row(
            tr("Time"),
            tr("{case_clock_s:.1f} s from the end of the recording to the tumor", case_clock_s=facts["case_clock_s"]),
        )


def _row(name: str, text: str) -> str:
    return f"{name:<12}{text}"


def ct_lines(ct: Mapping[str, Any] | None) -> Iterator[str]:
    """Of the CT before the operation: which one, what was found in it by whom, and whether it was registered when."""
    if ct is None:
        return
    yield from _follow_up_line(ct.get(FOLLOW_UP))
    if "description" not in ct:
        return
    yield _row(
        tr("CT"), ", ".join(str(ct[name]) for name in ("description", "date") if ct.get(name)) or tr("without a date")
    )
    measures, about, found = (ct.get(name) or {} for name in ("measures", "about", "registration"))
    if measures:
        yield _row(
            "",
            tr("liver {ml:.0f} mL, {lesions} lesions", ml=measures["liver_ml"], lesions=len(measures["lesions"])),
        )
        model = about.get("model") or {}
        finder = " ".join(str(model[name]) for name in ("name", "version") if name in model) or "?"
        yield _row("", tr("found by {finder}", finder=finder))
        corrections = about.get("corrections") or ()
        yield _row(
            "",
            tr_count("corrected by hand, once", "corrected by hand, {count} times", len(corrections))
            if corrections
            else tr("not corrected by hand"),
        )
    if ct.get("remnant"):
        cut = ct["remnant"]
        yield _row(
            "",
            tr(
                "planned cut: {remnant_ml:.0f} mL stay, {share:.0%} of the liver without tumors",
                remnant_ml=cut["remnant_ml"],
                share=cut["share"],
            ),
        )
    if found:
        count = len(found["names"])
        yield _row(
            "",
            tr(
                "registered by {count} landmarks, {made_at}: error at the tumor {error_mm:.1f} mm",
                count=count,
                made_at=found["made_at"],
                error_mm=found["error_mm"],
            ),
        )
        if found.get("refined"):
            yield _row(
                "", tr("refined by vessels where the ultrasound shows the liver: the error is that of the landmarks")
            )
    else:
        yield _row("", tr("not registered"))


def _follow_up_line(followed: Mapping[str, Any] | None) -> Iterator[str]:
    """Of which dates the lesions were compared, and what RECIST says of the last one."""
    if followed:
        dates = ", ".join(date or tr("without a date") for date in followed["dates"])
        last = followed["responses"][-1]
        response = tr(last) if last else tr("no target lesion")
        yield _row(tr("CTs"), f"{dates}: {response}")


def _heading(tumor: Mapping[str, Any]) -> str:
    """Which tumor, and where it was found when."""
    found = [tr("found in sweep {sweep}", sweep=tumor["sweep"])] if tumor.get("sweep") else []
    found += [str(tumor["found_at"]).replace("T", " ")] if tumor.get("found_at") else []
    found += [tr("before the present volume was made")] if tumor.get("is_stale") else []
    return str(tumor.get("name")) + (f": {', '.join(found)}" if found else "")


def _finding(facts: Mapping[str, Any]) -> Iterator[str]:
    """Of one tumor, from the facts of the case or its own."""
    tumor, model = facts.get("tumor"), facts.get("model")
    if tumor:
        yield _row(
            tr("Tumor"),
            tr(
                "{volume_ml:.1f} mL, largest diameter {largest_diameter_mm:.1f} mm",
                volume_ml=tumor["volume_ml"],
                largest_diameter_mm=tumor["largest_diameter_mm"],
            ),
        )
        if model:
            yield _row(tr("Found by"), f"{model['name']} {model['version']}")
        if facts.get("threshold") is not None:
            kept = tr(_KEPT.get(str(facts.get("keep")), f"kept: {facts.get('keep')}"))
            yield _row(
                tr("Threshold"),
                tr("{threshold:.2f} of the probability; {kept}", threshold=facts["threshold"], kept=kept),
            )
        by_hand = tumor.get("voxels_corrected_by_hand")
        corrected = tr("yes, {by_hand} voxels", by_hand=by_hand) if by_hand else tr("yes")
        yield _row(tr("By hand"), corrected if facts.get("corrected_by_hand") else tr("no correction"))
    else:
        yield _row(tr("Tumor"), tr("none"))
    if facts.get("margin_mm") is not None:
        yield _row(tr("Margin"), f"{facts['margin_mm']:.1f} mm")
    doubts = facts.get("doubts") or ()
    seen = tr("looked at by a person") if facts.get("doubts_acknowledged") else tr("NOT looked at by a person")
    yield _row(tr("Doubts"), f"{len(doubts)}, {seen}" if doubts else tr("none"))
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


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def _event_text(event: str, entry: Mapping[str, Any]) -> str | None:
    """In words; None for what is no event to people."""
    status, message = entry.get("status"), entry.get("message")
    if status in _STATUSES:
        happened = _HAPPENED.get(status)
        if happened is None and not message:
            return None
        said = f"{tr(event)}: {tr(happened or status)}"
        return f"{said}. {message}" if message else said
    others = {name: value for name, value in entry.items() if name not in {"time", "seconds", "event", "message"}}
    said = ", ".join([_capitalized(tr(event)), *(f"{tr(name)} {value}" for name, value in others.items())])
    return f"{said}: {message}" if message else said
