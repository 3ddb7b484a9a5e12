"""`crlm scope`: its steps, each in a module of its own."""

from __future__ import annotations

import argparse

from ..options.steps import Step, add_steps, run_step
from . import calibrate, compare, landmarks, overlay, register

# In the order in which a case needs them.
_STEPS = {
    "calibrate": Step(
        "find the camera from pictures of a chessboard or ChArUco board", calibrate.add_arguments, calibrate.run
    ),
    "landmarks": Step(
        "find ridge, ligament and silhouette of the liver in pictures or a video",
        landmarks.add_arguments,
        landmarks.run,
    ),
    "register": Step(
        "find the model's pose before the camera, by landmarks in the picture", register.add_arguments, register.run
    ),
    "overlay": Step("lay the model of the liver over the picture", overlay.add_arguments, overlay.run),
    "compare": Step("measure found landmarks against the true ones", compare.add_arguments, compare.run),
}
EXAMPLES = (*calibrate.EXAMPLES, *landmarks.EXAMPLES, *register.EXAMPLES, *overlay.EXAMPLES, *compare.EXAMPLES)
JSON = "print one JSON object with the figures"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_steps(parser, _STEPS)


run = run_step
