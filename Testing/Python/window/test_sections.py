"""Sections of the window open one after the other while a case is made, and none by itself once a tumor exists."""

import sys
from unittest.mock import Mock

import pytest
from window_fakes import make_reading


def opened(window):
    """The names of the sections that are open."""
    steps = {name: panel for name, panel in window.panels.items() if panel in window.numbered}
    return [name for name, panel in steps.items() if not panel.section.collapsed]


def at(window, session, **statuses):
    session.set(**statuses)
    window.refresh()
    return opened(window)


def with_tumor(window, session):
    session.view["volume"] = session.view["surface"] = object()
    at(window, session, CONNECT="DONE", RECORD="DONE")
    at(window, session, RECONSTRUCT="DONE", BOX="READY")
    at(window, session, BOX="DONE", SEGMENT="READY")
    return at(window, session, SEGMENT="DONE", NAVIGATE="READY")


def test_each_step_opens_the_next_one(a_window):
    window, session = a_window
    assert opened(window) == ["connect"]
    assert at(window, session, CONNECT="DONE", RECORD="READY") == ["record"]
    assert at(window, session, RECORD="DONE", RECONSTRUCT="DONE", BOX="READY") == ["box"]
    assert at(window, session, BOX="DONE", SEGMENT="READY") == ["segment"]
    assert at(window, session, SEGMENT="DONE", NAVIGATE="READY") == ["navigate"]


def test_a_server_that_comes_back_leaves_the_navigation_open(a_window):
    window, session = a_window
    assert with_tumor(window, session) == ["navigate"]
    assert at(window, session, CONNECT="RUNNING") == ["navigate"]
    window.shown_views.clear()
    assert at(window, session, CONNECT="DONE") == ["navigate"]
    assert window.shown_views == []


def test_a_server_that_comes_back_leaves_the_box_open(a_window):
    window, session = a_window
    session.view["volume"] = object()
    at(window, session, CONNECT="DONE", RECORD="DONE")
    assert at(window, session, RECONSTRUCT="DONE", BOX="READY") == ["box"]
    at(window, session, CONNECT="RUNNING")
    window.shown_views.clear()
    assert at(window, session, CONNECT="DONE") == ["box"]
    assert window.shown_views == []


def test_what_a_person_has_opened_stays_open_beside_a_tumor(a_window):
    window, session = a_window
    with_tumor(window, session)
    window.open_step(window.connect)
    at(window, session, CONNECT="RUNNING")
    assert at(window, session, CONNECT="DONE") == ["connect"]


def test_doubts_keep_the_section_open_until_a_person_has_looked(a_window):
    window, session = a_window
    session.tumor.doubts = ("the first doubt", "the second doubt")
    session.state.doubts_acknowledged = False
    assert with_tumor(window, session) == ["segment"]
    assert window.segment.state_text.startswith("LOOK")
    assert all(doubt in window.segment.state_text for doubt in ("first doubt", "second doubt"))
    for _ in range(3):
        window.refresh()
    assert opened(window) == ["segment"]
    window.ui.reviewedButton.click()
    assert session.state.doubts_acknowledged and opened(window) == ["navigate"]
    assert not window.ui.reviewedButton.visible and not window.segment.state_text.startswith("LOOK:")
    # What is still there can still be read.
    assert "second doubt" in window.segment.state_text


def test_warnings_about_the_box_keep_its_section_open_until_a_person_has_looked(a_window):
    window, session = a_window
    at(window, session, CONNECT="DONE", RECORD="DONE")
    at(window, session, RECONSTRUCT="DONE", BOX="READY")
    session.box.warnings = ("one warning", "another warning")
    assert at(window, session, BOX="DONE", SEGMENT="READY") == ["box"]
    assert all(words in window.box.state_text.lower() for words in session.box.warnings)
    window.ui.boxReviewedButton.click()
    assert opened(window) == ["segment"]
    # Another warning is another reason to look.
    session.box.warnings = ("one warning", "a third warning")
    window.open_step(window.box)
    window.refresh()
    assert window.ui.boxReviewedButton.visible


@pytest.mark.parametrize(
    "readings, words, kind",
    [
        ([make_reading(0.5, "WITHIN_MARGIN")], "0.5 mm", "warn"),
        ([make_reading(30, "CLEAR"), make_reading(-1, "INSIDE", name="Needle")], "Needle \u22121.0 mm", "bad"),
        ([make_reading(30, "CLEAR"), make_reading(status="INVALID", name="Needle")], "Needle LOST", "lost"),
        ([make_reading(4, "WITHIN_MARGIN"), make_reading(2, "WITHIN_MARGIN", name="Needle")], "Needle 2.0", "warn"),
    ],
)
def test_a_closed_title_carries_the_worst_reading_in_its_color(a_window, window_module, readings, words, kind):
    window, session = a_window
    with_tumor(window, session)
    session.given_readings = readings
    window.open_step(window.connect)
    window.tick()
    window.refresh()
    section = window.ui.navigateSection
    assert words in section.text
    assert window_module("style").COLORS[kind][0] in section.styleSheet
    window.open_step(window.navigate)
    assert words not in section.text and window_module("style").COLORS[kind][0] not in section.styleSheet


