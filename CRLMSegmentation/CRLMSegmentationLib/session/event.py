"""Events of the session's parts: who shows a part connects to its events, and the part knows nobody."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, ParamSpec

_logger = logging.getLogger(__name__)
Arguments = ParamSpec("Arguments")


class Event(Generic[Arguments]):
    """Something that happens to a part, such as `volume.changed`; handlers are called in the order they connected.

    A handler that raises does not keep others, or the part, from going on: what it raised is logged, and is handed to
    `on_error` where somebody wants to know.
    """

    def __init__(self, on_error: Callable[[Exception], None] | None = None):
        self._handlers: list[Callable[Arguments, object]] = []
        self._on_error = on_error

    def connect(self, handler: Callable[Arguments, object]) -> Callable[[], None]:
        """Call `handler` every time from now on; returns a function that ends it, which can be called twice."""
        self._handlers.append(handler)
        return lambda: self._handlers.remove(handler) if handler in self._handlers else None

    def __call__(self, *arguments: Arguments.args, **options: Arguments.kwargs) -> None:
        """It happens now."""
        for handler in list(self._handlers):
            try:
                handler(*arguments, **options)
            except Exception as error:
                _logger.exception("A handler of an event of the session has failed.")
                if self._on_error is not None:
                    self._on_error(error)
