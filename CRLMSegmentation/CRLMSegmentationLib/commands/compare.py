"""`crlm compare`: a mask against the truth."""

from __future__ import annotations

import argparse
import math

from ..files import read_mask
from .options.printing import print_doubt, print_facts

EXAMPLES = (
    "crlm compare mask.nrrd truth.nrrd",
    "crlm compare mask.nrrd annotation.seg.nrrd --truth-label tumor --json",
)
JSON = "print one JSON object; what is not defined is null"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("mask", help="mask to be judged (.nrrd, .nii.gz, .mha, .seg.nrrd)")
    parser.add_argument("truth", help="true mask; on another grid it is resampled onto the mask's")
    parser.add_argument("--mask-label", metavar="LABEL", help="which label or segment of the mask, or 'all'")
    parser.add_argument("--truth-label", metavar="LABEL", help="which label or segment of the truth, or 'all'")


def run(arguments: argparse.Namespace) -> None:
    from ..study.metrics import compare

    figures = compare(
        read_mask(arguments.mask, arguments.mask_label, "--mask-label"),
        read_mask(arguments.truth, arguments.truth_label, "--truth-label"),
    )
    print_facts(figures)
    for name, value in figures.items():
        print(f"{name:<26} {'not defined' if math.isnan(value) else f'{value:.4f}'}")
    if 0 < figures["truth_volume_ml"] <= figures["truth_outside_ml"] * 1.001:
        print_doubt("doubt: the truth lies wholly outside of the mask's grid: are both in one frame of reference?")
    for name, what in (("volume_ml", "mask"), ("truth_volume_ml", "truth")):
        if figures[name] == 0:
            print_doubt(f"doubt: the {what} is empty; overlap and distances say little.")
