"""One thing that takes long with a CT, in the background: with progress, and cancelled when it is no longer wanted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from ...errors import Cancelled, CRLMError
from ...values.progress import Progress, ShouldCancel
from ...words import tr
from ..jobs.task import Task

_logger = logging.getLogger(__name__)


class CtWork:
    """At most one at a time.

    on_error  called with what is a fault of this program
    """

    def __init__(self, on_error: Callable[[Exception], None]) -> None:
        self._on_error = on_error
        self._task: Task | None = None
        self._on_done: Callable[[Any], None] = lambda result: None
        self._cancelled = threading.Event()
        self._progress: tuple[float, str] = (0.0, "")
        self._ending: list[Task] = []
        self.problem = ""

    @property
    def is_busy(self) -> bool:
        return self._task is not None

    @property
    def progress(self) -> tuple[float, str]:
        """Fraction, 0 to 1, and what is being done; (0, '') when nothing is."""
        return self._progress if self._task is not None else (0.0, "")

    def start(
        self, compute: Callable[[Progress, ShouldCancel], Any], on_done: Callable[[Any], None], text: str
    ) -> None:
        """Begin; process() calls on_done(result) in the session's thread. `problem` says afterwards why it failed."""
        assert self._task is None, "one thing at a time"
        cancelled = self._cancelled = threading.Event()
        self._progress, self._on_done, self.problem = (0.0, text), on_done, ""

        def report(fraction: float, sentence: str) -> None:
            if cancelled.is_set():
                raise Cancelled("cancelled")
            self._progress = float(fraction), sentence

        self._task = Task(lambda: compute(report, cancelled.is_set), "CT")

    def cancel(self) -> None:
        """It is no longer wanted: whatever still comes of it is dropped."""
        self._cancelled.set()
        if self._task is not None:
            self._ending.append(self._task)
            self._task = None

    def process(self) -> bool:
        """Take in what has come; True when something has changed."""
        self._ending = [task for task in self._ending if not task.has_ended]
        task = self._task
        if task is None or not task.has_ended:
            return False
        self._task = None
        if task.error is None:
            self._on_done(task.result)
        elif isinstance(task.error, CRLMError):
            self.problem = str(task.error)
        elif isinstance(task.error, MemoryError):
            self.problem = tr("There is not enough memory for this CT: close other programs, or give a coarser series.")
        else:
            _logger.error("The CT could not be worked on.", exc_info=task.error)
            self.problem = tr("That did not work, and it is a fault of this program; the log says more.")
            self._on_error(task.error)
        return True

    def close(self) -> None:
        """Cancel, and wait until no thread works any more."""
        self.cancel()
        for task in self._ending:
            task.join(10.0)
        self._ending.clear()
