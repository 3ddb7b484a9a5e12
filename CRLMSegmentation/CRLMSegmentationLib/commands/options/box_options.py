"""The options that say where the tumor is searched for."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ...errors import ConfigurationError
from ...files import read_box, read_mask
from ...values import Box
from .several_values import values


def add_box_options(parser: argparse.ArgumentParser, required: bool) -> None:
    choice = parser.add_mutually_exclusive_group(required=required)
    choice.add_argument(
        "--box",
        type=values,
        metavar="BOX",
        help="Markups ROI (.mrk.json), or center R A S and three edge lengths in mm",
    )
    choice.add_argument(
        "--box-from-mask", metavar="MASK", help="tight box around this mask; the model's margin is added"
    )
    parser.add_argument("--box-label", metavar="LABEL", help="which label or segment of --box-from-mask, or 'all'")
    parser.add_argument("--tight", action="store_true", help="the box is tight: add the model's margin on every side")


def box_files(arguments: argparse.Namespace) -> list[str]:
    """The files that the box is read from."""
    return [file for file in (arguments.box_from_mask, *(arguments.box or ())) if file]


def box_from(arguments: argparse.Namespace) -> tuple[Box, bool] | None:
    """The box and whether it is tight; None when none was given."""
    if arguments.box_from_mask:
        return Box.around_mask(read_mask(arguments.box_from_mask, arguments.box_label, "--box-label")), True
    if arguments.box:
        return parse_box(arguments.box), arguments.tight
    return None


def parse_box(texts: list[str]) -> Box:
    """A Markups file, or six numbers: center R A S and sizes in mm."""
    if len(texts) == 1 and Path(texts[0]).suffix.lower() == ".json":
        return read_box(texts[0])
    try:
        numbers = [float(text) for text in " ".join(texts).replace(",", " ").split()]
    except ValueError:
        numbers = []
    if len(numbers) != 6:
        raise ConfigurationError(
            f"The box '{' '.join(texts)}' is neither a .mrk.json file nor six numbers (center R A S, three sizes in "
            "mm)."
        )
    return Box(np.array(numbers[:3]), np.array(numbers[3:]))
