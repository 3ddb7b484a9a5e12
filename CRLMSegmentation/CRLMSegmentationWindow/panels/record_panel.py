"""Step 2: the sweep, and the volume that is made of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import qt
import slicer
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.words import tr as _

from .. import icons, style
from ..view import views
from .step_panel import StepPanel, sentence_of, status_label

if TYPE_CHECKING:
    from CRLMSegmentationLib.session.recordings.recording import RecordingState

    from ..window import Window

_FILTER = "*.igs.mha *.igs.nrrd *.seq.mha *.seq.nrrd *.mha *.nrrd"


class RecordPanel(StepPanel):
    """Start, stop, how it goes, and the reconstruction."""

    def __init__(self, window: Window):
        ui = window.ui
        super().__init__(window, ui.recordSection, ui.recordChip, ui.recordState)
        self._growing = views.GrowingSlice()
        style.apply(ui.recordButton, style.BUTTON)
        style.apply(ui.reconstructProgressBar, style.BAR)
        for button, slot in (
            (ui.recordButton, self.on_record),
            (ui.reconstructButton, self.on_reconstruct),
            (ui.openSweepButton, self.on_open),
            (ui.outlineButton, self.on_outline),
        ):
            button.connect("clicked()", slot)
        for button in (ui.reconstructButton, ui.openSweepButton, ui.outlineButton):
            style.apply(button, style.SMALL_BUTTON)
        ui.engineComboBox.connect("activated(int)", self.on_engine)
        self._show_buttons()

    def fill_engines(self) -> None:
        """List what can make a volume here; hidden where there is no choice."""
        self._engines = self.session.volume.engines()
        box = self.ui.engineComboBox
        box.clear()
        for engine in self._engines:
            box.addItem({"crlm": _("this module"), "igsio": _("SlicerIGSIO (second opinion)")}.get(engine, engine))
        box.currentIndex = self._engines.index(self.session.volume.engine)
        box.visible = self.ui.engineLabel.visible = len(self._engines) > 1

    def on_engine(self, row: int) -> None:
        """Another engine for the next volume."""
        with self.attempt():
            self.session.volume.choose_engine(self._engines[row])

    def on_record(self) -> None:
        """The large button: start, or stop and make the volume."""
        with self.attempt():
            if not self._is_recording:
                if self.may_replace_hand_work(_("A new recording takes its place.")):
                    actions.RECORD.run(self.session)
                    # Other views take a moment to be laid out: the button says first that it was heard.
                    qt.QTimer.singleShot(0, self._show_live)
            else:
                actions.STOP.run(self.session)

    def _show_live(self) -> None:
        if self.session is not None and self._is_recording:
            with self.attempt():
                self.window.shown.live()

    def on_reconstruct(self) -> None:
        """Make the volume again."""
        with self.attempt():
            if self.may_replace_hand_work(_("Another volume takes its place.")):
                actions.RECONSTRUCT.run(self.session)

    def on_outline(self) -> None:
        """Outline the tumor in live images, or no more."""
        with self.attempt():
            actions.OUTLINE.run(self.session, not self.session.live.is_on)

    def tick(self) -> None:
        """As often as the session works: how outlining goes."""
        live = self.session.live
        style.write(self.ui.outlineState, " ".join(text for text in (live.moved_warning, live.text) if text))
        self.ui.outlineState.visible = bool(live.text)

    def on_open(self) -> None:
        """Let the user choose a recorded sweep."""
        path = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), _("Open a recorded sweep"), "", _FILTER)
        # It begins another case, unless it is the recording of this one.
        if path and self.window.case.may_leave(_("Open without saving"), _("Do not open")):
            self.open_sweep(path)

    def open_sweep(self, path: Path | str) -> None:
        """Take a sweep from a file, and make its volume."""
        with self.attempt():
            actions.OPEN_SWEEP.run(self.session, path, self.window.parameters.plusConfiguration or None)

    def line(self) -> tuple[str, str, str]:
        steps = self.window.steps
        recording = self.session.recording.state
        if recording is not None:
            return self._line_of_recording(recording)
        record, volume = self.session.state[steps.RECORD], self.session.state[steps.RECONSTRUCT]
        if record.status.name == "FAILED":
            return "bad", _("FAILED"), record.message
        if record.status.name != "DONE":
            if record.status.name == "WAITING":
                return "idle", _("WAITING"), _("Connect first, or open a recorded sweep under Advanced.")
            return "ready", _("READY"), _("Press the button and sweep slowly over the tumor.")
        kind, label = status_label(volume.status)
        if volume.status.name == "DONE":
            return (
                kind,
                label,
                _("{sweep}. Volume of {volume}.").format(
                    sweep=record.message[:1].upper() + record.message[1:], volume=volume.message or _("the scene")
                ),
            )
        if volume.status.name == "RUNNING":
            return kind, label, sentence_of(volume.message) or _("Making the volume.")
        if volume.status.name == "FAILED":
            return kind, label, sentence_of(volume.message)
        return kind, label, sentence_of(record.message) + " " + _("The volume is still to be made.")

    def is_done(self) -> bool:
        return self.session.state.status(self.window.steps.RECONSTRUCT).name == "DONE"

    def on_done(self) -> None:
        self.window.shown.volume()

    def refresh(self) -> None:
        super().refresh()
        self._growing.show(self.view.volume_node() if self._is_recording else None)
        self._show_buttons()
        bar = self.ui.reconstructProgressBar
        reconstructing = self.session.jobs.running is self.window.steps.RECONSTRUCT and not self._is_recording
        bar.visible = reconstructing
        if reconstructing:
            show_progress(bar, self.session.state.progress)

    def _show_buttons(self) -> None:
        self.show_action(self.ui.recordButton, actions.STOP if self._is_recording else actions.RECORD)
        icons.put(self.ui.recordButton, "Stop" if self._is_recording else "Record")
        self.show_action(self.ui.reconstructButton, actions.RECONSTRUCT)
        self.show_action(self.ui.openSweepButton, actions.OPEN_SWEEP)
        is_on = self.session is not None and self.session.live.is_on
        self.show_action(self.ui.outlineButton, actions.OUTLINE, _("Outline no more") if is_on else "")

    @property
    def _is_recording(self) -> bool:
        return self.session is not None and self.session.recording.state is not None

    def _line_of_recording(self, recording: RecordingState) -> tuple[str, str, str]:
        numbers = _("{frames} frames, {seconds:.0f} s").format(frames=recording.frames, seconds=recording.seconds)
        if recording.invalid:
            numbers += _(", {invalid} without position").format(invalid=recording.invalid)
        if math.isfinite(recording.coverage):
            numbers += _(", {share:.0%} of the swept volume filled").format(share=recording.coverage)
        if recording.hints:
            return "warn", _("RECORDING"), f"{numbers}. {sentence_of(recording.hints[0])}"
        return "busy", _("RECORDING"), numbers + "."


def show_progress(bar: qt.QProgressBar, fraction: float) -> None:
    """A bar of 0 to 100."""
    bar.maximum = 100
    bar.value = int(round(100 * max(0.0, min(1.0, fraction))))