def test_another_case_opens_the_step_that_is_next(a_window):
    window, session = a_window
    with_tumor(window, session)
    session.view.clear()
    session.set(RECORD="READY", RECONSTRUCT="WAITING", BOX="WAITING", SEGMENT="WAITING", NAVIGATE="WAITING")
    session.case.has_unsaved_data = False
    window.ui.newCaseButton.click()
    assert "case.begin" in session.calls and opened(window) == ["record"]


@pytest.mark.parametrize(
    ("top", "bottom", "expected"),
    [(120, 300, 100), (250, 700, 200), (250, 1500, 250), (40, 90, 40), (-5, 90, 0), (100, 600, 100)],
)
def test_a_section_that_is_opened_is_brought_into_view(window_module, top, bottom, expected):
    """Scrolled to 100, with 500 pixels to be seen: no more than is needed, and never past its title."""
    assert window_module("panels.scrolling").offset_for(top, bottom, 100, 500) == expected


def test_whatever_opens_a_step_brings_it_into_view(a_window, monkeypatch):
    window, session = a_window
    shown = []
    monkeypatch.setattr(window.sections, "_show", shown.append)
    at(window, session, CONNECT="DONE", RECORD="READY")
    window.open_step(window.navigate)
    assert shown == [window.record.section, window.navigate.section]


def test_a_section_that_a_person_opens_and_a_question_are_brought_into_view(a_window, window_module, monkeypatch):
    window, session = a_window
    shown = []
    for name in ("step_panel", "source_panel"):
        monkeypatch.setattr(window_module(f"panels.{name}"), "bring_into_view", shown.append)
    window.calibrate.section.collapsed = False
    window.calibrate.section.collapsed = True
    assert shown == [window.calibrate.section]
    session.case.question = "Another source: is it the same patient?"
    window.refresh()
    window.refresh()
    assert shown[1:] == [window.ui.sourceFrame], "once: whoever scrolls away afterwards is left alone"


class _Places(list):
    """Of a panel: QBoxLayout, as far as it is used."""

    def indexOf(self, widget):
        return self.index(widget) if widget in self else -1

    def removeWidget(self, widget):
        self.remove(widget)

    def insertSpacing(self, place, _pixels):
        self.insert(place, "spacing")

    def insertWidget(self, place, widget, _stretch):
        self.insert(place, widget)

    def takeAt(self, place):
        return self.pop(place)


@pytest.mark.parametrize("stays", [False, True])
def test_the_module_leaves_its_place_in_the_panel_by_itself_before_slicer_takes_it_out(
    a_window, window_module, monkeypatch, stays
):
    scrolling, later = window_module("panels.scrolling"), []
    monkeypatch.setattr(scrolling.qt.QTimer, "singleShot", lambda _ms, call: later.append(call))
    places = _Places(["help"])
    contents = Mock(layout=lambda: places)
    area = Mock(widget=lambda: contents, inherits=lambda name: name == "QScrollArea")
    viewport = Mock(parentWidget=lambda: area, inherits=lambda name: False)
    contents.parentWidget, contents.inherits = lambda: viewport, lambda name: False
    module = Mock(parentWidget=lambda: contents, inherits=lambda name: False, visible=True)
    part = Mock(parentWidget=lambda: module)
    places.append(module)
    scrolling.leave_its_place(part)
    assert places == ["help", "spacing"], "an item that Slicer leaves behind would be the one that is told of changes"
    if not stays:
        # As Slicer does it.
        places.takeAt(1)
        module.visible = False
    for call in later:
        call()
    assert places == (["help", module] if stays else ["help"])


def test_the_button_of_navigating_answers_before_other_views_are_laid_out(a_window):
    window, session = a_window
    with_tumor(window, session)
    session.refresh, waiting = Mock(), []
    sys.modules["qt"].QTimer.singleShot.side_effect = lambda _ms, slot: waiting.append(slot)
    window.shown_views.clear()
    window.ui.navigateButton.click()
    assert window.ui.navigateButton.text == "Show the planning view" and "navigation" not in window.shown_views
    # Pressed again before the views came: none are laid out that nobody wants any more.
    window.ui.navigateButton.click()
    assert window.ui.navigateButton.text != "Show the planning view"
    for show in waiting:
        show()
    assert window.shown_views == ["tumor"]
    window.ui.navigateButton.click()
    waiting[-1]()
    assert window.shown_views == ["tumor", "navigation"] and window.navigate.is_shown
    window.ui.navigateButton.click()
    window.close_session()
    waiting[-1]()
    assert window.shown_views == ["tumor", "navigation"]
