"""Which step of the list is open: a person's choice, and the page's own, which never takes a person's away."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...session.state import SessionState, Step, StepStatus

# What was sent has arrived by then, also in a busy browser.
_UNDERWAY_S = 5.0

if TYPE_CHECKING:
    from trame_server.state import State


class OpenStep:
    """The value `open_step` of the page.

    A step that a person has started opens the next one when it is done: once, and only while the one that it began in
    is still open. What becomes done by itself, such as a stream that has come back, opens nothing.

    confirm  sends every tab what is open now. A tab shows at once what was pressed in it; what the page had opened
             shortly before may reach it later than that, and would stay on it for good. So may what is sent here: a
             press that comes while that is under way is confirmed as well. Else nothing is sent
    """

    def __init__(self, state: State) -> None:
        self.confirm: Callable[[], None] = lambda: None
        self._state = state
        self._shown = state.open_step
        self._started: Step | None = None
        # The step that a page begins with is opened by itself as well.
        self._has_opened = True
        self._confirmed_s = -math.inf
        self._last: dict[Step, StepStatus] = {}

    def open(self, name: str) -> None:
        """By the page itself."""
        self._shown = self._state.open_step = name
        self._has_opened = True

    def open_from(self, pressed_in: str, name: str) -> None:
        """After a button in the step `pressed_in`: a person who has gone to another step since then stays there.

        A press on a step's title may arrive before what the button has asked for is done.
        """
        if self._state.open_step == pressed_in:
            self.open(name)

    def on_change(self, name: str) -> None:
        """The value has changed: when that was not the page, a person goes their own way."""
        if name != self._shown:
            self._shown, self._started = name, None
            now_s = time.monotonic()
            if self._has_opened or now_s - self._confirmed_s < _UNDERWAY_S:
                self._has_opened, self._confirmed_s = False, now_s
                self.confirm()

    def start(self, step: Step) -> None:
        """A person has started this step in the step that is open now, and is led on from there when it is done."""
        self._shown, self._started = self._state.open_step, step

    def update(self, steps: SessionState) -> Step | None:
        """What a person has started and is done since the last call, while the page is still where it was started."""
        before, self._last = self._last, {step: steps.status(step) for step in Step}
        step = self._started
        if step is None or steps.status(step) is not StepStatus.DONE or before.get(step) is StepStatus.DONE:
            return None
        self._started = None
        return step if self._state.open_step == self._shown else None
