"""Saving a case beside the work: what is saved is the case at the press, and a thread writes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import CRLMError, FileFormatError
from ...words import tr
from ..jobs.task import Task
from ..state import IS_SAVING
from ..tumor.tumor_state import now
from .case_files import write_case
from .saving import case_to_save

if TYPE_CHECKING:
    from ..session import Session

# Takes the scene that shows the case as it is now; what is returned writes it to a path (.mrb), in any thread.
TakeScene = Callable[[], Callable[[Path], None]]


@dataclass(frozen=True)
class Snapshot:
    """A case at one moment.

    folder  where it is to be written
    edits   how often its data had changed by then
    write   writes it, in any thread; raises FileFormatError
    """

    folder: Path
    edits: int
    write: Callable[[], Path]


@dataclass(frozen=True)
class Saved:
    """What has been written; edits as in Snapshot."""

    folder: Path
    edits: int
    at: datetime


def snapshot_of(session: Session, folder: str | Path, edits: int, take_scene: TakeScene | None) -> Snapshot:
    """The case of the session as it is now, without copying voxels. Raises FileFormatError when the scene cannot be
    taken.

    take_scene  None for a case without a scene
    """
    folder, write_scene = Path(folder), None if take_scene is None else take_scene()
    case = case_to_save(session)
    return Snapshot(folder, edits, lambda: write_case(case(), folder, write_scene))


class BackgroundSave:
    """Writes one case at a time.

    take      gives the case as it is now
    is_ready  False while a stroke is on its way into the case: it is taken as soon as it has arrived

    saved     what was written last; None while nothing was
    problem   why the last one could not be written; '' when it was
    """

    def __init__(self, take: Callable[[Path], Snapshot], is_ready: Callable[[], bool]) -> None:
        self.saved: Saved | None = None
        self.problem = ""
        self._take, self._is_ready = take, is_ready
        self._folder: Path | None = None
        self._snapshot: Snapshot | None = None
        self._task: Task | None = None

    @property
    def is_busy(self) -> bool:
        """True from the press until it is known what came of it."""
        return self._folder is not None or self._task is not None

    def begin(self, folder: str | Path) -> None:
        """Write the case into `folder`. Raises FileFormatError, while one is being written and when it cannot begin."""
        if self.is_busy:
            raise FileFormatError(IS_SAVING)
        self._folder, self.problem = Path(folder), ""
        self._start()

    def process(self) -> bool:
        """Go on; True when one has just been written, or could not be: then `saved` or `problem` are of it."""
        if self._folder is not None:
            try:
                self._start()
            except CRLMError as error:
                self.problem = sentence_of(error)
                return True
        task, snapshot = self._task, self._snapshot
        if task is None or snapshot is None or not task.has_ended:
            return False
        self._task = self._snapshot = None
        if task.error is None:
            self.saved = Saved(snapshot.folder, snapshot.edits, now())
        else:
            self.problem = sentence_of(task.error)
        return True

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; True when none is at work any more."""
        return self._task is None or self._task.join(timeout_s)

    def _start(self) -> None:
        if self._folder is None or not self._is_ready():
            return
        folder, self._folder = self._folder, None
        self._snapshot = self._take(folder)
        self._task = Task(self._snapshot.write, "case saver")


def sentence_of(error: Exception) -> str:
    """Why a case could not be saved, for people."""
    if isinstance(error, CRLMError):
        return str(error)
    return tr(
        "The case could not be saved, and it is a fault of this program ({name}: {error}).",
        name=type(error).__name__,
        error=error,
    )
