"""The live ultrasound image in the scene, under its pose, and the probe."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..errors import GeometryError
from ..geometry import as_affine
from ..sweep import Pose, TrackedFrame
from ..sweep.transforms import compose, is_transform_name, split_transform_name
from ..tracking.age import TrackingClock
from ..values import ImagePlane
from . import names
from .conversion import array_of_image, image_data, put_surface, set_transform
from .nodes import find, get_or_create, put_under, set_visible
from .tool_shapes import probe_shape


class LiveImage:
    """Image, ImageToReference and ProbeToReference; image and probe are shown while their pose is known.

    may_be_live  False while what is known of the stream cannot be trusted
    """

    def __init__(self, scene, clock: TrackingClock, may_be_live: Callable[[], bool] = lambda: True):
        self._scene = scene
        self._may_be_live = may_be_live
        self._clock = clock
        self._valid = False
        self._pose: np.ndarray | None = None

    def show(self, frame: TrackedFrame, received_s: float | None = None, read_s: float | None = None) -> None:
        """Show a frame where it was taken. Without a valid pose its pixels are updated and hidden in 3D.

        received_s, read_s   see TrackingClock.note
        """
        image = get_or_create(self._scene, "vtkMRMLScalarVolumeNode", names.LIVE_IMAGE, with_display=True)
        placed = get_or_create(self._scene, "vtkMRMLLinearTransformNode", names.IMAGE_TO_REFERENCE)
        put_under(image, placed)
        self._put_pixels(image, frame.pixels)
        plane = frame.plane if frame.valid and _is_affine(frame.image_to_reference) else None
        self._valid = plane is not None
        self._pose = frame.image_to_reference if self._valid else None
        if plane is not None:
            set_transform(placed, frame.image_to_reference)
            self._show_probe(frame, plane)
        self._clock.note(names.LIVE_IMAGE, frame.timestamp, received_s, read_s)
        self._set_visible(self._valid)

    def refresh(self, now_s: float | None = None) -> bool:
        """Hide image and probe when they are too old; returns whether they are live."""
        live = self.is_live(now_s)
        self._set_visible(live)
        return live

    @property
    def image_to_reference(self) -> np.ndarray | None:
        """(4, 4) of the live image, pixel to mm; None while it is not live."""
        return self._pose if self.is_live() else None

    def is_live(self, now_s: float | None = None) -> bool:
        """True while the pose is known and young."""
        return self._valid and self._may_be_live() and self._clock.age(names.LIVE_IMAGE, now_s).is_live

    def adopt(self) -> None:
        """A scene was loaded: what it shows as the live image is not live."""
        self._valid = False
        self._set_visible(False)

    def _put_pixels(self, node, pixels: np.ndarray) -> None:
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
            image.Modified()
            node.Modified()

    def _show_probe(self, frame: TrackedFrame, plane: ImagePlane) -> None:
        """The probe's shape stands on the image: its face at the middle of the first row."""
        pose = compose(frame.transforms, "Probe", "Reference")
        if pose is not None and pose.valid:
            set_transform(
                get_or_create(self._scene, "vtkMRMLLinearTransformNode", names.PROBE_TO_REFERENCE), pose.matrix
            )
        model = get_or_create(self._scene, "vtkMRMLModelNode", names.PROBE_MODEL, with_display=True)
        if model.GetPolyData() is None:
            put_surface(model, probe_shape())
            model.GetDisplayNode().SetColor(0.55, 0.6, 0.68)
        stand = get_or_create(self._scene, "vtkMRMLLinearTransformNode", names.PROBE_FACE_TO_REFERENCE)
        set_transform(stand, plane.probe_face_to_reference())
        put_under(model, stand)

    def _set_visible(self, visible: bool) -> None:
        set_visible(find(self._scene, "vtkMRMLScalarVolumeNode", names.LIVE_IMAGE), visible)
        set_visible(find(self._scene, "vtkMRMLModelNode", names.PROBE_MODEL), visible)


def tool_poses(transforms: Mapping[str, Pose], followed) -> dict[str, Pose]:
    """What the transforms of one time tell of tools, by PLUS name: ToolToReference of the `followed` ones, through any
    tracker, and every tip calibration, whose tools are followed too. What else is tracked (the liver, a second sensor)
    is no tool.
    """
    poses = {}
    followed = set(followed)
    for name in transforms:
        if is_transform_name(name):
            source, target = split_transform_name(name)
            # A broken calibration must not stop the live view: the last good one stays.
            if source == f"{target}Tip" and _is_affine(transforms[name].matrix):
                poses[name] = transforms[name]
                followed.add(target)
    for tool in sorted(followed):
        pose = compose(transforms, tool, "Reference")
        if pose is not None:
            poses[names.tool_to_reference(tool)] = pose
    return poses


def _holds(image, pixels: np.ndarray) -> bool:
    if image.GetDimensions() != (*pixels.shape[::-1], 1) or image.GetNumberOfScalarComponents() != 1:
        return False
    return image.GetPointData().GetScalars() is not None and np.array_equal(array_of_image(image)[0], pixels)


def _is_affine(matrix) -> bool:
    try:
        as_affine(matrix if matrix is not None else np.zeros((4, 4)))
    except GeometryError:
        return False
    return True
