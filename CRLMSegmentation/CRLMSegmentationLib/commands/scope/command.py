"""`crlm scope`: its steps, each in a module of its own."""

from __future__ import annotations

import argparse

from ..options.steps import Step, add_steps, run_step
from . import calibrate, compare, overlay

# In the order in which a case needs them.
_STEPS = {
    "calibrate": Step(
        "find the camera from pictures of a chessboard or ChArUco board", calibrate.add_arguments, calibrate.run
    ),
    "overlay": Step("lay the model of the liver over the picture", overlay.add_arguments, overlay.run),
    "compare": Step("measure found landmarks against the true ones", compare.add_arguments, compare.run),
}
EXAMPLES = (*calibrate.EXAMPLES, *overlay.EXAMPLES, *compare.EXAMPLES)
JSON = "print one JSON object with the figures"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_steps(parser, _STEPS)


run = run_step
