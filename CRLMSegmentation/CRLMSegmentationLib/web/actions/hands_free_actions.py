"""Keys and foot switches on the page: what they ask for is done as the buttons do it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from ...session import actions as described
from ..controller import Controller
from .reported import ReportingActions, reported
from .workflow_actions import Actions


class HandsFreeActions(ReportingActions):
    """Says to the session how the page does what a key or a foot switch asks for."""

    def __init__(self, controller: Controller, actions: Actions) -> None:
        super().__init__(controller)
        self._running: set[asyncio.Future[None]] = set()
        part = self._session.hands_free
        part.tell = controller.report_note
        buttons: dict[described.Action, Callable[[], Awaitable[None]]] = {
            described.RECORD: actions.start_recording,
            described.STOP: actions.stop_recording,
            described.ACCEPT_BOX: actions.accept_box,
            described.FIND: actions.segment,
            described.NAVIGATE: actions.go_navigate,
            described.NEXT_TUMOR: actions.next_tumor,
        }
        part.handlers = {action.name: partial(self._begin, button) for action, button in buttons.items()}

    @reported
    def press(self, key: object) -> None:
        """A key, or its button in the list of keys."""
        self._session.hands_free.press(str(key))

    def _begin(self, button: Callable[[], Awaitable[None]]) -> None:
        # The event loop holds a task weakly only.
        task = asyncio.ensure_future(button())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
