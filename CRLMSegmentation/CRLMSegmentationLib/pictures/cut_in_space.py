"""A planned cut through the liver, in a picture of its structures: a plane, and where it runs through the surface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..preoperative.remnant import CutPlane

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData
    from vtkmodules.vtkRenderingCore import vtkRenderer

_COLOR = (0.31, 0.9, 0.55)
_OPACITY, _LINE_PX = 0.22, 3.0


class CutInSpace:
    """The square of a plane around a liver, and its line on the surface of that liver.

    liver  RAS mm of the CT; None where none is known, and no plane is drawn
    """

    def __init__(self, renderer: vtkRenderer, liver: vtkPolyData | None) -> None:
        from vtkmodules.vtkCommonDataModel import vtkPlane
        from vtkmodules.vtkFiltersCore import vtkCutter
        from vtkmodules.vtkFiltersSources import vtkPlaneSource

        self._actors: list[Any] = []
        if liver is None:
            return
        self._low, self._high = np.array(liver.GetBounds()).reshape(3, 2).T
        self._plane, self._square = vtkPlane(), vtkPlaneSource()
        cutter = vtkCutter()
        cutter.SetInputData(liver)
        cutter.SetCutFunction(self._plane)
        for source, opacity in ((self._square, _OPACITY), (cutter, 1.0)):
            self._actors.append(_actor(source, opacity))
            renderer.AddActor(self._actors[-1])

    def show(self, cut: CutPlane | None) -> None:
        """Draw this plane, or none."""
        for actor in self._actors:
            actor.SetVisibility(cut is not None)
        if cut is None or not self._actors:
            return
        self._plane.SetOrigin(*cut.point_ras_mm)
        self._plane.SetNormal(*cut.normal)
        # The square lies around the liver, wherever in the plane it was drawn.
        corner, across, down = cut.square_around(self._low, self._high)
        self._square.SetOrigin(*corner)
        self._square.SetPoint1(*across)
        self._square.SetPoint2(*down)


def _actor(source: Any, opacity: float) -> Any:
    from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

    mapper = vtkPolyDataMapper()
    mapper.SetInputConnection(source.GetOutputPort())
    mapper.ScalarVisibilityOff()
    actor = vtkActor()
    actor.SetMapper(mapper)
    prop = actor.GetProperty()
    prop.SetColor(*_COLOR)
    prop.SetOpacity(opacity)
    prop.SetLineWidth(_LINE_PX)
    prop.LightingOff()
    actor.SetVisibility(False)
    return actor
