"""What a person can do about the tools: which are looked for, and how each is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import ConfigurationError
from ...navigation.tool_look import ToolLook, ToolShape
from ...words import mark, tr
from .action import Action

if TYPE_CHECKING:
    from ..session import Session


def _set_look(session: Session, name: str, shape: str, color: str) -> None:
    """Draw a known tool in this shape (ToolShape's value) and color ('#rrggbb')."""
    if name not in session.tools.names:
        raise ConfigurationError(tr("This tool is not there any more."))
    if shape not in {one.value for one in ToolShape}:
        raise ConfigurationError(tr("There is no such shape of a tool."))
    session.tools.looks.set(name, ToolLook(ToolShape(shape), color))


def _without_added(session: Session) -> str:
    return "" if session.tools.looks.followed else tr("No tool was added by its name.")


def _without_tools(session: Session) -> str:
    return "" if session.tools.names else tr("No tool has come yet.")


FOLLOW_TOOL = Action(
    "follow_tool", None, mark("Look for this tool"), mark("Show another tracked tool, by the name that PLUS gives it"),
    lambda session, name: session.tools.follow(name), lambda session: "",
)  # fmt: skip
UNFOLLOW_TOOL = Action(
    "unfollow_tool", None, mark("Look for it no more"), mark("Take a tool out that was added by its name"),
    lambda session, name: session.tools.unfollow(name),
    _without_added,
)  # fmt: skip
SET_TOOL_LOOK = Action(
    "set_tool_look", None, mark("Shape and color"),
    mark("Choose how the tool is drawn, so that several are told apart"),
    _set_look, _without_tools,
)  # fmt: skip

TOOL_ACTIONS = (FOLLOW_TOOL, UNFOLLOW_TOOL, SET_TOOL_LOOK)
