"""What the page's buttons do about the tools."""

from __future__ import annotations

from ...session import actions
from .reported import ReportingActions, reported


class ToolActions(ReportingActions):
    """Bound to the page's buttons by page.Page."""

    @reported
    def follow(self, name: object) -> None:
        actions.FOLLOW_TOOL.run(self._session, str(name))
        with self._state as state:
            state.tool_name = ""

    @reported
    def unfollow(self, name: object) -> None:
        actions.UNFOLLOW_TOOL.run(self._session, str(name))

    @reported
    def set_look(self, name: object, shape: object, color: object) -> None:
        actions.SET_TOOL_LOOK.run(self._session, str(name), str(shape), str(color))
