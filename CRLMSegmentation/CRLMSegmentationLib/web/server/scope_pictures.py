"""The laparoscope's picture with what is drawn over it, over plain HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from ...laparoscopy.camera.opencv import opencv

if TYPE_CHECKING:
    import numpy as np

    from ...session.laparoscope.laparoscope_part import LaparoscopePart

_QUALITY = 88


class ScopePictures:
    """GET scope/picture: the newest frame."""

    def __init__(self, part: LaparoscopePart) -> None:
        self._part = part

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/scope/picture", self.picture)

    async def picture(self, _request: web.Request) -> web.Response:
        newest = self._part.newest
        if newest is None:
            return web.Response(status=404, text="There is no such picture.")
        body = await asyncio.to_thread(_jpeg, newest.picture)
        return web.Response(body=body, content_type="image/jpeg", headers={"Cache-Control": "no-store"})


def _jpeg(picture: np.ndarray) -> bytes:
    cv2 = opencv()
    _, encoded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return bytes(encoded)
