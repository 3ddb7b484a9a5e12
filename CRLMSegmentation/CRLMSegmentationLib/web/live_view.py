"""The slice view that follows the live image: it lies in the image plane, with the image filling it."""

from __future__ import annotations

import numpy as np

from ..scene import names
from ..scene.conversion import matrix_of_transform
from ..scene.nodes import find

_ROOM = 1.04


class LiveView:
    """Keeps a slice view in the plane of ImageToReference, pixels as the ultrasound machine shows them."""

    def __init__(self, scene, view):
        self._scene = scene
        self._view = view
        self._shown_as = None

    def follow(self, in_3d: bool = True) -> None:
        """Put the view where the image is now; to be called after every change of the session.

        in_3d  whether the image is seen in the 3D view as well
        """
        image = find(self._scene, "vtkMRMLScalarVolumeNode", names.LIVE_IMAGE)
        placed = find(self._scene, "vtkMRMLLinearTransformNode", names.IMAGE_TO_REFERENCE)
        if image is None or placed is None or image.GetImageData() is None:
            return
        self._set_visible_in_3d(in_3d and bool(image.GetDisplayVisibility()))
        width, height = image.GetImageData().GetDimensions()[:2]
        matrix = matrix_of_transform(placed)
        size_px = self._view.render_window().GetSize()
        shown_as = (image.GetID(), width, height, tuple(size_px), matrix.tobytes())
        if shown_as == self._shown_as:
            return
        self._shown_as = shown_as
        node = self._view.get_view_node()
        if self._view.get_background_volume_id() != image.GetID():
            self._view.set_background_volume_id(image.GetID())
        lateral, depth = matrix[:3, 0], matrix[:3, 1]
        lateral_mm, depth_mm = np.linalg.norm(lateral), np.linalg.norm(depth)
        if lateral_mm == 0 or depth_mm == 0:
            return
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
