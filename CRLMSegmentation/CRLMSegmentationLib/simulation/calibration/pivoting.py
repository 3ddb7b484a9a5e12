"""A stylus that is tilted about its tip by a hand, and what a tracker says of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RATE_HZ = 15.0


@dataclass(frozen=True)
class TrackerErrors:
    """What a tracker adds to the truth. An electromagnetic one errs smoothly over its volume, an optical one little.

    noise_mm, noise_deg    independent from pose to pose, standard deviation along each axis
    field_mm, field_deg    errors that are a smooth function of the place, standard deviation along each axis
    field_length_mm        over which they change
    """

    noise_mm: float = 0.1
    noise_deg: float = 0.0
    field_mm: float = 0.0
    field_deg: float = 0.0
    field_length_mm: float = 150.0


class TrackerField:
    """One working volume with its errors: the same place has the same error whenever it is asked for."""

    def __init__(self, errors: TrackerErrors, random: np.random.Generator) -> None:
        self._errors, self._random = errors, random
        self._place_error = SmoothField(errors.field_length_mm, errors.field_mm, random)
        self._turn_error = SmoothField(errors.field_length_mm, np.radians(errors.field_deg), random)

    def measured(self, poses: np.ndarray) -> np.ndarray:
        """(n, 4, 4) what the tracker says of (n, 4, 4) true poses, mm."""
        from scipy.spatial.transform import Rotation

        places = poses[:, :3, 3]
        noise = self._random.normal(0, 1, (2, len(poses), 3))
        turns = self._turn_error(places) + np.radians(self._errors.noise_deg) * noise[1]
        said = poses.copy()
        said[:, :3, :3] = Rotation.from_rotvec(turns).as_matrix() @ poses[:, :3, :3]
        said[:, :3, 3] = places + self._place_error(places) + self._errors.noise_mm * noise[0]
        return said


class SmoothField:
    """A vector field with Gaussian correlation (random Fourier features; A. Rahimi, B. Recht, NIPS 2007).

    Called with (n, 3) places in mm it gives (n, 3), of standard deviation `deviation` along each axis.
    """

    def __init__(self, length_mm: float, deviation: float, random: np.random.Generator, waves: int = 80) -> None:
        self._waves = random.normal(0, 1 / length_mm, (waves, 3))
        self._phases = random.uniform(0, 2 * np.pi, waves)
        self._sizes = random.normal(0, deviation * np.sqrt(2 / waves), (waves, 3))

    def __call__(self, places: np.ndarray) -> np.ndarray:
        return np.asarray(np.cos(places @ self._waves.T + self._phases) @ self._sizes)


def pivoting_hand(
    tip_mm: np.ndarray, pivot_mm: np.ndarray, tilt_deg: float, seconds: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(n, 4, 4) true poses of the tool, mm, and (n,) times in seconds: its tip stays at `pivot_mm`.

    tilt_deg  the largest angle of the shaft with its mean direction, nearly reached
    """
    from scipy.spatial.transform import Rotation

    times = np.arange(0, seconds, 1 / RATE_HZ)
    swing = 2 * np.pi * (random.uniform(0.25, 0.6, 3) * times[:, np.newaxis] + random.uniform(0, 1, 3))
    # The two swings across the shaft together reach the tilt; the third turns the tool about its shaft.
    angles = np.sin(swing) * [tilt_deg / np.sqrt(2), tilt_deg / np.sqrt(2), 20.0]
    shaft = tip_mm / np.linalg.norm(tip_mm)
    across = np.linalg.svd(shaft[np.newaxis])[2][1:]
    turned = Rotation.from_rotvec(np.radians(angles[:, :2]) @ across) * Rotation.from_rotvec(
        np.radians(angles[:, 2:]) * shaft
    )
    poses = np.tile(np.eye(4), (len(times), 1, 1))
    poses[:, :3, :3] = (Rotation.from_quat(random.normal(size=4)) * turned).as_matrix()
    poses[:, :3, 3] = pivot_mm - poses[:, :3, :3] @ tip_mm
    return poses, times
