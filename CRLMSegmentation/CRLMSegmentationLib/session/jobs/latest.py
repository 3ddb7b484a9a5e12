"""One computation at a time in the background, of whatever was wanted last."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from .task import Task

# What begins, what takes the result, and what takes the error.
_Request = tuple[Callable[[], Callable[[], Any]], Callable[[Any], None], Callable[[Exception], None] | None]
_logger = logging.getLogger(__name__)


class Latest:
    """Computes what was requested last; requests that come while it computes replace one another.

    name  of the thread
    """

    def __init__(self, name: str):
        self._name = name
        self._task: Task | None = None
        self._on_done: Callable[[Any], None] | None = None
        self._on_failed: Callable[[Exception], None] | None = None
        self._next: _Request | None = None

    @property
    def is_busy(self) -> bool:
        return self._task is not None or self._next is not None

    def request(
        self, begin: Callable[[], Callable[[], Any]], on_done: Callable[[Any], None],
        on_failed: Callable[[Exception], None] | None = None,
    ) -> None:  # fmt: skip
        """begin() is called in the session's thread when it is this one's turn, and gives what is computed.

        on_done(result) and on_failed(error) are called by process().
        """
        self._next = begin, on_done, on_failed
        self._start_next()

    def process(self) -> None:
        """Hand over what has been computed, and go on with what is wanted now."""
        task = self._task
        if task is None or not task.has_ended:
            return
        on_done, on_failed = self._on_done, self._on_failed
        self._task = self._on_done = self._on_failed = None
        try:
            if task.error is None:
                if on_done is not None:
                    on_done(task.result)
            elif on_failed is not None:
                on_failed(task.error)
            elif on_done is not None:
                _logger.error("%s has failed.", self._name, exc_info=task.error)
        finally:
            self._start_next()

    def drop(self) -> None:
        """What is being computed, or waits to be, is not wanted any more."""
        self._next = self._on_done = self._on_failed = None

    def close(self) -> None:
        """Drop everything and wait for the thread."""
        self.drop()
        if self._task is not None:
            self._task.join(10.0)
            self._task = None

    def _start_next(self) -> None:
        if self._task is None and self._next is not None:
            (begin, self._on_done, self._on_failed), self._next = self._next, None
            self._task = Task(begin(), self._name)
