"""One computation in a thread of its own, whose result waits to be fetched."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any


class Task:
    """Runs `compute()` at once in a thread.

    result, error  what it returned or raised, once `has_ended`
    seconds        that it took
    """

    def __init__(self, compute: Callable[[], Any], name: str):
        self.result: Any = None
        self.error: Exception | None = None
        self.seconds = 0.0
        self._compute: Callable[[], Any] | None = compute
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        return self._ended.is_set()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; True when it has come."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        started = time.perf_counter()
        # What it is computed from is not kept alive by the result.
        compute, self._compute = self._compute, None
        assert compute is not None  # a thread runs once
        try:
            self.result = compute()
        except Exception as error:
            self.error = error
        del compute
        self.seconds = time.perf_counter() - started
        self._ended.set()
