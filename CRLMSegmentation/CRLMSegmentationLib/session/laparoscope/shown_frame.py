"""What is shown of a laparoscope's video: a frame with what was found in it and what is drawn over it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...geometry import invert_affine
from ...laparoscopy.camera.board_views import pose_of
from ...laparoscopy.overlay.landmark_drawing import draw_landmarks
from ...laparoscopy.overlay.parts import CYSTS, LIVER, TUMORS, ModelPart
from ...values.camera import Camera
from ...values.camera_on_sensor import CameraOnSensor
from ...values.landmarks import LANDMARKS, Polyline
from ...words import tr
from .aligned_model import Aligned
from .video_sources import VideoFrame

if TYPE_CHECKING:
    from ...laparoscopy.pose.registration import PoseRegistration
    from ...laparoscopy.surface.view import SurfaceView

# What can be switched: the lines of the landmarks, and parts of the model.
LANDMARK_LINES, LIVER_OUTLINE, VESSELS, TUMOR_OUTLINES = "landmarks", "liver", "vessels", "tumors"
SWITCHES = (LANDMARK_LINES, LIVER_OUTLINE, VESSELS, TUMOR_OUTLINES)
# A registration is of one picture, and the scope moves: it is drawn in full for a moment, fades, and is gone.
_FRESH_S, _GONE_S = 2.0, 20.0
_GOOD_MM, _FAINTEST = 10.0, 0.3


@dataclass(frozen=True, eq=False)
class Registered:
    """A registration with what is drawn of it.

    views     of the parts, at the pose
    error_mm  to be expected at the tumors, or at the liver where none is known
    of_s      when the frame that it was made from came, by time.monotonic()
    frame     that it was made from, over which it does not grow old
    camera    that took it; camera_to_reference (4, 4) where it was then, of a tracked scope; None where not known
    follows   it was brought to another frame by the tracked scope's pose: it does not grow old there either
    """

    parts: tuple[ModelPart, ...]
    views: tuple[SurfaceView, ...]
    registration: PoseRegistration
    error_mm: float
    of_s: float
    frame: VideoFrame | None = None
    camera: Camera | None = None
    camera_to_reference: np.ndarray | None = None
    follows: bool = False

    def pose_in(self, frame: VideoFrame, on_sensor: CameraOnSensor | None) -> np.ndarray | None:
        """(4, 4) model to camera in another frame, by the poses of the tracked scope; None where they are not known."""
        there = camera_to_reference(frame, on_sensor)
        if there is None or self.camera_to_reference is None:
            return None
        moved: np.ndarray = invert_affine(there) @ self.camera_to_reference @ self.registration.model_to_camera
        return moved

    def in_frame(self, frame: VideoFrame, on_sensor: CameraOnSensor | None) -> Registered:
        """The same as it lies in another frame of a tracked scope; unchanged where its pose is not known."""
        pose = None if frame is self.frame or self.camera is None else self.pose_in(frame, on_sensor)
        if pose is None or self.camera is None:
            return self
        from ...laparoscopy.overlay.drawing import views_of

        return replace(self, views=views_of(self.parts, self.camera, pose), follows=True)

    def age_s(self, now_s: float) -> float:
        """How old it is."""
        return max(0.0, now_s - self.of_s)

    def strength(self, now_s: float, over: VideoFrame | None = None) -> float:
        """0 to 1: how strong it is drawn over a frame: less when it is old, and when its error is large."""
        is_of_it = self.follows or (over is not None and over is self.frame)
        fresh = 1.0 if is_of_it else 1 - (self.age_s(now_s) - _FRESH_S) / (_GONE_S - _FRESH_S)
        good = max(_FAINTEST, min(1.0, _GOOD_MM / max(self.error_mm, 1e-6)))
        return float(np.clip(fresh, 0.0, 1.0)) * good

    def start_in(self, frame: VideoFrame, on_sensor: CameraOnSensor | None) -> np.ndarray:
        """(4, 4) model to camera, where it is looked for in another frame."""
        there = self.pose_in(frame, on_sensor)
        return self.registration.model_to_camera if there is None else there

    def text(self, now_s: float, over: VideoFrame | None = None, on_sensor: CameraOnSensor | None = None) -> str:
        """With its error and its age over a frame, for people."""
        how = "deformed" if self.registration.is_deformed else "rigid"
        if over is not None and over is not self.frame and self.pose_in(over, on_sensor) is not None:
            return replace(self, follows=True).text(now_s)
        how += tr(", follows the tracked laparoscope") if self.follows else ""
        gone = tr("; too old to be drawn") if self.strength(now_s, over) <= 0 else ""
        return tr(
            "Registered {age_s:.0f} s ago ({how}): lines fit to {reprojection_px:.1f} pixels, error "
            "to be expected at the tumors {error_mm:.0f} mm{gone}",
            age_s=self.age_s(now_s),
            how=how,
            reprojection_px=self.registration.reprojection_px,
            error_mm=self.error_mm,
            gone=gone,
        )


@dataclass(frozen=True, eq=False)
class ShownFrame:
    """frame as it came, the lines found in it, the picture (v, u, 3) uint8 with everything drawn, how long the network
    and the lines took (None without a network), sentences on what speaks against the frame, and how long after it came
    it was drawn first (None where that was not measured).
    """

    frame: VideoFrame
    lines: tuple[Polyline, ...]
    picture: np.ndarray
    network_ms: float | None = None
    post_ms: float | None = None
    doubts: tuple[str, ...] = ()
    late_ms: float | None = None

    def confidence(self) -> dict[str, float | None]:
        """By landmark, of its lines weighed by their length; None where it was not found."""
        found: dict[str, float | None] = {}
        for name in LANDMARKS:
            lines = [line for line in self.lines if line.landmark == name]
            lengths = [line.length for line in lines]
            found[name] = float(np.average([line.confidence for line in lines], weights=lengths)) if lines else None
        return found

    def confidence_texts(self) -> dict[str, str]:
        """confidence(), for people."""
        missing = tr("not looked for") if self.network_ms is None else tr("not seen")
        return {name: missing if value is None else f"{100 * value:.0f} %" for name, value in self.confidence().items()}


def camera_to_reference(frame: VideoFrame, on_sensor: CameraOnSensor | None) -> np.ndarray | None:
    """(4, 4) where the camera was when a frame was taken, in Reference (or Tracker), mm; None without a valid pose."""
    if on_sensor is None or frame.tracked is None:
        return None
    sensor = pose_of(frame.tracked.transforms, on_sensor.sensor)
    return None if sensor is None else np.asarray(sensor @ on_sensor.camera_to_sensor)


def drawn_over(
    frame: VideoFrame, lines: tuple[Polyline, ...], drawn: Registered | Aligned | None, shown: frozenset[str],
    now_s: float,
) -> np.ndarray:  # fmt: skip
    """(v, u, 3) uint8: what is switched on over the frame's picture, a model that is registered or laid by hand."""
    picture = frame.picture
    strength = 0.0 if drawn is None else 1.0 if isinstance(drawn, Aligned) else drawn.strength(now_s, frame)
    if drawn is not None and strength > 0:
        chosen = [
            (part, view) for part, view in zip(drawn.parts, drawn.views)
            if switch_of(part) in shown and view.seen.shape == picture.shape[:2]
        ]  # fmt: skip
        if chosen:
            from ...laparoscopy.overlay.drawing import draw_views

            parts, views = zip(*chosen)
            picture = draw_views(picture, parts, views, strength)
    return draw_landmarks(picture, lines if LANDMARK_LINES in shown else ())


def switch_of(part: ModelPart) -> str:
    """The one of SWITCHES that a part belongs to."""
    if part.kind is LIVER:
        return LIVER_OUTLINE
    return TUMOR_OUTLINES if part.kind in (TUMORS, CYSTS) else VESSELS
