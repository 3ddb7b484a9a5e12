"""`crlm replay`: serve a recording over OpenIGTLink, as PLUS would."""

from __future__ import annotations

import argparse
import sys

from ..errors import NoImagesError
from ..sweep import Sweep
from ..sweep.sequence_files.tool_poses import read_tracker
from ..tracking.openigtlink.port import checked_port
from ..tracking.replay.replayer import MODES, Replayer
from ..values.defaults import DEFAULT_PORT
from .options.printing import print_facts
from .options.sweep_options import add_sweep_options, configuration_from, read_given_sweep

EXAMPLES = ("crlm replay sweep.igs.mha", "crlm replay sweep.igs.mha --port 18945 --loop")
JSON = "print JSON objects, one a line: where what is served, and at the end how many frames were sent"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sweep", help="recording to serve, with images or of a tracker alone")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT,
                        help=f"TCP port (default {DEFAULT_PORT}; 0 takes a free one)")  # fmt: skip
    parser.add_argument("--host", default="127.0.0.1", help="address to serve at (default only this computer)")
    parser.add_argument("--mode", choices=MODES, default="image_image",
                        help="pose in the image message, or as a transform beside it (default)")  # fmt: skip
    parser.add_argument("--speed", type=float, default=1.0, help="1 the recorded rate (default), 2 twice that ...")
    parser.add_argument("--fast", action="store_true", help="as fast as the client takes it")
    parser.add_argument("--loop", action="store_true", help="start again after the last frame")
    add_sweep_options(parser)


def _recording(arguments: argparse.Namespace) -> Sweep:
    """Of a tracker alone, too, as `crlm record` writes it while no image comes."""
    try:
        return read_given_sweep(arguments.sweep, arguments, configuration_from(arguments))
    except NoImagesError:
        return read_tracker(arguments.sweep)


def run(arguments: argparse.Namespace) -> None:
    checked_port(arguments.port, lowest=0)
    sweep = _recording(arguments)
    speed = None if arguments.fast else arguments.speed
    with Replayer(
        sweep, arguments.port, arguments.host, arguments.mode, speed, arguments.loop, reference=sweep.reference
    ) as replayer:
        print_facts({"host": arguments.host, "port": replayer.port, "frames": len(sweep), "note": replayer.note})
        if replayer.note:
            print(f"note: {replayer.note}", file=sys.stderr)
        print(f"serving {len(sweep)} frames at {arguments.host}:{replayer.port}; Ctrl-C ends", flush=True)
        while not replayer.wait(0.5):
            pass
    print_facts({"frames_sent": replayer.frames_sent})
    print(f"sent {replayer.frames_sent} frames", file=sys.stderr)
