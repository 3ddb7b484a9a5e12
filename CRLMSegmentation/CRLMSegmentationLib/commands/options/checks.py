"""What several commands check before they begin."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from ...errors import ConfigurationError


def check_there(paths: Iterable[str | Path | None], what: str) -> None:
    """Raise ConfigurationError for the first of `paths` at which there is nothing; `what` it should be, for people."""
    for path in paths:
        if path and not Path(path).exists():
            raise ConfigurationError(f"The {what} {path} does not exist; check the path.")


def at_least_one(text: str) -> int:
    """The type of an option that takes a whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 upwards")
    return int(text)
