"""What the page's buttons do with the laparoscope's video."""

from __future__ import annotations

from ...errors import ConfigurationError
from ...session import actions
from ...words import tr
from ..controller import Controller
from ..ct_library import CtLibrary
from .reported import ReportingActions, number_of, reported


class ScopeActions(ReportingActions):
    """Bound to the page's buttons by page.Page."""

    def __init__(self, controller: Controller) -> None:
        super().__init__(controller)
        self._part = controller.session.laparoscope
        self._files = CtLibrary(controller.library)
        self._any_device = controller.library.any_path
        self._pictured: object = None
        self._part.changed.connect(self._on_changed)

    @reported
    def open_video(self, path: object) -> None:
        actions.OPEN_SCOPE_VIDEO.run(self._session, self._files.typed(path))

    @reported
    def connect(self, host: object, port: object, image_name: object) -> None:
        actions.CONNECT_SCOPE.run(self._session, str(host).strip(), int(number_of(port)), str(image_name))

    @reported
    def open_device(self, number: object) -> None:
        if not self._any_device:
            raise ConfigurationError(
                tr("This page is served to others as well and opens no camera: open it on this computer.")
            )
        actions.OPEN_SCOPE_DEVICE.run(self._session, int(number_of(number)))

    @reported
    def close(self) -> None:
        actions.CLOSE_SCOPE.run(self._session)

    @reported
    def record(self) -> None:
        """Record the video, or stop that."""
        (actions.STOP_SCOPE if self._part.recording.is_on else actions.RECORD_SCOPE).run(self._session)

    @reported
    def open_model(self, path: object) -> None:
        actions.OPEN_SCOPE_MODEL.run(self._session, self._files.typed(path))

    @reported
    def open_camera(self, path: object) -> None:
        actions.OPEN_SCOPE_CAMERA.run(self._session, self._files.typed(path))

    @reported
    def calibrate(self, board: object, square_mm: object) -> None:
        """Begin a calibration of the camera, or compute it from what is kept."""
        if self._part.calibration.is_running:
            actions.END_SCOPE_CALIBRATION.run(self._session)
        else:
            actions.CALIBRATE_SCOPE.run(self._session, str(board), number_of(square_mm))

    @reported
    def accept_camera(self) -> None:
        actions.ACCEPT_SCOPE_CALIBRATION.run(self._session)

    @reported
    def discard_camera(self) -> None:
        actions.DISCARD_SCOPE_CALIBRATION.run(self._session)

    @reported
    def align(self) -> None:
        """Lay the model over the picture by hand, or let the video go on."""
        (actions.END_SCOPE_ALIGNMENT if self._part.alignment.is_on else actions.ALIGN_SCOPE).run(self._session)

    @reported
    def move_model(self, move: object, fine: object) -> None:
        actions.MOVE_SCOPE_MODEL.run(self._session, str(move), bool(fine))

    @reported
    def switch(self, name: object) -> None:
        """Show what is hidden, or hide it."""
        self._part.show(str(name), str(name) not in self._part.shown)

    @reported
    def register(self, deform: object) -> None:
        self._part.deform = bool(deform)
        actions.REGISTER_SCOPE.run(self._session)

    def _on_changed(self) -> None:
        """The picture is asked for anew."""
        if self._part.newest is not self._pictured:
            self._pictured = self._part.newest
            with self._state as state:
                state.scope_version += 1
