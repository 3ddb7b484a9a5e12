"""Box: where it is, what is wrong with it, and that a tumor of another box is never shown for it."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import GeometryError
from ..mrml.box import BoxNode
from ..values import Box
from ..values.defaults import DEFAULT_BOX_EDGE_MM
from .box_warnings import box_warnings, lies_outside
from .state import Step, StepStatus
from .volume import VolumePart
from .workflow import Workflow


class BoxPart:
    """The box of one session.

    is_tight    True when it closely fits the tumor: the model's margin is added before it is segmented
    margin_mm   gives the margin that the chosen model wants around a tumor
    on_changed  called when it is another box
    """

    def __init__(
        self, scene, workflow: Workflow, volume: VolumePart, margin_mm: Callable[[], float],
        on_changed: Callable[[], None],
    ):  # fmt: skip
        self.is_tight = False
        self._workflow, self._volume, self._margin_mm, self._on_changed = workflow, volume, margin_mm, on_changed
        self._node = BoxNode(scene, self._look)

    @property
    def value(self) -> Box | None:
        """As it is in the scene; None when none was placed. Raises GeometryError when its edges are oblique."""
        return self._node.get()

    def node(self):
        """The Markups ROI, made when it is not there."""
        return self._node.node()

    def place(self, center_ras, size_mm=(DEFAULT_BOX_EDGE_MM,) * 3, tight: bool = False) -> None:
        """Place the box around a point (3,) RAS mm, along the axes of Reference."""
        self.set(Box(center_ras, size_mm), tight)

    def set(self, box: Box, tight: bool = False) -> None:
        """Place the box. The tumor found in another one becomes stale.

        tight  True when the box closely fits the tumor: the model's margin is added before it is segmented
        """
        changed_meaning = tight != self.is_tight
        self.is_tight = tight
        self._node.put(box)
        if changed_meaning:
            self._look()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against the box before it is segmented; empty when all is well or there is none."""
        try:
            box, grid = self.value, self._volume.grid
        except GeometryError as error:
            return (str(error),)
        return () if box is None else box_warnings(box, grid, self._margin_mm(), self.is_tight)

    @property
    def is_there(self) -> bool:
        """True when one was placed, whatever is wrong with it."""
        return self._node.is_placed

    def shown_nodes(self) -> list:
        """Of the box, where it is in the scene."""
        node = self._node.found()
        return [] if node is None else [node]

    def settle(self) -> None:
        """Say how the step is, for the box and the volume that are there now."""
        box, grid, problem = None, None, ""
        try:
            grid, box = self._volume.grid, self.value
        except GeometryError as error:
            problem = str(error)
        if box is not None and grid is not None and lies_outside(box, grid):
            box, problem = None, "the box lies outside the volume: place it on the tumor"
        if box is not None:
            edges = " x ".join(f"{edge:.0f}" for edge in box.size_mm)
            self._workflow.set(Step.BOX, StepStatus.DONE, f"{edges} mm")
        elif problem:
            self._workflow.set(Step.BOX, StepStatus.FAILED, problem)
        else:
            self._workflow.set(Step.BOX, StepStatus.WAITING if grid is None else StepStatus.READY)

    def adopt(self, tight: bool = False) -> None:
        """Take over what the scene holds."""
        self.is_tight = tight
        self._node.adopt()
        self.settle()

    def look(self) -> None:
        """Nodes were taken out of the scene: perhaps the box."""
        if self._node.found() is None:
            self._node.look()

    def forget(self) -> None:
        """As at the beginning; the node stays."""
        self._node.release()
        self.is_tight = False

    def release(self) -> None:
        """Watch no more."""
        self._node.release()

    def _look(self) -> None:
        self.settle()
        self._workflow.edited()
        self._on_changed()
        self._workflow.tell()
