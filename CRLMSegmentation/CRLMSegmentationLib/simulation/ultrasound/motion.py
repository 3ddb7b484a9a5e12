"""How the probe moves over the liver, and what the tracker says about it.

The liver's frame: x along the array at rest, y along the sweep, z (depth) into the liver, surface at z = 0, in mm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .probe import Probe

# Columns: the probe's x (array), y (depth) and z (elevation) in the liver's frame, for a probe held straight.
UPRIGHT = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True, eq=False)
class SmoothCurve:
    """A sum of a few waves over the sweep: sum_k a_k sin(2 pi f_k u + p_k), u from 0 to 1."""

    amplitudes: np.ndarray
    frequencies: np.ndarray
    phases: np.ndarray

    def __call__(self, progress: ArrayLike) -> np.ndarray:
        argument = 2 * math.pi * np.multiply.outer(np.asarray(progress, dtype=np.float64), self.frequencies)
        result: np.ndarray = (self.amplitudes * np.sin(argument + self.phases)).sum(axis=-1)
        return result


def draw_smooth_curve(
    rng: np.random.Generator, root_mean_square: float, slowest: float = 0.25, fastest: float = 2.0
) -> SmoothCurve:
    """A curve with `slowest` to `fastest` waves in a sweep and the given root mean square on average."""
    waves = 5
    amplitudes = rng.uniform(0.4, 1.0, waves)
    amplitudes *= root_mean_square * math.sqrt(2 / (amplitudes**2).sum())
    return SmoothCurve(amplitudes, rng.uniform(slowest, fastest, waves), rng.uniform(0, 2 * math.pi, waves))


def rotation_about(axis: int, angle: np.ndarray) -> np.ndarray:
    """(..., 3, 3) rotations by `angle` (...) in radians about coordinate axis 0, 1 or 2."""
    angle = np.asarray(angle, dtype=np.float64)
    cosine, sine = np.cos(angle), np.sin(angle)
    matrix = np.zeros(angle.shape + (3, 3))
    a, b = (axis + 1) % 3, (axis + 2) % 3
    matrix[..., axis, axis] = 1
    matrix[..., a, a], matrix[..., b, b] = cosine, cosine
    matrix[..., a, b], matrix[..., b, a] = -sine, sine
    return matrix


def rigid(rotation: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """(..., 4, 4) from rotations (..., 3, 3) and translations (..., 3)."""
    matrix = np.zeros(rotation.shape[:-2] + (4, 4))
    matrix[..., :3, :3], matrix[..., :3, 3], matrix[..., 3, 3] = rotation, translation, 1
    return matrix


def small_rotation(vectors: np.ndarray) -> np.ndarray:
    """(..., 3, 3) rotations from rotation vectors (..., 3) in radians (x, then y, then z; they are tiny)."""
    x, y, z = (rotation_about(axis, vectors[..., axis]) for axis in range(3))
    result: np.ndarray = z @ y @ x
    return result


@dataclass(frozen=True, eq=False)
class ProbeMotion:
    """The path of the probe: pose and pressure for any moment of the sweep, u from 0 (start) to 1 (end)."""

    travel_mm: float
    direction: float
    fan_deg: float
    speed_waves: np.ndarray
    drift_mm: SmoothCurve
    tilt_deg: SmoothCurve
    yaw_deg: SmoothCurve
    roll_deg: SmoothCurve
    pressure_mm: SmoothCurve
    mean_pressure_mm: float
    tremor_mm: tuple[SmoothCurve, SmoothCurve]
    tremor_deg: SmoothCurve

    def way(self, moment: np.ndarray) -> np.ndarray:
        """Share of the way travelled, 0 to 1: uneven, never backwards."""
        moment = np.asarray(moment, dtype=np.float64)
        waves = np.arange(1, len(self.speed_waves) + 1)
        argument = 2 * math.pi * np.multiply.outer(moment, waves)
        result: np.ndarray = moment + (self.speed_waves * np.sin(argument) / (2 * math.pi * waves)).sum(axis=-1)
        return result

    def push_mm(self, moment: np.ndarray) -> np.ndarray:
        """How deep the face is pressed into the liver."""
        return np.maximum(self.mean_pressure_mm + self.pressure_mm(moment), 0.0)

    def face_to_liver(self, moment: np.ndarray) -> np.ndarray:
        """(..., 4, 4) from the probe's imaging frame to the liver's frame."""
        moment = np.asarray(moment, dtype=np.float64)
        way = self.way(moment)
        tilt = np.radians(self.fan_deg * (way - 0.5) + self.tilt_deg(moment) + self.tremor_deg(moment))
        rotation = (
            UPRIGHT
            @ rotation_about(0, tilt)
            @ rotation_about(1, np.radians(self.yaw_deg(moment)))
            @ rotation_about(2, np.radians(self.roll_deg(moment)))
        )
        position = np.stack(
            [
                self.drift_mm(moment) + self.tremor_mm[0](moment),
                self.direction * self.travel_mm * (way - 0.5) + self.tremor_mm[1](moment),
                self.push_mm(moment),
            ],
            axis=-1,
        )
        return np.round(rigid(rotation, position), 9)

    def swept_volume_ml(self, probe: Probe) -> float:
        """Volume that the fan passes through: area times the mean motion normal to the image plane."""
        poses = self.face_to_liver(np.linspace(0, 1, 41))
        points = probe.fan_points_mm() @ poses[:, :3, :3].swapaxes(-1, -2) + poses[:, None, :3, 3]
        steps = points[1:] - points[:-1]
        normals = (poses[1:, :3, 2] + poses[:-1, :3, 2]) / 2
        passed = np.abs((steps * normals[:, None, :]).sum(axis=-1)).mean(axis=1).sum()
        return float(passed * probe.fan_area_mm2 / 1000)


def draw_motion(rng: np.random.Generator, probe: Probe, swept_volume_ml: float, shortest_mm: float) -> ProbeMotion:
    """A freehand pass that sweeps `swept_volume_ml`, unless the lesion needs at least `shortest_mm` of travel."""
    direction = 1.0 if rng.uniform() < 0.5 else -1.0
    fan = round(rng.uniform(-8.0, 8.0), 3)
    parts: dict[str, Any] = dict(
        direction=direction,
        fan_deg=fan,
        speed_waves=rng.uniform(-0.28, 0.28, 3),
        drift_mm=draw_smooth_curve(rng, rng.uniform(0.5, 2.0), 0.2, 1.2),
        tilt_deg=draw_smooth_curve(rng, rng.uniform(0.3, 1.2), 0.25, 1.5),
        yaw_deg=draw_smooth_curve(rng, rng.uniform(0.5, 2.0), 0.2, 1.2),
        roll_deg=draw_smooth_curve(rng, rng.uniform(0.5, 2.5), 0.2, 1.2),
        pressure_mm=draw_smooth_curve(rng, rng.uniform(0.2, 0.7), 0.3, 2.5),
        mean_pressure_mm=rng.uniform(1.0, 2.5),
        tremor_mm=(draw_smooth_curve(rng, 0.06, 6, 18), draw_smooth_curve(rng, 0.06, 6, 18)),
        tremor_deg=draw_smooth_curve(rng, 0.05, 6, 18),
    )
    travel = 40.0
    for _ in range(6):
        volume = ProbeMotion(travel_mm=travel, **parts).swept_volume_ml(probe)
        travel = min(max(travel * swept_volume_ml / volume, 1.0), 200.0)
    return ProbeMotion(travel_mm=round(max(travel, shortest_mm), 3), **parts)


@dataclass(frozen=True, eq=False)
class TrackerErrors:
    """Electromagnetic tracking: an error that is mostly field distortion (constant and slowly varying), little jitter.

    The parts of the root mean square are chosen as sqrt(0.25 + 0.73 + 0.02) of the whole: electromagnetic static
    distortion dominates jitter (Franz et al., IEEE Trans. Med. Imaging 33(8), 2014).
    """

    offsets_mm: np.ndarray
    angles_rad: np.ndarray


def draw_tracker_errors(rng: np.random.Generator, moments: np.ndarray, mm: float, degrees: float) -> TrackerErrors:
    """Errors (n, 3) in position and orientation at `moments` (n,)."""

    def vectors(root_mean_square: float) -> np.ndarray:
        one_axis = root_mean_square / math.sqrt(3)
        constant = rng.standard_normal(3)
        constant *= math.sqrt(3 / (constant**2).sum()) * one_axis * math.sqrt(0.25)
        slow = np.stack([draw_smooth_curve(rng, one_axis * math.sqrt(0.73), 0.3, 1.5)(moments) for _ in range(3)], -1)
        white = rng.standard_normal((len(moments), 3)) * one_axis * math.sqrt(0.02)
        result: np.ndarray = constant + slow + white
        return result

    return TrackerErrors(vectors(mm), vectors(math.radians(degrees)))
