"""The live ultrasound slice: a slice view that stays in the plane of the image, wherever the probe goes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import slicer
import vtk
from CRLMSegmentationLib.words import tr as _

from . import layouts
from .live_banner import LiveBanner
from .overlay import topmost_renderer

if TYPE_CHECKING:
    from CRLMSegmentationLib.mrml.image_marks import ImageMarks
    from CRLMSegmentationLib.mrml.scene_view import SceneView
    from CRLMSegmentationLib.tracking.status import StreamStatus
    from CRLMSegmentationLib.values import ImagePlane

PLANE_OPACITY = 0.6

# Modes of SlicerIGT's Volume Reslice Driver (vtkSlicerVolumeResliceDriverLogic): in the plane of the image.
_MODE_NONE = 0
_MODE_TRANSVERSE = 6


class LiveSlice:
    """Makes the live view follow the session's image; by SlicerIGT's Volume Reslice Driver where that is wanted."""

    def __init__(self) -> None:
        self._image = self._tag = self._fitted = None
        self._driven = False
        self._over_image: list[slicer.vtkMRMLDisplayableNode | None] = []
        self._banner = LiveBanner()
        self._marks: ImageMarks | None = None

    @property
    def marks(self) -> tuple[str, ...]:
        """What is written over the image of its depth, its scale and its directions."""
        return () if self._marks is None else self._marks.texts

    @property
    def is_driven_by_slicer_igt(self) -> bool:
        """True while the Volume Reslice Driver moves the slice."""
        return self._driven

    @property
    def image_to_ras(self) -> np.ndarray | None:
        """(4, 4) from pixels (u, v, 0, 1) to RAS mm; None when no image is followed."""
        return _image_to_ras(self._image)

    @property
    def center_ras(self) -> np.ndarray | None:
        """(3,) of the middle of the image; None when no image is followed."""
        plane = self._plane()
        return None if plane is None else plane.middle

    @property
    def warning(self) -> str:
        """The text over the view; '' when the image is live and its place is known."""
        return self._banner.text

    def follow(self, view: SceneView, use_slicer_igt: bool = True, fault: str = "") -> None:
        """Follow the live image of the session that `view` shows, when there is one, and warn when it is not live.

        fault  a sentence when nothing that is shown can be trusted
        """
        stream = view.session.stream
        image, node, widget = view.live_image_node(), layouts.live_slice_node(), layouts.live_widget()
        # A loaded scene brings the node of a view that no layout has shown yet.
        if node is None or widget is None or image is None or image.GetImageData() is None:
            self.release()
            return
        driver = reslice_driver() if use_slicer_igt else None
        if image is not self._image or (driver is not None) != self._driven:
            self.release()
            self._start_following(image, node, driver)
        composite = _composite_node()
        if composite is not None and composite.GetBackgroundVolumeID() != image.GetID():
            composite.SetBackgroundVolumeID(image.GetID())
        if not self._driven:
            self._place()
        self._fit(node)
        warning = warning_of(stream.status, stream.is_live, fault)
        self._banner.show(widget.sliceView(), warning)
        # While its place is not known, nobody knows how large its pixels are.
        self._mark(widget.sliceView(), node, self._plane() if stream.image.plane is not None else None)
        # A contour cut in a plane where the image no longer is would lie about where the tumor is.
        self._over_image = [view.surface_node(), view.segmentation_node(), view.margin_node()]
        _show_only_elsewhere(node, self._over_image, bool(warning))
        if bool(node.GetSliceVisible()) == bool(warning):
            node.SetSliceVisible(not warning)

    def release(self) -> None:
        """Follow nothing: no observer, no driver and no text is left."""
        if self._tag is not None and self._image is not None:
            self._image.RemoveObserver(self._tag)
        node, driver = layouts.live_slice_node(), reslice_driver()
        if node is not None:
            node.SetSliceVisible(False)
            if self._driven and driver is not None:
                driver.SetDriverForSlice("", node)
                driver.SetModeForSlice(_MODE_NONE, node)
        _show_only_elsewhere(None, self._over_image, False)
        self._over_image = []
        self._banner.remove()
        if self._marks is not None:
            self._marks.remove()
        self._image = self._tag = self._fitted = None
        self._driven = False

    def _start_following(self, image, node, driver) -> None:
        self._image, self._driven = image, driver is not None
        plane = layouts.live_widget().sliceLogic().GetSliceModelDisplayNode()
        if plane is not None:
            # A tool behind the image plane stays visible in 3D.
            plane.SetOpacity(PLANE_OPACITY)
        if driver is not None:
            driver.SetDriverForSlice(image.GetID(), node)
            driver.SetModeForSlice(_MODE_TRANSVERSE, node)
            # Turned over, so that the probe is at the top.
            driver.SetFlipForSlice(True, node)
        else:
            self._tag = image.AddObserver(slicer.vtkMRMLTransformableNode.TransformModifiedEvent, self._place)

    def _place(self, *_unused) -> None:
        node, plane = layouts.live_slice_node(), self._plane()
        if node is None or plane is None:
            return
        if self._marks is not None:
            self._marks.put(plane)
        wanted, placed = plane.slice_to_reference(), node.GetSliceToRAS()
        # Followed by its transform and by the clock: told twice of one place, the view would work twice.
        if not np.array_equal(slicer.util.arrayFromVTKMatrix(placed), wanted):
            placed.DeepCopy(wanted.ravel().tolist())
            node.UpdateMatrices()

    def _plane(self) -> ImagePlane | None:
        """Where the image that is followed lies; None when there is none, or it spans no plane."""
        from CRLMSegmentationLib.values import image_plane

        matrix = self.image_to_ras
        return None if matrix is None else image_plane(matrix, self._image.GetImageData().GetDimensions()[:2])

    def _mark(self, view, node: slicer.vtkMRMLSliceNode, plane: ImagePlane | None) -> None:
        if self._marks is None:
            from CRLMSegmentationLib.mrml.image_marks import ImageMarks

            self._marks = ImageMarks()
        if self._marks.show(topmost_renderer(view), node, plane):
            view.scheduleRender()

    def _fit(self, node: slicer.vtkMRMLSliceNode) -> None:
        """Fill the view with the image, once for each size of image and view."""
        image, widget = self._image.GetImageData(), layouts.live_widget()
        size = (*image.GetDimensions(), widget.sliceView().width, widget.sliceView().height)
        if size == self._fitted or min(size[:2]) < 2 or min(size[3:]) < 2:
            return
        plane = self._plane()
        if plane is None:
            return
        width_mm, height_mm = (length_mm * 1.03 for length_mm in plane.size_mm)
        mm_per_pixel = max(width_mm / size[3], height_mm / size[4])
        node.SetFieldOfView(mm_per_pixel * size[3], mm_per_pixel * size[4], node.GetFieldOfView()[2])
        self._fitted = size


def warning_of(status: StreamStatus | None, pose_is_valid: bool, fault: str = "") -> str:
    """Why the image in the view is not live where it is shown; '' when it is.

    status  None when nothing is connected;  fault  a sentence, or '' for none
    """
    if fault:
        return _("NOT LIVE: a fault")
    if status is None or not status.connected:
        return _("NOT LIVE: no connection")
    if not status.age.is_live:
        return _("NOT LIVE: no new image")
    return "" if pose_is_valid else _("POSITION UNKNOWN")


def _show_only_elsewhere(
    slice_node: slicer.vtkMRMLSliceNode | None, nodes: Iterable[slicer.vtkMRMLDisplayableNode | None], elsewhere: bool
) -> None:
    """Show the nodes in all views, or in all but the live one."""
    scene = slicer.mrmlScene
    for node in nodes:
        display = node.GetDisplayNode() if node is not None else None
        if display is None or bool(display.GetNumberOfViewNodeIDs()) == bool(elsewhere):
            continue
        was_modifying = display.StartModify()
        display.RemoveAllViewNodeIDs()
        for number in range(scene.GetNumberOfNodesByClass("vtkMRMLAbstractViewNode") if elsewhere else 0):
            view = scene.GetNthNodeByClass(number, "vtkMRMLAbstractViewNode")
            if view is not slice_node:
                display.AddViewNodeID(view.GetID())
        display.EndModify(was_modifying)


def _image_to_ras(image: slicer.vtkMRMLScalarVolumeNode | None) -> np.ndarray | None:
    if image is None or image.GetImageData() is None:
        return None
    matrix = vtk.vtkMatrix4x4()
    image.GetIJKToRASMatrix(matrix)
    own = slicer.util.arrayFromVTKMatrix(matrix)
    parent = image.GetParentTransformNode()
    if parent is None:
        return own
    if not parent.GetMatrixTransformToWorld(matrix):
        return None
    return slicer.util.arrayFromVTKMatrix(matrix) @ own


def _composite_node() -> slicer.vtkMRMLSliceCompositeNode | None:
    widget = layouts.live_widget()
    return widget.mrmlSliceCompositeNode() if widget is not None else None


def reslice_driver() -> slicer.vtkMRMLAbstractLogic | None:
    """The logic of SlicerIGT's Volume Reslice Driver; None when that extension is not installed."""
    module = getattr(slicer.modules, "volumereslicedriver", None)
    return module.logic() if module is not None else None
