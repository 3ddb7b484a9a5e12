"""The models to choose from, in every front end: those that ship, as models.json describes them, and those in the
user's own folder.

models.json is checked against models.schema.json by a test; here only what is used is read. A model folder that is not
listed is offered all the same, described by its card.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ...errors import ModelError
from .trained_model import available_models, load_model, models_folder, user_models

CATALOGUE = "models.json"


@dataclass(frozen=True)
class CatalogueEntry:
    """A model that can be chosen.

    name         for load_model()
    title        for people, a few words
    description  for people: what it is for, what it was trained on
    kind         'crop' or 'full'; '' when the model cannot be used
    problem      why it cannot be used; ''
    """

    name: str
    title: str
    description: str
    kind: str
    problem: str = ""


def model_choices() -> list[CatalogueEntry]:
    """The shipped models in the order of the catalogue, then the user's. Opens no weights, and never raises: a model
    that cannot be used tells its `problem`.
    """
    described = {entry["name"]: entry for entry in _catalogue()}
    shipped = available_models()
    names = [name for name in described if name in shipped] + [name for name in shipped if name not in described]
    return [_entry(name, described.get(name)) for name in [*names, *user_models()]]


def _entry(name: str, described: dict | None) -> CatalogueEntry:
    try:
        card = load_model(name, check_weights=False).card
    except ModelError as error:
        return CatalogueEntry(name, (described or {}).get("title", name), str(error), "", str(error))
    if described:
        return CatalogueEntry(name, described["title"], described["description"], card.kind)
    words = (card.trained_on, card.text.get("intended_use"))
    return CatalogueEntry(name, f"{card.name} {card.version}", " ".join(str(word) for word in words if word), card.kind)


def _catalogue() -> list[dict]:
    folder = models_folder()
    path: Path | None = folder / CATALOGUE if folder else None
    if path is None or not path.is_file():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["models"]
        return [{key: str(entry[key]) for key in ("name", "title", "description")} for entry in entries]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # damaged: the cards describe the models too
