"""The slice view that follows the live image: it lies in the image plane, with the image filling it.

Outlines of tumor, box and tools are drawn where the view's plane cuts them. When the place of an image is not known,
its pixels are shown in a plane far from everything, so that nothing is cut; when no image comes, nothing is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...mrml import names
from ...mrml.conversion import matrix_of_transform, vtk_matrix
from ...mrml.image_marks import ImageMarks
from ...mrml.nodes import find, get_or_create
from ...values import ImagePlane, image_plane

if TYPE_CHECKING:
    from trame_slicer.views import SliceView

UNPLACED = "Image of unknown position"
_ROOM = 1.04
_FAR_MM = 1e5
_USUAL_PIXEL_MM = 0.2


class LiveView:
    """Keeps a slice view in the plane of ImageToReference, pixels as the ultrasound machine shows them."""

    def __init__(self, scene: Any, view: SliceView) -> None:
        self._scene = scene
        self._view = view
        self._shown_as: tuple[Any, ...] | None = None
        self._pixel_mm = (_USUAL_PIXEL_MM, _USUAL_PIXEL_MM)
        self._marks = ImageMarks()

    @property
    def marks(self) -> tuple[str, ...]:
        """What is written over the image of its depth, its scale and its directions."""
        return self._marks.texts

    def follow(self, is_shown: bool = True, is_placed: bool = True, in_3d: bool = True) -> None:
        """Put the view where the image is now; to be called after every change of the session.

        is_shown   whether there is an image that is not old
        is_placed  whether it is known where it was taken; the session hides an image of which it is not
        in_3d      whether the image is seen in the 3D view as well
        """
        image = find(self._scene, "vtkMRMLScalarVolumeNode", names.LIVE_IMAGE)
        placed = find(self._scene, "vtkMRMLLinearTransformNode", names.IMAGE_TO_REFERENCE)
        if not is_shown or image is None or placed is None or image.GetImageData() is None:
            self._set_visible_in_3d(False)
            self._show(None, _far(self._pixel_mm, (100, 100)))
            return
        is_placed = is_placed and bool(image.GetDisplayVisibility())
        self._set_visible_in_3d(in_3d and is_placed)
        size = image.GetImageData().GetDimensions()[:2]
        plane = image_plane(matrix_of_transform(placed), size)
        if plane is not None:
            self._pixel_mm = plane.pixel_mm
        elif is_placed:
            return
        if is_placed and plane is not None:
            self._show(image, plane, plane)
        else:
            plane = _far(self._pixel_mm, size)
            self._show(self._without_place(image, plane), plane)

    def _without_place(self, image: Any, plane: ImagePlane) -> Any:
        """A node with the same pixels (the very same, no copy), under no pose."""
        node = get_or_create(self._scene, "vtkMRMLScalarVolumeNode", UNPLACED, with_display=True)
        if node.GetImageData() is not image.GetImageData():
            node.SetSaveWithScene(False)
            node.SetSelectable(False)
            node.SetHideFromEditors(True)
            node.SetAndObserveImageData(image.GetImageData())
            node.GetDisplayNode().SetSaveWithScene(False)
            node.GetDisplayNode().CopyContent(image.GetDisplayNode())
            node.GetDisplayNode().SetVisibility(True)
        ijk_to_ras = plane.image_to_reference.copy()
        ijk_to_ras[:3, 2] = plane.axes[:, 2] * plane.pixel_mm[1]
        node.SetIJKToRASMatrix(vtk_matrix(ijk_to_ras))
        return node

    def _show(self, image: Any, plane: ImagePlane, known: ImagePlane | None = None) -> None:
        """Show a volume node (None for nothing) in the plane of its pixels, with all of them in the view.

        known  the same plane where it, and so how large a pixel is, was measured: marks say so
        """
        self._marks.put(known)
        self._move(image, plane)
        self._marks.show(_topmost(self._view), self._view.get_view_node(), known)

    def _move(self, image: Any, plane: ImagePlane) -> None:
        size_px = self._view.render_window().GetSize()
        shown_as = (image and image.GetID(), plane.size, tuple(size_px), plane.image_to_reference.tobytes())
        if shown_as == self._shown_as:
            return
        self._shown_as = shown_as
        node = self._view.get_view_node()
        wanted = image.GetID() if image is not None else None
        if self._view.get_background_volume_id() != wanted:
            self._view.set_background_volume_id(wanted)
        was_modifying = node.StartModify()
        node.GetSliceToRAS().DeepCopy(plane.slice_to_reference().ravel().tolist())
        scale = max(mm / max(px, 1) for mm, px in zip(plane.size_mm, size_px)) * _ROOM
        node.SetFieldOfView(size_px[0] * scale, size_px[1] * scale, node.GetFieldOfView()[2])
        node.UpdateMatrices()
        node.EndModify(was_modifying)

    def _set_visible_in_3d(self, visible: bool) -> None:
        node = self._view.get_view_node()
        if bool(node.GetSliceVisible()) != visible:
            node.SetSliceVisible(visible)


def _topmost(view: SliceView) -> Any:
    """The renderer over which no other lies."""
    return max(view.renderers(), key=lambda renderer: renderer.GetLayer())


def _far(pixel_mm: tuple[float, float], size: tuple[int, int]) -> ImagePlane:
    """A plane that cuts nothing; coronal, as an image stands."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack([(pixel_mm[0], 0, 0), (0, 0, -pixel_mm[1]), (0, 1, 0)])
    matrix[:3, 3] = _FAR_MM
    plane = image_plane(matrix, size)
    assert plane is not None
    return plane
