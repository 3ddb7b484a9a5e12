"""The CT in the operation: its structures on model nodes in Reference, from the registration on and no longer.

Before landmarks brought it there, nothing of a CT is in the scene. They are shown in 3D alone, where the text beside
them says how far they may be off: in a slice of the ultrasound their outline would be taken for what is seen in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...preoperative.ct_slices import COLORS
from ...preoperative.structures import LIVER
from .. import names
from ..conversion import put_surface, vtk_matrix
from ..nodes import find, get_or_create, put_under, remove, set_saved
from .cut_handles import CutHandles

if TYPE_CHECKING:
    from ...preoperative.remnant import CutPlane
    from ...session.preoperative.preoperative_part import PreoperativePart

_MODEL, _TRANSFORM = "vtkMRMLModelNode", "vtkMRMLLinearTransformNode"
_LIVER_OPACITY, _OPACITY = 0.15, 0.55
_CUT_COLOR, _CUT_OPACITY = (0.31, 0.9, 0.55), 0.22


class PreoperativeView:
    """Shows the registered CT of one session; nodes that a user deletes come back while it is registered.

    scene  vtkMRMLScene
    """

    is_busy = False

    def __init__(self, scene: Any, part: PreoperativePart) -> None:
        self._scene, self._part = scene, part
        self._shown: tuple[Any, ...] = ()
        self._cut: CutPlane | None = None
        self._handles = CutHandles(scene, part)
        self._is_behind = False
        self._disconnect = part.changed.connect(self._show)

    def nodes(self) -> list[Any]:
        """The model nodes that are in the scene, be they hidden."""
        found = (find(self._scene, _MODEL, name) for name in (*map(names.ct_model, COLORS), names.CT_CUT))
        return [node for node in found if node is not None]

    def process(self, now_s: float) -> None:
        """What could not be shown when it changed is tried again."""
        if self._is_behind:
            self._show()

    def check_nodes(self) -> None:
        """Nodes were taken out of the scene: those of a registered CT come back."""
        self._shown = ()
        self._show()

    def hide_live(self) -> None:
        """It stands in Reference, wherever image and tools are."""

    def close(self) -> None:
        """Listen no more; nothing of a CT stays in the scene, where nobody would say how far it may be off."""
        self._disconnect()
        self._remove()

    def _show(self) -> None:
        part = self._part
        surfaces = {} if part.ct is None else part.ct.surfaces
        wanted = () if part.registration is None else (surfaces, part.registration, tuple(part.shown))
        self._is_behind = True
        if wanted != self._shown:
            self._show_structures(wanted)
        cut = part.remnant.plane if part.registration is not None and LIVER in surfaces else None
        if cut != self._cut:
            # It is moved by a slider: the structures stay as they are.
            self._show_cut(cut)
        self._show_handles(cut)
        self._is_behind = False

    def _show_structures(self, wanted: tuple[Any, ...]) -> None:
        part = self._part
        self._remove()
        if part.registration is not None and part.ct is not None:
            transform = get_or_create(self._scene, _TRANSFORM, names.CT_TO_REFERENCE)
            transform.SetMatrixTransformToParent(vtk_matrix(part.registration.ct_to_reference))
            set_saved(transform, False)
            for name in part.shown:
                red, green, blue = (channel / 255 for channel in COLORS[name])
                opacity = _LIVER_OPACITY if name == LIVER else _OPACITY
                surface = part.ct.surfaces[name]
                self._put_model(names.ct_model(name), surface, transform, (red, green, blue), opacity)
        self._shown = wanted

    def _put_model(
        self, name: str, surface: Any, transform: Any, color: tuple[float, float, float], opacity: float
    ) -> None:
        node = get_or_create(self._scene, _MODEL, name, with_display=True)
        put_surface(node, surface)
        put_under(node, transform)
        display = node.GetDisplayNode()
        display.SetColor(*color)
        display.SetOpacity(opacity)
        display.SetVisibility2D(False)
        # What lies in Reference tomorrow is another matter.
        set_saved(node, False)

    def _show_cut(self, cut: CutPlane | None) -> None:
        """The planned cut as a square around the liver."""
        from vtkmodules.vtkFiltersSources import vtkPlaneSource

        self._cut = cut
        if cut is None or self._part.ct is None:
            remove(self._scene, _MODEL, names.CT_CUT)
        else:
            corner, across, down = cut.square_around(*_bounds_of(self._part.ct.surfaces[LIVER]))
            square = vtkPlaneSource()
            square.SetOrigin(*corner)
            square.SetPoint1(*across)
            square.SetPoint2(*down)
            square.Update()
            self._put_model(
                names.CT_CUT, square.GetOutput(), find(self._scene, _TRANSFORM, names.CT_TO_REFERENCE), _CUT_COLOR,
                _CUT_OPACITY,
            )  # fmt: skip

    def _show_handles(self, cut: CutPlane | None) -> None:
        ct = self._part.ct
        if cut is None or ct is None or not self._part.remnant.is_draggable:
            self._handles.hide()
            return
        corner, across, _ = cut.square_around(*_bounds_of(ct.surfaces[LIVER]))
        transform = find(self._scene, _TRANSFORM, names.CT_TO_REFERENCE)
        self._handles.show(cut, float(np.linalg.norm(across - corner)), transform)

    def _remove(self) -> None:
        self._cut = None
        self._handles.hide()
        for name in (*map(names.ct_model, COLORS), names.CT_CUT):
            remove(self._scene, _MODEL, name)
        remove(self._scene, _TRANSFORM, names.CT_TO_REFERENCE)


def _bounds_of(surface: Any) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner, (3,) RAS mm of the CT."""
    low, high = np.array(surface.GetBounds()).reshape(3, 2).T
    return low, high
