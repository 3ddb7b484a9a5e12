"""When a view is rendered, and which of its pictures go to the tabs: in the place of trame-rca's own scheduler.

That one renders for every request, twice where nothing follows, and all views in one turn of the event loop. In
software a picture takes as long as everything else of the page together. Here a view takes its turn with the others, a
picture that is the same as the one before goes nowhere, and the better one of what stands still is made of the same
pixels.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from trame_rca.encoders import RcaImageEncoder

QUALITY, STILL_QUALITY = 70, 90
# A view that nothing was asked of for so long stands still.
_STILL_S = 0.4
_ENCODERS = ThreadPoolExecutor(2, thread_name_prefix="pictures")


class Turns:
    """One view is rendered at a time, and as long as that took, the time is everything else's afterwards: the stream's,
    the distances' and the person's. Views that wait take turns; who does not wait leaves its part to the others.

    clock  seconds
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock, self._lock, self._pause_s = clock, asyncio.Lock(), 0.01

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """To be rendered in."""
        async with self._lock:
            began_s = self._clock()
            yield
            took_s = max(self._clock() - began_s, 1e-3)
            # The geometric mean: one slow picture does not stop all, and three of them slow them by a hundredfold.
            self._pause_s = math.sqrt(self._pause_s * took_s)
            await asyncio.sleep(self._pause_s)


class PictureScheduler:
    """Has the face of trame-rca's RcaRenderSchedulerProtocol. To be made in a running event loop.

    window      trame-rca's window: its `img_cols_rows` renders
    target_fps  pictures a second at most
    turns       what all views of the page share
    """

    def __init__(
        self, window: Any, target_fps: float, turns: Turns, pool: Executor = _ENCODERS,
        push: Callable[[bytes, dict[str, Any]], None] | None = None,
    ) -> None:  # fmt: skip
        self.rca, self.target_fps = window, target_fps
        self._turns, self._pool, self._push = turns, pool, push
        self._asked, self._is_for_new_tab = asyncio.Event(), True
        self._picture: tuple[np.ndarray, int, int] | None = None
        self._is_rough = False
        self._task = asyncio.get_running_loop().create_task(self._run())

    def set_push_callback(self, callback: Callable[[bytes, dict[str, Any]], None]) -> None:
        self._push = callback

    def ask(self) -> None:
        """Something in the view may have changed."""
        self._asked.set()

    def schedule_render(self) -> None:
        """A tab needs a picture, also where it is the same as before."""
        self._is_for_new_tab = True
        self._asked.set()

    def reset(self) -> None:
        """Pictures do not build on each other."""

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        """A picture that fails is reported and the next one made: a view that stands still would be taken for live."""
        loop = asyncio.get_running_loop()
        while True:
            is_asked, began_s = await self._is_asked(), loop.time()
            try:
                await (self._render() if is_asked else self._improve())
            except Exception as error:
                loop.call_exception_handler({"message": "A picture of a view has failed.", "exception": error})
            if is_asked:
                await asyncio.sleep(max(0.0, began_s + 1 / self.target_fps - loop.time()))

    async def _render(self) -> None:
        async with self._turns.turn():
            self._asked.clear()
            picture = self.rca.img_cols_rows
        is_wanted, self._is_for_new_tab = self._is_for_new_tab, False
        if is_wanted or self._picture is None or not _are_same(picture, self._picture):
            self._picture, self._is_rough = picture, True
            await self._send(QUALITY)

    async def _improve(self) -> None:
        self._is_rough = False
        await self._send(STILL_QUALITY)

    async def _is_asked(self) -> bool:
        """Wait for that; False where instead the view stands still, and its picture could be better."""
        if self._is_rough:
            try:
                await asyncio.wait_for(self._asked.wait(), _STILL_S)
            except (TimeoutError, asyncio.TimeoutError):
                return False
        await self._asked.wait()
        return True

    async def _send(self, quality: int) -> None:
        assert self._picture is not None
        encode = RcaImageEncoder.JPEG.encode
        image, meta, _ = await asyncio.get_running_loop().run_in_executor(
            self._pool, encode, *self._picture, quality
        )  # fmt: skip
        if self._push is not None:
            self._push(image, meta)


def _are_same(one: tuple[np.ndarray, int, int], other: tuple[np.ndarray, int, int]) -> bool:
    return one[1:] == other[1:] and np.array_equal(one[0], other[0])
