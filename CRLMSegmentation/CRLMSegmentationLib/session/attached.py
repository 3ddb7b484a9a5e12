"""What is attached to a session from outside, such as the scene that shows it, and is processed by its timer."""

from __future__ import annotations

from typing import Protocol


class Attached(Protocol):
    """All calls come from the session's thread and return within milliseconds."""

    @property
    def is_busy(self) -> bool:
        """True while something of the session is still on its way: Session.wait() waits for it."""
        ...

    @property
    def is_changing(self) -> bool:
        """True while what it shows the session on is being replaced: the session does nothing meanwhile."""
        ...

    def take_over(self) -> None:
        """Have the session go on from what was put in place of what it has shown; called before everything else."""
        ...

    def process(self, now_s: float) -> None:
        """Bring up to date what does not follow from events; `now_s` is time.monotonic() of this tick."""
        ...

    def hide_live(self) -> None:
        """A part has failed: show nothing as live."""
        ...

    def close(self) -> None:
        """The session ends: no observer is left."""
        ...
