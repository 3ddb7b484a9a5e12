"""What happens to the scene as a whole: nodes are loaded into it, or the window opens a case in its place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .window import Window


class SceneChanges:
    """Tells apart a case that was loaded from other nodes, and the window's own changes from those of others."""

    def __init__(self, window: Window):
        self._window = window
        self._is_ours = self._is_imported = False
        self._before: list[str | None] = []

    @contextmanager
    def ours(self) -> Iterator[None]:
        """While the session itself replaces the scene, the window goes on with it."""
        self._is_ours = True
        try:
            yield
        finally:
            self._is_ours = False

    @property
    def is_ours(self) -> bool:
        """True inside ours()."""
        return self._is_ours

    def begin_import(self) -> None:
        """Nodes are about to be loaded into the scene."""
        self._before = self._case_nodes()

    def end_import(self) -> None:
        """Nodes were loaded. The session goes on with what it knows among them; it is shown when it has done so."""
        self._is_imported = True
        if self._window.session is not None:
            self._window.timer.start()

    def check_import(self) -> None:
        """Show a case that was loaded since the last call. A bone beside it is no reason to take the views away."""
        if not self._is_imported:
            return
        self._is_imported = False
        if self._case_nodes() != self._before:
            self._window.show_case()

    def _case_nodes(self) -> list[str | None]:
        """Ids of the nodes that a case consists of."""
        view = self._window.view
        nodes = () if view is None else (view.volume_node(), view.segmentation_node(), view.surface_node())
        return [None if node is None else node.GetID() for node in nodes]
