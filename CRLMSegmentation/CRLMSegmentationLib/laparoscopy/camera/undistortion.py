"""Pictures as a camera without lens distortion would take them."""

from __future__ import annotations

import numpy as np

from ...errors import LaparoscopeError
from ...values.camera import Camera
from ...words import tr
from .opencv import opencv


class Undistortion:
    """Takes the distortion of a camera's lens out of its pictures; made once, quick for each picture.

    `camera` is what the pictures are then of: the same intrinsics, no distortion.
    """

    def __init__(self, camera: Camera):
        self._size = camera.image_size
        self.camera = Camera(camera.intrinsics, camera.image_size)
        u, v = np.meshgrid(np.arange(self._size[0], dtype=np.float64), np.arange(self._size[1], dtype=np.float64))
        seen_at = camera.project(self.camera.unproject(np.stack([u, v], axis=-1)))
        cv2 = opencv()
        self._maps = cv2.convertMaps(seen_at.astype(np.float32), None, cv2.CV_16SC2)

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """`picture` (v, u) or (v, u, 3) uint8 or uint16, linear between pixels; black where the lens saw nothing.

        Raises LaparoscopeError for a picture of another size than the camera's.
        """
        if picture.shape[1::-1] != self._size:
            width, height = self._size
            raise LaparoscopeError(
                tr(
                    "The picture is {shape} x {shape_2} pixels, and the camera was calibrated at {width} x {height}.",
                    shape=picture.shape[1],
                    shape_2=picture.shape[0],
                    width=width,
                    height=height,
                )
            )
        cv2 = opencv()
        straight: np.ndarray = cv2.remap(picture, *self._maps, cv2.INTER_LINEAR)
        return straight
