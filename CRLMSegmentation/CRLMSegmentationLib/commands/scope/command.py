"""`crlm scope`: its steps, each in a module of its own."""

from __future__ import annotations

import argparse

from . import calibrate, compare

# Name, its module, and one line of help, in the order in which a case needs them.
_STEPS = {
    "calibrate": (calibrate, "find the camera from pictures of a chessboard or ChArUco board"),
    "compare": (compare, "measure found landmarks against the true ones"),
}
EXAMPLES = tuple(example for module, _ in _STEPS.values() for example in module.EXAMPLES)
JSON = "print one JSON object with the figures"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    for name, (module, summary) in _STEPS.items():
        step = steps.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        module.add_arguments(step)
        step.set_defaults(run_step=module.run)


def run(arguments: argparse.Namespace) -> None:
    arguments.run_step(arguments)
