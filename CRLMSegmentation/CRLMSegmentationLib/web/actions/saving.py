"""Saving the case as a folder of the library, and as one file to download."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path

from ...errors import FileFormatError
from ...session import actions
from ...words import tr
from ..controller import Controller


class Saving:
    """One case at a time."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._lock = asyncio.Lock()

    async def save(self) -> Path:
        """The folder; its name with .zip is the file beside it. The case is saved as it is now, while the page goes on.
        Raises FileFormatError, also while one is saved.
        """
        controller = self._controller
        if self._lock.locked():
            raise FileFormatError(tr("The case is being saved already."))
        async with self._lock:
            with controller.state as state:
                state.saving = True
            try:
                folder = controller.library.new_case_folder(time.strftime("case-%Y%m%d-%H%M%S"))
                actions.SAVE.run(controller.session, folder)
                await self._written()
                await asyncio.to_thread(shutil.make_archive, str(folder), "zip", folder.parent, folder.name)
            except OSError as error:
                raise FileFormatError(
                    tr("The case could not be saved ({reason}).", reason=error.strerror or error)
                ) from None
            finally:
                with controller.state as state:
                    state.saving = False
        controller.report_note(tr("The case is saved as cases/{name}.", name=folder.name))
        return folder

    async def finish(self) -> None:
        """Wait for what is being saved, for who is about to leave the case."""
        async with self._lock:
            pass

    async def _written(self) -> None:
        """Raises FileFormatError when the case could not be written."""
        session, ended = self._controller.session, asyncio.Event()
        case = session.case
        end_listening = session.add_listener(lambda _state: None if case.is_saving else ended.set())
        try:
            if case.is_saving:
                await ended.wait()
        finally:
            end_listening()
        if case.save_problem:
            raise FileFormatError(case.save_problem)
