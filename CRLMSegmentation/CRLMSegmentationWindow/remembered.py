"""Settings that outlive a scene: where PLUS is, and where recordings and cases go. Kept in Slicer's own settings."""

from __future__ import annotations

from pathlib import Path

import qt

NAMES = ("host", "port", "plusConfiguration", "recordFolder", "caseFolder")
_GROUP = "CRLMSegmentation"


def recall(parameters) -> None:
    """Fill a new parameter node with what was used last."""
    settings = qt.QSettings()
    for name in NAMES:
        value = settings.value(f"{_GROUP}/{name}")
        if value in (None, ""):
            continue
        try:
            setattr(parameters, name, type(getattr(parameters, name))(value))
        except (TypeError, ValueError):
            # Written by another version of the module: its default is as good.
            settings.remove(f"{_GROUP}/{name}")


def remember(parameters) -> None:
    """Keep what is used now."""
    settings = qt.QSettings()
    for name in NAMES:
        value = getattr(parameters, name)
        settings.setValue(f"{_GROUP}/{name}", str(value) if isinstance(value, Path) else value)
