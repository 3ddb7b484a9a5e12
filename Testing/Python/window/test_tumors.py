"""The list of tumors in the window: what stands in it, and what a person does with it."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
from CRLMSegmentationLib.navigation.margin import MarginState, Severity
from CRLMSegmentationLib.session.tumors.tumor_lines import TumorLine
from window_fakes import make_reading, make_status

LINE = TumorLine(
    1, "T1", "#ffcc33", "4.2 mL, largest diameter 23 mm", "", "7.5 mm ± 1.8", Severity.CLEAR, 2, True, True, False
)  # fmt: skip
SECOND = replace(
    LINE, number=2, name="T2", distance="", remark="found in sweep 1, 14:02", doubts=0, doubts_new=False,
    is_chosen=False, is_corrected=True,
)  # fmt: skip


class Rows:
    """As a QListWidget: its texts, its colors, and what is told of a row that is pressed."""

    def __init__(self):
        self.texts, self.tips, self.current, self._slots = [], {}, -1, []

    def connect(self, signal, slot):
        assert signal == "currentRowChanged(int)"
        self._slots.append(slot)

    def clear(self):
        self.texts, self.tips = [], {}
        self.setCurrentRow(-1)

    def addItem(self, text):
        self.texts.append(text)

    def item(self, row):
        return SimpleNamespace(
            setText=lambda text: self.texts.__setitem__(row, text), setIcon=lambda icon: None,
            setToolTip=lambda text: self.tips.__setitem__(row, text),
        )  # fmt: skip

    def setFixedHeight(self, height):
        self.height = height

    def setCurrentRow(self, row):
        if row != self.current:
            self.current = row
            for slot in self._slots:
                slot(row)


@pytest.fixture
def listed(a_window, window_module, monkeypatch):
    """(window, session, rows) with two tumors in the list, of which the second was corrected by hand."""
    window, session = a_window
    module = window_module("panels.tumors_panel")
    given = [LINE, SECOND]
    monkeypatch.setattr(module, "lines_of", lambda _session, _readings: list(given))
    session.set(CONNECT="DONE", RECORD="DONE", RECONSTRUCT="DONE", BOX="DONE", SEGMENT="DONE", NAVIGATE="READY")
    session.tumors.is_any = True
    rows = window.ui.tumorList = Rows()
    rows.connect("currentRowChanged(int)", window.tumors.on_row)
    window.given = given
    window.refresh()
    session.calls.clear()
    return window, session, rows


def test_every_tumor_has_its_line_and_the_chosen_one_is_marked(listed):
    window, session, rows = listed
    assert window.ui.tumorsFrame.visible and rows.current == 0 and session.calls == []
    assert rows.texts == [
        "T1:  4.2 mL, largest diameter 23 mm\n7.5 mm ± 1.8  |  2 doubts, not looked at",
        "T2:  4.2 mL, largest diameter 23 mm\nfound in sweep 1, 14:02",
    ]
    assert [*rows.tips.values()] == rows.texts
    height = rows.height
    window.given[0] = replace(LINE, distance="3.0 mm ± 1.8", doubts=1, doubts_new=False)
    window.refresh()
    assert rows.texts[0].endswith("\n3.0 mm ± 1.8  |  1 doubt") and rows.height == height
    window.given[:] = [replace(LINE, distance="", doubts=0)]
    window.refresh()
    assert rows.texts == ["T1:  4.2 mL, largest diameter 23 mm"] and rows.height < height / 2
    window.given.clear()
    window.refresh()
    assert not window.ui.tumorsFrame.visible


def test_a_line_that_is_pressed_is_chosen(listed):
    window, session, rows = listed
    rows.setCurrentRow(1)
    assert "tumors.choose" in session.calls
    session.calls.clear()
    window.tumors.on_row(0)
    assert session.calls == [], "it is chosen already"


def test_the_chosen_line_that_is_pressed_brings_back_the_volume_that_it_was_found_in(listed):
    window, session, _ = listed
    window.shown_views.clear()
    window.tumors.on_click(0)
    assert session.calls == ["tumors.choose"] and window.shown_views == [], "it is on the screen already"
    session.tumors.choose = lambda number: setattr(session.tumors, "scan", object())
    session.tumor.surface = object()
    window.tumors.on_click(0)
    assert window.shown_views == ["tumor"]


def test_the_newest_sweep_is_gone_back_to(listed):
    window, session, _ = listed
    assert not window.ui.newestSweepButton.visible
    session.tumors.can_show_newest = True
    window.refresh()
    window.ui.newestSweepButton.click()
    assert "tumors.show_newest" in session.calls


def test_no_read_out_is_behind_another_one(listed):
    window, session, rows = listed
    window.open_step(window.connect)
    for distance_mm in (9.0, 8.0, 7.0):
        session.given_readings = [make_reading(distance_mm, "CLEAR")]
        window.given[0] = replace(LINE, distance=f"{distance_mm} mm ± 1.8")
        # Between two times at which everything is brought up to date.
        window._next_refresh_s = window._next_count_s = math.inf
        window.tick()
        shown = f"{distance_mm} mm"
        assert window.navigate.pinned.text.startswith(shown)
        assert shown in window.navigate.section.text and shown in rows.texts[0]
    assert rows.current == 0 and "tumors.choose" not in session.calls


def test_the_line_of_state_is_not_behind_a_read_out(listed):
    window, session, _ = listed
    session.stream.status = make_status()
    session.given_readings = [make_reading(9.0, "CLEAR")]
    window.open_step(window.navigate)
    window.tick()
    for status, label in (("INVALID", "NO TOOL"), ("LIVE", "LIVE"), ("LOST", "NO TOOL")):
        session.given_readings = [make_reading(9.0 if status == "LIVE" else None, "CLEAR", status=status)]
        window._next_refresh_s = window._next_count_s = math.inf
        window.tick()
        assert window.navigate.state_text.startswith(f"{label}:"), status


def test_the_titles_make_the_panel_no_wider(listed):
    window, _, _ = listed
    assert {panel.section.minimumWidth for panel in window.numbered} == {1}


def test_the_read_out_stays_whatever_section_is_open_and_goes_with_the_tumor(listed):
    window, session, _ = listed
    session.given_readings = [make_reading(30.0, "CLEAR"), make_reading(2.0, "WITHIN_MARGIN", name="Needle")]
    window.open_step(window.connect)
    window.tick()
    pinned = window.navigate.pinned
    assert pinned.text.startswith("2.0 mm   error unknown, 0.1 s ago   Needle: WITHIN THE MARGIN")
    session.fault = "a fault"
    window.tick()
    assert pinned.text.startswith("LOST")
    session.fault = None
    session.set(NAVIGATE="WAITING")
    # A new sweep, in which nothing was found yet: the tumors of the former one are measured to.
    session.tools.has_target = True
    window.tick()
    assert pinned.text.startswith("2.0 mm")
    session.tools.has_target = False
    window.tick()
    # A bar that goes has every view laid out and drawn anew.
    assert pinned.text == "" and pinned._bar.visible and "No distance" in pinned._label.text
    session.volume.has_any = False
    window.tick()
    assert pinned.text == "" and not pinned._bar.visible


def test_another_tumor_waits_for_the_click_that_places_its_box(listed):
    window, session, _ = listed
    session.tumors.chosen = replace(session.tumors.chosen, box=object())
    window.refresh()
    window.ui.addTumorButton.click()
    assert "tumors.add" in session.calls and window.box.picker.is_waiting and not window.box.section.collapsed


@pytest.mark.parametrize("agrees", [False, True])
def test_what_a_hand_has_made_is_not_deleted_unasked(listed, agrees):
    window, session, _ = listed
    asked = []
    window.questions.may_delete_hand_work = lambda name: asked.append(name) or agrees
    window.ui.deleteTumorButton.click()
    assert session.calls == ["tumors.delete"] and asked == []
    session.calls.clear()
    window.given[:] = [replace(LINE, is_chosen=False), replace(SECOND, is_chosen=True)]
    window.refresh()
    window.ui.deleteTumorButton.click()
    assert asked == ["T2"] and ("tumors.delete" in session.calls) == agrees


def test_another_tumor_that_is_near_warns_also_while_the_chosen_one_is_far(window_module, listed):
    readout = window_module("panels.readout")
    other = SimpleNamespace(margin=MarginState.WITHIN_MARGIN, text="T2: 3.1 mm ± 1.6, within the margin")
    far = make_reading(30.0, "CLEAR", other=other)
    far.error_text = ""
    panel = readout.ToolReadout(window_module("style") and SimpleNamespace(addWidget=lambda frame: None), "Stylus")
    assert panel.show(far, "T1") == "warn"
    assert panel.text == "Stylus to T1: 30.0 mm  clear of the margin T2: 3.1 mm ± 1.6, within the margin"
    kind, text = readout.worst_reading([far])
    assert (kind, text) == ("warn", "T2: 3.1 mm ± 1.6, within the margin"), "a title has no room for both"
    near = make_reading(2.0, "WITHIN_MARGIN", other=other)
    assert readout.worst_reading([near])[1] == f"2.0 mm WITHIN THE MARGIN; {other.text}"
    assert readout.lines_of(far, "T1") == (
        "warn", "30.0 mm", ["error unknown, 0.1 s ago", "Stylus to T1: clear of the margin", other.text]
    )  # fmt: skip
    # What was found earlier is told wherever the distance is.
    far.remark = "found in sweep 1, 14:02"
    panel.show(far, "T1")
    assert "found in sweep 1" in panel.text and "found in sweep 1, 14:02" in readout.lines_of(far)[2]
    panel.show_lost()
    assert "T2" not in panel.text.split(":", 1)[1]
