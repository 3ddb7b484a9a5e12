"""The slice view that follows the live image: it lies in the image plane, with the image filling it.

Outlines of tumor, box and tools are drawn where the view's plane cuts them. When the place of an image is not known,
its pixels are shown in a plane far from everything, so that nothing is cut; when no image comes, nothing is shown.
"""

from __future__ import annotations

import numpy as np

from ...mrml import names
from ...mrml.conversion import matrix_of_transform, vtk_matrix
from ...mrml.nodes import find, get_or_create

UNPLACED = "Image of unknown position"
_ROOM = 1.04
_FAR_MM = 1e5
_USUAL_PIXEL_MM = 0.2


class LiveView:
    """Keeps a slice view in the plane of ImageToReference, pixels as the ultrasound machine shows them."""

    def __init__(self, scene, view):
        self._scene = scene
        self._view = view
        self._shown_as = None
        self._pixel_mm = (_USUAL_PIXEL_MM, _USUAL_PIXEL_MM)

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
            self._show(None, None, _far(self._pixel_mm))
            return
        is_placed = is_placed and bool(image.GetDisplayVisibility())
        self._set_visible_in_3d(in_3d and is_placed)
        size = image.GetImageData().GetDimensions()[:2]
        matrix = matrix_of_transform(placed)
        pixel_mm = tuple(float(np.linalg.norm(matrix[:3, axis])) for axis in (0, 1))
        if min(pixel_mm) > 0:
            self._pixel_mm = pixel_mm
        elif is_placed:
            return
        if is_placed:
            self._show(image, size, matrix)
        else:
            matrix = _far(self._pixel_mm)
            self._show(self._without_place(image, matrix), size, matrix)

    def _without_place(self, image, matrix: np.ndarray):
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
        ijk_to_ras = matrix.copy()
        ijk_to_ras[:3, 2] = np.cross(matrix[:3, 0], matrix[:3, 1]) / np.linalg.norm(matrix[:3, 0])
        node.SetIJKToRASMatrix(vtk_matrix(ijk_to_ras))
        return node

    def _show(self, image, size, matrix: np.ndarray) -> None:
        """Show a volume node (None for nothing) of so many pixels, in the plane of a matrix from pixels to RAS mm."""
        size_px = self._view.render_window().GetSize()
        shown_as = (image and image.GetID(), size, tuple(size_px), matrix.tobytes())
        if shown_as == self._shown_as:
            return
        self._shown_as = shown_as
        node = self._view.get_view_node()
        wanted = image.GetID() if image is not None else None
        if self._view.get_background_volume_id() != wanted:
            self._view.set_background_volume_id(wanted)
        width, height = size or (100, 100)
        lateral, depth = matrix[:3, 0], matrix[:3, 1]
        lateral_mm, depth_mm = np.linalg.norm(lateral), np.linalg.norm(depth)
        middle = (matrix @ [(width - 1) / 2, (height - 1) / 2, 0, 1])[:3]
        # A slice view's y points up, an image's v down; the normal completes them to a right-handed system.
        across, up = lateral / lateral_mm, -depth / depth_mm
        was_modifying = node.StartModify()
        slice_to_ras = node.GetSliceToRAS()
        for row in range(3):
            slice_to_ras.SetElement(row, 0, across[row])
            slice_to_ras.SetElement(row, 1, up[row])
            slice_to_ras.SetElement(row, 2, np.cross(across, up)[row])
            slice_to_ras.SetElement(row, 3, middle[row])
        scale = max(width * lateral_mm / max(size_px[0], 1), height * depth_mm / max(size_px[1], 1)) * _ROOM
        node.SetFieldOfView(size_px[0] * scale, size_px[1] * scale, node.GetFieldOfView()[2])
        node.UpdateMatrices()
        node.EndModify(was_modifying)

    def _set_visible_in_3d(self, visible: bool) -> None:
        node = self._view.get_view_node()
        if bool(node.GetSliceVisible()) != visible:
            node.SetSliceVisible(visible)


def _far(pixel_mm) -> np.ndarray:
    """(4, 4) from pixels to a plane that cuts nothing; coronal, as an image stands."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack([(pixel_mm[0], 0, 0), (0, 0, -pixel_mm[1]), (0, 1, 0)])
    matrix[:3, 3] = _FAR_MM
    return matrix
