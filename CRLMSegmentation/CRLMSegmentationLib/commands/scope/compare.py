"""`crlm scope compare`: a mask of landmarks against the true one."""

from __future__ import annotations

import argparse
import math

from ...files.laparoscope.landmark_mask_file import read_landmark_mask
from ..options.printing import print_doubt, print_facts

EXAMPLES = ("crlm scope compare found.png truth.png --json",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    help_text = "0 nothing, 1 ridge, 2 ligament, 3 silhouette; or black, red, blue and yellow"
    parser.add_argument("mask", metavar="MASK", help=f"picture of the found landmarks: {help_text}")
    parser.add_argument("truth", metavar="TRUTH", help="picture of the true ones, of the same size")


def run(arguments: argparse.Namespace) -> None:
    from ...laparoscopy.metrics import P2ILF_SIZE, compare_landmarks

    mask, truth = read_landmark_mask(arguments.mask), read_landmark_mask(arguments.truth)
    figures = compare_landmarks(mask, truth)
    print_facts(figures)
    for name, found in figures.items():
        if not found["truth_pixels"]:
            print_doubt(f"The truth holds no {name}: what was found of it has no distance and no recall.")
        row = [f"{key} {_text(found[key])}" for key in ("dice", "precision", "recall", "cldice")]
        row += [f"symmetric distance {_text(found[f'symmetric_distance_dmax{d}'])} (d_max {d})" for d in (10, 20)]
        print(f"{name:<11}{'  '.join(row)}")
    if truth.shape[::-1] != P2ILF_SIZE:
        width, height = P2ILF_SIZE
        print_doubt(
            f"The masks are not {width} x {height} pixels as the challenge's pictures: their symmetric distances, in "
            "pixels, are not those of its tables."
        )


def _text(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"
