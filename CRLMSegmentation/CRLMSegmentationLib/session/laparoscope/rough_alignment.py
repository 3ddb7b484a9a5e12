"""A person lays the model roughly over a picture that stands still: from there its pose is looked for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...errors import ConfigurationError
from ...laparoscopy.opened_model import OpenedModel, camera_for_size
from ...values.camera import Camera
from ...words import tr
from ..state import NO_CAMERA, NO_SCOPE_MODEL, NO_VIDEO, NOT_ALIGNED
from .aligned_model import Aligned, first_pose
from .video_worker import VideoWorker


class RoughAlignment:
    """At most one at a time, over a picture that is held meanwhile.

    known  gives the video, the model and the camera that are open (None without), and a pose (4, 4), model to camera,
           to begin with; None: first_pose()
    """

    def __init__(
        self, known: Callable[[], tuple[VideoWorker | None, OpenedModel | None, Camera | None, np.ndarray | None]]
    ) -> None:
        self._known = known
        self._aligned: Aligned | None = None
        self._held: VideoWorker | None = None

    @property
    def is_on(self) -> bool:
        return self._aligned is not None

    @property
    def pose(self) -> np.ndarray | None:
        """(4, 4) model to camera, as the person has it now; None while nothing is aligned."""
        return None if self._aligned is None else self._aligned.model_to_camera

    @property
    def why_not(self) -> str:
        """Why none can be begun now; ''."""
        video, model, camera, _ = self._known()
        if self.is_on:
            return tr("The model is being aligned already.")
        if video is None or video.newest is None:
            return NO_VIDEO
        if model is None:
            return NO_SCOPE_MODEL
        return NO_CAMERA if camera is None else ""

    @property
    def text(self) -> str:
        """For people; ''."""
        if self._aligned is None:
            return ""
        return tr(
            "This picture is held while the model is laid over it by hand; the liver lies "
            "{distance_mm:.0f} mm before the camera.",
            distance_mm=self._aligned.distance_mm,
        )

    def begin(self) -> None:
        """Hold the newest picture, and lay the model over it. Raises ConfigurationError when something is missing, and
        for a camera of other proportions.
        """
        video, model, camera, pose = self._known()
        if self.why_not or video is None or video.newest is None or model is None or camera is None:
            raise ConfigurationError(self.why_not)
        height, width = video.newest.frame.picture.shape[:2]
        fitting, _ = camera_for_size(camera, (width, height))
        at = first_pose(model.parts, fitting) if pose is None else pose
        self._held = video
        self._show(Aligned(model.parts, fitting, at))

    def move(self, move: str, fine: bool = False) -> None:
        """By a step of aligned_model.MOVES. Raises ConfigurationError while nothing is aligned, and for no move."""
        if self._aligned is None:
            raise ConfigurationError(NOT_ALIGNED)
        self._show(self._aligned.after(move, fine))

    def end(self) -> np.ndarray | None:
        """Let the video go on; returns the pose (4, 4), None when nothing was aligned."""
        pose, self._aligned = self.pose, None
        if self._held is not None:
            self._held.aligned = None
        self._held = None
        return pose

    def _show(self, aligned: Aligned) -> None:
        self._aligned = aligned
        if self._held is not None:
            self._held.aligned = aligned
