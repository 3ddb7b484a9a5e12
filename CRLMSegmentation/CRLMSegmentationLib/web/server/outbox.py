"""What one tab is sent: in order, pictures only the newest of each view, and never more than it takes.

Without it a tab on a slow connection would hold up all others, see pictures that are seconds old, and let the program's
memory grow with every picture that waits.
"""

from __future__ import annotations

import asyncio
import logging
import socket as sockets
from collections import deque
from typing import Any

from aiohttp import web

# A tab that takes nothing for so long, or lets so much wait, is dropped; a browser comes back by itself.
SEND_WITHIN_S = 5.0
LARGEST_BYTES = 8 * 1024**2
# What the operating system keeps for a tab besides: pictures that wait there cannot be replaced by newer ones.
_SYSTEM_BYTES = 256 * 1024

_logger = logging.getLogger(__name__)


class Outbox:
    """Stands in the place of aiohttp's WebSocketResponse where wslink sends."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self._socket, self._request = socket, request
        # A message, or the name of a view whose newest picture is to be sent.
        self._waiting: deque[bytes | str] = deque()
        self._pictures: dict[str, bytes] = {}
        self._waiting_bytes = 0
        self._is_more = asyncio.Event()
        plain = request.transport.get_extra_info("socket") if request.transport is not None else None
        if plain is not None and hasattr(plain, "setsockopt"):
            plain.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, _SYSTEM_BYTES)
        self._sending = asyncio.create_task(self._send())

    @property
    def closed(self) -> bool:
        return self._socket.closed

    async def send_bytes(self, message: bytes) -> None:
        """Send it after what waits already; returns at once."""
        self._waiting_bytes += len(message)
        if self._waiting_bytes > LARGEST_BYTES:
            self._drop("let too much wait")
            return
        self._waiting.append(message)
        self._is_more.set()

    def put_picture(self, view: str, message: bytes) -> None:
        """Send it in the place of an earlier picture of the view that has not been sent yet."""
        if view not in self._pictures:
            self._waiting.append(view)
            self._is_more.set()
        self._pictures[view] = message

    async def close(self, **options: Any) -> None:
        self.end()
        await self._socket.close(**options)

    def end(self) -> None:
        """Send no more."""
        self._sending.cancel()

    async def _send(self) -> None:
        while True:
            await self._is_more.wait()
            self._is_more.clear()
            while self._waiting:
                one = self._waiting.popleft()
                if isinstance(one, str):
                    one = self._pictures.pop(one)
                else:
                    self._waiting_bytes -= len(one)
                try:
                    await asyncio.wait_for(self._socket.send_bytes(one), SEND_WITHIN_S)
                except (TimeoutError, asyncio.TimeoutError):
                    self._drop("took nothing for a while")
                    return
                except ConnectionError:
                    return

    def _drop(self, why: str) -> None:
        _logger.info("A tab %s and was dropped.", why)
        if self._request.transport is not None:
            self._request.transport.abort()
