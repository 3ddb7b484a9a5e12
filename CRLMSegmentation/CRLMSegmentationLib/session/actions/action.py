"""One thing that a person can do with a session: a button of every front end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import ConfigurationError
from ...words import tr
from ..state import Step

if TYPE_CHECKING:
    from ..session import Session


@dataclass(frozen=True)
class Action:
    """One thing that a person can do.

    name     for programs: ids of buttons, names of values
    step     of the workflow that it belongs to; None for what concerns the case as a whole
    english_label  on its button, in English
    english_help   one line for a tooltip, without a full stop
    command  does it: (session, ...), with the further arguments that its own docstring says
    obstacle  (session): the sentence why it cannot be done now; '' when it can
    """

    name: str
    step: Step | None
    english_label: str
    english_help: str
    command: Callable[..., Any]
    obstacle: Callable[[Session], str]

    @property
    def label(self) -> str:
        """On its button, in the language in use."""
        return tr(self.english_label)

    @property
    def help(self) -> str:
        """One line for a tooltip, without a full stop, in the language in use."""
        return tr(self.english_help)

    def why_not(self, session: Session) -> str:
        """The sentence why it cannot be done now; '' when it can."""
        return tr(self.obstacle(session))

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
