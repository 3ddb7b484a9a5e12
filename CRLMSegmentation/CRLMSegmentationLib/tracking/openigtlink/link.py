"""A client's end of an OpenIGTLink link as a machine of small steps: it connects, receives, asks a silent server
whether it is there, and connects anew. It has no thread: whoever has one, or a window's timer, calls step().
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from pyigtl import MessageBase

from ...errors import StreamError
from ...words import tr
from .connection import Connection
from .framing import FramingCounts, MessageParser
from .messages import GetStatusMessage
from .opening import Opening
from .packing import pack_announcement, pack_message

_FIRST_BACK_OFF_S, _LONGEST_BACK_OFF_S = 0.1, 1.0
# A program that was held up for longer, as by a computer that slept, has not listened: that is no silence of the peer.
_STANDSTILL_S = 1.0
# So much without a single message is no OpenIGTLink.
_RUBBISH_BYTES = 1 << 18


class LinkListener(Protocol):
    """What a link reports to; all calls come from within step() and close()."""

    def link_connected(self, connection: Connection) -> None: ...

    def link_lost(self, reason: str, silent_s: float = 0.0) -> None: ...

    def link_problem(self, sentence: str) -> None: ...

    def link_received(self, messages: Sequence[MessageBase], counts: FramingCounts, version: int) -> None: ...

    def link_quiet(self) -> None: ...


class Link:
    """The link to `host`:`port`; see Receiver for the other values."""

    def __init__(
        self, host: str, port: int, listener: LinkListener, ask_for_metadata: bool, silence_s: float, answer_s: float
    ) -> None:
        self._host, self._port, self._listener = host, port, listener
        self._ask_for_metadata, self._silence_s, self._answer_s = ask_for_metadata, silence_s, answer_s
        self._opening: Opening | None = None
        self._connection: Connection | None = None
        self._back_off_s = _FIRST_BACK_OFF_S
        self._try_at = 0.0
        self._parser = MessageParser()
        self._received_at = 0.0
        self._requested_at: float | None = None
        self._answers = False
        self._last_step_at = time.monotonic()

    def step(self, timeout_s: float, stopping: threading.Event) -> bool:
        """Do what there is to do, waiting no longer than `timeout_s` for it; True when bytes were received."""
        self._extend_deadlines()
        if self._connection is not None:
            try:
                return self._receive(self._connection, timeout_s)
            except (OSError, StreamError) as error:
                self._leave(_reason(error, self._host))
                return False
        if self._opening is None:
            # After a loss not all clients come back at the same moment.
            wait_s = self._try_at - time.monotonic()
            if wait_s > 0:
                stopping.wait(min(wait_s, timeout_s))
                return False
        self._open(timeout_s)
        return False

    def _extend_deadlines(self) -> None:
        now = time.monotonic()
        missed_s, self._last_step_at = now - self._last_step_at, now
        if missed_s > _STANDSTILL_S:
            self._received_at += missed_s
            if self._requested_at is not None:
                self._requested_at += missed_s

    def close(self, reason: str) -> None:
        """End the connection, or the attempt at one."""
        if self._opening is not None:
            self._opening.close()
            self._opening = None
        if self._connection is not None:
            self._leave(reason)
        self._try_at, self._back_off_s = 0.0, _FIRST_BACK_OFF_S

    def _open(self, timeout_s: float) -> None:
        opening = self._opening or Opening(self._host, self._port)
        self._opening = opening
        try:
            connection = opening.advance(timeout_s)
        except (OSError, UnicodeError) as error:
            self._opening = None
            self._listener.link_problem(_reason(error, self._host))
            self._try_later()
            self._back_off_s = min(2 * self._back_off_s, _LONGEST_BACK_OFF_S)
            return
        if connection is None:
            return
        self._opening, self._connection = None, connection
        self._back_off_s = _FIRST_BACK_OFF_S
        self._parser = MessageParser()
        self._received_at, self._requested_at, self._answers = time.monotonic(), None, False
        try:
            self._listener.link_connected(connection)
            if self._ask_for_metadata:
                connection.send(pack_announcement())
        except OSError as error:
            self._leave(_reason(error, self._host))

    def _leave(self, reason: str, silent_s: float = 0.0) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._listener.link_lost(reason, silent_s)
        self._try_later()

    def _try_later(self) -> None:
        self._try_at = time.monotonic() + self._back_off_s * random.uniform(0.7, 1.0)

    def _receive(self, connection: Connection, timeout_s: float) -> bool:
        piece = connection.receive(timeout_s)
        if piece is None:
            self._listener.link_quiet()
            self._check_silence(connection)
            return False
        if not piece:
            self._leave(tr("the server closed the connection"))
            return False
        self._received_at = time.monotonic()
        if self._requested_at is not None:
            self._requested_at = None
            self._listener.link_problem("")
        messages = self._parser.feed(piece)
        self._answers |= any(message.message_type == "STATUS" for message in messages)
        counts = self._parser.counts
        self._listener.link_received(messages, counts, self._parser.highest_version)
        if not counts.received:
            if counts.crc_errors > 10:
                self._listener.link_problem(tr("every message arrives with a wrong checksum"))
            if counts.rubbish_bytes > _RUBBISH_BYTES:
                self._leave(self._no_openigtlink())
        return True

    def _check_silence(self, connection: Connection) -> None:
        now = time.monotonic()
        counts = self._parser.counts
        if counts.rubbish_bytes and not counts.received:
            self._leave(self._no_openigtlink())
        elif self._requested_at is None:
            if now - self._received_at > self._silence_s:
                connection.send(pack_message(GetStatusMessage(), self._parser.highest_version))
                self._requested_at = now
        elif now - self._requested_at > self._answer_s:
            if self._answers:
                self._leave(tr("the server has stopped answering"), now - self._received_at)
            else:
                # It may be one that never answers: all that can be done is to say so.
                self._listener.link_problem(
                    tr("nothing has come from the server for {now:.0f} s", now=now - self._received_at)
                )

    def _no_openigtlink(self) -> str:
        return tr("what comes from {host}:{port} is not OpenIGTLink", host=self._host, port=self._port)


def _reason(error: Exception, host: str) -> str:
    if isinstance(error, socket.gaierror):
        return tr("the host {host} is not known", host=host)
    if isinstance(error, ConnectionRefusedError):
        return tr("nobody listens there")
    if isinstance(error, TimeoutError):
        return tr("no answer")
    return str(getattr(error, "strerror", None) or error)
