"""`crlm import-model`: a result folder of nnU-Net v2 as a model of this project."""

from __future__ import annotations

from ..errors import ConfigurationError
from .several_words import words

EXAMPLES = ("crlm import-model nnUNet_results/Dataset042_Tumor/nnUNetTrainer__nnUNetPlans__3d_fullres my-model",)


def add_arguments(parser):
    parser.add_argument("result", help="nnU-Net's result folder, with plans.json, dataset.json and fold_X/")
    parser.add_argument("name", help="name for the model")
    parser.add_argument("-o", "--output", metavar="FOLDER", help="where to write it (default the user's model folder)")
    parser.add_argument("--kind", choices=["crop", "full"], default="crop",
                        help="trained on boxes or on whole volumes (default crop)")  # fmt: skip
    parser.add_argument("--margin", type=float, default=10.0, metavar="MM", help="around a tight box (default 10)")
    parser.add_argument("--threshold", type=float, default=0.5,
                        help="probability from which a voxel is tumor (default 0.5)")  # fmt: skip
    parser.add_argument("--folds", type=words, metavar="N", help="default all that are there")
    parser.add_argument("--configuration", help="nnU-Net configuration (default what the checkpoint says)")


def run(arguments):
    from ..segmentation.import_model import import_model

    model = import_model(
        arguments.result, arguments.name, arguments.output, kind=arguments.kind, margin_mm=arguments.margin,
        threshold=arguments.threshold, folds=_whole_numbers(arguments.folds), configuration=arguments.configuration,
    )
    print(f"{model.folder}: {len(model.card.weights)} fold(s), {model.card.configuration}, "
          f"{' x '.join(f'{size:g}' for size in model.spacing_mm)} mm")


def _whole_numbers(texts: list[str] | None) -> list[int] | None:
    if texts is None:
        return None
    if not all(text.isdecimal() for text in texts):
        raise ConfigurationError(f"--folds '{' '.join(texts)}' are not whole numbers.")
    return [int(text) for text in texts]
