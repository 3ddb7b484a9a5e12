"""The pictures on the large buttons."""

from __future__ import annotations

from pathlib import Path

import qt

FOLDER = Path(__file__).resolve().parents[1] / "Resources" / "Icons"
SIZE_PX = 30


def put(button: qt.QAbstractButton, name: str) -> None:
    """Give a button the picture Icons/<name>.png, unless it has it."""
    if button.property("crlmIcon") == name:
        return
    button.setProperty("crlmIcon", name)
    button.icon = qt.QIcon(str(FOLDER / f"{name}.png"))
    button.iconSize = qt.QSize(SIZE_PX, SIZE_PX)
