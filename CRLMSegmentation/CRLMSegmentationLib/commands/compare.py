"""`crlm compare`: a mask against the truth."""

from __future__ import annotations

import json
import math

from ..files import read_mask


def add_arguments(parser):
    parser.add_argument("mask")
    parser.add_argument("truth", help="true mask; on another grid it is resampled onto the mask's")
    parser.add_argument("--mask-label", metavar="LABEL", help="which label or segment of the mask, or 'all'")
    parser.add_argument("--truth-label", metavar="LABEL", help="which label or segment of the truth, or 'all'")
    parser.add_argument("--json", action="store_true", help="print one JSON object; what is not defined is null")


def run(arguments):
    from ..study.metrics import compare

    figures = compare(
        read_mask(arguments.mask, arguments.mask_label, "--mask-label"),
        read_mask(arguments.truth, arguments.truth_label, "--truth-label"),
    )
    if arguments.json:
        print(json.dumps({name: None if math.isnan(value) else value for name, value in figures.items()}))
    else:
        for name, value in figures.items():
            print(f"{name:<26} {value:.4f}")
