"""Step 5: the live slice beside the 3D view, and how far each tool is from the tumor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import qt
import slicer
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.words import tr as _

from .. import icons, style
from ..sounds import WarningSound
from ..view import layouts, views
from ..view.breach_warning import BreachWarnings
from .pinned_readout import PinnedReadout
from .readout import ToolReadout, worst_reading
from .step_panel import StepPanel, sentence_of

if TYPE_CHECKING:
    from CRLMSegmentationLib.session.tools import ToolReading, ToolStatus

    from ..window import Window


class NavigatePanel(StepPanel):
    """The navigation view and the read-outs."""

    def __init__(self, window: Window):
        ui = window.ui
        super().__init__(window, ui.navigateSection, ui.navigateChip, ui.navigateState)
        # Which view was asked for and is not laid out yet: True for that of navigating; None for none.
        self._wanted: bool | None = None
        style.apply(ui.navigateButton, style.BUTTON)
        icons.put(ui.navigateButton, "Navigate")
        ui.navigateButton.connect("clicked()", self.on_navigate)
        self.readouts: dict[str, ToolReadout] = {}
        # By the tool's name, as the read-outs show it.
        self.readings: dict[str, ToolReading] = {}
        # What the line of state tells of.
        self._statuses: dict[str, ToolStatus] = {}
        # True from a refresh that has written a live distance into titles and lists until one that has not.
        self.shows_live = False
        self.sound = WarningSound()
        self.breach_warnings = BreachWarnings()
        self.pinned = PinnedReadout()
        style.apply(ui.publishButton, style.SMALL_BUTTON)
        style.apply(ui.publishState, style.NOTE)
        ui.publishButton.connect("clicked()", self.on_publish)
        self._show_button()
        has_slicer_igt = hasattr(slicer.modules, "volumereslicedriver")
        ui.sliceDriverCheckBox.enabled = has_slicer_igt
        if not has_slicer_igt:
            ui.sliceDriverCheckBox.toolTip = _("SlicerIGT is not installed: the module moves the slice by itself")

    @property
    def is_shown(self) -> bool:
        """True while the navigation view is on the screen, or about to be."""
        return self.window.layouts.current == layouts.NAVIGATION if self._wanted is None else self._wanted

    def on_navigate(self) -> None:
        """The large button: the navigation view, or the planning view."""
        with self.attempt():
            wanted = not self.is_shown
            if wanted:
                actions.NAVIGATE.run(self.session)
            # Other views take a moment to be laid out: the button says first that it was heard.
            self._wanted = wanted
            qt.QTimer.singleShot(0, self._show_wanted)

    def _show_wanted(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is not None and self.session is not None:
            with self.attempt():
                self.window.shown.navigation() if wanted else self.window.shown.tumor()

    def on_publish(self) -> None:
        """Tumor and distances go out to other programs, or no more."""
        with self.attempt():
            if self.session.publishing.port is not None:
                actions.STOP_PUBLISHING.run(self.session)
                return
            parameters = self.window.parameters
            # OpenIGTLink asks nobody who he is: other computers only where a person wants them.
            actions.PUBLISH.run(
                self.session, parameters.publishPort, "0.0.0.0" if parameters.publishOpenly else "127.0.0.1"  # noqa: S104
            )  # fmt: skip

    def show_lost(self) -> None:
        """A fault: no number on the screen can be trusted."""
        self.readings, self._statuses = {}, {}
        self.breach_warnings.remove()
        for readout in self.readouts.values():
            readout.show_lost()
        if self.session is not None and self.session.tools.has_target:
            self.pinned.show_lost()
        # At once: what is refreshed by and by may be what fails.
        super().refresh()

    def tick(self) -> None:
        """As often as the session works: every number on the screen, sound, and what SlicerIGT shows."""
        readings = self.readings = {reading.name: reading for reading in self.session.tools.readings()}
        for name in list(self.readouts):
            if name not in readings:
                self.readouts.pop(name).remove()
        tumors = self.session.tumors
        tumor = tumors.chosen.name if len(tumors.all) > 1 else ""
        measured = []
        for name, reading in readings.items():
            if name not in self.readouts:
                self.readouts[name] = ToolReadout(self.ui.readoutFrame.layout(), name)
            kind = self.readouts[name].show(reading, tumor)
            if reading.signed_distance_mm is not None or reading.other is not None:
                measured.append(kind)
        # Also by one of an earlier sweep, while nothing was found in the newest.
        if self.session.tools.has_target:
            image = self.session.stream.image
            self.pinned.show(readings.values(), tumor, image.plane if image.is_live() else None)
        elif self.session.volume.has_any:
            self.pinned.empty()
        else:
            self.pinned.remove()
        parameters = self.window.parameters
        if parameters.sound:
            self.sound.update(measured)
        self.breach_warnings.update(self.view, readings, self.session.structures.margin_mm, parameters.useSlicerIgt)
        # Of two numbers that differ nobody knows which one to believe, nor of a LIVE beside a LOST.
        statuses = {name: reading.status for name, reading in readings.items()}
        if statuses != self._statuses:
            self._statuses = statuses
            super().refresh()
        elif self.section.collapsed:
            self.show_title()
        self.window.tumors.follow(readings.values())

    def line(self) -> tuple[str, str, str]:
        if self.window.fault:
            return "lost", _("LOST"), self.window.fault
        state = self.session.state[self.window.steps.NAVIGATE]
        if state.status.name == "WAITING":
            return "idle", _("WAITING"), sentence_of(state.message) or _("Find the tumor first.")
        live = [reading for reading in self.readings.values() if reading.status.name == "LIVE"]
        if self.session.stream.status is None:
            return "warn", _("NOT LIVE"), _("Connect first: nothing is tracked now.")
        if not live:
            return "warn", _("NO TOOL"), _("No tool is tracked now.")
        names = ", ".join(reading.name for reading in live)
        return (
            "good",
            _("LIVE"),
            _("{names} tracked, margin {margin:.0f} mm.").format(names=names, margin=self.session.structures.margin_mm),
        )

    def title_state(self) -> tuple[str, str]:
        """The worst of the read-outs: whoever has closed the section still sees it."""
        return self._chip_state() if self.window.fault else worst_reading(self.readings.values()) or self._chip_state()

    def is_done(self) -> bool:
        return False

    def refresh(self) -> None:
        super().refresh()
        self.shows_live = any(reading.status.name == "LIVE" for reading in self.readings.values())
        self._show_button()
        for name in self.readouts:
            views.show_in_3d_only(self.window.view.distance_line_node(name))

    def _show_button(self) -> None:
        label = _("Show the planning view") if self.is_shown else ""
        self.show_action(self.ui.navigateButton, actions.NAVIGATE, label, self.is_shown)
        is_on = self.session is not None and self.session.publishing.port is not None
        self.show_action(self.ui.publishButton, actions.STOP_PUBLISHING if is_on else actions.PUBLISH)
        text = self.session.publishing.text if self.session is not None else ""
        style.write(self.ui.publishState, sentence_of(text) or _("Off."))
        self.ui.publishPortSpinBox.enabled = self.ui.publishOpenlyCheckBox.enabled = not is_on

    def release(self) -> None:
        super().release()
        self.readings, self._statuses, self.shows_live, self._wanted = {}, {}, False, None
        self.breach_warnings.remove()
        self.pinned.remove()
        for name in list(self.readouts):
            self.readouts.pop(name).remove()

    def close(self) -> None:
        super().close()
        self.pinned.close()
