"""What goes wrong in the window's own timer: caught, reported and logged, so that the rest of a tick goes on."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from CRLMSegmentationLib.words import tr as _

# After a fault everything stays lost for so long, lest numbers flicker that cannot be trusted.
LASTS_S = 2.0
_MOST_LOGGED = 20


class FaultWatch:
    """Faults of the window. Those of the session are reported by the session itself."""

    def __init__(self) -> None:
        self._until_s = -1.0
        self._logged: set[tuple[type[Exception], str]] = set()

    @property
    def sentence(self) -> str:
        """Why nothing that is shown can be trusted at present; '' when it can."""
        if time.monotonic() < self._until_s:
            return _("A fault: what is live is shown as lost. A recording goes on.")
        return ""

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Let nothing out of the block."""
        try:
            yield
        except Exception as error:
            self._until_s = time.monotonic() + LASTS_S
            kind = (type(error), str(error))
            # The same comes back thirty times a second.
            if kind not in self._logged and len(self._logged) < _MOST_LOGGED:
                self._logged.add(kind)
                logging.exception("CRLM Segmentation: a fault in the window's timer")
