"""Box: where it is, what is wrong with it, and that a tumor of another box is never shown for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..errors import GeometryError
from ..values import Box, Volume
from ..values.defaults import DEFAULT_BOX_EDGE_MM
from ..words import tr
from .box_warnings import box_warnings, lies_outside
from .event import Event
from .state import Step, StepStatus
from .volume import VolumePart
from .workflow import Workflow

_SAME_MM = 1e-3


class BoxPart:
    """The box of one session.

    changed     event: the box, or what is wrong with it, is another one, by whatever way
    is_tight    True when it closely fits the tumor: the model's margin is added before it is segmented
    margin_mm   gives the margin that the chosen model wants around a tumor
    on_changed  called when results that were made in the box are out of date
    on_error    called with what a handler of `changed` raises
    """

    def __init__(
        self, workflow: Workflow, volume: VolumePart, margin_mm: Callable[[], float], on_changed: Callable[[], None],
        on_error: Callable[[Exception], None] | None = None,
    ):  # fmt: skip
        self.changed: Event[[]] = Event(on_error)
        self.is_tight = False
        self._workflow, self._volume, self._margin_mm, self._on_changed = workflow, volume, margin_mm, on_changed
        self._box: Box | None = None
        # What box_warnings() was given last, and what it said.
        self._warned_of: tuple[Box, Volume | None, float, bool, tuple[str, ...]] | None = None
        self._problem = ""

    @property
    def value(self) -> Box | None:
        """In Reference; None when none was placed. Raises GeometryError when it was placed so that it is no box."""
        if self._problem:
            raise GeometryError(self._problem)
        return self._box

    @property
    def known(self) -> Box | None:
        """In Reference; None also when it was placed so that it is no box."""
        return self._box

    @property
    def is_there(self) -> bool:
        """True when one was placed, whatever is wrong with it."""
        return self._box is not None or bool(self._problem)

    def place(
        self, center_ras: ArrayLike, size_mm: Sequence[float] = (DEFAULT_BOX_EDGE_MM,) * 3, tight: bool = False
    ) -> None:
        """Place the box around a point (3,) RAS mm, along the axes of Reference."""
        self.set(Box(np.asarray(center_ras, dtype=np.float64), np.asarray(size_mm, dtype=np.float64)), tight)

    def set(self, box: Box, tight: bool = False) -> None:
        """Place the box. The tumor found in another one becomes stale.

        tight  True when the box closely fits the tumor: the model's margin is added before it is segmented
        """
        is_same = self._box is not None and tight == self.is_tight and is_same_box(box, self._box)
        self._put(box, tight)
        if not is_same:
            self._make_results_stale()

    def move(self, box: Box) -> None:
        """Somebody drags the box, or its edges: as set(), as tight as it is."""
        self.set(box, self.is_tight)

    def set_problem(self, sentence: str) -> None:
        """What was placed is no box, such as one with oblique edges; `sentence` says why, for people."""
        was_usable = not self._problem
        self._put(None, self.is_tight, sentence)
        if was_usable:
            self._make_results_stale()
        else:
            self.update_status()

    def remove(self) -> None:
        """There is no box any more, and no tumor in it."""
        if self.is_there:
            self._put(None, self.is_tight)
            self._make_results_stale()

    def restore(self, box: Box | None, tight: bool = False, problem: str = "") -> None:
        """Take a box that was saved, with what was made in it; `problem` as in set_problem()."""
        self._put(box, tight, problem)
        self.update_status()

    def forget(self) -> None:
        """As at the beginning."""
        self._put(None, False)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against the box before it is segmented; empty when all is well or there is none."""
        try:
            box, grid = self.value, self._volume.value
        except GeometryError as error:
            return (str(error),)
        if box is None:
            return ()
        # A front end asks several times a second, and it is the same answer as long as these are the same.
        margin_mm, asked = self._margin_mm(), self._warned_of
        is_same = (
            asked is not None and asked[0] is box and asked[1] is grid and asked[2:4] == (margin_mm, self.is_tight)
        )
        if asked is None or not is_same:
            found = box_warnings(box, grid, margin_mm, self.is_tight)
            self._warned_of = asked = box, grid, margin_mm, self.is_tight, found
        return asked[4]

    def update_status(self) -> None:
        """Put the step into the status that it has for the box and the volume that are there now."""
        box, grid, problem = None, None, ""
        try:
            grid, box = self._volume.value, self.value
        except GeometryError as error:
            problem = str(error)
        if box is not None and grid is not None and lies_outside(box, grid):
            box, problem = None, tr("the box lies outside the volume: place it on the tumor")
        if box is not None:
            edges = " x ".join(f"{edge:.0f}" for edge in box.size_mm)
            self._workflow.set(Step.BOX, StepStatus.DONE, f"{edges} mm")
        elif problem:
            self._workflow.set(Step.BOX, StepStatus.FAILED, problem)
        else:
            self._workflow.set(Step.BOX, StepStatus.WAITING if grid is None else StepStatus.READY)

    def _put(self, box: Box | None, tight: bool, problem: str = "") -> None:
        self._box, self.is_tight, self._problem = box, tight, problem
        self.changed()

    def _make_results_stale(self) -> None:
        self.update_status()
        self._workflow.edited()
        self._on_changed()
        self._workflow.notify()


def is_same_box(first: Box, second: Box) -> bool:
    """True when no corner differs by more than rounding."""
    return bool(np.abs(first.corners_ras() - second.corners_ras()).max() < _SAME_MM)
