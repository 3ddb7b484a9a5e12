"""Pictures of the CT before the operation, over plain HTTP: slices, and its structures in space."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from aiohttp import web

from ...pictures.ct_in_space import CtInSpace
from ...pictures.ct_sheet import png_of
from ...pictures.cut_handles import draw_handles
from ...pictures.offscreen import RenderingError, working_window_class
from ...preoperative.ct_slices import PLANES
from ...preoperative.cut_line import cut_line
from ..actions.settable import MOST_SLICES

if TYPE_CHECKING:
    import numpy as np

    from ...session.preoperative.preoperative_part import PreoperativePart

SPACE_SIZE = (720, 560)
_MOST_DEG = 36_000.0


class CtPictures:
    """GET ct/slice?plane=axial&index=3, GET ct/space?turn=30&tilt=10; each of the CT that is open now."""

    def __init__(self, part: PreoperativePart) -> None:
        self._part = part
        self._space: tuple[object, CtInSpace] | None = None

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/ct/slice", self.slice)
        app.router.add_get("/ct/space", self.space)

    async def slice(self, request: web.Request) -> web.Response:
        """A slice with the outlines of what is shown, and the places of the other two."""
        ct, plane = self._part.ct, request.query.get("plane", "")
        index = _number(request.query.get("index"), MOST_SLICES)
        if ct is None or plane not in PLANES or index is None:
            return web.Response(status=404, text="There is no such picture.")
        shown, at, cut = self._part.shown, dict(self._part.at), self._part.remnant.plane
        picture = await asyncio.to_thread(ct.slices.picture, plane, int(index), shown, at, cut=cut)
        line = None if cut is None else cut_line(ct.slices, plane, int(index), cut)
        if line is not None:
            draw_handles(picture, line)
        return await _as_png(picture)

    async def space(self, request: web.Request) -> web.Response:
        """The structures from one side."""
        ct = self._part.ct
        turn, tilt = (_number(request.query.get(name), _MOST_DEG) for name in ("turn", "tilt"))
        if ct is None or not ct.surfaces or turn is None or tilt is None:
            return web.Response(status=404, text="There is no such picture.")
        # Found out once, in a process of its own.
        await asyncio.to_thread(working_window_class)
        try:
            if self._space is None or self._space[0] is not ct.surfaces:
                self.close()
                self._space = ct.surfaces, CtInSpace(ct.surfaces)
            picture = self._space[1].picture(turn, tilt, self._part.shown, SPACE_SIZE, self._part.remnant.plane)
        except RenderingError as error:
            return web.Response(status=503, text=str(error))
        return await _as_png(picture)

    def close(self) -> None:
        """Release the window."""
        if self._space is not None:
            self._space[1].close()
            self._space = None


def _number(text: str | None, farthest: float) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) <= farthest else None


async def _as_png(picture: np.ndarray) -> web.Response:
    body = await asyncio.to_thread(png_of, picture)
    return web.Response(body=body, content_type="image/png", headers={"Cache-Control": "no-store"})
