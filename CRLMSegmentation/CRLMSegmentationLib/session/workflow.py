"""What all parts of the session share: the state of the steps, who listens to it, and what has changed since when."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..words import mark
from .case.event_log import EventLog
from .state import SessionState, Step, StepStatus

_logger = logging.getLogger(__name__)


class Workflow:
    """The state of the steps and its listeners.

    state      SessionState
    revisions  how often what a step is made from has changed: a job of an earlier revision is refused
    resting    by step: a function that gives its status while nobody works on it, from what is in the scene
    log        EventLog, one line for every change of a step
    edits      how often the data of the case have changed
    """

    def __init__(self) -> None:
        self.state = SessionState()
        self.log = EventLog()
        self.revisions = {Step.RECONSTRUCT: 0, Step.SEGMENT: 0}
        self.resting: dict[Step, Callable[[], StepStatus]] = {}
        self.edits = 0
        self._listeners: list[Callable[[SessionState], None]] = []
        self._folders: set[str] = set()
        self._changed = False
        self._held = 0

    def add_listener(self, listener: Callable[[SessionState], None]) -> Callable[[], None]:
        """Call `listener(state)` after every change; returns a function that ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def set(self, step: Step, status: StepStatus, message: str = "") -> None:
        """Put a step into a status, with one sentence for people."""
        now = self.state[step]
        if (now.status, now.message) != (status, message):
            if now.status is not status:
                # Where frames come from is a host or a file, which is nobody's business later on.
                details = {} if step is Step.CONNECT or not message else {"message": message}
                self.log.add(step.value, status=status.value, **details)
            now.status, now.message = status, message
            self._changed = True

    def redact_folder(self, folder: str | Path) -> None:
        """Sentences name files in this folder without it: where they lie is nobody's business, such as on a page."""
        self._folders = {*self._folders, str(folder), str(Path(folder).resolve())}

    def note(self, sentence: str) -> None:
        """Tell people something that belongs to no step's own line; the newest stands last."""
        for folder in sorted(self._folders, key=len, reverse=True):
            for separator in "/\\":
                sentence = sentence.replace(folder + separator, "")
        if sentence not in self.state.notices:
            self.state.notices = (*self.state.notices, sentence)[-8:]
            self.log.add(mark("notice"), message=sentence)
            self._changed = True

    def rest(self, step: Step, message: str = "") -> None:
        """Put a step into the status that it has while nobody works on it."""
        self.set(step, self.resting[step](), message)

    def touch(self) -> None:
        """Something else in the state has changed."""
        self._changed = True

    def edited(self) -> None:
        """The data of the case have changed: what was saved of it is out of date."""
        self.edits += 1
        self._changed = True

    def notify(self) -> None:
        """Call the listeners when something has changed, unless that is held back."""
        if self._held or not self._changed:
            return
        self._changed = False
        for listener in list(self._listeners):
            try:
                listener(self.state)
            except Exception:
                # A fault of one front end must not stop the session of the others.
                _logger.exception("A listener of the session has failed.")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Report at most once, at the end of the block."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            self.notify()

    @property
    def is_held(self) -> bool:
        """True within held()."""
        return self._held > 0

    def start_anew(self) -> None:
        """As at the beginning; jobs that still run will be refused."""
        for step in self.revisions:
            self.revisions[step] += 1
        fresh = SessionState()
        state = self.state
        state.steps, state.timings_s, state.progress, state.doubts = fresh.steps, fresh.timings_s, 0.0, ()
        state.doubts_acknowledged = True
        self._changed = True

    def close(self) -> None:
        self._listeners.clear()
