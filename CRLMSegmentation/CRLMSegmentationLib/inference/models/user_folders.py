"""Where this program keeps what is the user's: imported models, and what can be made again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

NAME = "crlm-navigation"


def data_folder() -> Path:
    """The system's folder for a program's data, ours in it. It may not be there."""
    return _base("Application Support", "XDG_DATA_HOME", ".local/share") / NAME


def cache_folder() -> Path:
    """The system's folder for what can be made again, ours in it. It may not be there."""
    return _base("Caches", "XDG_CACHE_HOME", ".cache") / NAME


def _base(on_macos: str, variable: str, elsewhere: str) -> Path:
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / on_macos
    return Path(os.environ.get(variable) or home / elsewhere)
