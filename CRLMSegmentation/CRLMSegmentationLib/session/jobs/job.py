"""A long step cut in three, so that a window never waits: begin (GUI thread), run (any thread), finish (GUI thread)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from ...values.progress import Progress, ShouldCancel
from ..state import Step


@dataclass(frozen=True, eq=False)
class Job:
    """One run of a step.

    step      which
    compute   takes (progress, should_cancel) and returns the result; touches no node, so it may run in any thread
    revision  of what it was made from; a result is refused when that has changed meanwhile
    slices    for what only the session's thread can compute: takes the same, and gives a generator that yields every
              few milliseconds and returns the result; then compute is None
    """

    step: Step
    compute: Callable[[Any, Any], Any] | None
    revision: int
    slices: Callable[[Any, Any], Generator[None, None, Any]] | None = None

    def run(self, progress: Progress | None = None, should_cancel: ShouldCancel | None = None) -> Any:
        """The result of the step; raises what the step raises."""
        if self.slices is not None:
            return run_to_end(self.slices(progress, should_cancel))
        assert self.compute is not None, "a job computes or goes in slices"
        return self.compute(progress, should_cancel)


def run_to_end(slices: Generator[None, None, Any]) -> Any:
    """What the generator returns, after all that it yields."""
    while True:
        try:
            next(slices)
        except StopIteration as end:
            return end.value
