"""Where models lie: those that ship, and those that a user has imported."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import ModelError
from ...words import tr
from .card import CARD
from .user_folders import data_folder

FOLDER_VARIABLE = "CRLM_MODELS"


def models_folder() -> Path | None:
    """The folder of shipped models: in the installed package or in Slicer's module, else in the source tree."""
    package = Path(__file__).resolve().parents[2]
    places = [package, *package.parents[:2]]
    found = [place / "Resources" / "Models" for place in places if (place / "Resources" / "Models").is_dir()]
    return found[0] if found else None


def available_models() -> list[str]:
    """Names of the shipped models: the folders that hold a model card."""
    folder = models_folder()
    return sorted(path.parent.name for path in folder.glob(f"*/{CARD}")) if folder else []


def user_models() -> list[str]:
    """Names of the imported models; none of a folder that cannot be read, and none that a shipped model hides."""
    shipped = available_models()
    try:
        names = sorted(card.parent.name for card in user_models_folder().glob(f"*/{CARD}"))
    except OSError:
        return []
    return [name for name in names if name not in shipped and not name.startswith(".")]


def user_models_folder() -> Path:
    """Where imported models are kept: CRLM_MODELS, or the system's folder for a program's data. It may not be there."""
    if os.environ.get(FOLDER_VARIABLE):
        return Path(os.environ[FOLDER_VARIABLE])
    return data_folder() / "models"


def find_model(name_or_folder: str | Path) -> Path:
    """The folder of a shipped model, of one of the user's, or the folder itself. Raises ModelError, which lists the
    names, when there is none.
    """
    folder = Path(name_or_folder)
    # A name comes first: a folder that happens to be called so in the current one is meant by ./NAME.
    if folder.name == str(name_or_folder) and folder.name not in ("", ".", ".."):
        for place in (models_folder(), user_models_folder()):
            if place and (place / folder.name).is_dir():
                return place / folder.name
    if folder.is_dir():
        return folder
    names = ", ".join([*available_models(), *user_models()]) or "none"
    raise ModelError(
        tr(
            "There is no model '{name_or_folder}': give the folder of a model, or one of the names {names}.",
            name_or_folder=name_or_folder,
            names=names,
        )
    )
