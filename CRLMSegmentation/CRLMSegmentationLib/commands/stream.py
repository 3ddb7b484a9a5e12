"""`crlm stream`: watch what an OpenIGTLink server sends, without recording it."""

from __future__ import annotations

import argparse
import sys
import time

from ..errors import ConfigurationError
from ..tracking import HealthLog, Receiver, health_line, health_record, health_rows
from .options.outputs import Output, check_outputs
from .options.printing import is_json, print_facts
from .options.server_options import add_server_options
from .options.sweep_options import add_sweep_options, calibration_from, configuration_from

EXAMPLES = ("crlm stream --host scanner --seconds 10", "crlm stream --json")
JSON = "print one JSON object a line"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_server_options(parser)
    parser.add_argument("--seconds", type=float, help="stop after this long (default: Ctrl-C)")
    parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS", help="between two lines (default 1)")
    parser.add_argument("--log", metavar="FILE", help="append the same as JSON lines to this file")
    add_sweep_options(parser)


def run(arguments: argparse.Namespace) -> None:
    for name in ("seconds", "every"):
        value = getattr(arguments, name)
        if value is not None and not value > 0:
            raise ConfigurationError(f"--{name} is {value}; it must be greater than 0.")
    check_outputs([Output("--log", arguments.log, by_library=False)], [arguments.plus_config], force=True)
    calibration = calibration_from(arguments, configuration_from(arguments))
    log = HealthLog(arguments.log, arguments.every) if arguments.log else None
    began = reported = time.monotonic()
    with Receiver(
        arguments.host, arguments.port, calibration, arguments.reference or "Reference", arguments.image_name
    ) as receiver:
        try:
            while arguments.seconds is None or time.monotonic() - began < arguments.seconds:
                frame = receiver.get(min(arguments.every, 0.2))
                if frame is not None:
                    receiver.ultrasound.shown(frame)
                if log:
                    log.write(receiver.status)
                if time.monotonic() - reported >= arguments.every:
                    reported = time.monotonic()
                    status = receiver.status
                    print_facts(health_record(status))
                    print(health_line(status), flush=True)
        finally:
            status = receiver.status
            if log:
                log.close()
    if not is_json():
        for row in health_rows(status):
            print(
                f"{row.label:<14} {row.text:<16} {row.level if row.level != 'ok' else '':<10} {row.hint}",
                file=sys.stderr,
            )
    if not status.connections:
        raise receiver.no_image_error(time.monotonic() - began)
