"""The views alone for a second monitor: what is taken away of Slicer's main window, and given back."""

import math
import re
import sys
from types import SimpleNamespace

import pytest
from CRLMSegmentationLib.navigation.margin import MarginState
from CRLMSegmentationLib.session.tumors.case_tumor import CaseTumor
from window_fakes import FakeWidget, make_reading, make_status


class MainWindow:
    """Slicer's, with a panel, three bars of which one is not shown, and a menu; `shown`: how it was shown last."""

    def __init__(self):
        self.docks = [FakeWidget(objectName="PanelDockWidget")]
        self.bars = [
            FakeWidget(objectName="MainToolBar"), FakeWidget(objectName="crlmDistanceBar"),
            FakeWidget(objectName="ViewToolBar", visible=False),
        ]  # fmt: skip
        self.menu, self.status = FakeWidget(objectName="menubar"), FakeWidget(objectName="StatusBar")
        self.shown, self.added, self.breaks, self.width = "maximized", [], [], 1920

    def findChildren(self, kind):
        return {"QDockWidget": self.docks, "QToolBar": self.bars}[kind]

    def menuBar(self):
        return self.menu

    def statusBar(self):
        return self.status

    def isMaximized(self):
        return self.shown == "maximized"

    def showFullScreen(self):
        self.shown = "full"

    def showMaximized(self):
        self.shown = "maximized"

    def showNormal(self):
        self.shown = "normal"

    def addToolBar(self, _area, bar):
        self.added.append(bar)

    def removeToolBar(self, bar):
        self.added.remove(bar)

    def insertToolBarBreak(self, before):
        assert before in self.added
        self.breaks.append(before)

    def removeToolBarBreak(self, before):
        self.breaks.remove(before)

    @property
    def visible(self):
        everything = [*self.docks, *self.bars, self.menu, self.status]
        return {part.objectName for part in everything if part.visible}


ALL = {"PanelDockWidget", "MainToolBar", "crlmDistanceBar", "menubar", "StatusBar"}


@pytest.fixture
def main(a_window):
    found = MainWindow()
    sys.modules["slicer"].util.mainWindow.return_value = found
    return found


@pytest.fixture
def live(a_window):
    """(window, session) with a stylus 0.5 mm from the tumor."""
    window, session = a_window
    session.set(CONNECT="DONE", SEGMENT="DONE", NAVIGATE="READY")
    session.stream.status, session.is_busy = make_status(), True
    session.given_readings = [make_reading(0.5, "WITHIN_MARGIN")]
    return window, session


@pytest.mark.parametrize("was", ["maximized", "normal"])
def test_one_press_shows_the_views_alone_and_another_gives_everything_back(a_window, main, was):
    window, session = a_window
    main.shown = was
    assert main.visible == ALL
    window.ui.fullScreenButton.click()
    assert session.screen.is_full and main.shown == "full" and main.visible == {"crlmDistanceBar"}
    sys.modules["slicer"].app.setHasBorderInFullScreen.assert_called_with(True)
    assert window.shown_views[-1] == "navigation" and len(main.added) == 1 and window.navigate.pinned.is_large
    assert main.breaks == main.added, "the distance has a row of its own"
    # What is brought up to date meanwhile changes nothing.
    window.refresh()
    assert main.shown == "full" and len(main.added) == 1
    window.hands_free.on_full_screen()
    assert not session.screen.is_full and main.shown == was and main.visible == ALL and main.added == []
    # The planning view was there before.
    assert window.shown_views[-1] == "volume" and not window.navigate.pinned.is_large


def test_views_that_were_chosen_meanwhile_stay(a_window, main, window_module):
    window, _ = a_window
    window.hands_free.on_full_screen()
    window.shown_layout, before = window_module("view.layouts").SWEEPING, list(window.shown_views)
    window.hands_free.on_full_screen()
    assert window.shown_views == before


@pytest.mark.parametrize("how", ["leave", "close_session", "close"])
def test_another_module_has_its_panel_back(a_window, main, how):
    window, _ = a_window
    window.hands_free.on_full_screen()
    getattr(window, how)()
    assert main.visible == ALL and main.added == main.breaks == [] and main.shown == "maximized"


def test_the_read_out_is_large_meanwhile(live, main):
    window, _ = live
    window.tick()
    assert "22px" in window.navigate.pinned._bar.styleSheet
    window.hands_free.on_full_screen()
    window.navigate.pinned._label.width = 1900
    window.tick()
    assert "44px" in window.navigate.pinned._bar.styleSheet


def test_no_read_out_makes_the_window_wider_than_the_screen(live, main):
    """A label as wide as its text would: with several tumors, or in large letters."""
    window, session = live
    main.width = 1280
    window.tick()
    window.hands_free.on_full_screen()
    other = SimpleNamespace(text="T1: 20.1 mm ± at least 1.5, outside the margin", margin=MarginState.CLEAR)
    session.given_readings = [make_reading(0.5, "WITHIN_MARGIN", other=other)]
    window.navigate.pinned._label.width = 1100
    window.tick()
    pinned = window.navigate.pinned
    [size] = [int(size) for size in re.findall(r"font-size: (\d+)px", pinned._bar.styleSheet)]
    assert 12 <= size < 44 and 0.6 * size * len(pinned.text) < 1100 and pinned._label.minimumWidth == 1


def test_keys_and_a_foot_switch_press_the_buttons_of_the_window(a_window, main):
    window, session = a_window
    qt = sys.modules["qt"]
    waiting = []
    qt.QTimer.singleShot.side_effect = lambda _ms, slot: waiting.append(slot)
    window.refresh()
    slots = [call.args[1] for call in qt.QShortcut.return_value.connect.call_args_list]
    assert len(slots) == qt.QShortcut.call_count == 4
    slots[0]()
    assert session.hands_free.text.startswith("Start recording (Connect first") and not waiting
    session.stream.status = make_status()
    assert session.hands_free.ask("next_step") == ""
    session.hands_free.process()
    # Once the session has done its work: the button may ask something.
    assert "recording.start" not in session.calls and len(waiting) == 1
    waiting.pop()()
    assert "recording.start" in session.calls and "live" not in window.shown_views, "the button answers first"
    [show] = waiting
    show()
    assert "live" not in window.shown_views, "it was ended before"
    session.recording.state = SimpleNamespace(
        frames=3, seconds=1.0, invalid=0, coverage=math.nan, hints=()
    )  # fmt: skip
    show()
    assert window.shown_views[-1] == "live"
    window.refresh()
    assert window.ui.handsFreeState.text == "Last: Start recording"


def test_the_next_tumor_is_shown_and_navigating_goes_on(a_window, main, window_module):
    window, session = a_window
    window.hands_free.on_next_tumor()
    assert "no other tumor" in window.box.state_text
    session.tumors.all = (*session.tumors.all, CaseTumor(2, "T2", (1.0, 0.4, 0.2)))
    window.show_threshold = lambda: None
    window.hands_free.on_next_tumor()
    assert "tumors.choose" in session.calls
    window.shown_layout, before = window_module("view.layouts").NAVIGATION, list(window.shown_views)
    window.hands_free.on_navigate()
    assert window.shown_views == before


def test_why_a_foot_switch_was_refused_stands_beside_the_way_back(a_window, main):
    window, session = a_window
    window.hands_free.on_full_screen()
    session.hands_free.ask("new_case")
    session.hands_free.process()
    assert "may not ask" in window.hands_free.full_screen._said.text
    assert "F9:  Full screen" in window.ui.keysLabel.text and "F2:  Start recording / Stop" in window.ui.keysLabel.text
