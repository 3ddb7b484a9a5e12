"""Settings that outlive a scene: where PLUS is, and where recordings and cases go. Kept in Slicer's own settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import qt

if TYPE_CHECKING:
    from .parameters import Parameters

NAMES = ("host", "port", "plusConfiguration", "recordFolder", "caseFolder", "scopeImage")
_GROUP = "CRLMSegmentation"


def recall(parameters: Parameters) -> None:
    """Fill a new parameter node with what was used last."""
    for name, value in stored().items():
        if value in (None, ""):
            continue
        try:
            setattr(parameters, name, type(getattr(parameters, name))(value))
        except (TypeError, ValueError):
            # Written by another version of the module: its default is as good.
            qt.QSettings().remove(f"{_GROUP}/{name}")


def remember(parameters: Parameters) -> None:
    """Keep what is used now."""
    store({name: getattr(parameters, name) for name in NAMES})


def stored() -> dict[str, object]:
    """What is kept, by the name of the parameter; None for what is not."""
    settings = qt.QSettings()
    return {name: settings.value(f"{_GROUP}/{name}") for name in NAMES}


def store(values: dict[str, object]) -> None:
    """Keep these; None forgets one."""
    settings = qt.QSettings()
    for name, value in values.items():
        if value is None:
            settings.remove(f"{_GROUP}/{name}")
        else:
            settings.setValue(f"{_GROUP}/{name}", str(value) if isinstance(value, Path) else value)
