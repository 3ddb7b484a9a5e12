"""Files to and from the page, over plain HTTP: a sweep is larger than what fits into one WebSocket message."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path

from aiohttp import web

from ...errors import CRLMError
from ..actions.saving import Saving
from ..actions.uploads import is_configuration, is_points
from ..controller import Controller
from .ct_pictures import CtPictures
from .ct_uploads import CtUploads
from .scope_pictures import ScopePictures

_logger = logging.getLogger(__name__)


class Routes:
    """POST upload?name=..., POST case, GET case/NAME.zip, GET alive, and the pictures of a CT and of a laparoscope."""

    def __init__(self, controller: Controller, saving: Saving) -> None:
        self._controller = controller
        self._saving = saving
        self._run = secrets.token_hex(8)
        self._pictures = (CtPictures(controller.session.preoperative), ScopePictures(controller.session.laparoscope))
        self._ct_uploads = CtUploads(controller)

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/upload", self.upload)
        app.router.add_post("/case", self.save_case)
        app.router.add_get("/case/{name}", self.case)
        app.router.add_get("/alive", self.alive)
        for pictures in self._pictures:
            pictures.add_to(app)
        self._ct_uploads.add_to(app)
        app.on_cleanup.append(self._close)

    async def _close(self, _app: web.Application) -> None:
        self._ct_uploads.close()

    async def alive(self, _request: web.Request) -> web.Response:
        """Which run of the program this is: a tab sees by it that the program was started anew."""
        return web.Response(text=self._run)

    async def upload(self, request: web.Request) -> web.Response:
        """Take one file; it is chosen at once on every tab."""
        controller, name = self._controller, request.query.get("name", "")
        try:
            path = await controller.library.uploads.take(name, request.content.iter_any())
        except CRLMError as error:
            return self._failed(str(error), 400)
        with controller.state as state:
            library = controller.library
            state.files, state.calibrations = library.sweeps(), library.configurations()
            state.target_files = library.target_files()
            chosen = "targets" if is_points(path) else "calibration" if is_configuration(path) else "file"
            state[chosen] = library.value_of(path)
        controller.report_note(f"{path.name} is here.")
        return web.json_response({"name": path.name})

    async def save_case(self, _request: web.Request) -> web.Response:
        """Save the case as a folder, and that as one file to download."""
        try:
            folder = await self._saving.save()
        except CRLMError as error:
            return self._failed(str(error), 400)
        except Exception as error:
            _logger.exception("The case could not be saved.")
            return self._failed(f"The case could not be saved, and it is a fault of this program ({error}).", 500)
        return web.json_response({"url": f"case/{folder.name}.zip"})

    async def case(self, request: web.Request) -> web.StreamResponse:
        """A saved case, as a download."""
        cases = self._controller.library.cases
        path = cases / Path(request.match_info["name"]).name
        if path.suffix != ".zip" or not path.is_file():
            return web.Response(status=404, text="There is no such case.")
        return web.FileResponse(path, headers={"Content-Disposition": f'attachment; filename="{path.name}"'})

    def _failed(self, sentence: str, status: int) -> web.Response:
        self._controller.report_error(sentence)
        return web.json_response({"error": self._controller.library.without_places(sentence)}, status=status)
