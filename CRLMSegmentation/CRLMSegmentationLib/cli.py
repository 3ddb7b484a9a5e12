"""The `crlm` command: every step of the chain on standard files."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from . import __version__
from .errors import CRLMError

# Name, module in commands/ and one line of help; a module is imported only when its command is used.
_COMMANDS = {
    "info": "what is in a recording, volume, box, surface or model",
    "simulate": "make a simulated sweep with its true tumor",
    "replay": "serve a recording over OpenIGTLink, as PLUS would",
    "record": "receive a tracked sweep over OpenIGTLink into a file",
    "stream": "watch what an OpenIGTLink server sends",
    "timing": "find the delay between the images and the poses of a recording",
    "convert": "write a recording in the other format, with one way between any two frames, as PLUS takes it",
    "repair": "turn an interrupted recording into a standard sequence file",
    "reconstruct": "make a volume of a sweep",
    "segment": "find the tumor in a box of a volume",
    "import-model": "take over a result folder of nnU-Net v2 as a model",
    "quantise": "choose the layers of a model that are computed in 8 bits on a processor",
    "compare": "measure a mask against the truth",
    "difference": "compare two reconstructions of one sweep, voxel by voxel",
    "demo": "run the whole chain and show what came out",
    "web": "serve the navigation as a page in the browser",
    "study": "simulate, build, train, calibrate, evaluate and report a whole study",
}


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser; with `only` just that command's arguments are filled in, which keeps start-up quick."""
    parser = argparse.ArgumentParser(
        prog="crlm",
        description="Intraoperative ultrasound navigation of colorectal liver metastases, step by step. "
        "For research; not a medical device.",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=28),
    )
    parser.add_argument("--version", action="version", version=f"crlm {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in _COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if only in (None, name):
            module = import_module(f".commands.{name.replace('-', '_')}", __package__)
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 a sentence was printed, 130 interrupted."""
    arguments = sys.argv[1:] if arguments is None else arguments
    only = next((word for word in arguments if not word.startswith("-")), "")
    parsed = build_parser(only).parse_args(arguments)
    try:
        return parsed.run(parsed) or 0
    except CRLMError as error:
        print(f"crlm {parsed.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"crlm {parsed.command}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`); there is nobody to tell.
        sys.stderr.close()
        return 1


if __name__ == "__main__":
    sys.exit(main())
