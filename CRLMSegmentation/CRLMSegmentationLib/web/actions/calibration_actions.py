"""What the page's buttons do to calibrate a stylus or a probe."""

from __future__ import annotations

from ...errors import ConfigurationError
from ...session import actions
from ...session.accuracy.accuracy_part import CALIBRATIONS
from ...words import tr
from ..controller import Controller
from .reported import ReportingActions, reported


class CalibrationActions(ReportingActions):
    """Bound to the page's buttons by page.Page. What is kept lies in the page's own folder."""

    def __init__(self, controller: Controller) -> None:
        super().__init__(controller)
        self._session.calibration.file = self._library.folder / CALIBRATIONS

    # What was chosen comes along with the click: the state of a tab may reach the program later than that.

    @reported
    def calibrate_stylus(self, tool: object) -> None:
        tools = self._session.calibration.tools
        if tool not in tools:
            raise ConfigurationError(tr("This tool does not come; choose one of {tools}.", tools=", ".join(tools)))
        actions.CALIBRATE_STYLUS.run(self._session, tool)

    @reported
    def calibrate_probe(self, configuration: object) -> None:
        if not configuration:
            raise ConfigurationError(
                tr("Choose the PLUS configuration that defines the phantom first, or upload it (Connect, Recording).")
            )
        actions.CALIBRATE_PROBE.check(self._session)
        actions.CALIBRATE_PROBE.run(self._session, self._library.path_of(str(configuration)))

    @reported
    def measure_accuracy(self, tool: object, targets: object) -> None:
        if tool not in self._session.calibration.tools:
            raise ConfigurationError(tr("Choose the stylus first."))
        if not targets:
            raise ConfigurationError(
                tr("Choose the file with the phantom's targets first, or upload it (Connect, Recording).")
            )
        actions.MEASURE_ACCURACY.check(self._session)
        actions.MEASURE_ACCURACY.run(self._session, tool, self._library.path_of(str(targets)))

    @reported
    def write_accuracy(self) -> None:
        path = actions.WRITE_ACCURACY.run(self._session)
        self._controller.report_note(tr("Kept as {name} in the folder of this page.", name=path.name))

    @reported
    def end(self) -> None:
        actions.END_CALIBRATION.run(self._session)

    @reported
    def accept(self) -> None:
        actions.ACCEPT_CALIBRATION.run(self._session)

    @reported
    def discard(self) -> None:
        # It may have ended while the click was on its way.
        if actions.DISCARD_CALIBRATION.can_run(self._session):
            actions.DISCARD_CALIBRATION.run(self._session)

    @reported
    def keep(self) -> None:
        path = actions.KEEP_CALIBRATIONS.run(self._session)
        self._controller.report_note(tr("Kept in {name}, beside what was kept before.", name=path.name))

    @reported
    def use_kept(self) -> None:
        self._controller.report_note(actions.USE_KEPT_CALIBRATIONS.run(self._session))
