"""`crlm import-model`: a result folder of nnU-Net v2 as a model of this project."""

from __future__ import annotations

import argparse

from ..inference.models.card import TASKS
from ..values.defaults import DEFAULT_BOX_MARGIN_MM, DEFAULT_THRESHOLD
from .options.printing import print_facts
from .options.several_values import values

EXAMPLES = ("crlm import-model nnUNet_results/Dataset042_Tumor/nnUNetTrainer__nnUNetPlans__3d_fullres my-model",)
JSON = "print one JSON object: the model's folder, folds, configuration and spacing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("result", help="nnU-Net's result folder, with plans.json, dataset.json and fold_X/")
    parser.add_argument("name", help="name for the model")
    parser.add_argument("-o", "--output", metavar="FOLDER", help="where to write it (default the user's model folder)")
    parser.add_argument("--task", "--kind", choices=TASKS, default="crop",
                        help="what it was trained on: boxes around a tumor, full volumes, live frames, a CT for liver, "
                        "vessels and tumors (lvt), landmarks in laparoscopic video (default crop)")  # fmt: skip
    parser.add_argument(
        "--margin",
        type=float,
        default=DEFAULT_BOX_MARGIN_MM,
        metavar="MM",
        help=f"around a tight box (default {DEFAULT_BOX_MARGIN_MM:g})",
    )
    parser.add_argument("--threshold", type=float, default=DEFAULT_THRESHOLD,
                        help=f"probability from which a voxel is tumor (default {DEFAULT_THRESHOLD:g})")  # fmt: skip
    parser.add_argument("--folds", type=values, metavar="N",
                        help="numbers, or all for nnU-Net's fold_all (default every number that is there)")  # fmt: skip
    parser.add_argument("--configuration", help="nnU-Net configuration (default what the checkpoint says)")
    parser.add_argument("--trained-on", default="", metavar="WORDS",
                        help="what to say of its training data: 'was trained on WORDS' (default nothing)")  # fmt: skip
    parser.add_argument("--annotated", type=lambda text: text.split(","), metavar="LABEL,LABEL",
                        help="the labels that were annotated in the training (default all of them)")  # fmt: skip


def run(arguments: argparse.Namespace) -> None:
    from ..inference.models.import_model import About, import_model

    model = import_model(
        arguments.result,
        arguments.name,
        arguments.output,
        About(arguments.task, arguments.margin, arguments.threshold, arguments.trained_on, arguments.annotated),
        folds=arguments.folds,
        configuration=arguments.configuration,
    )
    print_facts(
        {
            "model": model.folder,
            "name": model.card.name,
            "folds": len(model.card.weights),
            "task": model.card.task,
            "configuration": model.card.configuration,
            "spacing_mm": model.spacing_mm,
            "channels": len(model.channels),
            "labels": model.labels.foreground_heads,
        }
    )
    spacing = " x ".join("any" if size is None else f"{size:g}" for size in model.spacing_mm)
    print(
        f"{model.folder}: {model.card.task}, {len(model.card.weights)} fold(s), {model.card.configuration}, "
        f"{spacing} mm, {len(model.channels)} channel(s), labels {', '.join(model.labels.foreground_heads)}"
    )
