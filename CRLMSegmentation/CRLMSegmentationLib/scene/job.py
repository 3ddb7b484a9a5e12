"""A long step cut in three, so that a window never waits: begin (GUI thread), run (any thread), finish (GUI thread)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from .state import Step


@dataclass(frozen=True, eq=False)
class Job:
    """One run of a step.

    step      which
    compute   takes (progress, should_cancel) and returns the result; touches no node, so it may run in any thread
    revision  of what it was made from; a result is refused when that has changed meanwhile
    """

    step: Step
    compute: Callable[[Any, Any], Any]
    revision: int

    def run(self, progress=None, should_cancel=None):
        """The result of the step; raises what the step raises."""
        return self.compute(progress, should_cancel)
