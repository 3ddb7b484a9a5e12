"""The outlines that the network draws on the live image, on a model node.

The node is a ribbon that stands on the image: cut by the image's plane it is the outline itself, and other slices show
no more of it than where they cross it. The known tumor's own surface is cut in the same views, in its own color.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from ...geometry import plane_axes, transform_points
from ...session.live.live_part import LivePart
from .. import names
from ..conversion import put_surface
from ..nodes import find, get_or_create, set_visible

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ...live.live_tumor import ComparedOutline

_MODEL = "vtkMRMLModelNode"
_COLOR, _LINE_PX = (1.0, 0.9, 0.1), 3
_HALF_HEIGHT_MM = 0.5


class OutlineView:
    """Shows the outline of the image that is shown, and none when that has none or is too old.

    scene   vtkMRMLScene
    moving  entered while it changes, which no slice of a volume shows
    """

    is_busy = False

    def __init__(
        self, scene: Any, part: LivePart, moving: Callable[[], AbstractContextManager[object]] = nullcontext
    ) -> None:
        self._scene, self._part, self._moving = scene, part, moving
        self._shown: ComparedOutline | None = None
        self._disconnect = part.changed.connect(self._show)

    def node(self) -> Any:
        """The model; None while it is not in the scene."""
        return find(self._scene, _MODEL, names.LIVE_OUTLINE)

    def process(self, now_s: float) -> None:
        """An image becomes too old without anything else happening."""
        self._show()

    def check_nodes(self) -> None:
        """What was deleted comes back with the next outline."""
        self._shown = None

    def hide_live(self) -> None:
        """Show no outline."""
        self._shown = None
        set_visible(self.node(), False)

    def close(self) -> None:
        """Listen no more; the node stays."""
        self._disconnect()

    def _show(self) -> None:
        found = self._part.outline
        if found is not self._shown:
            with self._moving():
                self._put(found)

    def _put(self, found: ComparedOutline | None) -> None:
        # What is out of date goes first.
        self.hide_live()
        if found is None:
            return
        pose = found.outline.image_to_reference
        if found.outline.polygons and pose is not None:
            put_surface(self._made_node(), ribbon(found.outline.polygons, pose))
            set_visible(self.node(), True)
        self._shown = found

    def _made_node(self) -> Any:
        is_new = self.node() is None
        node = get_or_create(self._scene, _MODEL, names.LIVE_OUTLINE, with_display=True)
        if is_new:
            # It is of this moment: a saved scene would show it as new.
            for one in (node, node.GetDisplayNode()):
                one.SetSaveWithScene(False)
            node.SetHideFromEditors(True)
            display = node.GetDisplayNode()
            display.SetColor(*_COLOR)
            display.SetVisibility2D(True)
            display.SetSliceIntersectionThickness(_LINE_PX)
            display.SetLighting(False)
            display.SetBackfaceCulling(False)
        return node


def ribbon(polygons: Sequence[np.ndarray], image_to_reference: np.ndarray) -> vtkPolyData:
    """Bands of 1 mm that stand on the plane of an image along closed `polygons`, (n, 2) pixels (u, v) each; RAS mm.

    image_to_reference  (4, 4), pixel (u, v, 0, 1) to mm
    """
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData

    normal = plane_axes(image_to_reference)[:, 2]
    places: list[np.ndarray] = []
    cells = vtkCellArray()
    for polygon in polygons:
        first: int = sum(len(one) for one in places)
        middle = transform_points(image_to_reference, np.column_stack([polygon, np.zeros(len(polygon))]))
        places.append(
            np.stack([middle - _HALF_HEIGHT_MM * normal, middle + _HALF_HEIGHT_MM * normal], 1).reshape(-1, 3)
        )
        for start in range(first, first + 2 * len(polygon) - 2, 2):
            cells.InsertNextCell(4, (start, start + 1, start + 3, start + 2))
    points = vtkPoints()
    points.SetData(numpy_to_vtk(np.concatenate(places), deep=True))
    bands = vtkPolyData()
    bands.SetPoints(points)
    bands.SetPolys(cells)
    return bands
