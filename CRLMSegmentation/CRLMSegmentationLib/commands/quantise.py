"""`crlm quantise`: choose the layers of a model that are computed in 8 bits, and note them in its card."""

from __future__ import annotations

import argparse
import sys

from ..files import read_volume
from .options.printing import print_facts
from .options.progress import progress_bar

EXAMPLES = ("crlm quantise my-model crops/*.nrrd",)
JSON = "print one JSON object: how well the masks agree, and how many layers are computed in 8 bits"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="model, or its folder; its model.json is written")
    parser.add_argument(
        "crops",
        nargs="+",
        metavar="CROP",
        help="volumes as the model sees them: around a tumor, margin included; 8 or more, those of one "
        "case one after the other. The second half is only used to judge",
    )


def run(arguments: argparse.Namespace) -> int:
    from ..inference.models.trained_model import load_model
    from ..inference.runtimes.quantise import write_eight_bits
    from ..segmentation.eight_bits import quantise_for_tumors

    model = load_model(arguments.model)
    crops = [read_volume(path) for path in arguments.crops]
    with progress_bar("Quantising") as progress:
        found = quantise_for_tumors(model, crops, progress=progress)
    agreement = found.agreement
    twice = sum(layer.parts == 2 for layer in found.folds[0].values())
    print_facts(
        {
            "model": model.folder,
            "good_enough": found.good_enough,
            "crops": agreement.crops,
            "median_dice": agreement.median,
            "worst_dice": agreement.worst,
            "lesions_lost": agreement.lesions_lost,
            "layers": len(found.folds[0]) if found.good_enough else 0,
            "layers_in_two_parts": twice if found.good_enough else 0,
        }
    )
    print(
        f"{agreement.crops} crops, masks in 8 bits with those in float32: Dice {agreement.median:.4f} median, "
        f"{agreement.worst:.4f} worst, {agreement.lesions_lost} tumor(s) lost"
    )
    if not found.good_enough:
        print("That is too little: the model stays in float32 and its card as it was.", file=sys.stderr)
        return 1
    write_eight_bits(model, found)
    print(f"{model.folder}: {len(found.folds[0])} layers in 8 bits, {twice} of them in two parts")
    return 0
