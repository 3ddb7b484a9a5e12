"""Keeps what a library prints off standard output, which belongs to the program that uses us."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO


class _WithoutThread:
    """Standard output for every thread but one, whose text is dropped."""

    def __init__(self, stream: TextIO, thread_id: int | None):
        self._stream, self._thread_id = stream, thread_id

    def write(self, text: str) -> int:
        return len(text) if threading.get_ident() == self._thread_id else self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def this_thread_prints_nothing() -> Iterator[None]:
    """What this thread prints is dropped while the block runs; other threads print as before.

    contextlib.redirect_stdout would silence them too: a model is loaded beside the work of other threads.
    """
    before = sys.stdout
    ours = _WithoutThread(before, threading.get_ident())
    sys.stdout = ours
    try:
        yield
    finally:
        # Blocks of several threads may end in any order: only our own layer is taken off.
        if sys.stdout is ours:
            sys.stdout = before
        else:
            ours._thread_id = None
