"""The protocol that is saved with a case."""

import json

import pytest
from CRLMSegmentationLib.session.case.protocol import protocol_of

FACTS = {
    "origin": "simulated",
    "threshold": 0.5,
    "keep": "largest",
    "margin_mm": 5.0,
    "model": {"name": "crop-simulated-small", "version": "0.3.0"},
    "corrected_by_hand": True,
    "doubts": ["The tumor touches the box."],
    "doubts_acknowledged": False,
    "tumor": {"volume_ml": 4.21, "largest_diameter_mm": 23.4, "voxels_corrected_by_hand": 120},
    "case_clock_s": 8.04,
}


def log_of(*entries) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def event(clock: str, name: str, **facts) -> dict:
    return {"time": f"2026-03-05T{clock}.250", "seconds": 1.0, "event": name, **facts}


def test_what_was_found_by_what_and_with_which_doubts():
    said = protocol_of(FACTS, "")
    for part in (
        "Not a medical device", "simulated, not clinical", "4.2 mL, largest diameter 23.4 mm",
        "crop-simulated-small 0.3.0", "0.50 of the probability; the largest part was kept", "yes, 120 voxels",
        "5.0 mm", "1, NOT looked at by a person", "- The tumor touches the box.", "8.0 s from the end",
    ):  # fmt: skip
        assert part in said


def test_doubts_that_were_seen_and_a_case_without_a_tumor():
    assert "1, looked at by a person" in protocol_of({**FACTS, "doubts_acknowledged": True}, "")
    said = protocol_of({"origin": None}, "")
    assert "from an unknown source" in said and "Tumor       none" in said and "Doubts      none" in said


def test_events_are_lines_with_their_time_and_day():
    log = log_of(
        event("10:15:02", "Connect", status="ready"),
        event("10:15:03", "Record", status="running"),
        event("10:15:12", "Reconstruct", status="done", message="40 x 40 x 40 voxels of 1 mm"),
        event("10:15:13", "doubts", message="One. Two."),
        event("10:15:14", "notice", message="The disk is filling up."),
        event("10:15:15", "doubts acknowledged", number=2),
        event("10:15:15", "Segment", status="failed", message="The engine has ended."),
    )
    events = protocol_of({}, log).split("What happened\n\n")[1].splitlines()
    assert events == [
        "2026-03-05",
        "10:15:03  Record: began",
        "10:15:12  Reconstruct: done. 40 x 40 x 40 voxels of 1 mm",
        "10:15:13  Doubts: One. Two.",
        "10:15:14  Notice: The disk is filling up.",
        "10:15:15  Doubts acknowledged, number 2",
        "10:15:15  Segment: failed. The engine has ended.",
    ]


@pytest.mark.parametrize(
    "line", ["no JSON", "{}", '{"time": "yesterday", "event": "x"}', "[]", '{"time": 5, "event": 1}']
)
def test_a_line_of_another_version_is_shown_as_it_is(line):
    assert protocol_of({}, line + "\n").endswith(f"\n{line}\n")
