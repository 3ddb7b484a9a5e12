"""What is navigated by, sent to other programs while a person wants it; messages.py says in which form."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pyigtl import MessageBase

from ...tracking.openigtlink.commands import Command, CommandReply
from ...tracking.openigtlink.server.server import Server
from ...words import tr
from ..frame_source import ACTION_DEVICE
from ..workflow import Workflow
from .messages import other_tumor, tool_messages, tumor_message

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ..tools import Tools

# A program that has missed the message has the surface after so long.
_SURFACE_EVERY_S = 2.0


class PublishingPart:
    """Serves the tumor and the distances of one session while it is on.

    host      that it is served at when nobody says another one: 127.0.0.1 for programs on this computer alone
    surface   RAS mm, of the chosen tumor, while it is to be navigated by; None while there is none
    others    the same of each further tumor, by its number
    ask       called in the server's thread with the name of an action that a program asks for; the sentence why it may
              not be asked for, '' when it may
    """

    def __init__(
        self, workflow: Workflow, tools: Tools, surface: Callable[[], vtkPolyData | None],
        others: Callable[[], Mapping[int, vtkPolyData]] = dict,
    ) -> None:  # fmt: skip
        self.host = "127.0.0.1"
        self.ask: Callable[[str], str] = lambda name: tr("Nothing can be asked for here.")
        self._workflow, self._tools, self._surface, self._others = workflow, tools, surface, others
        self._sent_others: dict[int, vtkPolyData] = {}
        self._server: Server | None = None
        self._sent: vtkPolyData | None = None
        self._clients, self._surface_due_s = 0, 0.0

    @property
    def port(self) -> int | None:
        """The port that is served at; None while it is off."""
        return None if self._server is None else self._server.port

    @property
    def clients(self) -> int:
        """How many programs are connected."""
        return 0 if self._server is None else self._server.client_count

    @property
    def text(self) -> str:
        """Where it is served and to how many, for people; '' while it is off."""
        if self._server is None:
            return ""
        who = {0: tr("no program is connected"), 1: tr("1 program is connected")}.get(self.clients)
        return tr(
            "Sending at port {port}: {who}",
            port=self.port,
            who=who or tr("{count} programs are connected", count=self.clients),
        )

    def start(self, port: int, host: str | None = None) -> None:
        """Begin to serve, in place of what was served before.

        port  0 takes a free one
        host  None for `host`, as before; OpenIGTLink asks nobody who he is
        Raises StreamError when the port cannot be had; then it is off.
        """
        self.stop()
        self.host = self.host if host is None else host
        self._server = Server(self.host, port, on_command=self._on_command, on_message=self._on_message).start()
        self._clients = 0
        self._notify()

    def stop(self) -> None:
        """Release the port; every client sees the end of the connection."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()
            self._notify()

    def _on_command(self, command: Command) -> CommandReply:
        """A program asks for an action by the name of its command."""
        refusal = self.ask(command.name)
        return CommandReply(not refusal, refusal or tr("Asked for."))

    def _on_message(self, message: MessageBase) -> None:
        """The same by a STRING, for what sends no commands."""
        if message.message_type == "STRING" and message.device_name == ACTION_DEVICE:
            self.ask(str(message.string))

    def _notify(self) -> None:
        self._workflow.touch()
        self._workflow.notify()

    def process(self, now_s: float) -> None:
        """Send how things are now, when anybody listens; `now_s` is time.monotonic() of this tick."""
        clients, self._clients = self._clients, self.clients
        if self._server is None or not self._clients:
            return
        surface, others, now, messages = self._surface(), dict(self._others()), time.time(), list[MessageBase]()
        is_due = self._clients > clients or now_s >= self._surface_due_s
        if surface is not self._sent or others != self._sent_others or is_due:
            gone = dict.fromkeys(self._sent_others.keys() - others.keys())
            messages.append(tumor_message(surface, now))
            for number, other in sorted({**others, **gone}.items()):
                messages.append(tumor_message(other, now, other_tumor(number)))
            self._sent, self._sent_others, self._surface_due_s = surface, others, now_s + _SURFACE_EVERY_S
        for reading in self._tools.readings(now_s):
            messages += tool_messages(reading, now)
        self._server.send(messages)
