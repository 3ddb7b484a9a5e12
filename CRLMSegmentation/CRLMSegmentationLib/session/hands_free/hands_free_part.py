"""What keys and foot switches ask of a session: checked, done as the front end does it, and written into the log."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...errors import CRLMError
from ...words import mark, tr
from ..actions import NEXT_STEP, Action
from ..actions.hands_free_actions import next_step
from ..workflow import Workflow
from .shortcuts import BY_NAME, SHORTCUTS, not_by_foot

if TYPE_CHECKING:
    from ..session import Session

_logger = logging.getLogger(__name__)
# A switch that bounces, or a sender that repeats what was pressed, asks once.
REPEAT_S = 0.5
_MOST_WAITING = 32


class HandsFreePart:
    """Does the few actions of shortcuts.py.

    handlers  by the name of an action: does it as a press on the front end's button would; without one it is run alone
    tell      called with a sentence for people when something was refused
    text      what was asked for last and, in brackets, why it was not done; '' before anything was
    """

    def __init__(self, session: Session, workflow: Workflow, clock: Callable[[], float] = time.monotonic) -> None:
        self.handlers: dict[str, Callable[[], object]] = {}
        self.tell: Callable[[str], None] = lambda sentence: None
        self.text = ""
        self._session, self._workflow, self._clock = session, workflow, clock
        self._asked: deque[tuple[str, float]] = deque(maxlen=_MOST_WAITING)
        self._last, self._last_s = "", -math.inf

    def ask(self, name: str) -> str:
        """A foot switch asks for the action of that name; from any thread. It is done in the next process().

        Returns '' when it may be asked for, otherwise the sentence why not. What is said of a name that is none never
        holds it: nobody knows what was sent.
        """
        name = name.strip()
        self._asked.append((name, self._clock()))
        return "" if name in BY_NAME else not_by_foot()

    def press(self, key: str) -> None:
        """A key of SHORTCUTS was pressed; any other does nothing."""
        for shortcut in SHORTCUTS:
            if shortcut.key == key:
                self._do(shortcut.chosen(self._session))

    def process(self) -> None:
        """Do what was asked for since the last call, by programs that are connected and by the stream's sender."""
        asked_by_sender = getattr(self._session.stream.source, "asked_action", None)
        name = asked_by_sender() if asked_by_sender is not None else ""
        if name:
            self.ask(name)
        while self._asked:
            name, asked_s = self._asked.popleft()
            is_repeated = name == self._last and asked_s - self._last_s < REPEAT_S
            self._last, self._last_s = name, asked_s
            if is_repeated:
                continue
            if name in BY_NAME:
                self._do(BY_NAME[name])
            else:
                self._refuse(tr("foot switch"), not_by_foot())

    def _do(self, action: Action) -> None:
        try:
            action.check(self._session)
            done = next_step(self._session) if action is NEXT_STEP else action
            handler = self.handlers.get(done.name)
            if handler is None:
                done.run(self._session)
            else:
                handler()
        except CRLMError as error:
            self._refuse(action.label, str(error))
            return
        self._say(done.label)
        self._workflow.log.add(mark("hands-free"), message=done.label)

    def _refuse(self, what: str, sentence: str) -> None:
        _logger.warning("Not done hands-free, %s: %s", what, sentence)
        self._workflow.log.add(mark("hands-free refused"), message=f"{what}: {sentence}")
        self._say(f"{what} ({sentence})")
        self.tell(sentence)

    def _say(self, text: str) -> None:
        self.text = text
        self._workflow.touch()
        self._workflow.notify()
