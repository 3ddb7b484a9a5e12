"""What the page says of the session, and which files it offers."""

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.calibration.accuracy.budget import Budget
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.live.box_proposal import BoxProposal
from CRLMSegmentationLib.live.outliner import OutlinerStatus
from CRLMSegmentationLib.navigation.margin import MarginState
from CRLMSegmentationLib.navigation.tracked_tool import ToolStatus
from CRLMSegmentationLib.pictures.cut_handles import REACH
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.session.live.live_text import HINT, LiveStatus, live_text, proposal_text
from CRLMSegmentationLib.session.state import SessionState, Step, StepStatus
from CRLMSegmentationLib.session.tools import ToolReading
from CRLMSegmentationLib.tracking.age import Age
from CRLMSegmentationLib.values import Box, image_plane
from CRLMSegmentationLib.web.library import Library
from CRLMSegmentationLib.web.page import mirror, page_state
from CRLMSegmentationLib.web.page.page_state import STEP_LABELS, STEPS

NO_OTHER = {"other": "", "other_kind": "lost", "other_explanation": ""}


def _reading(status=ToolStatus.LIVE, distance_mm=None, margin=MarginState.UNKNOWN) -> ToolReading:
    return ToolReading("Stylus", status, np.eye(4) if status is ToolStatus.LIVE else None, distance_mm, None, margin)


def test_every_status_of_a_step_has_a_word():
    for status in StepStatus:
        state = SessionState()
        for step in Step:
            state[step].status = status
        lines = mirror.step_lines(state, is_measuring=False)
        assert tuple(lines) == STEPS
        assert {line["status"] for line in lines.values()} <= set(STEP_LABELS)


# Slicer's Segment Editor is begun and its result taken; on the page a ball is drawn.
IN_THE_WINDOW = (actions.EDIT_CT, actions.TAKE_CORRECTION)


def test_every_action_of_the_session_has_a_button_on_the_page():
    text = "".join(path.read_text(encoding="utf-8") for path in Path(page_state.__file__).parent.rglob("*.py"))
    names = {action: name for name, action in vars(actions).items() if isinstance(action, actions.Action)}
    missing = {action for action in actions.ACTIONS if f"described.{names[action]}" not in text}
    assert missing == set(IN_THE_WINDOW)
    assert set(page_state.PageState().actions) == {action.name for action in actions.ACTIONS}


def test_a_sentence_why_not_names_no_folder():
    session = SimpleNamespace(stream=SimpleNamespace(status=None))
    why_not = actions.Action("do", None, "Do", "Do it", print, lambda session: "no file /home/maria/a.mha")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mirror, "ACTIONS", (why_not, actions.DISCONNECT))
        values = mirror.action_values(session, lambda sentence: sentence.replace("/home/maria/", ""))
    assert values == {"do": {"why_not": "no file a.mha"}, "disconnect": {"why_not": "Nothing is connected."}}


def test_recording_and_its_volume_are_one_step():
    state = SessionState()

    def line():
        found = mirror.step_lines(state, False)["record"]
        return found["status"], found["text"]

    assert line() == ("waiting", "Connect first")
    state[Step.RECORD].status = StepStatus.READY
    assert line() == ("ready", "Ready to record")
    state[Step.RECORD].status = StepStatus.RUNNING
    state[Step.RECONSTRUCT].status = StepStatus.DONE
    assert line()[0] == "running"
    state[Step.RECORD].status = StepStatus.DONE
    state[Step.RECONSTRUCT].status = StepStatus.READY
    assert line() == ("ready", "Recorded; no volume was made of it yet")
    state[Step.RECONSTRUCT].status, state[Step.RECONSTRUCT].message = StepStatus.RUNNING, "filling holes"
    assert line() == ("running", "Filling holes")
    state[Step.RECONSTRUCT].status, state[Step.RECONSTRUCT].message = StepStatus.FAILED, "no valid pose"
    assert line() == ("failed", "No valid pose")


def test_navigation_is_live_only_while_a_distance_is_known():
    state = SessionState()
    state[Step.NAVIGATE].status = StepStatus.READY
    assert mirror.step_lines(state, True)["navigate"]["status"] == "live"
    assert mirror.step_lines(state, False)["navigate"]["status"] == "ready"


