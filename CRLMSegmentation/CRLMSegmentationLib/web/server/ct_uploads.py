"""POST ct/dicom begins a DICOM folder, ct/dicom/BATCH takes one file of it, ct/dicom/BATCH/open lists its series."""

from __future__ import annotations

from aiohttp import web

from ...errors import CRLMError
from ..actions.dicom_uploads import DicomUploads
from ..controller import Controller


class CtUploads:
    """Answers with JSON: 'batch', 'taken', or 'error', which is shown on every tab as well."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._uploads = DicomUploads(controller.session)

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/ct/dicom", self.begin)
        app.router.add_post("/ct/dicom/{batch}", self.take)
        app.router.add_post("/ct/dicom/{batch}/open", self.open)

    async def begin(self, _request: web.Request) -> web.Response:
        try:
            return web.json_response({"batch": self._uploads.begin()})
        except CRLMError as error:
            return self._failed(error)

    async def take(self, request: web.Request) -> web.Response:
        try:
            taken = await self._uploads.take(request.match_info["batch"], request.content.iter_any())
        except CRLMError as error:
            return self._failed(error)
        return web.json_response({"taken": taken})

    async def open(self, request: web.Request) -> web.Response:
        try:
            self._uploads.open(request.match_info["batch"])
        except CRLMError as error:
            return self._failed(error)
        self._controller.show_steps()
        return web.json_response({})

    def close(self) -> None:
        """No file of a patient stays."""
        self._uploads.close()

    def _failed(self, error: CRLMError) -> web.Response:
        sentence = self._controller.session.preoperative.without_places(str(error))
        self._controller.report_error(sentence)
        return web.json_response({"error": sentence}, status=400)
