"""What was found in a CT, seen in space: a picture from any side, of the CT's own frame and of nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..preoperative.ct_slices import COLORS
from ..preoperative.remnant import CutPlane
from ..preoperative.structures import LIVER
from ..values.triangles import with_fewer_triangles
from .cut_in_space import CutInSpace
from .offscreen import render_window

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

_BACKGROUND, _ABOVE = (0.045, 0.065, 0.09), (0.11, 0.155, 0.2)
_LIVER_OPACITY = 0.28
_STEEPEST_DEG = 89.0
_LARGEST_PX = 900
# A liver's surface of more triangles than this is drawn coarser: it is seen through anyway.
_MOST_TRIANGLES = 60_000


class CtInSpace:
    """The surfaces of one CT in an off-screen window of its own; all calls come from one thread.

    surfaces  by the names of COLORS, RAS mm of the CT
    Raises RenderingError on a machine that cannot render.
    """

    def __init__(self, surfaces: Mapping[str, vtkPolyData]) -> None:
        from vtkmodules.vtkRenderingCore import vtkRenderer

        self._window = render_window()
        self._window.SetMultiSamples(0)
        self._window.SetAlphaBitPlanes(1)
        self._renderer = vtkRenderer()
        self._renderer.SetBackground(*_BACKGROUND)
        self._renderer.SetBackground2(*_ABOVE)
        self._renderer.GradientBackgroundOn()
        self._renderer.SetUseFXAA(True)
        self._renderer.UseDepthPeelingOn()
        self._renderer.SetMaximumNumberOfPeels(4)
        self._window.AddRenderer(self._renderer)
        self._actors = {name: self._actor(name, surface) for name, surface in surfaces.items()}
        self._renderer.ResetCamera()
        self._cut = CutInSpace(self._renderer, surfaces.get(LIVER))
        camera = self._renderer.GetActiveCamera()
        self._middle, self._distance = np.array(camera.GetFocalPoint()), camera.GetDistance()

    def picture(
        self, turn_deg: float, tilt_deg: float, shown: Collection[str], size: tuple[int, int],
        cut: CutPlane | None = None,
    ) -> np.ndarray:  # fmt: skip
        """uint8 (rows, columns, 3).

        turn_deg  about the patient's long axis: 0 seen from the front, 90 from the patient's left
        tilt_deg  -89 to 89: from below, from above
        size      width and height, at most 900 pixels each
        cut       along which the liver would be cut: a plane through it
        """
        from vtkmodules.util.numpy_support import vtk_to_numpy
        from vtkmodules.vtkCommonCore import vtkUnsignedCharArray

        for name, actor in self._actors.items():
            actor.SetVisibility(name in shown)
        self._cut.show(cut)
        width, height = (int(np.clip(side, 16, _LARGEST_PX)) for side in size)
        self._window.SetSize(width, height)
        turn, tilt = np.radians(turn_deg), np.radians(np.clip(tilt_deg, -_STEEPEST_DEG, _STEEPEST_DEG))
        # RAS: the front is +A, the patient's left -R.
        toward = np.array([-np.sin(turn) * np.cos(tilt), np.cos(turn) * np.cos(tilt), np.sin(tilt)])
        camera = self._renderer.GetActiveCamera()
        camera.SetFocalPoint(*self._middle)
        camera.SetPosition(*(self._middle + toward * self._distance))
        camera.SetViewUp(0.0, 0.0, 1.0)
        self._renderer.ResetCameraClippingRange()
        self._window.Render()
        pixels = vtkUnsignedCharArray()
        self._window.GetPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)
        picture: np.ndarray = vtk_to_numpy(pixels).reshape(height, width, 3)[::-1].copy()
        return picture

    def close(self) -> None:
        """Release the window."""
        self._window.Finalize()

    def _actor(self, name: str, surface: vtkPolyData) -> Any:
        from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

        mapper = vtkPolyDataMapper()
        mapper.SetInputData(with_fewer_triangles(surface, _MOST_TRIANGLES) if name == LIVER else surface)
        mapper.ScalarVisibilityOff()
        actor = vtkActor()
        actor.SetMapper(mapper)
        prop = actor.GetProperty()
        prop.SetColor(*(channel / 255 for channel in COLORS[name]))
        prop.SetInterpolationToPhong()
        prop.SetAmbient(0.15)
        prop.SetDiffuse(0.7)
        prop.SetSpecular(0.15)
        prop.SetSpecularPower(25)
        if name == LIVER:
            prop.SetOpacity(_LIVER_OPACITY)
        self._renderer.AddActor(actor)
        return actor
