"""Step 1: the live stream, from PLUS or from a recording that is played as though PLUS sent it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import slicer
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.words import tr as _

from .. import icons, sample, style
from .step_panel import StepPanel, sentence_of

if TYPE_CHECKING:
    import numpy as np

    from ..window import Window


class ConnectPanel(StepPanel):
    """Connect, disconnect, replay, and what is known of the stream."""

    def __init__(self, window: Window):
        ui = window.ui
        super().__init__(window, ui.connectSection, ui.connectChip, ui.connectState)
        style.apply(ui.connectButton, style.BUTTON)
        icons.put(ui.connectButton, "Connect")
        for button, slot in (
            (ui.connectButton, self.on_connect),
            (ui.replayButton, self.on_replay),
            (ui.sampleButton, self.on_sample),
        ):
            button.connect("clicked()", slot)
        for button in (ui.replayButton, ui.sampleButton):
            style.apply(button, style.SMALL_BUTTON)
        self._show_buttons()
        has_connector = hasattr(slicer, "vtkMRMLIGTLConnectorNode")
        ui.slicerConnectorCheckBox.enabled = has_connector
        if not has_connector:
            ui.slicerConnectorCheckBox.toolTip = _(
                "SlicerOpenIGTLink is not installed: the module's own client is used"
            )

    @property
    def is_connected(self) -> bool:
        """True while a source is there, also one that does not answer yet."""
        return self.session is not None and self.session.stream.status is not None

    def on_connect(self) -> None:
        """The large button: connect, or disconnect."""
        parameters = self.window.parameters
        with self.attempt():
            if self.is_connected:
                actions.DISCONNECT.run(self.session)
            elif parameters.useSlicerConnector and hasattr(slicer, "vtkMRMLIGTLConnectorNode"):
                self._connect_slicer_connector()
            else:
                host = parameters.host.strip() or "localhost"
                actions.CONNECT.run(self.session, host, parameters.port, self._calibration())

    def on_replay(self) -> None:
        """Play the chosen recording."""
        with self.attempt():
            path = self.window.parameters.replayPath.strip()
            if not path:
                self._report_missing_path()
            self._replay(path)

    def on_sample(self) -> None:
        """Play the sample."""
        self.replay(sample.SWEEP)

    def replay(self, path: Path | str) -> None:
        """Play `path` as though PLUS sent it."""
        with self.attempt():
            self.window.parameters.replayPath = str(path)
            self._replay(path)

    def _replay(self, path: Path | str) -> None:
        parameters = self.window.parameters
        # Also a copy of it, as Slicer's Sample Data module makes one.
        mark = {"origin": "simulated"} if Path(path).name == sample.SWEEP.name else {}
        configuration = parameters.plusConfiguration or None
        actions.REPLAY.run(self.session, path, configuration, speed=parameters.replaySpeed, loop=True, **mark)

    def line(self) -> tuple[str, str, str]:
        status = self.session.stream.status
        if status is None:
            return "ready", _("READY"), _("Not connected. Start PLUS, then press the button.")
        message = sentence_of(self.session.state.steps[self.window.steps.CONNECT].message)
        if not status.connected:
            return "busy", _("WAITING"), message or _("Looking for PLUS.")
        if status.frames == 0 or not status.age.is_known:
            return "busy", _("WAITING"), message or _("Connected, no image yet.")
        numbers = _("{rate:.0f} frames per second, the last {age:.1f} s ago").format(
            rate=status.frames_per_second, age=status.age.seconds
        )
        if not status.age.is_live:
            return "bad", _("SILENT"), numbers + _(": no new image.")
        if not self.session.stream.is_live:
            return "warn", _("NO POSE"), numbers + _(", position unknown: is the probe in the tracker's view?")
        return "good", _("LIVE"), numbers + _(", position known.")

    def is_done(self) -> bool:
        return self.session.state.status(self.window.steps.CONNECT).name == "DONE"

    def on_done(self) -> None:
        self.ui.connectAdvanced.collapsed = True
        # A connection that comes back leaves the views to whoever has gone on meanwhile.
        if self.view.volume_node() is None:
            self.window.shown.live()

    def refresh(self) -> None:
        super().refresh()
        self._show_buttons()
        # Where it is connected to cannot be changed meanwhile.
        self.ui.hostLineEdit.enabled = self.ui.portSpinBox.enabled = not self.is_connected

    def _show_buttons(self) -> None:
        self.show_action(self.ui.connectButton, actions.DISCONNECT if self.is_connected else actions.CONNECT)
        self.show_action(self.ui.replayButton, actions.REPLAY)
        self.ui.sampleButton.enabled = self.can_run(actions.REPLAY)

    def _connect_slicer_connector(self) -> None:
        from CRLMSegmentationLib.mrml.connector.openigtlink_nodes import connector_source

        parameters = self.window.parameters
        image, pose = parameters.imageNode, parameters.poseNode
        self.session.stream.connect_source(
            connector_source(
                self.view.application,
                parameters.host.strip() or "localhost",
                parameters.port,
                image_node_name=image.GetName() if image is not None else None,
                transform_name=pose.GetName() if pose is not None else None,
                calibration=self._calibration(),
            )
        )

    def _calibration(self) -> dict[str, np.ndarray] | None:
        path = self.window.parameters.plusConfiguration.strip()
        if not path:
            return None
        from CRLMSegmentationLib.sweep import read_plus_configuration

        return read_plus_configuration(path).transforms

    @staticmethod
    def _report_missing_path() -> None:
        from CRLMSegmentationLib.errors import ConfigurationError

        raise ConfigurationError(_("Choose a recording under Advanced first."))
