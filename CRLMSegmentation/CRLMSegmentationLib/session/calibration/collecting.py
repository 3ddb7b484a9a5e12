"""What arrives for a calibration, computed on in the background, one lot after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ...errors import CalibrationError
from ..jobs.latest import Latest
from .guidance import CalibrationResult, Guidance
from .touch_run import AccuracyResult

# So often at most what is shown is computed anew.
_EVERY_S = 0.3

# What a run ends with: its result, or why there is none.
End = CalibrationResult | AccuracyResult | Exception
# A look at the newest lot: what is shown, and at the end what it ended with.
Looked = tuple[Guidance, End | None]


class Run(Protocol):
    """A calibration that takes what arrives; add(), guidance() and result() are called in a thread of their own.

    name, instruction   for people: what is calibrated, and what to do for it
    lot, most_waiting   so much is looked at at once, and waits for that at most
    """

    name: str
    instruction: str
    lot: int
    most_waiting: int

    def add(self, items: Sequence[Any], /) -> None: ...

    def guidance(self) -> Guidance: ...

    def result(self) -> CalibrationResult | AccuracyResult: ...


class Collecting:
    """One run from its start to its end.

    run         what is fed
    on_end      called by process() with the result, or with why there is none
    overtaken   images that came faster than they could be looked at, and were left out
    guidance    as of the newest look
    """

    def __init__(self, run: Run, latest: Latest, on_end: Callable[[End], None]) -> None:
        self.run, self.guidance, self.overtaken = run, Guidance(), 0
        self._latest, self._on_end = latest, on_end
        self._waiting: list[Any] = []
        self._is_ending = self._has_begun_end = False
        self._next_s = 0.0

    @property
    def is_ending(self) -> bool:
        """True from end() on."""
        return self._is_ending

    def take(self, item: object) -> None:
        """Something that arrived."""
        if self._is_ending:
            return
        if len(self._waiting) >= self.run.most_waiting:
            self.overtaken += 1
            return
        self._waiting.append(item)

    def end(self) -> None:
        """Take no more, and compute the result of what came."""
        self._is_ending = True

    def process(self, now_s: float) -> None:
        """Compute on, when it is time."""
        if self._latest.is_busy or self._has_begun_end:
            return
        if not self._is_ending and (now_s < self._next_s or not self._waiting):
            return
        self._next_s = now_s + _EVERY_S
        run = self.run
        lot, self._waiting = self._waiting[: run.lot], self._waiting[run.lot :]
        is_last = self._has_begun_end = self._is_ending and not self._waiting
        self._latest.request(lambda: lambda: _look(run, lot, is_last), self._on_looked, self._on_failed)

    def _on_looked(self, looked: Looked) -> None:
        self.guidance, end = looked
        if end is not None:
            self._on_end(end)

    def _on_failed(self, error: Exception) -> None:
        self._on_end(error)


def _look(run: Run, lot: Sequence[Any], is_last: bool) -> Looked:
    run.add(lot)
    guidance = run.guidance()
    if not is_last:
        return guidance, None
    try:
        return guidance, run.result()
    except CalibrationError as error:
        return guidance, error
