"""Whether the front ends show the live image, the 3D view and the distance large, without their panel."""

from __future__ import annotations

from .workflow import Workflow


class ScreenPart:
    """One switch, which every front end of the session follows; no data of the case, and never saved."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow, self._is_full = workflow, False

    @property
    def is_full(self) -> bool:
        """True while the views alone are to be seen."""
        return self._is_full

    def switch(self, wanted: bool | None = None) -> None:
        """Show the views alone, or the panel beside them again; None for the other of the two."""
        wanted = not self._is_full if wanted is None else wanted
        if wanted is not self._is_full:
            self._is_full = wanted
            self._workflow.touch()
            self._workflow.notify()
