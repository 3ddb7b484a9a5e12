"""What a person can do without looking for the button: go on with what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import ConfigurationError
from ...words import mark
from .action import Action
from .workflow_actions import ACCEPT_BOX, ACKNOWLEDGE, FIND, NAVIGATE, PLACE_BOX, RECORD, STOP

if TYPE_CHECKING:
    from ..session import Session

_LOOK_FIRST = mark("Look at what speaks against this tumor first, and say so at the screen.")
_BY_HAND = mark("The tumor was corrected by hand: find it anew at the screen, where you are asked.")


def next_step(session: Session) -> Action:
    """The action that comes next in the workflow and needs no hand. Raises ConfigurationError with a sentence where
    there is none: a box is to be placed, doubts are to be looked at, something is being computed.
    """
    if session.case.question is not None:
        raise ConfigurationError(session.case.question)
    if session.recording.state is not None:
        return STOP
    if NAVIGATE.can_run(session):
        if ACKNOWLEDGE.can_run(session):
            raise ConfigurationError(_LOOK_FIRST)
        return NAVIGATE
    if session.tumor.has_hand_corrections:
        raise ConfigurationError(_BY_HAND)
    if FIND.can_run(session):
        return FIND
    if not PLACE_BOX.can_run(session):
        RECORD.check(session)
        return RECORD
    if not ACCEPT_BOX.can_run(session):
        FIND.check(session)
    return ACCEPT_BOX


def _without_next(session: Session) -> str:
    try:
        next_step(session)
    except ConfigurationError as error:
        return str(error)
    return ""


NEXT_STEP = Action(
    "next_step", None, mark("Next step"),
    mark("What comes next and needs no hand: record, stop, take the proposed box, find the tumor, navigate"),
    lambda session: next_step(session).run(session), _without_next,
)  # fmt: skip

HANDS_FREE_ACTIONS = (NEXT_STEP,)
