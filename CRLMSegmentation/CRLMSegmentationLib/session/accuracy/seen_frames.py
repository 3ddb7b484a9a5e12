"""Which frame of a sweep has seen a place, and how the image moved there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...calibration.accuracy.error_model import SeenPlace
from ...sweep import Sweep
from ...sweep.transforms import compose

# A frame farther from the place than this has not seen it.
_SEEN_WITHIN_MM = 3.0
# The velocity of the image is that over so many frames before and after.
_FRAMES_BESIDE = 2


@dataclass(frozen=True, eq=False)
class SeenFrames:
    """The frames of a sweep whose probe was tracked, as arrays.

    to_image            (n, 4, 4) Reference mm to pixel
    image_to_reference, probe_to_reference  (n, 4, 4);  times_s (n,)
    """

    sweep: Sweep
    to_image: np.ndarray
    image_to_reference: np.ndarray
    probe_to_reference: np.ndarray
    times_s: np.ndarray
    size: tuple[int, int]
    pixel_mm: tuple[float, float] | None

    @classmethod
    def of(cls, sweep: Sweep) -> SeenFrames:
        images: list[np.ndarray] = []
        probes: list[np.ndarray] = []
        times: list[float] = []
        for frame in sweep.valid_frames:
            pose = compose(frame.transforms, "Probe", sweep.reference)
            # A third axis of no length, as some senders have it, tells no distance from the image.
            is_flat = frame.image_to_reference is None or np.linalg.det(frame.image_to_reference) == 0
            if pose is not None and pose.valid and frame.image_to_reference is not None and not is_flat:
                images.append(frame.image_to_reference)
                probes.append(pose.matrix)
                times.append(frame.timestamp)
        matrices = _stacked(images)
        pixels = np.linalg.norm(matrices[:, :3, :2], axis=1).mean(axis=0) if images else None
        return cls(
            sweep, np.linalg.inv(matrices), matrices, _stacked(probes), np.array(times),
            sweep.image_size if len(sweep) else (0, 0),
            None if pixels is None else (float(pixels[0]), float(pixels[1])),
        )  # fmt: skip

    def seen(self, point_ras: np.ndarray) -> SeenPlace | None:
        """The frame that passes nearest to a place (3,); None when none has shown it."""
        pixels = self.to_image[:, :3, :3] @ point_ras + self.to_image[:, :3, 3]
        away_mm = np.abs(pixels[:, 2]) * np.linalg.norm(self.image_to_reference[:, :3, 2], axis=1)
        inside = (pixels[:, :2] >= -1).all(axis=1) & (pixels[:, :2] <= np.array(self.size)).all(axis=1)
        number = int(np.where(inside, away_mm, np.inf).argmin())
        if not inside[number] or away_mm[number] > _SEEN_WITHIN_MM:
            return None
        pixel = np.array([pixels[number, 0], pixels[number, 1], 0.0, 1.0])
        low, high = max(number - _FRAMES_BESIDE, 0), min(number + _FRAMES_BESIDE, len(self.times_s) - 1)
        way = ((self.image_to_reference[high] - self.image_to_reference[low]) @ pixel)[:3]
        seconds = self.times_s[high] - self.times_s[low]
        velocity = way / seconds if np.isfinite(seconds) and seconds > 0 else np.zeros(3)
        return SeenPlace(self.image_to_reference[number], pixel[:2], self.probe_to_reference[number], velocity)


def _stacked(matrices: Sequence[np.ndarray]) -> np.ndarray:
    return np.array(matrices, dtype=np.float64).reshape(-1, 4, 4)
