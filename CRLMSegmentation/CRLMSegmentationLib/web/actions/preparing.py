"""While a source or a case is made ready the page says so, and nobody can start another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...errors import ConfigurationError
from ...words import tr

if TYPE_CHECKING:
    from trame_server.state import State


class Preparing:
    """One thing at a time, on the page whose `state` is given."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._is_on = False

    @contextmanager
    def shown(self, text: str) -> Iterator[None]:
        """`text` is on the page while the block runs. Raises ConfigurationError when another one runs."""
        if self._is_on:
            raise ConfigurationError(tr("Another source or case is being made ready; wait a moment."))
        self._is_on = True
        with self._state as state:
            state.preparing, state.prepared = text, 0
        try:
            yield
        finally:
            self._is_on = False
            with self._state as state:
                state.preparing = ""

    def report(self, done: float, text: str) -> None:
        """How far it is, 0 to 1."""
        with self._state as state:
            state.prepared, state.preparing = round(100 * done), text
