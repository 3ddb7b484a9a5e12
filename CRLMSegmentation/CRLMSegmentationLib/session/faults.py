"""What goes wrong in the session's timer: caught, so that the rest goes on, written down, and told to people."""

from __future__ import annotations

import logging
import math
import time
from contextlib import contextmanager

from .workflow import Workflow

_logger = logging.getLogger(__name__)
# A fault that comes at every other beat must not make what is live flicker between lost and live.
_STANDS_S = 1.0


class Faults:
    """Faults of one session.

    sentence  of the newest one, for people; None when there was none lately
    """

    def __init__(self, workflow: Workflow):
        self._workflow = workflow
        self._newest_s = -math.inf

    @property
    def sentence(self) -> str | None:
        return self._workflow.state.fault or None

    def are_none(self) -> bool:
        """True while what is live may be shown as live."""
        return self.sentence is None

    def is_new(self, now_s: float) -> bool:
        """True when one came in the present beat."""
        return self.sentence is not None and self._newest_s == now_s

    def begin(self, now_s: float) -> None:
        """A beat of the timer begins at `now_s`, time.monotonic(): what is long past is over."""
        if self.sentence is not None and not 0 <= now_s - self._newest_s <= _STANDS_S:
            self._workflow.state.fault = ""
            self._workflow.log.add("fault is over")
            self._workflow.touch()

    @contextmanager
    def caught(self, now_s: float | None = None):
        """Keep what the block raises from going further."""
        try:
            yield
        except Exception as error:
            self._newest_s = time.monotonic() if now_s is None else now_s
            sentence = (
                f"A fault of this program ({type(error).__name__}: {error}): image and tools are shown as lost until "
                "it is over; receiving and recording go on."
            )
            if sentence != self.sentence:
                _logger.exception("A part of the session has failed.")
                self._workflow.log.add("fault", message=sentence)
                self._workflow.state.fault = sentence
                self._workflow.touch()
