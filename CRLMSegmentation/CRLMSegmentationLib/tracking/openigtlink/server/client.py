"""One client of a server: what waits to be sent to it, and what it has said."""

from __future__ import annotations

import functools
import logging
import math
import socket
import time
from collections import deque
from collections.abc import Sequence

from pyigtl import MessageBase

from ..framing import MessageParser
from ..packing import pack_message

_logger = logging.getLogger(__name__)


class ServerClient:
    """One peer. The server's lock is held where its queue is touched."""

    def __init__(self, connection: socket.socket, address: tuple[str, int]) -> None:
        self.connection = connection
        self.address = f"{address[0]}:{address[1]}"
        self.parser = MessageParser()
        self.waiting: deque[memoryview] = deque()
        self.waiting_bytes = 0
        self.last_progress = time.monotonic()
        self.closing = False
        self.finished = False
        # Seconds between two tracking data messages, None as long as none was asked for.
        self.tracking_interval_s: float | None = None
        self.tracking_sent = -math.inf

    @property
    def version(self) -> int:
        """Of the headers that it has shown to understand."""
        return self.parser.highest_version

    def is_due_for_tracking(self, now: float) -> bool:
        return self.tracking_interval_s is not None and now - self.tracking_sent >= self.tracking_interval_s

    def send_at_once(self, data: bytes) -> memoryview:
        """Send what the system takes without waiting, unless something waits already; the rest.

        A frame then needs no other thread to be on its way.
        """
        rest = memoryview(data)
        if not self.waiting:
            try:
                rest = rest[self.connection.send(rest) :]
            except OSError:
                # Full, or lost: the thread finds out.
                pass
        return rest

    def queue(self, data: bytes | memoryview) -> None:
        """Let it wait to be sent."""
        if not self.waiting:
            self.last_progress = time.monotonic()
        self.waiting.append(memoryview(data))
        self.waiting_bytes += len(data)

    def has_taken(self, data: memoryview, sent: int) -> None:
        """The first `sent` bytes of `data`, which was at the head of the queue, are on their way."""
        self.last_progress = time.monotonic()
        if self.waiting and self.waiting[0] is data:
            self.waiting_bytes -= sent
            if sent == len(data):
                self.waiting.popleft()
            else:
                self.waiting[0] = data[sent:]

    def release(self) -> None:
        """Nothing more is sent to it; what waits is thrown away."""
        self.waiting.clear()
        self.waiting_bytes = 0
        self.closing = True


def pack_all(messages: Sequence[MessageBase], version: int) -> bytes:
    """The bytes of several messages; one that a header of `version` cannot carry is left out, and said so once."""
    packed = []
    for message in messages:
        try:
            packed.append(pack_message(message, version))
        except ValueError as error:
            # In version 1 a long name would arrive as another name: better not at all.
            _warn_once(str(error))
    return packed[0] if len(packed) == 1 else b"".join(packed)


@functools.lru_cache(maxsize=256)
def _warn_once(reason: str) -> None:
    _logger.warning("A message is not sent: %s.", reason)
