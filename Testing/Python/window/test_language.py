"""The window speaks the language of Slicer: its own texts, those of the .ui file, and what the session says."""

import sys

import pytest
from CRLMSegmentationLib import words
from CRLMSegmentationLib.session.state import StepStatus
from pseudo_language import pseudo_language, spoken, unmarked
from window_fakes import FakeUi, FakeWidget, make_reading, make_status
from window_files import UI_FILE, widgets

# The properties of widgets that people read.
READ = ("text", "title", "toolTip", "placeholderText", "prefix", "suffix")
STATUSES = [{"CONNECT": status, "RECORD": status, "RECONSTRUCT": status, "BOX": status, "SEGMENT": status,
             "NAVIGATE": status} for status in StepStatus.__members__]  # fmt: skip


@pytest.mark.parametrize("locale, language", [("de-DE", "de"), ("de", "de"), ("en-US", "en"), ("fr-FR", "en")])
def test_the_language_is_that_of_slicer(window_module, locale, language):
    module = window_module("language")
    before = words.language()
    sys.modules["slicer"].app.applicationLocaleName = locale
    try:
        module.follow_slicer()
        assert words.language() == language
    finally:
        words.set_language(before)


def test_a_slicer_that_names_no_language_speaks_english(window_module):
    window_module("language").follow_slicer()
    assert words.language() == "en"


def test_every_text_of_the_ui_file_is_put_into_the_language(window_module):
    module, ui = window_module("language"), FakeUi()
    with spoken("de"):
        module.translate_ui(ui, UI_FILE)
    assert ui.marginSlider.suffix == " mm"
    texts = {text for _, _, text in module.texts_of(UI_FILE)}
    assert {"Host:", "Voxel size:", "Axial "} <= texts
    shown = [getattr(getattr(ui, name), entry) for name, entry, _ in module.texts_of(UI_FILE)]
    assert {"Rechner:", "Voxelgröße:"} <= set(shown)
    assert {name for name, _, _ in module.texts_of(UI_FILE)} <= set(widgets())
    with pseudo_language():
        module.translate_ui(ui, UI_FILE)
    assert all(getattr(getattr(ui, name), entry).startswith("⟦") for name, entry, _ in module.texts_of(UI_FILE))


def shown_by(ui):
    """(widget, text) of what the window has written; names that FakeUi gave stand for what it has not."""
    for name, widget in vars(ui).items():
        if isinstance(widget, FakeWidget):
            for entry in READ:
                text = vars(widget).get(entry, "")
                if isinstance(text, str) and text not in ("", name):
                    yield name, text


@pytest.mark.parametrize("statuses", STATUSES, ids=list(StepStatus.__members__))
def test_what_the_window_says_is_marked(a_window, statuses):
    window, session = a_window
    session.set(**statuses)
    session.stream.status = make_status()
    session.case.question = None
    session.given_readings = [make_reading(7.5, "WITHIN_MARGIN"), make_reading(status="LOST", name="Needle")]
    before = dict(shown_by(window.ui))
    with pseudo_language():
        window.refresh()
        window.navigate.tick()
    now = [(name, text) for name, text in shown_by(window.ui) if before.get(name) != text]
    assert len(now) > 40
    assert [(name, text) for name, text in now if unmarked(text)] == []
