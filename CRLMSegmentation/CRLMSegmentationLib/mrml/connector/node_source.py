"""Live frames from MRML nodes that somebody else fills, such as the connector of SlicerOpenIGTLink.

A node holds only what came last and says nothing of the sender's clock. So a frame is what the nodes hold when the
image has changed, it bears the time of its arrival, and images that came between two looks are lost without a trace:
for recordings the project's own client is better. A pose that was not put into its node together with the image, in one
turn of the connector, is not taken for its pose. Frames say that they were paired so, in the field `PosePairing`, and
the status says it to people.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...session.frame_source import ReceivedPose
from ...sweep import Pose, TrackedFrame
from ...sweep.transforms import compose, is_transform_name, split_transform_name
from ...tracking import StreamStatus
from ...tracking.age import NEVER, Age
from ...words import mark, tr
from .. import names
from ..conversion import array_of_image, array_of_matrix, matrix_of_transform, vtk_matrix

IMAGE_NAMES = (names.LIVE_IMAGE, "Image_Reference")
# A transform that ends here is measured all the time; others, such as ImageToProbe, are calibrations.
_TRACKED_IN = ("Reference", "Tracker")
# The connector fills its nodes one behind the other, within milliseconds.
_TOGETHER_S = 0.02
_PAIRED_BY = {"PosePairing": "arrival"}
_NOTE = mark(
    "SlicerOpenIGTLink hands over no times: an image is paired with the poses that came together with it, which may be "
    "those of its neighbour; for recordings use the module's own client"
)
_RATE_FRAMES = 32


class NodeSource:
    """Frames from nodes.

    scene            vtkMRMLScene
    image_name       of the image node; None for the first that changes of IMAGE_NAMES
    transform_name   of the transform with the image's pose, pixel to mm; None for what the known transforms give
    calibration      (4, 4) by name, for transforms that are in no node: {'ImageToProbe': pixel to mm}
    """

    def __init__(
        self, scene: Any, image_name: str | None = None, transform_name: str | None = None,
        calibration: Mapping[str, ArrayLike] | None = None,
    ):  # fmt: skip
        self.name = self.identity = "the nodes of the scene"
        self.origin = "live"
        self._scene = scene
        self._image_names = (image_name,) if image_name else IMAGE_NAMES
        self._transform_name = transform_name
        self._calibration = {name: Pose(np.asarray(matrix)) for name, matrix in (calibration or {}).items()}
        self._observed: dict[str, tuple[Any, list[int]]] = {}
        self._arrived: dict[str, tuple[float, float]] = {}
        self._new: dict[str, tuple[float, float]] = {}
        self._image: Any = None
        self._image_is_new = False
        self._arrivals: deque[float] = deque(maxlen=_RATE_FRAMES)
        self._status = StreamStatus(notes=(tr(_NOTE),))

    @property
    def status(self) -> StreamStatus:
        status = self._status
        status.connected = status.connected or status.frames > 0
        status.connections = max(status.connections, int(status.connected))
        now = time.monotonic()
        status.age = Age(now - self._arrivals[-1]) if self._arrivals else NEVER
        status.silent_s = now - max((at for at, _ in self._arrived.values()), default=-math.inf)
        status.frames_per_second = 0.0
        if len(self._arrivals) > 1 and not status.age.is_lost:
            status.frames_per_second = (len(self._arrivals) - 1) / max(self._arrivals[-1] - self._arrivals[0], 1e-9)
        return status

    def start(self) -> None:
        self._look_for_nodes()

    def stop(self) -> None:
        for node, tags in self._observed.values():
            for tag in tags:
                node.RemoveObserver(tag)
        self._observed.clear()
        self._new.clear()
        self._image, self._image_is_new = None, False

    def poll(self) -> list[TrackedFrame]:
        self._look_for_nodes()
        self._arrived.update(self._new)
        self._new.clear()
        is_new, self._image_is_new = self._image_is_new, False
        if not is_new or self._image is None:
            return []
        frame = self._frame()
        if frame is None:
            self._status.other_images += 1
            return []
        self._status.frames += 1
        self._status.invalid += not frame.valid
        self._arrivals.append(self._arrived[self._image.GetID()][0])
        return [frame]

    def shown(self, frame: TrackedFrame) -> None:
        """The nodes bear no time of sending, so there is no latency to measure."""

    def transforms(self) -> dict[str, ReceivedPose]:
        found = {}
        for identifier, (node, _) in self._observed.items():
            arrived = self._arrived.get(identifier)
            if arrived is not None and node.IsA("vtkMRMLLinearTransformNode"):
                found[node.GetName()] = ReceivedPose(_pose_of(node), arrived[1], arrived[0])
        return found

    def _look_for_nodes(self) -> None:
        """Observe what came into the scene meanwhile; leave alone what went.

        What a node holds when it is found does not count: the session itself may have made it.
        """
        for identifier in [one for one, (node, _) in self._observed.items() if not self._scene.IsNodePresent(node)]:
            node, tags = self._observed.pop(identifier)
            for tag in tags:
                node.RemoveObserver(tag)
            if node is self._image:
                self._image = None
        for name in self._image_names:
            # By its name, which is what the connector goes by.
            for kind in ("vtkMRMLScalarVolumeNode", "vtkMRMLVectorVolumeNode"):
                self._observe(self._scene.GetFirstNode(name, kind, None, True), "ImageDataModifiedEvent")
        number = self._scene.GetNumberOfNodesByClass("vtkMRMLLinearTransformNode")
        for node in (self._scene.GetNthNodeByClass(one, "vtkMRMLLinearTransformNode") for one in range(number)):
            if is_transform_name(node.GetName() or "") or node.GetName() == self._transform_name:
                # A tool that stands still is sent with the same matrix again: that is only 'modified'.
                self._observe(node, "TransformModifiedEvent", "ModifiedEvent")

    def _observe(self, node: Any, *events: str) -> None:
        if node is None or node.GetID() in self._observed:
            return
        identifier = node.GetID()
        tags = [
            node.AddObserver(getattr(node, event, event), lambda *_: self._on_arrival(identifier)) for event in events
        ]
        self._observed[identifier] = node, tags

    def _on_arrival(self, identifier: str) -> None:
        node, _ = self._observed[identifier]
        self._new[identifier] = time.monotonic(), time.time()
        if not node.IsA("vtkMRMLLinearTransformNode"):
            self._image = self._image or node
            self._image_is_new |= node is self._image

    def _frame(self) -> TrackedFrame | None:
        image = self._image.GetImageData()
        if image is None or image.GetDimensions()[2] != 1 or image.GetNumberOfScalarComponents() != 1:
            return None
        arrived_s, stamp_s = self._arrived[self._image.GetID()]
        poses = self._poses(arrived_s)
        pose = self._pose(poses)
        poses.pop(names.IMAGE_TO_REFERENCE, None)
        return TrackedFrame(
            pixels=array_of_image(image)[0].copy(),
            image_to_reference=pose.matrix if pose is not None else None,
            timestamp=stamp_s,
            valid=pose is not None and pose.valid,
            transforms=poses,
            fields=_PAIRED_BY,
        )

    def _pose(self, poses: dict[str, Pose]) -> Pose | None:
        if self._transform_name is not None:
            return poses.get(self._transform_name)
        if (self._image.GetName() or "").endswith("_Reference"):
            # The pose comes in the image message itself.
            matrix = vtk_matrix(np.eye(4))
            self._image.GetIJKToRASMatrix(matrix)
            status = self._image.GetAttribute("OpenIGTLink.TransformStatus") or "OK"
            return Pose(array_of_matrix(matrix), status == "OK", status)
        return compose({**self._calibration, **poses}, "Image", "Reference")

    def _poses(self, image_arrived_s: float) -> dict[str, Pose]:
        """The transforms that belong to an image; those that did not come together with it are invalid."""
        poses = {}
        for identifier, (node, _) in self._observed.items():
            if not node.IsA("vtkMRMLLinearTransformNode"):
                continue
            arrived = self._arrived.get(identifier)
            fresh = arrived is not None and abs(image_arrived_s - arrived[0]) <= _TOGETHER_S
            pose, name = _pose_of(node), node.GetName()
            is_tracked = name == self._transform_name or split_transform_name(name)[1] in _TRACKED_IN
            if arrived is None and is_tracked:
                # Left over in the scene from earlier: nobody sends it.
                continue
            poses[name] = pose if fresh or not is_tracked else Pose(pose.matrix, False, "MISSING")
        return poses


def _pose_of(node: Any) -> Pose:
    # SlicerOpenIGTLink copies the status that PLUS sends with a transform into attributes of its node.
    status = node.GetAttribute("TransformStatus") or node.GetAttribute("OpenIGTLink.TransformStatus") or "OK"
    return Pose(matrix_of_transform(node), status == "OK", status)
