"""`crlm compare`: a mask against the truth."""

from __future__ import annotations

import json
import math

from ..files import read_volume


def add_arguments(parser):
    parser.add_argument("mask")
    parser.add_argument("truth", help="true mask; on another grid it is resampled onto the mask's")
    parser.add_argument("--json", action="store_true", help="print one JSON object; what is not defined is null")


def run(arguments):
    from ..study.metrics import compare

    figures = compare(read_volume(arguments.mask), read_volume(arguments.truth))
    if arguments.json:
        print(json.dumps({name: None if math.isnan(value) else value for name, value in figures.items()}))
    else:
        for name, value in figures.items():
            print(f"{name:<26} {value:.4f}")
