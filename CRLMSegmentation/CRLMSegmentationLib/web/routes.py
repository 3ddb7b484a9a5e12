"""Files to and from the page, over plain HTTP: a sweep is larger than what fits into one WebSocket message."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from pathlib import Path

from aiohttp import web

from ..errors import CRLMError
from .controller import Controller
from .uploads import is_configuration

_logger = logging.getLogger(__name__)


class Routes:
    """POST upload?name=..., POST case, GET case/NAME.zip, GET alive."""

    def __init__(self, controller: Controller):
        self._controller = controller
        self._saving = asyncio.Lock()

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/upload", self.upload)
        app.router.add_post("/case", self.save_case)
        app.router.add_get("/case/{name}", self.case)
        app.router.add_get("/alive", self.alive)

    async def alive(self, _request: web.Request) -> web.Response:
        return web.Response(text="yes")

    async def upload(self, request: web.Request) -> web.Response:
        """Take one file; it is chosen at once on every tab."""
        controller, name = self._controller, request.query.get("name", "")
        try:
            path = await controller.library.uploads.take(name, request.content.iter_any())
        except CRLMError as error:
            controller.tell_error(str(error))
            return web.json_response({"error": str(error)}, status=400)
        with controller.state as state:
            state.files, state.calibrations = controller.library.sweeps(), controller.library.configurations()
            state["calibration" if is_configuration(path) else "file"] = controller.library.value_of(path)
        controller.tell_note(f"{path.name} is here.")
        return web.json_response({"name": path.name})

    async def save_case(self, _request: web.Request) -> web.Response:
        """Save the case as a folder, and that as one file to download."""
        controller = self._controller
        if self._saving.locked():
            return web.json_response({"error": "The case is being saved already."}, status=409)
        async with self._saving:
            with controller.state as state:
                state.saving = True
            # The page shows that it saves before the scene is written.
            await asyncio.sleep(0.1)
            try:
                folder = controller.library.cases / time.strftime("case-%Y%m%d-%H%M%S")
                controller.session.save_case(folder)
                await asyncio.to_thread(shutil.make_archive, str(folder), "zip", folder.parent, folder.name)
            except (CRLMError, OSError) as error:
                controller.tell_error(str(error))
                return web.json_response({"error": str(error)}, status=400)
            except Exception as error:
                _logger.exception("The case could not be saved.")
                controller.tell_error(f"The case could not be saved, and it is a fault of this program ({error}).")
                return web.json_response({"error": str(error)}, status=500)
            finally:
                with controller.state as state:
                    state.saving = False
        controller.tell_note(f"The case is saved as cases/{folder.name}.")
        return web.json_response({"url": f"case/{folder.name}.zip"})

    async def case(self, request: web.Request) -> web.StreamResponse:
        """A saved case, as a download."""
        cases = self._controller.library.cases
        path = cases / Path(request.match_info["name"]).name
        if path.suffix != ".zip" or not path.is_file():
            return web.Response(status=404, text="There is no such case.")
        return web.FileResponse(path, headers={"Content-Disposition": f'attachment; filename="{path.name}"'})
