"""What the page refuses, logged once for each kind: a tab that asks without end must not fill the terminal."""

from __future__ import annotations

import logging

_MOST_KINDS = 200
_LONGEST = 160

_logger = logging.getLogger(__name__)


class Refused(Exception):
    """A request of a browser that the page does not take; the sentence says which."""


class Refusals:
    """Reports every kind of refusal once, and counts them all."""

    def __init__(self) -> None:
        self._kinds: set[str] = set()
        self.count = 0

    def note(self, sentence: str) -> None:
        """Write down a refusal; `sentence` may hold what a stranger sent, so it is cut and made printable."""
        self.count += 1
        plain = "".join(letter if letter.isprintable() else "?" for letter in sentence[:_LONGEST])
        if plain in self._kinds or len(self._kinds) >= _MOST_KINDS:
            return
        self._kinds.add(plain)
        _logger.warning("Refused: %s", plain)
