"""One thing that a person can do with a session: a button of every front end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import ConfigurationError
from ..state import Step

if TYPE_CHECKING:
    from ..session import Session


@dataclass(frozen=True)
class Action:
    """One thing that a person can do.

    name     for programs: ids of buttons, names of values
    step     of the workflow that it belongs to; None for what concerns the case as a whole
    label    on its button
    help     one line for a tooltip, without a full stop
    command  does it: (session, ...), with the further arguments that its own docstring says
    why_not  (session): the sentence why it cannot be done now; '' when it can
    """

    name: str
    step: Step | None
    label: str
    help: str
    command: Callable[..., Any]
    why_not: Callable[[Session], str]

    def can_run(self, session: Session) -> bool:
        return not self.why_not(session)

    def run(self, session: Session, *arguments: Any, **options: Any) -> Any:
        """Do it. Raises ConfigurationError with the sentence of why_not() when it cannot be done now, and what the
        command raises.
        """
        self.check(session)
        return self.command(session, *arguments, **options)

    def check(self, session: Session) -> None:
        """Raises ConfigurationError with the sentence of why_not() when it cannot be done now."""
        sentence = self.why_not(session)
        if sentence:
            raise ConfigurationError(sentence)
