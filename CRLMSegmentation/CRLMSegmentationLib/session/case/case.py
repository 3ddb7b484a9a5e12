"""The case as a whole: whose it is, what of it is saved, and how it begins and ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ...words import mark, tr
from ..event import Event
from ..state import Step, StepStatus
from ..workflow import Workflow
from . import saving
from .background_save import BackgroundSave, Saved, Snapshot, TakeScene, snapshot_of
from .case_clock import CaseClock
from .case_source import ORIGINS, CaseSource

if TYPE_CHECKING:
    from ..session import Session

_NEVER_SAVED = -1


class CasePart:
    """The case of one session.

    source            where its data are from, and what is connected
    clock             from the end of the recording to the tumor
    take_scene        takes the scene that shows the case, for save(); None for a case without a scene
    question_checked  event: `question` as it is now; while there is one, nothing of the case is to be shown
    forgotten         event: the case is as at the beginning
    on_error          called with what a handler of an event raises
    """

    def __init__(
        self, session: Session, workflow: Workflow, on_error: Callable[[Exception], None] | None = None
    ) -> None:  # fmt: skip
        self.take_scene: TakeScene | None = None
        self.question_checked: Event[[str | None]] = Event(on_error)
        self.forgotten: Event[[]] = Event(on_error)
        self.source = CaseSource(self._holding)
        self.clock = CaseClock()
        self._session, self._workflow = session, workflow
        self._asked: str | None = None
        self._saved_edits = _NEVER_SAVED
        # Of the case that is saved: what was saved of a former one says nothing of this one.
        self._number = self._number_saved = 0
        self._saving = BackgroundSave(self._snapshot, lambda: not session.tumor.is_shaping)

    @property
    def origin(self) -> str | None:
        """Of the case's data: 'live', 'replayed', or 'simulated' as soon as some of them are; None when the case is
        empty or nobody said where they are from. It is saved with the case and outlasts the connection.
        """
        return self.source.origin

    @property
    def question(self) -> str | None:
        """A sentence that asks whether the case belongs to the patient whom the connected source shows; else None.

        While it stands the stream goes on, tumor and box are hidden, there are no distances, and nothing can be
        recorded. keep() and begin() answer it, and so does going back to the source of the case.
        """
        return self.source.question

    def keep(self) -> None:
        """It is the same patient: what the case holds is shown again, with the source that is connected now."""
        self.source.keep()
        self._workflow.log.add(mark("same patient"))
        self.check_source()
        self._workflow.notify()

    def begin(self, keep_calibration: bool = True) -> None:
        """Another case: sweep, volume, box, tumor and what is known of them are gone, and so are the tools, which come
        back with their next pose and keep their calibration. The stream goes on, and so does a recording. What was not
        saved is gone: see has_unsaved_data.

        keep_calibration  False for tools that are to be calibrated anew
        """
        with self._workflow.held():
            self._forget(keep_calibration)
            self.source.begin()
            self._saved_edits = self._workflow.edits
            self.check_source()

    def begin_from_file(self, identity: str) -> None:
        """As begin(), for a recording from a file, see case_source.file_identity(). A CT that was opened while the case
        was empty was opened for it.
        """
        self._forget(keep_ct=self.is_empty)
        self.source.begin(identity=identity)

    def begin_loaded(self, origin: str | None) -> None:
        """As begin(), for a case from a file whose data are from `origin`; calibrations go, too."""
        self._forget(keep_calibration=False)
        self.source.begin(origin if origin in ORIGINS else None, identity="")

    def _forget(self, keep_calibration: bool = True, keep_ct: bool = False) -> None:
        self._number += 1
        self._session.tools.forget(keep_calibration)
        self._session.forget_case(keep_ct)

    @property
    def clock_s(self) -> float | None:
        """Seconds from the end of the recording to the tumor on the screen, corrections included; runs until then."""
        return self.clock.seconds

    @property
    def event_log(self) -> str:
        """What happened when: lines of JSON, without names of files."""
        return self._workflow.log.text

    @property
    def has_unsaved_data(self) -> bool:
        """True when something was recorded or computed that save() has not written."""
        session = self._session
        is_anything = session.recording.sweep is not None or session.volume.has_any or session.tumor.was_shown
        is_anything = is_anything or any(tumor.found is not None for tumor in session.tumors.all)
        return session.recording.state is not None or (is_anything and self._workflow.edits != self._saved_edits)

    def save(self, folder: str | Path) -> Path:
        """Write everything into one folder that opens again, with no name of a person in it; returns the folder. Waits
        for what is being saved already.

        Raises FileFormatError; then an earlier case in that folder is as it was.
        """
        self.finish_saving()
        self._session.tumor.finish_shaping()
        snapshot = self._snapshot(Path(folder))
        path = snapshot.write()
        self._take_saved(snapshot.edits)
        return path

    def begin_save(self, folder: str | Path) -> None:
        """As save(), but a thread writes what the case is now, while the work goes on; process() tells what has come of
        it, by `saved` or `save_problem`. Raises FileFormatError while a case is being saved.
        """
        self._saving.begin(folder)
        self._workflow.touch()
        self._workflow.notify()

    @property
    def is_saving(self) -> bool:
        """True from begin_save() until it is known what came of it."""
        return self._saving.is_busy

    @property
    def saved(self) -> Saved | None:
        """What begin_save() has written last of this case; None while nothing was."""
        return self._saving.saved if self._number == self._number_saved else None

    @property
    def save_problem(self) -> str:
        """Why the last begin_save() could not write this case; '' when it could."""
        return self._saving.problem if self._number == self._number_saved else ""

    def process(self) -> None:
        """Take in what has come of begin_save(), and check_source(); called by the session's timer."""
        self._process_saving()
        self.check_source()

    def finish_saving(self) -> None:
        """Wait until what is being saved is written, for who is about to close the case or the program."""
        while self._saving.is_busy:
            self._session.tumor.finish_shaping()
            self._process_saving()
            self._saving.join(0.05)

    def _process_saving(self) -> None:
        saving = self._saving
        if not saving.process():
            return
        if not saving.problem and saving.saved is not None:
            self._take_saved(saving.saved.edits)
        self._workflow.touch()
        self._workflow.notify()

    def _snapshot(self, folder: Path) -> Snapshot:
        self._number_saved = self._number
        try:
            return snapshot_of(self._session, folder, self._workflow.edits, self.take_scene)
        finally:
            self.check_source()

    def _take_saved(self, edits: int) -> None:
        if self._number == self._number_saved:
            self._saved_edits = edits
        self._workflow.touch()
        self._workflow.notify()

    def load(self, folder: str | Path) -> None:
        """Go on from a case that was saved; a stream goes on, and what others have in the scene stays.

        Raises FileFormatError, before anything is replaced, for a folder that is no case or is damaged.
        """
        with self._workflow.held():
            saving.load_case(self._session, folder)
            self._saved_edits = self._workflow.edits
            self.check_source()

    def check_source(self) -> None:
        """Have the case hidden while it is not known whether it belongs to what is connected, and shown after that."""
        session, question = self._session, self.question
        if question is not None:
            self._workflow.set(Step.NAVIGATE, StepStatus.WAITING, question)
        elif self._asked is not None:
            has_tumor = session.structures.has_tumor or session.tumor.others_are_shown()
            self._workflow.set(Step.NAVIGATE, StepStatus.READY if has_tumor else StepStatus.WAITING)
        if question != self._asked:
            self._asked = question
            self._workflow.touch()
            session.tools.refresh()
        self.question_checked(question)
        self._workflow.notify()

    def never_saved(self) -> None:
        """What there is now was not saved by this session."""
        self._saved_edits = _NEVER_SAVED

    def forget(self) -> None:
        """As at the beginning."""
        self.clock.forget()
        self.forgotten()

    @property
    def is_empty(self) -> bool:
        """True while nothing was recorded, opened, placed or found."""
        return not self._holding()

    def _holding(self) -> str:
        """What the case holds, for people; '' when it is empty."""
        session = self._session
        found = [tumor for tumor in session.tumors.all if tumor.found is not None]
        if len(found) > 1:
            return tr("{count} tumors", count=len(found))
        if session.tumor.was_shown:
            figures = session.tumor.figures
            return (
                tr("A tumor")
                if figures is None
                else tr("A tumor of {volume_ml:.1f} mL", volume_ml=figures["volume_ml"])
            )
        if found:
            return tr("A tumor")
        if session.box.is_there or session.tumors.is_any:
            return tr("A box")
        if session.volume.has_any:
            return tr("A volume")
        return tr("A sweep") if session.recording.sweep is not None else ""