@pytest.mark.parametrize(
    "reading, distance, kind, text",
    [
        (_reading(distance_mm=12.34, margin=MarginState.CLEAR), "12.3 mm", "clear", "clear of the margin"),
        (_reading(distance_mm=3.0, margin=MarginState.WITHIN_MARGIN), "3.0 mm", "near", "within the margin"),
        (_reading(distance_mm=-2.05, margin=MarginState.INSIDE), "-2.0 mm", "inside", "inside the tumor"),
        (_reading(), "– mm", "lost", "no tumor to measure to"),
        (_reading(ToolStatus.LOST), "– mm", "lost", "lost"),
    ],
)
def test_a_tool_is_reported_in_text(reading, distance, kind, text):
    (line,) = mirror.tool_lines([replace(reading, age_s=0.14)])
    error = "error unknown" if reading.signed_distance_mm is not None else ""
    told = "Nothing is known of the error." if error else ""
    assert line == {
        "name": "Stylus", "distance": distance, "error": error, "explanation": told, "kind": kind, "text": text,
        "own_kind": kind, "tumor": "tumor", "short_error": error, "in_image": "",
        "age": "0.1 s ago" if reading.status is ToolStatus.LIVE else "", **NO_OTHER,
    }  # fmt: skip


def test_the_frame_has_the_color_of_the_worst_tool_and_the_live_image_says_where_it_stands():
    readings = [_reading(ToolStatus.LOST), _reading(distance_mm=3.0, margin=MarginState.WITHIN_MARGIN), _reading()]
    assert mirror.alarm_of(mirror.tool_lines(readings)) == "near"
    assert mirror.alarm_of(mirror.tool_lines(readings[:1])) == "lost" and mirror.alarm_of([]) == ""
    # An image 7 mm before the tip, which points away from it.
    plane = image_plane([[1, 0, 0, -50], [0, 1, 0, -50], [0, 0, 1, 7], [0, 0, 0, 1]], (100, 100))
    (line,) = mirror.tool_lines([_reading(distance_mm=3.0)], plane=plane)
    assert line["in_image"] == "tip 7 mm beside the image, it has passed it 7 mm ago"


def test_a_distance_stands_with_its_error_and_why_it_may_be_larger():
    budget = Budget({"outline": 0.6123}, {"stylus": "the stylus was not calibrated here"})
    (line,) = mirror.tool_lines([replace(_reading(distance_mm=7.46, margin=MarginState.CLEAR), budget=budget)])
    assert line["distance"] == "7.5 mm"
    assert line["error"] == "± at least 1.2 mm: the stylus was not calibrated here"
    assert "outline 1.2" in line["explanation"]


@pytest.mark.real_ages
def test_the_page_says_how_outlining_goes_and_that_it_is_a_hint():
    frames = OutlinerStatus(frames=30, outlined=28, dropped=2, frames_per_second=14.0, p95_ms=40.0)
    text = live_text(LiveStatus("on", "", frames), Age(0.045))
    assert text == f"14 frames/s outlined, the image 45 ms old. {HINT}"
    assert live_text(LiveStatus("on", "", frames), Age(0.8)) == f"No image is outlined at this moment. {HINT}"
    assert live_text(LiveStatus("failed", "The network has died.", frames), Age(0.1)) == "The network has died."
    assert live_text(LiveStatus(), Age(0.1)) == ""
    proposal = BoxProposal(Box((0, 0, 0), (40, 42, 38)), 0.87, 6.5, 10.0, 0.95)
    assert proposal_text(proposal) == (
        "Proposed: 40 x 42 x 38 mm around 6.5 mL, with a margin of 10 mm; confidence 87%."
    )
    part = SimpleNamespace(is_on=True, text="/home/a: died", moved_warning="It has moved.", proposal_text="")
    values = mirror.outline_values(part, lambda sentence: sentence.replace("/home/", ""))
    assert values == {
        "outlining": True, "outline_text": "a: died", "outline_warnings": ["It has moved."], "proposal_text": "",
    }  # fmt: skip
    assert set(values) <= set(vars(page_state.PageState()))


def test_the_chart_follows_the_first_tool_with_a_distance():
    assert mirror.first_distance_mm([_reading(ToolStatus.LOST), _reading(distance_mm=4.0)]) == 4.0
    assert mirror.first_distance_mm([_reading(ToolStatus.LOST)]) is None


def test_the_library_offers_recordings_of_its_folders(tmp_path):
    given = tmp_path / "given"
    given.mkdir()
    for name in ("one.igs.mha", "volume.mha", "plus.xml", ".hidden.igs.mha", "notes.txt"):
        (given / name).write_bytes(b"")
    single = tmp_path / "two.igs.nrrd"
    single.write_bytes(b"")
    library = Library(tmp_path / "page", [given, single, tmp_path / "missing"])
    (library.uploads.folder / "uploaded.mha").write_bytes(b"")
    assert [item["title"] for item in library.sweeps()] == ["one.igs.mha", "two.igs.nrrd", "uploaded.mha"]
    assert [item["title"] for item in library.configurations()][1:] == ["plus.xml"]
    assert library.path_of(str(single)) == single


