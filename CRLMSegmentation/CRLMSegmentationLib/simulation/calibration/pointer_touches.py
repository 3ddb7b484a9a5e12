"""A simulated recording of a stylus whose tip is held into the image of a probe, where both are tracked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...geometry import transform_points
from ...sweep import Pose, Sweep, TrackedFrame
from ..lesion_shape import random_rotation
from .pivoting import TrackerErrors, TrackerField


@dataclass(frozen=True)
class TouchErrors:
    """Standard deviations.

    pixels      of the place in the image where the tip is marked, along each axis
    through_mm  of the tip from the middle of the beam, through the image
    tracker     of each of the two sensors
    """

    pixels: float = 1.0
    through_mm: float = 0.7
    tracker: TrackerErrors = TrackerErrors(noise_mm=0.1)


@dataclass(frozen=True, eq=False)
class Touches:
    """n images, the tip in each.

    pixels              (n, 2) where it is marked
    probe_to_reference, stylus_to_reference  (n, 4, 4) as the tracker says
    """

    pixels: np.ndarray
    probe_to_reference: np.ndarray
    stylus_to_reference: np.ndarray

    def sweep(self, image_size: tuple[int, int], rate_hz: float = 10.0) -> Sweep:
        """The recording, with black images."""
        width, height = image_size
        frames = [
            TrackedFrame(
                np.zeros((height, width), np.uint8), None, 100 + number / rate_hz, False,
                {"ProbeToReference": Pose(probe), "StylusToReference": Pose(stylus)}, {"DataOrigin": "simulated"},
            )
            for number, (probe, stylus) in enumerate(zip(self.probe_to_reference, self.stylus_to_reference))
        ]  # fmt: skip
        return Sweep(frames, "touches", {"DataOrigin": "simulated"})


def touches(
    image_to_probe: np.ndarray, tip_mm: np.ndarray, image_size: tuple[int, int], count: int, errors: TouchErrors,
    random: np.random.Generator,
) -> Touches:  # fmt: skip
    """`count` touches spread over the image; the probe is moved a little from one to the next.

    image_to_probe  (4, 4) and tip_mm (3,) in the stylus' frame, as they are
    """
    width, height = image_size
    pixels = random.uniform([0.08 * width, 0.08 * height], [0.92 * width, 0.92 * height], (count, 2))
    through = random.normal(0, errors.through_mm, count) / np.linalg.norm(image_to_probe[:3, 2])
    in_probe = transform_points(image_to_probe, np.column_stack([pixels, through]))
    probe, stylus = np.tile(np.eye(4), (2, count, 1, 1))
    probe[:, :3, :3] = [random_rotation(random) for _ in range(count)]
    probe[:, :3, 3] = random.uniform(-20, 20, (count, 3))
    stylus[:, :3, :3] = [random_rotation(random) for _ in range(count)]
    in_reference = np.einsum("nab,nb->na", probe[:, :3, :3], in_probe) + probe[:, :3, 3]
    stylus[:, :3, 3] = in_reference - stylus[:, :3, :3] @ tip_mm
    tracker = TrackerField(errors.tracker, random)
    marked = (pixels + random.normal(0, errors.pixels, pixels.shape)).clip(0, [width - 1, height - 1])
    return Touches(marked, tracker.measured(probe), tracker.measured(stylus))
