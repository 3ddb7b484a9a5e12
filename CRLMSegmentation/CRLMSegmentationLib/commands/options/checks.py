"""What several commands look at before they begin."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...errors import ConfigurationError


def check_there(paths: Iterable[str | Path | None], what: str) -> None:
    """Raise ConfigurationError for the first of `paths` at which there is nothing; `what` it should be, for people."""
    for path in paths:
        if path and not Path(path).exists():
            raise ConfigurationError(f"The {what} {path} does not exist; check the path.")
