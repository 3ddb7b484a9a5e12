"""Messages between two processes: JSON objects, each after its length in four bytes (big endian).

The channel is a child's standard input and output. The child first moves both elsewhere, so that what a library
prints cannot get between the messages, and then sends a password that only its parent knows: what came before it was
printed by something that ran earlier, and is passed over.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import threading
from typing import IO, Any

from ..words import tr

LARGEST_MESSAGE_BYTES = 1 << 20
_LENGTH = struct.Struct(">I")


class ChannelError(Exception):
    """What arrived is not a message: the other side is not the one that was meant, or broke off."""


class Channel:
    """Messages over a pair of binary streams; send() may be called by several threads."""

    def __init__(self, receives: IO[bytes], sends: IO[bytes]):
        self._receives, self._sends = receives, sends
        self._sending = threading.Lock()

    def send(self, message: dict[str, Any]) -> None:
        """Raises OSError when the other side has gone."""
        content = json.dumps(message).encode()
        with self._sending:
            self._sends.write(_LENGTH.pack(len(content)) + content)
            self._sends.flush()

    def receive(self) -> dict[str, Any] | None:
        """The next message; None when the other side has gone. Raises ChannelError for anything else."""
        head = self._read(_LENGTH.size)
        if not head:
            return None
        (length,) = _LENGTH.unpack(head) if len(head) == _LENGTH.size else (LARGEST_MESSAGE_BYTES + 1,)
        if length > LARGEST_MESSAGE_BYTES:
            raise ChannelError(tr("a message of impossible length"))
        content = self._read(length)
        if len(content) < length:
            return None
        try:
            message = json.loads(content)
        except ValueError:
            raise ChannelError(tr("a message that is not JSON")) from None
        if not isinstance(message, dict):
            raise ChannelError(tr("a message that is not an object"))
        return message

    def skip_to(self, password: bytes) -> bool:
        """Pass over everything up to and with `password`; False when the other side goes before."""
        seen = b""
        while not seen.endswith(password):
            byte = self._receives.read(1)
            if not byte:
                return False
            seen = (seen + byte)[-len(password) :]
        return True

    def close(self) -> None:
        for stream in (self._sends, self._receives):
            try:
                stream.close()
            except OSError:
                pass

    def _read(self, size: int) -> bytes:
        parts = []
        while size:
            try:
                part = self._receives.read(size)
            except (OSError, ValueError):
                part = b""
            if not part:
                break
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def channel_to_parent(password: bytes) -> Channel:
    """For a child: its standard input and output as a channel, and nothing else on them from now on.

    What is printed goes to standard error; who reads standard input finds it empty.
    """
    receives, sends = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if sys.platform == "win32":
        import msvcrt

        for descriptor in (receives, sends):
            msvcrt.setmode(descriptor, os.O_BINARY)
    sys.stdin = open(0, encoding="utf-8", closefd=False)
    sys.stdout = open(1, "w", encoding="utf-8", buffering=1, closefd=False)
    sends_stream = os.fdopen(sends, "wb")
    sends_stream.write(password)
    sends_stream.flush()
    return Channel(os.fdopen(receives, "rb"), sends_stream)
