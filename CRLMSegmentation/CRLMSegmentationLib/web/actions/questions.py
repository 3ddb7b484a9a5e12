"""A question that a person answers before something is lost: one at a time, on every tab."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trame_server.state import State


@dataclass(frozen=True)
class Choice:
    """One of the answers: its button's title and color, and what it does (None for nothing)."""

    title: str
    then: Callable[[], Awaitable[None] | None] | None = None
    color: str = ""


class Questions:
    """Asks on the page whose `state` is given."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._choices: dict[str, Choice] = {}

    def ask(self, text: str, *choices: Choice) -> None:
        """Show the question in the place of an earlier one."""
        self._choices = {f"choice-{number}": choice for number, choice in enumerate(choices)}
        shown = [{"name": name, "title": one.title, "color": one.color} for name, one in self._choices.items()]
        with self._state as state:
            state.asked = {"text": text, "choices": shown}

    async def answer(self, name: str) -> None:
        """Do what a choice says; a name that is none, such as of a question that was answered already, does nothing."""
        choice = self._choices.get(name)
        if choice is None:
            return
        self._choices = {}
        with self._state as state:
            state.asked = {}
        outcome = choice.then() if choice.then is not None else None
        if inspect.isawaitable(outcome):
            await outcome
