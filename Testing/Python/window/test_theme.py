"""Words stay readable when Slicer's theme is changed: every style sheet is set anew, the outer ones first."""

from unittest.mock import MagicMock

import pytest


class Styled:
    """A widget that writes down what its style sheet is set to."""

    def __init__(self, name, sheet, log):
        self.__dict__.update(name=name, sheet=sheet, log=log)

    @property
    def styleSheet(self):
        return self.sheet

    @styleSheet.setter
    def styleSheet(self, sheet):
        self.__dict__["sheet"] = sheet
        self.log.append((self.name, sheet))


def test_each_sheet_is_taken_away_and_set_again(window_module):
    log = []
    outer, plain, inner = Styled("outer", "A {}", log), Styled("plain", "", log), Styled("inner", "B {}", log)
    window_module("theme").restyle([outer, plain, inner])
    assert log == [("outer", ""), ("outer", "A {}"), ("inner", ""), ("inner", "B {}")]


@pytest.fixture
def watch(a_window, window_module):
    import slicer

    log = []
    root, inside = Styled("root", "", log), Styled("inside", "B {}", log)
    slicer.util.findChildren.return_value = [inside]
    theme = window_module("theme")
    return theme.ThemeWatch(root), log, theme.qt


def test_another_palette_sets_the_sheets_anew_once_the_event_is_over(watch):
    theme_watch, log, qt = watch
    later = []
    qt.QTimer.singleShot = lambda _, what: later.append(what)
    event = MagicMock()
    event.type.return_value = qt.QEvent.PaletteChange
    assert theme_watch.eventFilter(None, event) is False and theme_watch.eventFilter(None, event) is False
    assert log == [] and len(later) == 1
    later.pop()()
    assert log == [("inside", ""), ("inside", "B {}")]


def test_other_events_do_nothing(watch):
    theme_watch, log, qt = watch
    qt.QTimer.singleShot = lambda *_: pytest.fail("nothing is due")
    event = MagicMock()
    event.type.return_value = "a move of the mouse"
    assert theme_watch.eventFilter(None, event) is False and log == []
