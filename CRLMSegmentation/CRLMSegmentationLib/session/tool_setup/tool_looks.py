"""How the tools of a session are drawn, and which are looked for because a person said so."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ...errors import ConfigurationError
from ...navigation.tool_look import ToolLook, usual_look
from ...navigation.tool_transforms import tool_of_pose
from ...words import tr
from ..event import Event

LONGEST_NAME = 40
_NAME = re.compile(r"^[A-Za-z]\w*$", re.ASCII)


class ToolLooks:
    """Looks by tool, as PLUS names it.

    on_error  called with what a handler of the event raises

    followed  tools that a person named
    changed   event: the tool of this name looks otherwise
    """

    def __init__(self, on_error: Callable[[Exception], None] | None = None) -> None:
        self.followed: tuple[str, ...] = ()
        self.changed: Event[[str]] = Event(on_error)
        self._own: dict[str, ToolLook] = {}
        self._order: list[str] = []

    def of(self, name: str) -> ToolLook:
        """As it was set, or as the first, second, ... tool usually looks, in the order in which they came."""
        if name not in self._order:
            self._order.append(name)
        return self._own.get(name) or usual_look(self._order.index(name))

    def set(self, name: str, look: ToolLook) -> None:
        """Draw a tool so from now on."""
        if look != self.of(name):
            self._own[name] = look
            self.changed(name)

    def follow(self, name: str) -> str:
        """A person names a tool; its name without blanks and 'ToReference'. Raises ConfigurationError for no tool's."""
        name = name.strip().removesuffix("ToReference")
        if not _NAME.match(name) or len(name) > LONGEST_NAME or tool_of_pose(name) is None:
            raise ConfigurationError(
                tr(
                    "'{name}' is no tool's name: give it as PLUS does, such as Stylus for StylusToTracker.",
                    name=name[:LONGEST_NAME],
                )
            )
        if name not in self.followed:
            self.followed = (*self.followed, name)
        return name

    def unfollow(self, name: str) -> None:
        self.followed = tuple(one for one in self.followed if one != name)

    def own(self) -> dict[str, ToolLook]:
        """Those that were set."""
        return dict(self._own)

    def restore(self, looks: Mapping[str, ToolLook]) -> None:
        """As they were saved; what was set here stays."""
        for name, look in looks.items():
            if name not in self._own:
                self.set(name, look)

    def forget(self) -> None:
        """All look as usual, and none is looked for by its name."""
        names, self._own, self.followed = list(self._own), {}, ()
        for name in names:
            self.changed(name)
