"""`crlm calibrate`: find where the tip of a stylus is, where the image lies on its probe, and how late images are."""

from __future__ import annotations

import argparse

from .. import timing
from ..options.steps import Step, add_steps, run_step
from . import phantom, pointer, probe, stylus, tracker

STEPS = {
    "stylus": Step("find the tip of a stylus that is turned about it", stylus.add_arguments, stylus.run),
    "phantom": Step("find where a phantom stands, from its touched landmarks", phantom.add_arguments, phantom.run),
    "probe": Step("find where the image lies on its probe, on an N-wire phantom", probe.add_arguments, probe.run),
    "pointer": Step(
        "find where the image lies on its probe, with the tip of a tracked pointer in the image",
        pointer.add_arguments,
        pointer.run,
    ),
    "tracker": Step("write down how accurate the tracker is, as its maker says", tracker.add_arguments, tracker.run),
    "time": Step("find the delay between the images and the poses of a recording", timing.add_arguments, timing.run),
}
EXAMPLES = (
    "crlm calibrate stylus pivot.igs.mha --tool Stylus -o stylus.xml",
    "crlm calibrate phantom landmarks.igs.mha --plus-config plus.xml --calibrations calibrations.json",
    "crlm calibrate probe phantom.igs.mha --plus-config plus.xml -o image.xml",
    "crlm calibrate pointer touches.igs.mha points.csv --calibrations calibrations.json -o image.xml",
    "crlm calibrate tracker --position-mm 0.5 --rotation-deg 0.2 --calibrations calibrations.json",
    "crlm calibrate time updown.igs.mha --plus-config plus.xml",
)
JSON = "print one JSON object: what was found, and how well it is known"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_steps(parser, STEPS, metavar="WHAT")


run = run_step
