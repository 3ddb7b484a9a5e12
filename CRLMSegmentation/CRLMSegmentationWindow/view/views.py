"""What the views show: the volume, the place of the box or the tumor, and the camera of the 3D view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import slicer

from . import layouts


def show_volume(volume: slicer.vtkMRMLScalarVolumeNode | None) -> None:
    """The volume (vtkMRMLScalarVolumeNode) in the planning slices, all of it and through its middle."""
    manager = slicer.app.layoutManager()
    if volume is None or manager is None:
        return
    for name in layouts.PLANNING_SLICES:
        widget = manager.sliceWidget(name)
        if widget is None:
            continue
        composite = widget.mrmlSliceCompositeNode()
        composite.SetBackgroundVolumeID(volume.GetID())
        composite.SetForegroundVolumeID(None)
        widget.sliceLogic().FitSliceToBackground()
    center_slices(center_of(volume))


class GrowingSlice:
    """The volume that grows under the probe, all of it, in the first planning slice."""

    def __init__(self) -> None:
        self._shown: object = None

    def show(self, volume: slicer.vtkMRMLScalarVolumeNode | None) -> None:
        """Moved only where the volume is another one, or fills another space: a move takes Slicer a while."""
        manager = slicer.app.layoutManager()
        widget = manager.sliceWidget(layouts.PLANNING_SLICES[0]) if manager is not None else None
        if volume is None or widget is None:
            self._shown = None
            return
        shown = volume.GetID(), _bounds_of(volume)
        if self._shown == shown:
            return
        self._shown = shown
        widget.mrmlSliceCompositeNode().SetBackgroundVolumeID(volume.GetID())
        center = center_of(volume)
        if center is not None:
            widget.mrmlSliceNode().JumpSliceByOffsetting(*(float(value) for value in center))
        widget.sliceLogic().FitSliceToBackground()


def clear_slices(volume: slicer.vtkMRMLScalarVolumeNode | None) -> None:
    """Take this volume, and no other, out of the planning slices that show it."""
    manager = slicer.app.layoutManager()
    if volume is None or manager is None:
        return
    for name in layouts.PLANNING_SLICES:
        widget = manager.sliceWidget(name)
        composite = widget.mrmlSliceCompositeNode() if widget is not None else None
        if composite is not None and composite.GetBackgroundVolumeID() == volume.GetID():
            composite.SetBackgroundVolumeID(None)


def turn_slices(axes: Mapping[str, np.ndarray]) -> None:
    """Turn the planning slices; their middles stay.

    axes  (3, 3) by the name of the slice, see planning_axes.planning_axes
    """
    for name, frame in axes.items():
        node = slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLSliceNode")
        if node is None:
            continue
        matrix = node.GetSliceToRAS()
        for row in range(3):
            for column in range(3):
                matrix.SetElement(row, column, float(frame[row, column]))
        node.UpdateMatrices()


def lay_slices_anatomically() -> None:
    """The planning slices axial, sagittal and coronal, as Slicer has them."""
    for name, orientation in (("Red", "Axial"), ("Yellow", "Sagittal"), ("Green", "Coronal")):
        node = slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLSliceNode")
        if node is not None:
            node.SetOrientation(orientation)


def center_slices(point_ras: Sequence[float]) -> None:
    """The planning slices through a point (R, A, S) in mm."""
    for name in layouts.PLANNING_SLICES:
        node = slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLSliceNode")
        if node is not None:
            node.JumpSliceByOffsetting(*(float(value) for value in point_ras))


def show_in_3d_only(node: slicer.vtkMRMLDisplayableNode | None) -> None:
    """Keep a displayable node out of the slices, where it would cost time at every move and hide what is under it."""
    view = layouts.view_3d()
    display = node.GetDisplayNode() if node is not None else None
    if view is None or display is None:
        return
    wanted = view.mrmlViewNode().GetID()
    if display.GetNumberOfViewNodeIDs() != 1 or display.GetNthViewNodeID(0) != wanted:
        was_modifying = display.StartModify()
        display.RemoveAllViewNodeIDs()
        display.AddViewNodeID(wanted)
        display.EndModify(was_modifying)


def center_of(node: slicer.vtkMRMLDisplayableNode | None) -> np.ndarray | None:
    """(3,) RAS mm, the middle of what a displayable node fills; None when it is empty."""
    bounds = _bounds_of(node)
    return None if bounds is None else np.mean(bounds, axis=1)


def _bounds_of(node: slicer.vtkMRMLDisplayableNode | None) -> tuple[tuple[float, float], ...] | None:
    """From and to along R, A and S, mm."""
    bounds = [0.0, -1.0] * 3
    if node is None:
        return None
    node.GetRASBounds(bounds)
    return None if bounds[0] > bounds[1] else ((bounds[0], bounds[1]), (bounds[2], bounds[3]), (bounds[4], bounds[5]))


def aim_camera(
    center_ras: Sequence[float] | None, image_to_ras: np.ndarray | None = None, distance_mm: float = 300.0
) -> None:
    """Look at a point from the side of the image on which the operator stands, with the probe at the top.

    image_to_ras  (4, 4) of the live image; without it the view keeps its direction
    """
    view = layouts.view_3d()
    if view is None or center_ras is None:
        return
    camera = view.cameraNode()
    if camera is None:
        return
    center = np.asarray(center_ras, dtype=float)
    direction = up = None
    if image_to_ras is not None:
        from CRLMSegmentationLib.geometry import plane_axes

        right, down, away = plane_axes(image_to_ras).T
        direction = _unit(-0.85 * away - 0.35 * down + 0.3 * right)
        up = -down
    if direction is None or not np.isfinite(direction).all():
        direction = _unit(np.array(camera.GetPosition()) - np.array(camera.GetFocalPoint()))
        up = np.array(camera.GetViewUp())
    was_modifying = camera.StartModify()
    camera.SetFocalPoint(*center)
    camera.SetPosition(*(center + distance_mm * direction))
    camera.SetViewUp(*up)
    camera.EndModify(was_modifying)
    camera.ResetClippingRange()


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
