"""Beside the steps: the laparoscope's video, the landmarks found in it, and the model of the liver over it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.words import tr as _

from .. import style
from ..view.scope_picture import ScopePicture
from .doubt_list import listed
from .step_panel import StepPanel, sentence_of

if TYPE_CHECKING:
    import qt

    from ..window import Window

_VIDEOS = (
    "*.igs.mha *.igs.nrrd *.mp4 *.avi *.mov *.mkv *.mpg *.mpeg *.webm *.m4v *.wmv *.png *.jpg *.jpeg *.tif *.tiff *.bmp"
)
_CAMERAS = "*.json *.yml *.yaml *.xml *.txt"


class ScopePanel(StepPanel):
    """Closed until somebody opens it: the five steps do without."""

    def __init__(self, window: Window):
        ui = window.ui
        super().__init__(window, ui.scopeSection, ui.scopeChip, ui.scopeState)
        self._picture = ScopePicture(ui.scopePicture)
        self._switches = {
            "landmarks": ui.scopeLandmarksCheckBox, "liver": ui.scopeLiverCheckBox,
            "vessels": ui.scopeVesselsCheckBox, "tumors": ui.scopeTumorsCheckBox,
        }  # fmt: skip
        style.apply(ui.scopeRegisterButton, style.BUTTON)
        for label in (ui.scopeLandmarks, ui.scopeRecording, ui.scopeCalibration, ui.scopeRegistration):
            style.apply(label, style.NOTE)
        for button, slot in (
            (ui.scopeVideoButton, self.on_video),
            (ui.scopeFolderButton, self.on_folder),
            (ui.scopeConnectButton, self.on_connect),
            (ui.scopeDeviceButton, self.on_device),
            (ui.scopeRecordButton, self.on_record),
            (ui.scopeModelButton, self.on_model),
            (ui.scopeCameraButton, self.on_camera),
            (ui.scopeCalibrateButton, self.on_calibrate),
            (ui.scopeAcceptButton, self.on_accept),
            (ui.scopeDiscardButton, self.on_discard),
            (ui.scopeAlignButton, self.on_align),
            *((button, lambda move=move: self.on_move(move)) for move, button in self._moves().items()),
            (ui.scopeRegisterButton, self.on_register),
            (ui.scopeCloseButton, self.on_close),
        ):
            button.connect("clicked()", slot)
            if button is not ui.scopeRegisterButton:
                style.apply(button, style.SMALL_BUTTON)
        for name, box in self._switches.items():
            box.connect("toggled(bool)", lambda shown, name=name: self.on_switch(name, shown))
        ui.scopeLargeCheckBox.connect("toggled(bool)", self.on_large)
        self._show_buttons()

    # What the buttons do

    def on_video(self) -> None:
        """Play a video, or show a picture."""
        path = self._file(_("Video of a laparoscope"), f"{_('Videos and pictures')} ({_VIDEOS})")
        if path:
            with self.attempt():
                actions.OPEN_SCOPE_VIDEO.run(self.session, path)

    def on_folder(self) -> None:
        """Show the pictures of a folder."""
        folder = self._folder(_("Folder of pictures"))
        if folder:
            with self.attempt():
                actions.OPEN_SCOPE_VIDEO.run(self.session, folder)

    def on_connect(self) -> None:
        """Show colour images of the server of Connect."""
        parameters = self.window.parameters
        with self.attempt():
            host = parameters.host.strip() or "localhost"
            actions.CONNECT_SCOPE.run(self.session, host, parameters.port, parameters.scopeImage)

    def on_device(self) -> None:
        """Show the pictures of a capture device."""
        with self.attempt():
            actions.OPEN_SCOPE_DEVICE.run(self.session, self.window.parameters.scopeDevice)

    def on_close(self) -> None:
        """No video is open any more."""
        with self.attempt():
            actions.CLOSE_SCOPE.run(self.session)

    def on_record(self) -> None:
        """Record the video, or stop that."""
        with self.attempt():
            (actions.STOP_SCOPE if self.session.laparoscope.recording.is_on else actions.RECORD_SCOPE).run(self.session)

    def on_model(self) -> None:
        """The model of the liver: a folder, such as that of a CT's result."""
        folder = self._folder(_("Folder with the model of the liver"))
        if folder:
            with self.attempt():
                actions.OPEN_SCOPE_MODEL.run(self.session, folder)

    def on_camera(self) -> None:
        """The camera's file."""
        path = self._file(_("Camera"), f"{_('Cameras')} ({_CAMERAS})")
        if path:
            with self.attempt():
                actions.OPEN_SCOPE_CAMERA.run(self.session, path)

    def on_calibrate(self) -> None:
        """Find the camera from pictures of a board, or compute it from those that are kept."""
        parameters = self.window.parameters
        with self.attempt():
            if self.session.laparoscope.calibration.is_running:
                actions.END_SCOPE_CALIBRATION.run(self.session)
            else:
                actions.CALIBRATE_SCOPE.run(self.session, parameters.scopeBoard, parameters.scopeSquareMm)

    def on_accept(self) -> None:
        """Use the camera that was found."""
        with self.attempt():
            actions.ACCEPT_SCOPE_CALIBRATION.run(self.session)

    def on_discard(self) -> None:
        """Forget the calibration that goes on, or what it has found."""
        with self.attempt():
            actions.DISCARD_SCOPE_CALIBRATION.run(self.session)

    def on_align(self) -> None:
        """Lay the model over the picture by hand, or let the video go on."""
        with self.attempt():
            is_on = self.session.laparoscope.alignment.is_on
            (actions.END_SCOPE_ALIGNMENT if is_on else actions.ALIGN_SCOPE).run(self.session)

    def on_move(self, move: str) -> None:
        """Move the model by a step."""
        with self.attempt():
            actions.MOVE_SCOPE_MODEL.run(self.session, move, bool(self.ui.scopeFineCheckBox.checked))

    def on_register(self) -> None:
        """Lay the model over the video."""
        with self.attempt():
            self.session.laparoscope.deform = bool(self.ui.scopeDeformCheckBox.checked)
            actions.REGISTER_SCOPE.run(self.session)

    def on_switch(self, name: str, shown: bool) -> None:
        """Show or hide something over the video."""
        part = self.session.laparoscope if self.session is not None else None
        if part is not None and (name in part.shown) != bool(shown):
            part.show(name, bool(shown))

    def on_large(self, wanted: bool) -> None:
        """The video in a window of its own, or in the section."""
        if self._picture.is_large != bool(wanted):
            self._picture.set_large(bool(wanted))

    # What is shown

    def line(self) -> tuple[str, str, str]:
        part = self.session.laparoscope
        if part.is_old:
            return "bad", _("OLD"), part.landmarks_text
        if part.problem:
            return ("warn", _("PROBLEM"), part.problem) if part.is_open else ("bad", _("FAILED"), part.problem)
        if part.is_busy:
            return "busy", _("WORKING"), part.registration_text()
        if not part.is_open:
            return "idle", _("OPTIONAL"), _("Open a video of the laparoscope, or connect to its images.")
        if part.newest is None:
            return "busy", _("WAITING"), part.landmarks_text
        if part.registered is not None:
            is_drawn = part.registered.strength(time.monotonic()) > 0
            return "warn", _("REGISTERED") if is_drawn else _("TOO OLD"), sentence_of(part.registration_text())
        if part.is_playing:
            return "good", _("PLAYING"), sentence_of(part.landmarks_text)
        return "ready", _("ENDED"), _("This is the last frame of the video.")

    def is_done(self) -> bool:
        return False

    def tick(self) -> None:
        """The newest frame; called by the window's timer. Nothing is drawn while nobody looks at it."""
        newest = self.session.laparoscope.newest
        if newest is None or self._picture.is_large or not self.section.collapsed:
            self._picture.show(newest.picture if newest is not None else None)

    def hide_live(self) -> None:
        """A fault: nothing is shown as what the scope sees."""
        self._picture.show(None)
        self._picture.write("lost", _("FAULT"))

    def refresh(self) -> None:
        super().refresh()
        part, ui = self.session.laparoscope, self.ui
        self._show_buttons()
        for name, box in self._switches.items():
            if box.checked != (name in part.shown):
                box.checked = name in part.shown
        if ui.scopeLargeCheckBox.checked != self._picture.is_large:
            ui.scopeLargeCheckBox.checked = self._picture.is_large
        found = part.newest.confidence_texts() if part.newest is not None else {}
        style.write(ui.scopeLandmarks, ",  ".join(f"{_(name)} {text}" for name, text in found.items()))
        recording = part.recording
        style.write(ui.scopeRecording, "\n".join(filter(None, (recording.text, sentence_of(recording.problem)))))
        found_camera = part.calibration
        doubts = found_camera.result.doubts if found_camera.result is not None else ()
        style.write(ui.scopeCalibration, listed(sentence_of(found_camera.text or found_camera.problem), doubts))
        style.write(ui.scopeRegistration, listed(sentence_of(part.registration_text()), part.doubts))
        self._picture.write(self._kind, self.state_text)

    def show_fault(self) -> None:
        super().show_fault()
        self.hide_live()

    def release(self) -> None:
        super().release()
        self._picture.show(None)

    def close(self) -> None:
        self._picture.close()

    def _show_buttons(self) -> None:
        ui = self.ui
        self.show_action(ui.scopeVideoButton, actions.OPEN_SCOPE_VIDEO)
        ui.scopeFolderButton.enabled = self.can_run(actions.OPEN_SCOPE_VIDEO)
        self.show_action(ui.scopeConnectButton, actions.CONNECT_SCOPE)
        self.show_action(ui.scopeDeviceButton, actions.OPEN_SCOPE_DEVICE)
        self.show_action(ui.scopeCloseButton, actions.CLOSE_SCOPE)
        is_recorded = self.session is not None and self.session.laparoscope.recording.is_on
        self.show_action(ui.scopeRecordButton, actions.STOP_SCOPE if is_recorded else actions.RECORD_SCOPE)
        self.show_action(ui.scopeModelButton, actions.OPEN_SCOPE_MODEL)
        self.show_action(ui.scopeCameraButton, actions.OPEN_SCOPE_CAMERA)
        runs = self.session is not None and self.session.laparoscope.calibration.is_running
        self.show_action(ui.scopeCalibrateButton, actions.END_SCOPE_CALIBRATION if runs else actions.CALIBRATE_SCOPE)
        self.show_action(ui.scopeAcceptButton, actions.ACCEPT_SCOPE_CALIBRATION)
        self.show_action(ui.scopeDiscardButton, actions.DISCARD_SCOPE_CALIBRATION)
        aligns = self.session is not None and self.session.laparoscope.alignment.is_on
        self.show_action(ui.scopeAlignButton, actions.END_SCOPE_ALIGNMENT if aligns else actions.ALIGN_SCOPE)
        for button in self._moves().values():
            button.enabled = self.can_run(actions.MOVE_SCOPE_MODEL)
        ui.scopeMovesFrame.visible = aligns
        self.show_action(ui.scopeRegisterButton, actions.REGISTER_SCOPE)

    def _moves(self) -> dict[str, qt.QPushButton]:
        ui = self.ui
        return {
            "left": ui.scopeLeftButton, "right": ui.scopeRightButton,
            "up": ui.scopeUpButton, "down": ui.scopeDownButton,
            "nearer": ui.scopeNearerButton, "farther": ui.scopeFartherButton,
            "turn left": ui.scopeTurnLeftButton, "turn right": ui.scopeTurnRightButton,
            "tilt up": ui.scopeTiltUpButton, "tilt down": ui.scopeTiltDownButton,
            "swing left": ui.scopeSwingLeftButton, "swing right": ui.scopeSwingRightButton,
        }  # fmt: skip
