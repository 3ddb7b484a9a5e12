"""Where a camera sits on the sensor by which its laparoscope is tracked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..geometry import as_affine


@dataclass(frozen=True, eq=False)
class CameraOnSensor:
    """sensor, as PLUS names it ('Laparoscope' of LaparoscopeToReference), and camera_to_sensor (4, 4) rigid, mm, from
    the camera's frame as values.camera has it. Raises GeometryError for a matrix that is no transform.
    """

    sensor: str
    camera_to_sensor: np.ndarray

    def __post_init__(self) -> None:
        matrix = np.array(as_affine(self.camera_to_sensor, "camera_to_sensor"))
        matrix.setflags(write=False)
        object.__setattr__(self, "camera_to_sensor", matrix)