def test_only_a_page_of_this_computer_reads_any_path(tmp_path):
    secret = tmp_path / "secret.igs.mha"
    secret.write_bytes(b"")
    assert Library(tmp_path / "own").path_of(f" {secret} ") == secret
    with pytest.raises(FileFormatError, match="upload"):
        Library(tmp_path / "shared", any_path=False).path_of(str(secret))
    with pytest.raises(FileFormatError, match="upload"):
        Library(tmp_path / "own").path_of(str(tmp_path / "absent.igs.mha"))


def test_what_the_page_shows_names_no_folder_of_this_computer(tmp_path):
    given = tmp_path / "secret place" / "given"
    given.mkdir(parents=True)
    (given / "one.igs.mha").write_bytes(b"")
    library = Library(tmp_path / "page", [given, given / "one.igs.mha"])
    (library.recordings / "two.igs.mha").write_bytes(b"")
    offered = library.sweeps()
    assert len(offered) == 3 and str(tmp_path) not in str(offered)
    assert [library.path_of(item["value"]).name for item in offered] == [item["title"] for item in offered]
    assert library.path_of(library.value_of(given / "one.igs.mha")) == given / "one.igs.mha"
    sentence = f"'{library.folder}/cases/a/case.json' is damaged, and so is /home/maria.muster/cases/b.mha; 3 frames/s."
    assert library.without_places(sentence) == "'cases/a/case.json' is damaged, and so is b.mha; 3 frames/s."
    assert library.without_places(r"C:\Users\maria\b.mha is damaged.") == "b.mha is damaged."


@pytest.mark.real_ages
@pytest.mark.parametrize(
    "connected, seconds, has_pose, expected",
    [
        (True, 0.1, True, ("", True)),
        (True, 0.1, False, ("Position unknown", True)),
        (True, 3.0, True, ("No new image", False)),
        (True, float("nan"), True, ("No new image", False)),
        (True, float("inf"), False, ("No new image", False)),
        (False, 0.1, True, ("No connection", False)),
    ],
)
@pytest.mark.real_ages
def test_why_an_image_is_not_live(connected, seconds, has_pose, expected):
    assert mirror.live_view(SimpleNamespace(connected=connected, age=Age(seconds)), has_pose) == expected


def test_without_a_stream_there_is_no_image():
    assert mirror.live_view(None, True) == ("No live image", False)


def test_what_a_person_should_look_at_is_no_green_tick():
    state = SessionState()
    state[Step.SEGMENT].status, state[Step.SEGMENT].message = StepStatus.DONE, "no tumor was found in the box"
    line = mirror.step_lines(state, False, needs_check=True)["segment"]
    assert line == {"status": "check", "text": "No tumor was found in the box"}
    assert mirror.step_lines(state, False)["segment"]["status"] == "done"
    state[Step.SEGMENT].status = StepStatus.RUNNING
    assert mirror.step_lines(state, False, needs_check=True)["segment"]["status"] == "running"


def test_tools_of_which_nothing_is_known_any_more_keep_no_number():
    (line,) = mirror.lost_lines(mirror.tool_lines([_reading(distance_mm=3.0, margin=MarginState.WITHIN_MARGIN)]))
    assert line == {
        "name": "Stylus", "distance": "– mm", "error": "", "explanation": "", "text": "lost", "kind": "lost",
        "own_kind": "lost", "tumor": "tumor", "short_error": "", "in_image": "", "age": "", **NO_OTHER,
    }  # fmt: skip


def test_saved_cases_are_offered_by_name_and_opened_only_from_the_list(tmp_path):
    library = Library(tmp_path / "page", [tmp_path / "given"])
    places = {"old": (library.cases, 1e9), "new": (library.cases, 1.5e9), "far": (tmp_path / "given", 1.2e9)}
    for name, (place, saved_s) in places.items():
        (place / name).mkdir(parents=True)
        (place / name / "case.json").write_text("{}")
        os.utime(place / name / "case.json", (saved_s, saved_s))
    (library.cases / "no-case").mkdir()
    offered = library.saved_cases()
    assert [one["title"] for one in offered] == ["new", "far", "old"] and str(tmp_path) not in str(offered)
    assert library.case_of(offered[1]["value"]) == tmp_path / "given" / "far"
    for absent in ("cases/no-case", str(library.cases / "new"), "../cases/new", ""):
        with pytest.raises(FileFormatError, match="not there"):
            library.case_of(absent)
    assert library.new_case_folder("next") == library.cases / "next"
    assert library.new_case_folder("new").name == "new-2"


def test_a_handle_of_the_cut_is_reached_from_as_far_on_the_page_as_in_the_window():
    script = (Path(page_state.__file__).parent / "assets" / "page.js").read_text(encoding="utf-8")
    assert page_state.PageState().ct_reach == REACH and 'get("ct_reach") * Math.max(width, height)' in script
