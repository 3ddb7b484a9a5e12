"""A place for one thing between two threads."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

Item = TypeVar("Item")


class OnePlace(Generic[Item]):
    """One thread puts in once it is free, another one takes out and says when it is done."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: Item | None = None
        self._is_taken = False

    @property
    def is_idle(self) -> bool:
        """Nothing waits, and what was taken last is done."""
        with self._changed:
            return self._item is None and not self._is_taken

    def is_free(self, timeout_s: float) -> bool:
        """Nothing waits in it, now or within `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._item is None, timeout_s)

    def put(self, item: Item) -> None:
        """Put it in."""
        with self._changed:
            self._item = item
            self._changed.notify_all()

    def take(self, timeout_s: float) -> Item | None:
        """What waits; None where nothing has come within `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None, timeout_s)
            item, self._item = self._item, None
            self._is_taken = item is not None
            self._changed.notify_all()
            return item

    def done(self) -> None:
        """What was taken last is done."""
        with self._changed:
            self._is_taken = False
