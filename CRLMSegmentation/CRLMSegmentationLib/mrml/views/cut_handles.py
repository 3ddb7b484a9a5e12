"""A planned cut of the registered CT as a Markups plane, whose handles move it in 3D."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import CRLMError
from ...preoperative.remnant import CutPlane
from .. import names
from ..nodes import find, get_or_create, put_under, remove, set_saved
from ..observers import ObservedNode

if TYPE_CHECKING:
    from ...session.preoperative.preoperative_part import PreoperativePart

_CLASS = "vtkMRMLMarkupsPlaneNode"
_COLOR = (0.31, 0.9, 0.55)


class CutHandles:
    """In the scene only where a person plans: while a tool is navigated, nobody is to drag a plan by mistake.

    scene  vtkMRMLScene
    """

    def __init__(self, scene: Any, part: PreoperativePart) -> None:
        self._scene, self._part = scene, part
        self._observed = ObservedNode()

    def found(self) -> Any:
        """The Markups plane; None when it is not there."""
        return find(self._scene, _CLASS, names.CT_CUT_HANDLES)

    def show(self, cut: CutPlane, size_mm: float, transform: Any) -> None:
        """`cut`, in the frame of the CT, as a square of that edge under `transform`, from the CT to Reference."""
        if self._observed.is_quiet:
            return  # it is being dragged, and stands there already
        with self._observed.quiet():
            node = get_or_create(self._scene, _CLASS, names.CT_CUT_HANDLES, with_display=True)
            put_under(node, transform)
            _put_cut(node, cut, size_mm)
            set_saved(node, False)
        self._observed.observe(node, {node.PointModifiedEvent: self._on_node_changed})

    def hide(self) -> None:
        """It is not to be dragged any more."""
        self._observed.release()
        remove(self._scene, _CLASS, names.CT_CUT_HANDLES)

    def _on_node_changed(self) -> None:
        """Somebody drags it."""
        node = self.found()
        if self._observed.is_quiet or node is None or self._scene.IsClosing() or self._scene.IsImporting():
            return
        plan = self._part.remnant
        with self._observed.quiet():
            try:
                cut = CutPlane.of(np.array(node.GetCenter()), np.array(node.GetNormal()))
                known = plan.plane
                if known is not None and not is_same_cut(cut, known):
                    plan.place(cut)
            except CRLMError as error:
                self._part.report_problem(str(error))


def _put_cut(node: Any, cut: CutPlane, size_mm: float) -> None:
    was_modifying = node.StartModify()
    node.SetPlaneType(node.PlaneTypePointNormal)
    node.SetCenter(*cut.point_ras_mm)
    node.SetNormal(*cut.normal)
    node.SetSizeMode(node.SizeModeAbsolute)
    node.SetSize(size_mm, size_mm)
    node.EndModify(was_modifying)
    display = node.GetDisplayNode()
    display.SetSelectedColor(*_COLOR)
    display.SetFillVisibility(False)
    display.SetPropertiesLabelVisibility(False)
    # In a slice of the ultrasound its line would be taken for what is seen there.
    display.SetVisibility2D(False)
    display.SetHandlesInteractive(True)


def is_same_cut(one: CutPlane, other: CutPlane) -> bool:
    """True when only the digits differ."""
    return np.allclose(one.point_ras_mm, other.point_ras_mm, atol=1e-3) and np.allclose(
        one.normal, other.normal, atol=1e-5
    )
