"""A registration of the model to a frame, with what is drawn of it."""

from __future__ import annotations

import numpy as np

from ...errors import CRLMError
from ...laparoscopy.opened_model import OpenedModel
from ...laparoscopy.overlay.drawing import views_of
from ...laparoscopy.pose.registration import register_pose
from ...values.camera import Camera
from ...values.camera_on_sensor import CameraOnSensor
from .shown_frame import Registered, ShownFrame, camera_to_reference


def registered_over(
    frame: ShownFrame, model: OpenedModel, camera: Camera, former: np.ndarray | None, deform: bool,
    on_sensor: CameraOnSensor | None = None,
) -> Registered:  # fmt: skip
    """The model before `camera` by the landmarks of `frame`; takes seconds.

    former     (4, 4) pose, model to camera, where it is looked for first; None: from many
    on_sensor  where the camera sits on the sensor of a tracked scope; None: it is not tracked
    Raises LaparoscopeError when the landmarks cannot determine the pose.
    """
    landmarks = model.landmarks()
    try:
        found = register_pose(landmarks, camera, frame.lines, former, deform=deform)
    except CRLMError:
        if former is None:
            raise
        # The scope may have moved far.
        found = register_pose(landmarks, camera, frame.lines, None, deform=deform)
    parts = tuple(part.moved(found.displaced) for part in model.parts)
    views = views_of(parts, camera, found.model_to_camera)
    error_mm = max(found.error_mm(target) for target in model.targets())
    there = camera_to_reference(frame.frame, on_sensor)
    return Registered(parts, views, found, error_mm, frame.frame.came_s, frame.frame, camera, there)
