"""The live ultrasound image in the scene, under its pose, and the probe that stands on it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from ...session.live_image import LiveImage
from ...sweep import TrackedFrame
from ...sweep.transforms import compose
from ...values import ImagePlane
from .. import names
from ..conversion import array_of_image, image_data, put_surface, set_transform
from ..nodes import find, get_or_create, put_under, set_visible
from .tool_shapes import probe_shape

_IMAGE, _TRANSFORM = "vtkMRMLScalarVolumeNode", "vtkMRMLLinearTransformNode"


class LiveImageView:
    """Image, ImageToReference and ProbeToReference; image and probe are shown while the image is live.

    scene   vtkMRMLScene
    moving  entered while they change, which no slice of a volume shows
    """

    is_busy = False

    def __init__(
        self, scene: Any, image: LiveImage, moving: Callable[[], AbstractContextManager[object]] = nullcontext
    ) -> None:
        self._scene, self._image, self._moving = scene, image, moving
        self._ends = [image.frame_shown.connect(self._show), image.refreshed.connect(self._set_visible)]

    def process(self, now_s: float) -> None:
        """LiveImage.refresh() does it."""

    def check_nodes(self) -> None:
        """What was deleted comes back with the next frame."""

    def hide_live(self) -> None:
        """Show no image, and no probe."""
        self._set_visible(False)

    def close(self) -> None:
        """Listen no more; the nodes stay."""
        for end in self._ends:
            end()

    def image_node(self) -> Any:
        """Of the live image; it lies under transform_node(). None when there is none."""
        return find(self._scene, _IMAGE, names.LIVE_IMAGE)

    def transform_node(self) -> Any:
        """ImageToReference; None when there is none."""
        return find(self._scene, _TRANSFORM, names.IMAGE_TO_REFERENCE)

    def _show(self, frame: TrackedFrame) -> None:
        with self._moving():
            self._put(frame)

    def _put(self, frame: TrackedFrame) -> None:
        image = get_or_create(self._scene, _IMAGE, names.LIVE_IMAGE, with_display=True)
        placed = get_or_create(self._scene, _TRANSFORM, names.IMAGE_TO_REFERENCE)
        put_under(image, placed)
        _put_pixels(image, frame.pixels)
        plane = self._image.plane
        if plane is not None and frame.image_to_reference is not None:
            set_transform(placed, frame.image_to_reference)
            self._show_probe(frame, plane)
        self._set_visible(plane is not None)

    def _show_probe(self, frame: TrackedFrame, plane: ImagePlane) -> None:
        """The probe's shape stands on the image: its face at the middle of the first row."""
        pose = compose(frame.transforms, "Probe", "Reference")
        if pose is not None and pose.valid:
            set_transform(get_or_create(self._scene, _TRANSFORM, names.PROBE_TO_REFERENCE), pose.matrix)
        model = get_or_create(self._scene, "vtkMRMLModelNode", names.PROBE_MODEL, with_display=True)
        if model.GetPolyData() is None:
            put_surface(model, probe_shape())
            model.GetDisplayNode().SetColor(0.55, 0.6, 0.68)
        stand = get_or_create(self._scene, _TRANSFORM, names.PROBE_FACE_TO_REFERENCE)
        set_transform(stand, plane.probe_face_to_reference())
        put_under(model, stand)

    def _set_visible(self, visible: bool) -> None:
        set_visible(self.image_node(), visible)
        set_visible(find(self._scene, "vtkMRMLModelNode", names.PROBE_MODEL), visible)


def _put_pixels(node: Any, pixels: np.ndarray) -> None:
    image = node.GetImageData()
    if image is None:
        node.SetAndObserveImageData(image_data(pixels[None]))
        display = node.GetScalarVolumeDisplayNode()
        if pixels.dtype == np.uint8:
            display.AutoWindowLevelOff()
            display.SetWindowLevelMinMax(0, 255)
    elif not _holds(image, pixels):
        # Somebody else may fill the same node, and must not take our own writing for news.
        image_data(pixels[None], into=image)
        # The node says so to those that want to know of its image (ImageDataModifiedEvent). That the node itself has
        # changed would have every list of nodes in Slicer look at it, too.
        image.Modified()


def _holds(image: Any, pixels: np.ndarray) -> bool:
    if image.GetDimensions() != (*pixels.shape[::-1], 1) or image.GetNumberOfScalarComponents() != 1:
        return False
    return image.GetPointData().GetScalars() is not None and np.array_equal(array_of_image(image)[0], pixels)
