"""Commands to PLUS and their replies, as COMMAND / RTS_COMMAND messages or the older CMD_n / ACK_n strings.

PLUS user manual, 'OpenIGTLink commands'; vtkPlusOpenIGTLinkServer::CreateIgtlMessageFromCommandResponse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree

from pyigtl import MessageBase, StringMessage

from .conversion import clean_text
from .messages import CommandMessage, CommandReplyMessage, Utf8StringMessage

_LONGEST_XML = 1 << 20
_COMMAND_PREFIX, _REPLY_PREFIX = "CMD_", "ACK_"


@dataclass(frozen=True)
class Command:
    """A command with its parameters, such as 'StartRecording' with {'OutputFilename': 'sweep.igs.mha'}."""

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    identifier: int = 0


@dataclass(frozen=True)
class CommandReply:
    """What came back: `text` for people, `values` the metadata of the reply."""

    succeeded: bool
    text: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    identifier: int = 0


def command_message(command: Command, version: int) -> MessageBase:
    """The message that carries `command` to a peer that understands headers of `version` 1 or 2."""
    element = ElementTree.Element("Command", {"Name": command.name})
    for name, value in command.parameters.items():
        element.set(name, str(value))
    text = ElementTree.tostring(element, encoding="unicode")
    if version < 2:
        return Utf8StringMessage(text, device_name=f"{_COMMAND_PREFIX}{command.identifier}")
    message = CommandMessage(command.identifier, command.name, text, device_name=command.name[:20])
    message.metadata = {name: str(value) for name, value in command.parameters.items()}
    return message


def reply_message(reply: CommandReply, command: Command, version: int) -> MessageBase:
    """The message that answers `command`, in the form in which it came (version 1: ACK_n)."""
    status = "SUCCESS" if reply.succeeded else "FAIL"
    element = ElementTree.Element("CommandReply", {"Name": command.name, "Status": status, "Message": reply.text})
    text = ElementTree.tostring(element, encoding="unicode")
    if version < 2:
        return Utf8StringMessage(text, device_name=f"{_REPLY_PREFIX}{command.identifier}")
    message = CommandReplyMessage(command.identifier, command.name, text, device_name=command.name[:20])
    message.metadata = {"Status": status, "Message": reply.text, **reply.values}
    return message


def command_of(message: MessageBase) -> tuple[Command, int] | None:
    """The command in a message and the version of its form (1 string, 2 COMMAND); None when it is none."""
    if isinstance(message, CommandMessage) and message.message_type == "COMMAND":
        parameters = {**_attributes(message.content), **message.metadata}
        name = clean_text(message.command_name, 128)
        return Command(name, _without_name(parameters), message.command_id), 2
    number = _number_after(message, _COMMAND_PREFIX)
    if number is None:
        return None
    attributes = _attributes(message.string)
    return Command(clean_text(attributes.get("Name", ""), 128), _without_name(attributes), number), 1


def reply_of(message: MessageBase) -> CommandReply | None:
    """The reply in a message; None when it is none."""
    if message.message_type == "RTS_COMMAND":
        values = {**_attributes(message.content), **message.metadata}
        number = message.command_id
    else:
        number = _number_after(message, _REPLY_PREFIX)
        if number is None:
            return None
        values = _attributes(message.string)
    succeeded = values.get("Status", "").upper() == "SUCCESS"
    # PLUS puts the reason into Error, and 'Command failed. See error message.' into Message.
    order = ("Message", "Error") if succeeded else ("Error", "Message")
    text = next((values[name] for name in order if values.get(name)), "")
    return CommandReply(succeeded, clean_text(text, 4096), values, number)


def _number_after(message: MessageBase, prefix: str) -> int | None:
    if not isinstance(message, StringMessage) or not message.device_name.startswith(prefix):
        return None
    digits = message.device_name[len(prefix) :]
    return int(digits) if digits.isascii() and digits.isdigit() else None


def _attributes(text: str) -> dict[str, str]:
    """The attributes of the outermost element; none when it is no XML, or XML that declares entities."""
    if "<!" in text or len(text) > _LONGEST_XML:
        return {}
    try:
        return dict(ElementTree.fromstring(text).attrib)
    except ElementTree.ParseError:
        return {}


def _without_name(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name != "Name"}
