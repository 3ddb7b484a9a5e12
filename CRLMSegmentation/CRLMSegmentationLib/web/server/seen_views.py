"""Which views any tab sees: what nobody sees is not rendered."""

from __future__ import annotations

from collections.abc import Callable


class SeenViews:
    """Told of the size that each view has in each tab; without one, it is not seen there.

    tell  called with (view, whether any tab sees it) when that changes
    """

    def __init__(self, tell: Callable[[str, bool], None]) -> None:
        self._tell = tell
        self._tabs: dict[str, set[str]] = {}

    def take_size(self, tab: str, view: str, width: float, height: float) -> bool:
        """A view has another size in a tab; whether it is seen there."""
        is_seen = width >= 1 and height >= 1
        tabs = self._tabs.setdefault(view, set())
        before = bool(tabs)
        if is_seen:
            tabs.add(tab)
        else:
            tabs.discard(tab)
        if bool(tabs) != before:
            self._tell(view, not before)
        return is_seen

    def forget(self, tab: str) -> None:
        """The tab is gone."""
        for view in self._tabs:
            self.take_size(tab, view, 0, 0)
