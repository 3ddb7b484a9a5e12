"""The models to choose from, in every front end: those that ship, as models.json describes them, and those in the
user's own folder, each with its task.

models.json is checked against models.schema.json by a test; here only what is used is read. A model folder that is not
listed is offered all the same, described by its card.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ...errors import ModelError
from .model_folders import available_models, models_folder, user_models
from .trained_model import load_model

CATALOGUE = "models.json"


@dataclass(frozen=True)
class CatalogueEntry:
    """A model that can be chosen.

    name         for load_model()
    title        for people, short
    description  for people: what it is for, what it was trained on
    task         one of card.TASKS; '' when the model cannot be used
    labels       names of what it answers, without the background
    problem      why it cannot be used; ''
    """

    name: str
    title: str
    description: str
    task: str
    labels: tuple[str, ...] = ()
    problem: str = ""


def model_choices(*tasks: str) -> list[CatalogueEntry]:
    """The shipped models in the order of the catalogue, then the user's; with `tasks` only those for one of them.

    Opens no weights, and never raises: a model that cannot be used is in every list and says its `problem`.
    """
    described = {entry["name"]: entry for entry in _catalogue()}
    shipped = available_models()
    names = [name for name in described if name in shipped] + [name for name in shipped if name not in described]
    entries = [_entry(name, described.get(name)) for name in [*names, *user_models()]]
    return [entry for entry in entries if not tasks or entry.problem or entry.task in tasks]


def _entry(name: str, described: dict[str, str] | None) -> CatalogueEntry:
    try:
        model = load_model(name, check_weights=False)
    except ModelError as error:
        return CatalogueEntry(name, (described or {}).get("title", name), str(error), "", problem=str(error))
    card, labels = model.card, tuple(label.name for label in model.labels.foreground)
    if described:
        return CatalogueEntry(name, described["title"], described["description"], card.task, labels)
    sentences = (card.trained_on, card.text.get("intended_use"))
    description = " ".join(str(sentence) for sentence in sentences if sentence)
    return CatalogueEntry(name, f"{card.name} {card.version}", description, card.task, labels)


def _catalogue() -> list[dict[str, str]]:
    folder = models_folder()
    path: Path | None = folder / CATALOGUE if folder else None
    if path is None or not path.is_file():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["models"]
        return [{key: str(entry[key]) for key in ("name", "title", "description")} for entry in entries]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # damaged: the cards describe the models too
