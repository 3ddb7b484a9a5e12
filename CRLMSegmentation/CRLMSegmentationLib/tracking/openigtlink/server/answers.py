"""What a server answers to the messages of a client."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from pyigtl import MessageBase

from ..commands import Command, CommandReply, command_of, reply_message
from ..messages import MESSAGE_CLASSES, StatusMessage
from .client import ServerClient, pack_all

_logger = logging.getLogger(__name__)

CommandHandler = Callable[[Command], CommandReply]
MessageHandler = Callable[[MessageBase], Sequence[MessageBase] | None]


class ServerAnswers:
    """Answers GET_STATUS, STT_TDATA and STP_TDATA; commands and all else are for the handlers, see Server."""

    def __init__(self, on_command: CommandHandler | None, on_message: MessageHandler | None) -> None:
        self._on_command, self._on_message = on_command, on_message

    def to(self, message: MessageBase, client: ServerClient) -> bytes:
        """The bytes of the answers, in the version of the client; none for a message that needs no answer."""
        version = client.version
        found = command_of(message)
        answers: Sequence[MessageBase]
        if found is not None:
            command, version = found
            answers = [reply_message(self._reply_to(command), command, version)]
        elif message.message_type == "GET_STATUS":
            answers = [StatusMessage()]
        elif message.message_type == "STT_TDATA":
            # A sender's interval that makes no sense asks for all.
            client.tracking_interval_s = max(message.interval_ms, 0) / 1000
            answers = [MESSAGE_CLASSES["RTS_TDATA"](status=0)]
        elif message.message_type == "STP_TDATA":
            client.tracking_interval_s = None
            answers = [MESSAGE_CLASSES["RTS_TDATA"](status=0)]
        else:
            answers = self._of_handler(message)
        return pack_all(answers, version)

    def _of_handler(self, message: MessageBase) -> Sequence[MessageBase]:
        if self._on_message is not None:
            try:
                return self._on_message(message) or ()
            except Exception:
                _logger.exception("A %s message could not be handled.", message.message_type)
        return ()

    def _reply_to(self, command: Command) -> CommandReply:
        if self._on_command is None:
            return CommandReply(False, "This server takes no commands.")
        try:
            return self._on_command(command)
        except Exception as error:
            _logger.exception("The command %s failed.", command.name)
            return CommandReply(False, f"The command failed: {error}")
