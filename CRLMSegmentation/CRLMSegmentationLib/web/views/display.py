"""How the session's nodes look in the page's views, and where the views look. Nothing here changes what is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...geometry import plane_axes
from ...mrml import names
from ...mrml.conversion import matrix_of_transform, put_surface
from ...mrml.nodes import find, get_or_create, set_visible
from ...mrml.own_nodes import live_marks
from ...words import tr
from .live_view import LiveView

if TYPE_CHECKING:
    from ...sweep import Sweep
    from .views import Views

OUTLINE = "Volume outline"
_OUTLINE_COLOR = (0.45, 0.55, 0.63)
_BOX_COLOR = (0.31, 0.76, 0.97)
# In a 2D view: the width of the tumor's contour, in pixels.
_CONTOUR_PX = 3


class Display:
    """Keeps the views in step with the nodes in `scene` (vtkMRMLScene); refresh() after every change of the session."""

    def __init__(self, scene: Any, views: Views) -> None:
        self._scene = scene
        self._views = views
        self._live = LiveView(scene, views.live)
        self._volume_shown: tuple[Any, ...] | None = None
        self._looked_at_live = False
        self._sweep: Sweep | None = None
        self._box_styled = ""
        self._nodes_looked_at = -1

    def refresh(
        self,
        step: str = "",
        editing: bool = False,
        sweep: Sweep | None = None,
        is_shown: bool = True,
        is_placed: bool = True,
    ) -> None:
        """Take over what has changed.

        step     that is open on the page: the box is seen while it matters, and the live image in 3D while it hides
                 nothing that is worked on
        editing  True while the segmentation is corrected by hand: then it is shown in the slices itself
        sweep    that the volume was made of: its middle frame says where the probe was; None where there is none
        is_shown, is_placed  of the live image, see LiveView.follow
        """
        self._sweep = sweep
        self._keep_live_out_of_slices()
        with self._views.slices_alone():
            self._live.follow(is_shown, is_placed, in_3d=step not in ("box", "segment"))
        self._follow_volume()
        self._style_box(visible=step == "box" or (step == "segment" and not self._has_tumor()))
        self._style_tumor(editing)
        if self._volume_shown is None and not self._looked_at_live:
            self._look_at_live_image()

    def hide_live(self) -> None:
        """Nothing is known of the stream."""
        self._live.follow(is_shown=False)

    @property
    def shows_volume(self) -> bool:
        return self._volume_shown is not None

    @property
    def slice_titles(self) -> tuple[str, str, str]:
        """What the three slices show."""
        if not self._as_the_image_lies()[2]:
            return tr("Coronal slice"), tr("Sagittal slice"), tr("Axial slice")
        return tr("Volume, as the image lies"), tr("Volume, along the sweep"), tr("Volume, seen from the probe")

    def forget(self) -> None:
        """The scene was replaced: look anew."""
        self._volume_shown, self._looked_at_live, self._box_styled = None, False, ""
        self._nodes_looked_at = -1

    def show_everything(self) -> None:
        """Show everything there is in 3D."""
        points = self._volume_corners()
        if points is None:
            self._look_at_live_image()
        else:
            self._views.look_at(points, *self._upright())

    def _follow_volume(self) -> None:
        node = find(self._scene, "vtkMRMLScalarVolumeNode", names.VOLUME)
        image = node.GetImageData() if node is not None else None
        outline = find(self._scene, "vtkMRMLModelNode", OUTLINE)
        corners = self._volume_corners()
        if image is None or corners is None or not node.GetDisplayVisibility():
            set_visible(outline, False)
            if self._volume_shown is not None:
                self._volume_shown = None
                self._views.show_volume(None)
            return
        # A volume that grows while it is recorded is looked at anew each time it has become larger.
        shown = (node.GetID(), np.round(corners, 2).tobytes())
        if shown == self._volume_shown:
            return
        self._volume_shown = shown
        self._draw_outline(corners)
        self._views.orient_slices(*self._as_the_image_lies()[:2])
        self._views.show_volume(node)
        self._views.look_at(corners, *self._upright())

    def _volume_corners(self) -> np.ndarray | None:
        """(8, 3) RAS mm, x quickest."""
        node = find(self._scene, "vtkMRMLScalarVolumeNode", names.VOLUME)
        if node is None or node.GetImageData() is None:
            return None
        bounds = np.zeros(6)
        node.GetRASBounds(bounds)
        low, high = bounds[::2], bounds[1::2]
        return np.array([[(low, high)[n >> a & 1][a] for a in range(3)] for n in range(8)])

    def _draw_outline(self, corners: np.ndarray) -> None:
        from vtkmodules.vtkCommonCore import vtkPoints
        from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData

        points, lines = vtkPoints(), vtkCellArray()
        for corner in corners:
            points.InsertNextPoint(*corner)
        for start in range(8):
            for axis in range(3):
                if not start >> axis & 1:
                    lines.InsertNextCell(2)
                    lines.InsertCellPoint(start)
                    lines.InsertCellPoint(start | 1 << axis)
        shape = vtkPolyData()
        shape.SetPoints(points)
        shape.SetLines(lines)
        node = get_or_create(self._scene, "vtkMRMLModelNode", OUTLINE, with_display=True)
        put_surface(node, shape)
        node.SetSaveWithScene(False)
        node.SetSelectable(False)
        display = node.GetDisplayNode()
        display.SetSaveWithScene(False)
        display.SetColor(*_OUTLINE_COLOR)
        display.SetLineWidth(1.5)
        display.SetVisibility2D(False)
        display.SetAmbient(1.0)
        display.SetDiffuse(0.0)
        set_visible(node, True)

    def _style_box(self, visible: bool) -> None:
        node = find(self._scene, "vtkMRMLMarkupsROINode", names.BOX)
        display = node.GetDisplayNode() if node is not None else None
        set_visible(node, visible)
        if display is None or display.GetID() == self._box_styled:
            return
        self._box_styled = display.GetID()
        was_modifying = display.StartModify()
        display.SetHandlesInteractive(True)
        display.SetTranslationHandleVisibility(True)
        display.SetScaleHandleVisibility(True)
        display.SetRotationHandleVisibility(False)
        display.SetInteractionHandleScale(1.8)
        # In the live image its handles would only be in the way.
        display.SetViewNodeIDs([view.get_view_node_id() for view in (*self._views.slices, self._views.three_d)])
        display.SetSelectedColor(*_BOX_COLOR)
        display.SetColor(*_BOX_COLOR)
        display.SetActiveColor(1.0, 1.0, 1.0)
        display.SetFillVisibility(False)
        display.SetPropertiesLabelVisibility(False)
        display.SetPointLabelsVisibility(False)
        display.EndModify(was_modifying)

    def _keep_live_out_of_slices(self) -> None:
        """What moves with a tool or the live image is seen in the live image and in space alone: see slices_alone()."""
        count = self._scene.GetNumberOfNodes()
        if count == self._nodes_looked_at:
            return
        self._nodes_looked_at = count
        shown_in = [view.get_view_node_id() for view in (self._views.live, self._views.three_d)]
        for node in live_marks(self._scene):
            if node.GetDisplayNode() is not None:
                node.GetDisplayNode().SetViewNodeIDs(shown_in)

    def _style_tumor(self, editing: bool) -> None:
        surface = find(self._scene, "vtkMRMLModelNode", names.SURFACE)
        if surface is not None and surface.GetDisplayNode() is not None:
            display = surface.GetDisplayNode()
            if display.GetSliceIntersectionThickness() != _CONTOUR_PX:
                display.SetSliceIntersectionThickness(_CONTOUR_PX)
            if bool(display.GetVisibility2D()) == editing:
                display.SetVisibility2D(not editing)
        segmentation = find(self._scene, "vtkMRMLSegmentationNode", names.SEGMENTATION)
        display = segmentation.GetDisplayNode() if segmentation is not None else None
        if display is not None and bool(display.GetVisibility2DOutline()) != editing:
            # Drawing it costs a view about a hundred times what the surface's own contour costs.
            display.SetVisibility2DFill(editing)
            display.SetVisibility2DOutline(editing)

    def _has_tumor(self) -> bool:
        surface = find(self._scene, "vtkMRMLModelNode", names.SURFACE)
        return surface is not None and bool(surface.GetDisplayVisibility())

    def _look_at_live_image(self) -> None:
        image = find(self._scene, "vtkMRMLScalarVolumeNode", names.LIVE_IMAGE)
        placed = find(self._scene, "vtkMRMLLinearTransformNode", names.IMAGE_TO_REFERENCE)
        if image is None or placed is None or image.GetImageData() is None:
            return
        width, height = image.GetImageData().GetDimensions()[:2]
        matrix = matrix_of_transform(placed)
        corners = np.array([(matrix @ [u, v, 0, 1])[:3] for u in (0, width) for v in (-0.6 * height, height)])
        self._looked_at_live = True
        self._views.look_at(corners, *self._upright())

    def _upright(self) -> tuple[np.ndarray, np.ndarray]:
        """Up and towards the camera, with the probe above as the live image shows it."""
        up, across, _ = self._as_the_image_lies()
        return up, np.cross(across, up) * 0.8 + across * 0.45 + up * 0.35

    def _as_the_image_lies(self) -> tuple[np.ndarray, np.ndarray, bool]:
        """Up and across in RAS of the sweep's middle frame, else of the live image, else anatomical; whether known."""
        frames = self._sweep.valid_frames if self._sweep is not None else []
        placed = find(self._scene, "vtkMRMLLinearTransformNode", names.IMAGE_TO_REFERENCE)
        matrix: np.ndarray | None
        if frames:
            matrix = frames[len(frames) // 2].image_to_reference
        else:
            matrix = matrix_of_transform(placed) if placed is not None else None
        if matrix is None:
            return np.array([0.0, 0.0, 1.0]), np.array([-1.0, 0.0, 0.0]), False
        right, down, _ = plane_axes(matrix).T
        return -down, right, True
