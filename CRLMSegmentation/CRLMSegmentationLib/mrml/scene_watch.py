"""Reports when somebody else closes the scene, loads nodes into it, or takes nodes out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .observers import observe
from .own_nodes import any_own_nodes


class SceneWatch:
    """Observers on one vtkMRMLScene.

    on_closed           called when the scene was emptied
    on_loaded(loaded)   called by take_over() with nodes that bear roles of the session and were not there before the
                        import: others who watch the scene, such as Slicer's subject hierarchy, have finished with it
                        by then, and nodes can be taken out again
    on_removed          called when a node was taken out
    on_error            called with what is raised there, but by on_loaded(): VTK drops what an observer raises

    is_changing  True from the first node that is loaded, or taken away with the scene, until on_loaded() or on_closed()
                 has ended: the nodes do not fit what the session knows, and must not be written to
    """

    def __init__(
        self, scene: Any, on_error: Callable[[Exception], None], on_closed: Callable[[], None],
        on_loaded: Callable[[list[Any]], None], on_removed: Callable[[], None],
    ) -> None:  # fmt: skip
        self._scene, self._on_error = scene, on_error
        self._on_closed, self._on_loaded, self._on_removed = on_closed, on_loaded, on_removed
        self._before: set[str] = set()
        self._is_importing = self._is_imported = False
        self._is_ours = 0
        self._tags = [
            observe(scene, scene.EndCloseEvent, self._on_close),
            observe(scene, scene.StartImportEvent, self._on_import),
            observe(scene, scene.EndImportEvent, self._on_import_end),
            observe(scene, scene.NodeRemovedEvent, self._on_remove),
        ]

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What happens to the scene in the block is the session's own doing."""
        self._is_ours += 1
        try:
            yield
        finally:
            self._is_ours -= 1

    @property
    def is_changing(self) -> bool:
        """See above."""
        return self._is_importing or bool(self._scene.IsClosing())

    def close(self) -> None:
        """Observe no more."""
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._tags = []

    def _on_close(self) -> None:
        self._report(self._closed)

    def _on_import(self) -> None:
        self._report(self._importing)

    def _on_import_end(self) -> None:
        self._report(self._imported)

    def _on_remove(self) -> None:
        self._report(self._removed)

    def _report(self, event: Callable[[], None]) -> None:
        if not self._is_ours:
            try:
                event()
            except Exception as error:
                self._on_error(error)

    def _closed(self) -> None:
        self._is_importing = self._is_imported = False
        self._on_closed()

    def _importing(self) -> None:
        if not self._is_importing:
            self._before = {node.GetID() for node in any_own_nodes(self._scene)}
        self._is_importing, self._is_imported = True, False

    def _imported(self) -> None:
        self._is_imported = True

    def take_over(self) -> None:
        """Call on_loaded() when an import has ended since the last call."""
        if not self._is_imported:
            return
        try:
            loaded = [node for node in any_own_nodes(self._scene) if node.GetID() not in self._before]
            if loaded:
                self._on_loaded(loaded)
        finally:
            self._is_importing = self._is_imported = False

    def _removed(self) -> None:
        if not self.is_changing:
            self._on_removed()
