"""What goes wrong in the session's timer: caught, so that the rest goes on, written down, and reported to people."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..words import mark, tr
from .workflow import Workflow

_logger = logging.getLogger(__name__)
# A fault that comes at every other tick must not make what is live flicker between lost and live.
_STANDS_S = 1.0


class Faults:
    """Faults of one session.

    sentence  of the newest one, for people; None when there was none lately
    count     of all so far
    """

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow
        self.count = 0
        self._newest_s = -math.inf

    @property
    def sentence(self) -> str | None:
        return self._workflow.state.fault or None

    def are_none(self) -> bool:
        """True while what is live may be shown as live."""
        return self.sentence is None

    def begin(self, now_s: float) -> None:
        """A tick of the timer begins at `now_s`, time.monotonic(): what is long past is over."""
        if self.sentence is not None and not 0 <= now_s - self._newest_s <= _STANDS_S:
            self._workflow.state.fault = ""
            self._workflow.log.add(mark("fault is over"))
            self._workflow.touch()

    @contextmanager
    def caught(self, now_s: float | None = None) -> Iterator[None]:
        """Keep what the block raises from going further."""
        try:
            yield
        except Exception as error:
            self.report(error, now_s)

    def report(self, error: Exception, now_s: float | None = None) -> None:
        """`error` was raised at `now_s`, time.monotonic(); now, when left out."""
        self.count += 1
        self._newest_s = time.monotonic() if now_s is None else now_s
        sentence = tr(
            "A fault of this program ({name}: {error}): image and tools are shown as lost until it "
            "is over; receiving and recording go on.",
            name=type(error).__name__,
            error=error,
        )
        if sentence != self.sentence:
            _logger.error("A part of the session has failed.", exc_info=error)
            self._workflow.log.add(mark("fault"), message=sentence)
            self._workflow.state.fault = sentence
            self._workflow.touch()
