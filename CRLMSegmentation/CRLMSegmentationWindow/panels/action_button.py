"""Buttons that do an Action of the session: what they say, and whether they can be pressed, comes from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import style

if TYPE_CHECKING:
    import qt
    from CRLMSegmentationLib.session.actions import Action
    from CRLMSegmentationLib.session.session import Session


def show_action(
    button: qt.QAbstractButton, action: Action, session: Session | None, label: str = "", ends: bool = False
) -> None:
    """Let a button say what the action does, and be pressed while it can be done; its tooltip says why it cannot.

    session  None before there is one
    label    another one than the action's own
    ends     True while the button takes back what it has begun in the views, which is possible at any time
    """
    why_not = action.why_not(session) if session is not None and not ends else ""
    style.write(button, label or action.label)
    style.explain(button, f"{action.help}\n{why_not}" if why_not else action.help)
    button.enabled = not why_not
