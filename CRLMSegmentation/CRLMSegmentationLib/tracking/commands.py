"""Commands to a server such as PLUS, and their replies."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Callable, Mapping

from pyigtl import MessageBase

from ..errors import StreamError
from .openigtlink.commands import Command, CommandReply, command_message, reply_of

_MOST_OPEN_COMMANDS = 256


class Commands:
    """Sends commands and keeps the replies until they are asked for. All methods may be called from any thread.

    address         of the server, for sentences
    send            sends a message; raises StreamError without a connection
    header_version  of the peer now
    wait_for        (condition, seconds): returns once the condition holds, or the time is over
    """

    def __init__(
        self,
        address: str,
        send: Callable[[MessageBase], None],
        header_version: Callable[[], int],
        wait_for: Callable[[Callable[[], bool], float], bool],
    ) -> None:
        self._address, self._send, self._header_version, self._wait_for = address, send, header_version, wait_for
        self._numbers = itertools.count(1)
        self._replies: dict[int, CommandReply | None] = {}
        self._begun: dict[int, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def run(self, name: str, parameters: Mapping[str, str] | None = None, timeout_s: float = 5.0) -> CommandReply:
        """Have PLUS carry out a command, such as 'StartRecording', and return its reply.

        Raises StreamError when there is no connection or no reply within `timeout_s`.
        """
        number = self.begin(name, parameters)
        self._wait_for(lambda: self._replies.get(number) is not None, timeout_s)
        with self._lock:
            reply = self._replies.pop(number, None)
            self._begun.pop(number, None)
        if reply is None:
            raise StreamError(self._not_answered(name, timeout_s))
        return reply

    def begin(self, name: str, parameters: Mapping[str, str] | None = None) -> int:
        """Send a command without waiting; its number, for reply_to(). Raises StreamError without a connection."""
        command = Command(name, dict(parameters or {}), next(self._numbers))
        with self._lock:
            self._replies[command.identifier] = None
            self._begun[command.identifier] = name, time.monotonic()
            while len(self._replies) > _MOST_OPEN_COMMANDS:
                oldest = next(iter(self._replies))
                del self._replies[oldest]
                self._begun.pop(oldest, None)
        try:
            self._send(command_message(command, self._header_version()))
        except StreamError:
            with self._lock:
                self._replies.pop(command.identifier, None)
                self._begun.pop(command.identifier, None)
            raise
        return command.identifier

    def reply_to(self, number: int, timeout_s: float = 10.0) -> CommandReply | None:
        """The reply to a command that was begun, once; None as long as there is none.

        PLUS never answers a command of the older kind that it does not know: after `timeout_s` it counts as failed.
        """
        with self._lock:
            if self._replies.get(number) is not None:
                self._begun.pop(number, None)
                return self._replies.pop(number)
            name, begun_s = self._begun.get(number, ("", math.inf))
            if time.monotonic() - begun_s < timeout_s or number not in self._replies:
                return None
            del self._replies[number], self._begun[number]
        return CommandReply(False, self._not_answered(name, timeout_s), identifier=number)

    def take(self, message: MessageBase) -> bool:
        """Take a message that came, if it is a reply; False when it is none."""
        reply = reply_of(message) if message.message_type in ("RTS_COMMAND", "STRING") else None
        if reply is None:
            return False
        with self._lock:
            if reply.identifier in self._replies:
                self._replies[reply.identifier] = reply
        return True

    def _not_answered(self, name: str, timeout_s: float) -> str:
        return (
            f"{self._address} has not answered the command {name} within {timeout_s:g} s; PLUS is silent about "
            "commands that it does not know."
        )
