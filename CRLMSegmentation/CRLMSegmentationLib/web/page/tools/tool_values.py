"""The tools in the page's terms: the values of PageState by which they are set up."""

from __future__ import annotations

from typing import Any

from ....session.session import Session
from ....words import tr


def tool_values(session: Session) -> dict[str, Any]:
    """By the names of PageState."""
    tools = session.tools
    setups = [
        {
            "name": name, "shape": tools.looks.of(name).shape.value, "color": tools.looks.of(name).color,
            "tip": tr("tip calibrated") if tools.is_calibrated(name) else tr("no tip known: measured to its sensor"),
            "added": name in tools.looks.followed,
        }
        for name in tools.names
    ]  # fmt: skip
    return {"tool_setups": setups, "other_tools": session.stream.other_tools}
