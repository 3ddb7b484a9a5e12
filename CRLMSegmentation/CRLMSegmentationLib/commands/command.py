"""`crlm command`: have PLUS carry out one of its commands, and print what it answers."""

from __future__ import annotations

import argparse
import time

from ..errors import ConfigurationError, StreamError
from ..tracking import Receiver
from .options.printing import print_facts
from .options.server_options import add_address_options

EXAMPLES = (
    "crlm command RequestDeviceIds",
    "crlm command StartRecording CaptureDeviceId=CaptureDevice OutputFilename=sweep.igs.mha",
    "crlm command StopRecording CaptureDeviceId=CaptureDevice",
)
JSON = "print one JSON object: what was answered, and the values that came with it"
# Until PLUS has shown that it speaks version 2 it is asked in the older form, in which it does not answer everything.
_VERSION_KNOWN_WITHIN_S = 1.0
_NOT_FOR_PEOPLE = ("Name", "Status", "Message", "Error")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the command, such as RequestDeviceIds, StartRecording or Version")
    parser.add_argument(
        "parameters", nargs="*", metavar="KEY=VALUE", help="its parameters, as the PLUS manual has them"
    )
    add_address_options(parser)
    parser.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS",
                        help="how long the server and its answer are waited for (default 10)")  # fmt: skip


def run(arguments: argparse.Namespace) -> None:
    if not arguments.timeout > 0:
        raise ConfigurationError(f"--timeout is {arguments.timeout}; it must be greater than 0.")
    parameters = dict(_parameter(text) for text in arguments.parameters)
    with Receiver(arguments.host, arguments.port) as receiver:
        receiver.wait_until_connected(arguments.timeout)
        until = time.monotonic() + _VERSION_KNOWN_WITHIN_S
        while receiver.status.header_version < 2 and time.monotonic() < until:
            time.sleep(0.02)
        reply = receiver.commands.run(arguments.name, parameters, arguments.timeout)
    if not reply.succeeded:
        reason = reply.text.rstrip(".") or "no reason is given"
        hint = "; PLUS says this of a missing parameter, too" if "unknown command" in reason.lower() else ""
        raise StreamError(f"{arguments.name} failed: {reason}{hint}.")
    print_facts({"command": arguments.name, "text": reply.text, "values": reply.values})
    print(reply.text)
    for name, value in reply.values.items():
        if name not in _NOT_FOR_PEOPLE and value != name:
            print(f"{name}: {value}")


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise ConfigurationError(f"'{text}' is no parameter; give KEY=VALUE, such as OutputFilename=sweep.igs.mha.")
    return name, value
