"""`crlm calibrate`: find where the tip of a stylus is, where the image lies on its probe, and how late images are."""

from __future__ import annotations

import argparse

from .. import timing
from . import probe, stylus

STEPS = {
    "stylus": (stylus, "find the tip of a stylus that is turned about it"),
    "probe": (probe, "find where the image lies on its probe, on an N-wire phantom"),
    "time": (timing, "find the delay between the images and the poses of a recording"),
}
EXAMPLES = (
    "crlm calibrate stylus pivot.igs.mha --tool Stylus -o stylus.xml",
    "crlm calibrate probe phantom.igs.mha --plus-config plus.xml -o image.xml",
    "crlm calibrate time updown.igs.mha --plus-config plus.xml",
)
JSON = "print one JSON object: what was found, and how well it is known"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    steps = parser.add_subparsers(dest="step", metavar="WHAT", required=True)
    for name, (module, summary) in STEPS.items():
        step = steps.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        module.add_arguments(step)
        step.set_defaults(calibrate=module.run)


def run(arguments: argparse.Namespace) -> None:
    arguments.calibrate(arguments)
