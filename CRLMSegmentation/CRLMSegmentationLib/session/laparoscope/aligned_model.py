"""The model of the liver where a person has laid it before the camera, and the steps by which he moves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ConfigurationError
from ...geometry import transform_points
from ...laparoscopy.overlay.parts import LIVER, ModelPart
from ...values.camera import Camera
from ...words import tr

if TYPE_CHECKING:
    from ...laparoscopy.surface.view import SurfaceView

# By name: along which of the axes that solver.moved() takes, and to which side.
MOVES = {
    "left": (0, -1), "right": (0, 1), "up": (1, -1), "down": (1, 1), "nearer": (2, -1), "farther": (2, 1),
    "tilt up": (3, -1), "tilt down": (3, 1), "swing left": (4, 1), "swing right": (4, -1),
    "turn left": (5, -1), "turn right": (5, 1),
}  # fmt: skip
_STEP_MM, _STEP_DEG, _FINE = 8.0, 8.0, 0.25
_NEAREST_MM, _FARTHEST_MM = 20.0, 600.0
# How the scope looks at first: from below and in front, the patient's front up in the picture; how far it is away.
_BELOW_DEG, _FILL = 35.0, 0.7


@dataclass(frozen=True, eq=False)
class Aligned:
    """parts of the model before `camera` at model_to_camera (4, 4)."""

    parts: tuple[ModelPart, ...]
    camera: Camera
    model_to_camera: np.ndarray

    @cached_property
    def views(self) -> tuple[SurfaceView, ...]:
        """Of the parts; computed when they are drawn."""
        from ...laparoscopy.overlay.drawing import views_of

        return views_of(self.parts, self.camera, self.model_to_camera)

    @property
    def distance_mm(self) -> float:
        """From the camera to the liver's middle."""
        return float(transform_points(self.model_to_camera, self._middle)[2])

    def after(self, move: str, fine: bool = False) -> Aligned:
        """Moved by a step, along the camera's axes and about the liver's middle; one of MOVES.

        Raises ConfigurationError for another name, and when the liver would come too near or too far.
        """
        if move not in MOVES:
            raise ConfigurationError(
                tr("There is no move '{move}' of the model: {moves}.", move=move[:20], moves=", ".join(MOVES))
            )
        from ...laparoscopy.pose.solver import RADIUS_MM, moved

        axis, side = MOVES[move]
        step = np.zeros(6)
        step[axis] = side * (_STEP_MM if axis < 3 else np.radians(_STEP_DEG) * RADIUS_MM) * (_FINE if fine else 1.0)
        changed = Aligned(self.parts, self.camera, moved(self.model_to_camera, step, self._middle))
        if not _NEAREST_MM <= changed.distance_mm <= _FARTHEST_MM:
            raise ConfigurationError(
                tr(
                    "The liver would lie {distance_mm:.0f} mm before the camera: that is no place for it.",
                    distance_mm=changed.distance_mm,
                )
            )
        return changed

    @property
    def _middle(self) -> np.ndarray:
        return middle_of(self.parts)


def middle_of(parts: Sequence[ModelPart]) -> np.ndarray:
    """(3,) of the liver, or of the first part."""
    liver = next((part for part in parts if part.kind is LIVER), parts[0])
    return liver.mesh.center


def first_pose(parts: Sequence[ModelPart], camera: Camera) -> np.ndarray:
    """(4, 4) where a person begins: the liver in the middle of the picture, seen from below and in front, as large as
    the picture allows.
    """
    middle = middle_of(parts)
    points = next((part for part in parts if part.kind is LIVER), parts[0]).mesh.points
    down = np.radians(_BELOW_DEG)
    toward = np.array([0.0, np.cos(down), -np.sin(down)])
    ahead = -toward
    # The patient's head and front are up in the picture.
    lower = -np.array([0.0, np.sin(down), np.cos(down)])
    pose = np.eye(4)
    pose[:3, :3] = [np.cross(lower, ahead), lower, ahead]
    extent = np.ptp((points - middle) @ pose[:3, :3].T, axis=0)
    size = np.array(camera.image_size) * _FILL / camera.intrinsics[[0, 1], [0, 1]]
    distance = float(np.clip((extent[:2] / size).max() + extent[2] / 2, 2 * _NEAREST_MM, 0.9 * _FARTHEST_MM))
    pose[:3, 3] = np.array([0.0, 0.0, distance]) - pose[:3, :3] @ middle
    return pose
