"""`crlm study landmark-sweep`: recipes for landmarks side by side."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ConfigurationError
from ...files.whole_file import written_whole
from ..options.outputs import check_folder
from ..options.printing import print_facts
from ..options.progress import progress_bar
from .tables import table_of
from .training_options import add_training_options

if TYPE_CHECKING:
    from ...study.training.recipe import Recipe

STEP = "landmark-sweep"
SUMMARY = "train recipes for landmarks on the same pictures and compare them on the validation pictures"
JSON = "print one JSON object: figures of each recipe"


def add_arguments(step: argparse.ArgumentParser) -> None:
    step.add_argument(
        "table", metavar="TABLE", help="CSV of pictures, such as STUDY/cases.csv; test cases are left out"
    )
    step.add_argument(
        "--recipes", nargs="+", default=["weightings", "losses"], metavar="NAME",
        help="'weightings' (max-log, logarithmic, proportional), 'losses' (weights of the losses), or recipes' names; "
        "default both tables",
    )  # fmt: skip
    step.add_argument("--work", required=True, metavar="DIR", help="folder of the comparison; a study for each recipe")
    add_training_options(step)
    step.add_argument("--json", action="store_true", help=JSON)


def run(arguments: argparse.Namespace) -> None:
    check_folder(Path(arguments.work), "--work")
    from ...study.cases.case_table import read_case_table
    from ...study.landmarks.sweep import FIGURES, chosen_recipes, sweep
    from ...study.recipes import with_overrides, with_settings
    from ...study.tasks import task_named

    recipes = chosen_recipes(arguments.recipes)
    of_network = task_named("landmarks").recipes.networks[arguments.network]
    settings = {"epochs": arguments.epochs, "iterations": arguments.iterations}
    planned = {name: of_network(recipe) for name, recipe in recipes.items()}
    if arguments.override:
        planned = with_overrides(planned, arguments.override)
    planned = with_settings(planned, settings)
    rows = read_case_table(arguments.table)
    if {"training", "validation"} - {row.split for row in rows}:
        raise ConfigurationError(f"{arguments.table} needs pictures for training and for validation.")
    folder = Path(arguments.work)
    with progress_bar("Sweep") as progress:
        found = sweep(
            folder, planned, rows, arguments.device, arguments.threads, arguments.workers, arguments.scheduler, progress
        )
    with written_whole(folder / "sweep.json") as place:
        content = {"pictures": sum(row.split == "validation" for row in rows), "training": _common(planned),
                   "figures": found}  # fmt: skip
        place.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print_facts({"sweep": str(folder / "sweep.json"), "recipes": found})
    print(table_of("recipe", FIGURES, found))


def _common(recipes: Mapping[str, Recipe]) -> dict[str, str | float]:
    """What is the same in all of them and says how long they learned."""
    found: dict[str, str | float] = {}
    for name in ("network", "start_from", "epochs", "iterations", "batch", "learning_rate"):
        values = {getattr(recipe, name) for recipe in recipes.values()}
        if len(values) == 1 and "" not in values:
            found[name.replace("_", " ")] = values.pop()
    return found
