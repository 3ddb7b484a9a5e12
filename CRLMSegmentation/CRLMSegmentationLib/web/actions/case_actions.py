"""What the page does with whole cases: another one, a saved one, and whether images and case are of one patient."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ...session import actions
from ...words import tr
from ..controller import Controller
from .preparing import Preparing
from .questions import Choice, Questions
from .reported import ReportingActions, reported
from .saving import Saving


class CaseActions(ReportingActions):
    """Bound to the page's buttons by page.Page."""

    def __init__(self, controller: Controller, saving: Saving, questions: Questions, preparing: Preparing) -> None:
        super().__init__(controller)
        self._saving, self._questions, self._preparing = saving, questions, preparing

    @reported
    async def answer(self, choice: object) -> None:
        """To the question that is on the page."""
        await self._questions.answer(str(choice))

    @reported
    def keep_case(self) -> None:
        """The images show the patient of the case."""
        actions.KEEP_CASE.run(self._session)

    @reported
    async def new_case(self) -> None:
        """Begin with nothing; what is connected stays connected."""
        await self.unless_lost(tr("Begin a new case?"), self._begin_anew)

    @reported
    def show_cases(self) -> None:
        """The list of saved cases."""
        with self._state as state:
            state.cases, state.choosing_case = self._library.saved_cases(), True

    @reported
    async def open_case(self, value: object) -> None:
        """Go on from a saved case."""
        folder = self._library.case_of(str(value))
        self._state.choosing_case = False

        async def load() -> None:
            with self._preparing.shown(tr("Opening {name}", name=folder.name)):
                await asyncio.sleep(0.1)
                self._controller.correction.forget()
                self._controller.open_case(folder)
                self._state.truth_known = False

        await self.unless_lost(tr("Open {name}?", name=folder.name), load)

    async def unless_lost(self, text: str, then: Callable[[], Awaitable[None]]) -> None:
        """Do `then` when nothing of the case gets lost by it, else ask first."""
        await self._saving.finish()
        if not self._session.case.has_unsaved_data:
            await then()
            return

        async def save_first() -> None:
            await self._saving.save()
            await then()

        self._questions.ask(
            tr("{text} What is on the page now is not saved.", text=text),
            Choice(tr("Save it first"), save_first, "primary"), Choice(tr("Do not save it"), then, "error"),
            Choice(tr("Cancel")),
        )  # fmt: skip

    async def _begin_anew(self) -> None:
        self._controller.correction.forget()
        actions.NEW_CASE.run(self._session)
        self._controller.display.forget()
        with self._state as state:
            state.placing = ""
            self._controller.open_step.open("connect" if self._session.stream.status is None else "record")
