"""`crlm train`: the model that ships, made again from its seeds. Can be stopped and started again."""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import ConfigurationError
from .progress import progress_bar


def add_arguments(parser):
    parser.add_argument("--work", required=True, metavar="DIR", help="folder for everything intermediate (about 1 GB)")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="the model folder to write")
    parser.add_argument("--epochs", type=int, help="default: the recipe's")
    parser.add_argument("--workers", type=int, default=2, help="processes that simulate (default 2)")
    parser.add_argument("--threads", type=int, help="threads that train (default all)")


def run(arguments):
    for name in ("epochs", "workers", "threads"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise ConfigurationError(f"--{name} is {value}; it must be 1 or more.")
    from ..segmentation.models import load_model
    from ..segmentation.predictor import available_processors
    from ..study.shipped_model import make_model
    from ..study.train import Recipe

    recipe = Recipe(epochs=arguments.epochs) if arguments.epochs else Recipe()
    with progress_bar("Train") as progress:
        folder = make_model(
            Path(arguments.work),
            Path(arguments.output),
            recipe,
            workers=arguments.workers,
            threads=arguments.threads or available_processors(),
            progress=progress,
        )
    card = load_model(folder).card
    print(f"{folder}: threshold {card.threshold:g}, validation {json.dumps(card.text['validation'])}")
