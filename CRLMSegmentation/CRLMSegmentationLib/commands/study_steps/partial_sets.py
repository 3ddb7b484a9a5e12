"""`crlm study partial-sets`: whether CTs that were annotated in part help."""

from __future__ import annotations

import argparse
import json
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

STEP = "partial-sets"
SUMMARY = "learn from CTs that were annotated in part in each of three ways, and compare them on the test cases"
JSON = "print one JSON object: figures of each setting"


def add_arguments(step: argparse.ArgumentParser) -> None:
    step.add_argument("table", metavar="TABLE", help="CSV of CTs with their column 'labelled', such as STUDY/cases.csv")
    step.add_argument(
        "--work", required=True, metavar="DIR", help="folder of the comparison; a study for each setting and seed"
    )
    step.add_argument(
        "--settings", nargs="+", metavar="NAME",
        help="such as 'ml-partial': one label a voxel ('mc'), exclusive ('mlx') or overlapping sigmoids ('ml'), with "
        "the 'complete' cases alone, 'partial' ones beside them, or 'everything'; and 'ml-partial-fixed-window'; "
        "default all",
    )  # fmt: skip
    step.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="N", help="default 0 1 2")
    add_training_options(step)
    step.add_argument("--json", action="store_true", help=JSON)


def run(arguments: argparse.Namespace) -> None:
    check_folder(Path(arguments.work), "--work")
    from ...study.cases.case_table import TRAINING, VALIDATION, read_case_table
    from ...study.partial_sets import SETTINGS, compare_settings
    from ...study.plain_values import without_nan
    from ...study.reporting.partial_sets_section import COMPARED, FILE, figure
    from ...study.tasks.lvt import RECIPES, labelled_in

    names = arguments.settings or list(SETTINGS)
    for name in names:
        if name not in SETTINGS:
            raise ConfigurationError(f"There is no setting '{name}': choose from {', '.join(SETTINGS)}.")
    if len(set(arguments.seeds)) < len(arguments.seeds) or min(arguments.seeds) < 0:
        raise ConfigurationError("--seeds are different whole numbers from 0 on.")
    recipes = {name: _recipe(arguments, name) for name in dict.fromkeys(names)}
    rows = read_case_table(arguments.table)
    if {TRAINING, VALIDATION} - {row.split for row in rows}:
        raise ConfigurationError(f"{arguments.table} needs CTs for training and for validation.")
    folder = Path(arguments.work)
    with progress_bar("Partial sets") as progress:
        found = compare_settings(
            folder, recipes, arguments.seeds, rows, arguments.device, arguments.threads, arguments.workers,
            arguments.scheduler, progress,
        )  # fmt: skip
    usual = RECIPES["recommended"]
    cases = {"training": sum(row.split == TRAINING for row in rows),
             "complete": sum(row.split == TRAINING and labelled_in(row, usual) is None for row in rows),
             "test": sum(row.is_test for row in rows)}  # fmt: skip
    content = {"cases": cases, "seeds": arguments.seeds, "training": _common(list(recipes.values())),
               "settings": found}  # fmt: skip
    with written_whole(folder / FILE) as place:
        place.write_text(json.dumps(without_nan(content), indent=1) + "\n", encoding="utf-8")
    print_facts({"comparison": str(folder / FILE), "settings": found})
    shown = {name: {title: figure(one, path) for title, path in COMPARED.items()} for name, one in found.items()}
    print(table_of("setting", list(COMPARED), shown))


def _recipe(arguments: argparse.Namespace, setting: str) -> Recipe:
    from ...study.partial_sets import SETTINGS
    from ...study.recipes import recipes_for, with_overrides, with_settings

    task, name = SETTINGS[setting]
    recipes = recipes_for([task], name, arguments.network)
    if arguments.override:
        recipes = with_overrides(recipes, arguments.override)
    return with_settings(recipes, {"epochs": arguments.epochs, "iterations": arguments.iterations})[task]


def _common(recipes: list[Recipe]) -> dict[str, str | float]:
    """What is the same in all of them and says how large the networks are and how long they learned."""
    names = ("network", "spacing_mm", "epochs", "iterations", "learning_rate")
    return {name.replace("_", " "): getattr(recipes[0], name) for name in names
            if len({getattr(one, name) for one in recipes}) == 1}  # fmt: skip
