"""The recipes of a study: by name, then as a file overrides them, then as single settings do."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from .checked_fields import overridden
from .tasks import TASKS, task_named
from .training.recipe import Recipe

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def recipes_for(
    tasks: Sequence[str], name: str = "recommended", network: str = "small", quick: bool = False
) -> dict[str, Recipe]:
    """The named recipe of each task. Raises ConfigurationError for a task, recipe or network that there is not.

    quick  a few steps of tiny networks on coarse voxels: to see that everything runs, not to learn anything
    """
    books = {task: task_named(task).recipes for task in tasks}
    recipes = {task: book.named(name, network) for task, book in books.items()}
    return {task: books[task].quick(recipe) for task, recipe in recipes.items()} if quick else recipes


def with_overrides(recipes: Mapping[str, Recipe], file: str | Path) -> dict[str, Recipe]:
    """The recipes with the settings of a TOML file in place of their own.

    Settings at the top of the file are for all recipes, those in a table named like a task, such as [crop], for this
    one alone; [crop.sampling] holds the settings of its boxes. Tables of tasks that are not done are skipped.

    Raises ConfigurationError, which names file and key, for a key that is not known, a value of another type, or one
    out of its range.
    """
    try:
        table = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"The recipe file {file} cannot be read ({error.strerror or error}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The recipe file {file} is no TOML file ({error}).") from None
    for_all = {key: value for key, value in table.items() if key not in TASKS}
    changed = {}
    for task, recipe in recipes.items():
        own = table.get(task, {})
        if not isinstance(own, Mapping):
            raise ConfigurationError(f"{file}: {task} is the name of a task, and has to be a table: [{task}].")
        changed[task] = overridden(overridden(recipe, for_all, str(file)), own, f"{file}, [{task}]")
    return changed


def with_settings(recipes: Mapping[str, Recipe], settings: Mapping[str, Any]) -> dict[str, Recipe]:
    """The recipes with single settings, None for 'as the recipe says'; one that a recipe does not have is skipped."""
    given = {name: value for name, value in settings.items() if value is not None}
    return {
        task: replace(recipe, **{one.name: given[one.name] for one in fields(recipe) if one.name in given})
        for task, recipe in recipes.items()
    }
