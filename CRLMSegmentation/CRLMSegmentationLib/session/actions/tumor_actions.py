"""What a person can do with the tumors of a case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...words import mark, tr
from ..state import TUMOR_BEING_FOUND, Step, StepStatus
from .action import Action

if TYPE_CHECKING:
    from ..session import Session


def _while_finding(session: Session) -> str:
    return TUMOR_BEING_FOUND if session.jobs.running is Step.SEGMENT else session.case.question or ""


def _without_tumor(session: Session) -> str:
    return _while_finding(session) if session.tumors.is_any else tr("There is no tumor in this case yet.")


def _without_more(session: Session) -> str:
    """Why no other tumor can be added."""
    if session.state.status(Step.BOX) is StepStatus.WAITING:
        return tr("There is no volume yet; record a sweep first.")
    if session.tumors.chosen.is_empty:
        return tr("This tumor has no box yet: place it first.")
    return _while_finding(session)


def _without_newer(session: Session) -> str:
    """Why the newest sweep cannot be gone back to."""
    if session.tumors.can_show_newest:
        return _while_finding(session)
    newest = session.tumors.newest_scan
    at_newest = newest is None or newest is session.tumors.scan
    return tr("The newest sweep is worked on already.") if at_newest else tr("Wait until the recording is written.")


def _without_another(session: Session) -> str:
    """Why there is no other tumor to go on to."""
    return _while_finding(session) if len(session.tumors.all) > 1 else tr("There is no other tumor in this case.")


def _choose_next(session: Session) -> None:
    """Work on the tumor that stands after the chosen one in the list, after the last on the first."""
    numbers = [tumor.number for tumor in session.tumors.all]
    place = numbers.index(session.tumors.chosen.number)
    session.tumors.choose(numbers[(place + 1) % len(numbers)])


def _choose(session: Session, number: int) -> None:
    """Work on the tumor of that number from now on."""
    session.tumors.choose(number)


def _rename(session: Session, number: int, name: str) -> None:
    """Call the tumor of that number `name`."""
    session.tumors.rename(number, name)


def _delete(session: Session, number: int) -> None:
    """Take the tumor of that number out of the case; who asks before work of a hand is lost, is the front end."""
    session.tumors.delete(number)


ADD_TUMOR = Action(
    "add_tumor", None, mark("Another tumor"), mark("Keep this tumor, and place the next box around another one"),
    lambda session: session.tumors.add(), _without_more,
)  # fmt: skip
CHOOSE_TUMOR = Action(
    "choose_tumor", None, mark("Work on this tumor"),
    mark("Box, correction, volume and the large distance are those of this tumor"), _choose, _without_tumor,
)  # fmt: skip
NEXT_TUMOR = Action(
    "next_tumor",
    None,
    mark("Next tumor"),
    mark("Work on the tumor that stands next in the list"),
    _choose_next,
    _without_another,
)
SHOW_NEWEST = Action(
    "show_newest", None, mark("Back to the newest sweep"),
    mark("Show the volume of the newest sweep; the chosen tumor can be found anew in it"),
    lambda session: session.tumors.show_newest(), _without_newer,
)  # fmt: skip
RENAME_TUMOR = Action(
    "rename_tumor", None, mark("Rename"),
    mark("Call this tumor otherwise; the name is saved, so none of a person should be in it"),
    _rename, _without_tumor,
)  # fmt: skip
DELETE_TUMOR = Action(
    "delete_tumor", None, mark("Delete"), mark("Take this tumor out of the case, with its box and its corrections"),
    _delete,
    _without_tumor,
)  # fmt: skip

TUMOR_ACTIONS = (ADD_TUMOR, CHOOSE_TUMOR, NEXT_TUMOR, SHOW_NEWEST, RENAME_TUMOR, DELETE_TUMOR)
