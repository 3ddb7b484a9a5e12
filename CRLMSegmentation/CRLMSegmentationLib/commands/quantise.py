"""`crlm quantise`: choose the layers of a model that are computed in 8 bits, and note them in its card."""

from __future__ import annotations

import sys

from ..files import read_volume
from .options.progress import progress_bar

EXAMPLES = ("crlm quantise my-model crops/*.nrrd",)


def add_arguments(parser):
    parser.add_argument("model", help="model, or its folder; its model.json is written")
    parser.add_argument(
        "crops",
        nargs="+",
        metavar="CROP",
        help="volumes as the model sees them: around a tumor, margin included; 8 or more, those of one "
        "case one after the other. The second half is only used to judge",
    )


def run(arguments):
    from ..inference.models.trained_model import load_model
    from ..inference.runtimes.quantise import write_eight_bits
    from ..segmentation.eight_bits import quantise_for_tumors

    model = load_model(arguments.model)
    crops = [read_volume(path) for path in arguments.crops]
    with progress_bar("Quantising") as progress:
        found = quantise_for_tumors(model, crops, progress=progress)
    agreement = found.agreement
    print(
        f"{agreement.crops} crops, masks in 8 bits with those in float32: Dice {agreement.median:.4f} median, "
        f"{agreement.worst:.4f} worst, {agreement.lesions_lost} tumor(s) lost"
    )
    if not found.good_enough:
        print("That is too little: the model stays in float32 and its card as it was.", file=sys.stderr)
        return 1
    write_eight_bits(model, found)
    twice = sum(layer.parts == 2 for layer in found.folds[0].values())
    print(f"{model.folder}: {len(found.folds[0])} layers in 8 bits, {twice} of them in two parts")
    return 0
