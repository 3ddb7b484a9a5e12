"""The few actions that a key or a foot switch may do: none that deletes, replaces or leaves anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...words import tr
from ..actions import FULL_SCREEN, NEXT_STEP, NEXT_TUMOR, RECORD, STOP, Action

if TYPE_CHECKING:
    from ..session import Session


@dataclass(frozen=True)
class Shortcut:
    """A key, in window and page alike, and what it does: the first of `actions` that can be done."""

    key: str
    actions: tuple[Action, ...]

    def chosen(self, session: Session) -> Action:
        """What the key does now; the last one where none can be done, which says why not."""
        return next((action for action in self.actions if action.can_run(session)), self.actions[-1])


# Keys that neither browsers nor 3D Slicer have a use for.
SHORTCUTS = (
    Shortcut("F2", (STOP, RECORD)),
    Shortcut("F4", (NEXT_STEP,)),
    Shortcut("F8", (NEXT_TUMOR,)),
    Shortcut("F9", (FULL_SCREEN,)),
)

# What a message may ask for, by its name.
BY_NAME = {action.name: action for action in (RECORD, STOP, NEXT_STEP, NEXT_TUMOR, FULL_SCREEN)}


def not_by_foot() -> str:
    """Why a foot switch is refused what it asks for."""
    return tr("A foot switch may not ask for that; it may ask for {names}.", names=", ".join(BY_NAME))
