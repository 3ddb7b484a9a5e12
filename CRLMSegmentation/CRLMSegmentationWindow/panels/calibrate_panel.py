"""Beside the steps: a stylus or a probe is calibrated, and what is known of the errors of the devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.words import tr as _

from .. import style
from ..tool_setup import ToolSetup
from .doubt_list import listed
from .record_panel import show_progress
from .step_panel import StepPanel, sentence_of

if TYPE_CHECKING:
    from ..window import Window


class CalibratePanel(StepPanel):
    """Closed until somebody opens it: the five steps do without."""

    def __init__(self, window: Window):
        ui = window.ui
        super().__init__(window, ui.calibrateSection, ui.calibrateChip, ui.calibrateState)
        self._reported = ""
        style.apply(ui.calibrationDoneButton, style.BUTTON)
        style.apply(ui.calibrationProgressBar, style.BAR)
        for label in (ui.calibrationFigures, ui.knownErrors):
            style.apply(label, style.NOTE)
        for button, slot in (
            (ui.calibrateStylusButton, self.on_stylus),
            (ui.calibrateProbeButton, self.on_probe),
            (ui.measureAccuracyButton, self.on_measure),
            (ui.calibrationDoneButton, self.on_done_button),
            (ui.discardCalibrationButton, self.on_discard),
            (ui.keepCalibrationsButton, self.on_keep),
            (ui.useKeptButton, self.on_use_kept),
        ):
            button.connect("clicked()", slot)
            if button is not ui.calibrationDoneButton:
                style.apply(button, style.SMALL_BUTTON)
        self._tools: list[str] = []
        self.setup = ToolSetup(self)
        self._show_buttons()

    @property
    def chosen_tool(self) -> str:
        """The tool that stands in the list; '' while there is none."""
        row = self.ui.calibrationToolComboBox.currentIndex
        return self._tools[row] if 0 <= row < len(self._tools) else ""

    def on_stylus(self) -> None:
        """Calibrate the tool that is chosen."""
        with self.attempt():
            self._reported = ""
            row = max(0, self.ui.calibrationToolComboBox.currentIndex)
            actions.CALIBRATE_STYLUS.run(self.session, self._tools[row])

    def on_probe(self) -> None:
        """Calibrate the probe on the phantom of PLUS's configuration."""
        from CRLMSegmentationLib.errors import ConfigurationError

        with self.attempt():
            self._reported = ""
            path = self.window.parameters.plusConfiguration.strip()
            if not path:
                raise ConfigurationError(_("Choose the PLUS configuration with the phantom under Connect, Advanced."))
            actions.CALIBRATE_PROBE.run(self.session, path)

    def on_measure(self) -> None:
        """Measure on a phantom: its targets are those of the file that is chosen."""
        from CRLMSegmentationLib.errors import ConfigurationError

        with self.attempt():
            self._reported = ""
            path = self.ui.targetsPathLineEdit.currentPath.strip()
            if not path:
                raise ConfigurationError(_("Choose the file with the phantom's targets first."))
            row = max(0, self.ui.calibrationToolComboBox.currentIndex)
            actions.MEASURE_ACCURACY.run(self.session, self._tools[row], path)

    def on_done_button(self) -> None:
        """The large button: take no more, use what was found, or keep what was measured."""
        with self.attempt():
            result = self.session.calibration.result
            if result is None:
                actions.END_CALIBRATION.run(self.session)
            elif not result.is_calibration:
                written = actions.WRITE_ACCURACY.run(self.session)
                self.session.report(_("What was measured is kept in {path}.").format(path=written))
            else:
                actions.ACCEPT_CALIBRATION.run(self.session)
                self._reported = _("It counts from now on.")

    def on_discard(self) -> None:
        """Forget what runs, or was found."""
        with self.attempt():
            actions.DISCARD_CALIBRATION.run(self.session)

    def on_keep(self) -> None:
        """Into the file of calibrations, beside the recordings."""
        with self.attempt():
            path = actions.KEEP_CALIBRATIONS.run(self.session)
            self._reported = _("Kept in {path}.").format(path=path)

    def on_use_kept(self) -> None:
        """What was kept counts again."""
        with self.attempt():
            self._reported = actions.USE_KEPT_CALIBRATIONS.run(self.session)

    def line(self) -> tuple[str, str, str]:
        part = self.session.calibration
        if part.is_ending:
            return "busy", _("WORKING"), _("Computing the result.")
        if part.is_running:
            return "busy", _("CALIBRATING") if part.calibrates else _("MEASURING"), part.instruction
        if part.result is not None:
            doubtful = part.result.missing or part.result.is_coarse
            return "warn" if doubtful else "good", _("RESULT"), sentence_of(part.result.text)
        if part.problem:
            return "bad", _("NO RESULT"), part.problem
        known = part.known_errors
        unknown = [one.source for one in known if not one.is_known]
        if coarse := [one.source for one in known if one.is_coarse]:
            return "warn", _("LOOK"), _("Known too coarsely: {names}. Calibrate again.").format(names=", ".join(coarse))
        if self._reported:
            return ("ready" if unknown else "good"), _("KNOWN"), self._reported
        if unknown:
            return "ready", _("OPTIONAL"), _("Errors are not known of: {names}.").format(names=", ".join(unknown))
        return "good", _("KNOWN"), _("The errors of all devices are known.")

    def is_done(self) -> bool:
        return False

    def refresh(self) -> None:
        super().refresh()
        self._fill_tools()
        self._show_buttons()
        part, ui = self.session.calibration, self.ui
        shown = part.guidance if part.result is None else part.result
        is_shown = part.is_running or part.result is not None
        figures = [f"{what}: {how_much}" for what, how_much in shown.figures]
        style.write(ui.calibrationFigures, "\n".join([*figures, listed("", shown.missing)]).strip() if is_shown else "")
        ui.calibrationFigures.visible = is_shown
        ui.calibrationProgressBar.visible = part.is_running
        if part.is_running:
            show_progress(ui.calibrationProgressBar, part.guidance.share)
        style.write(ui.knownErrors, "\n".join(f"{one.source}: {one.text}" for one in part.known_errors))
        ui.knownErrors.visible = not is_shown

    def _fill_tools(self) -> None:
        """The tools that come, and those that are looked for; the chosen one stays chosen."""
        tools = list(self.session.calibration.tools)
        if tools == self._tools:
            return
        box = self.ui.calibrationToolComboBox
        chosen = self.chosen_tool
        self._tools = tools
        box.clear()
        for tool in tools:
            box.addItem(tool)
        box.currentIndex = tools.index(chosen) if chosen in tools else 0

    def _show_buttons(self) -> None:
        result = None if self.session is None else self.session.calibration.result
        ends = actions.END_CALIBRATION
        if result is not None:
            ends = actions.ACCEPT_CALIBRATION if result.is_calibration else actions.WRITE_ACCURACY
        self.show_action(self.ui.calibrateStylusButton, actions.CALIBRATE_STYLUS)
        self.show_action(self.ui.calibrateProbeButton, actions.CALIBRATE_PROBE)
        self.show_action(self.ui.measureAccuracyButton, actions.MEASURE_ACCURACY)
        self.show_action(self.ui.calibrationDoneButton, ends)
        self.show_action(self.ui.discardCalibrationButton, actions.DISCARD_CALIBRATION)
        self.show_action(self.ui.keepCalibrationsButton, actions.KEEP_CALIBRATIONS)
        self.show_action(self.ui.useKeptButton, actions.USE_KEPT_CALIBRATIONS)
        self.setup.refresh()
