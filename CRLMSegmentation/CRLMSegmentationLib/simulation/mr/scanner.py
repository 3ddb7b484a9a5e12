"""An MR volume of the simulated patient: T1, hepatobiliary phase, on a grid and in a posture of its own.

As a scanner's picture it has partial volume, a point spread, a bias field of the receiving coils, and noise that is
Rician (Gudbjartsson and Patz, Magn Reson Med 34, 1995).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...errors import ConfigurationError
from ...values import Volume
from ...values.progress import Progress
from ..patient.labels import patient_labels
from ..patient.moved import MovedPatient, moved
from ..patient.patient import Patient
from ..patient.posture import Posture, draw_posture
from .tissues import signals

# Grey level of the liver before bias field and noise.
LIVER_LEVEL = 600.0
_AROUND_BODY_MM, _AROUND_LIVER_MM, _VOID_MM = 12.0, 15.0, 5.0
_FINE, _PLANES, _POINT_SPREAD_PIXELS = 3, 3, 0.5
_HIGHEST = 32767


@dataclass(frozen=True)
class MrSettings:
    """One acquisition.

    pixel_mm, thickness_mm  of a voxel: 0.8 to 6 and 1 to 10
    signal_to_noise         of the liver, 5 to 500
    bias                    how far the coils' sensitivity goes from its mean, as a share: 0 to 0.4
    shift_mm, turn_deg      how far the patient lies from where he lay in the CT, at most: 0 to 40, 0 to 20
    breathing_mm            of the smooth part of that, at most: 0 (rigid only) to 15
    """

    pixel_mm: float = 1.3
    thickness_mm: float = 3.0
    signal_to_noise: float = 30.0
    bias: float = 0.25
    shift_mm: float = 15.0
    turn_deg: float = 10.0
    breathing_mm: float = 8.0

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("pixel", self.pixel_mm, 0.8, 6.0), ("slice thickness", self.thickness_mm, 1.0, 10.0),
            ("signal to noise", self.signal_to_noise, 5.0, 500.0), ("bias", self.bias, 0.0, 0.4),
            ("shift", self.shift_mm, 0.0, 40.0), ("turn", self.turn_deg, 0.0, 20.0),
            ("breathing", self.breathing_mm, 0.0, 15.0),
        ):  # fmt: skip
            if not least <= value <= most:
                raise ConfigurationError(f"The MR's {name} is {value:g}; it must be from {least:g} to {most:g}.")


@dataclass(frozen=True, eq=False)
class MrScan:
    """mr int16 and labels uint8 (patient.LABELS) on the same grid (k, j, i) along R, A, S of the MR.

    posture  from the CT's frame to the MR's
    patient  as lying in the MR
    """

    mr: Volume
    labels: Volume
    posture: Posture
    patient: MovedPatient


def acquire_mr(patient: Patient, settings: MrSettings | None = None, progress: Progress | None = None) -> MrScan:
    """The MR of that patient at that date: always the same for the same settings. progress is called with (share,
    text).
    """
    settings = settings or MrSettings()
    for_posture, for_signals, for_bias, for_noise = np.random.SeedSequence(patient.seeds(20267)).spawn(4)
    posture = draw_posture(
        np.random.default_rng(for_posture),
        patient.grid_origin_ras,
        patient.grid_origin_ras + np.array(patient.outside_mm.shape[::-1]) - 1,
        shift_mm=settings.shift_mm,
        turn_deg=settings.turn_deg,
        breathing_mm=settings.breathing_mm,
    )
    there = moved(patient, posture)
    first, count = _grid(there, settings)
    values = (LIVER_LEVEL * signals(np.random.default_rng(for_signals))).astype(np.float32)
    coils = _Coils.drawn(np.random.default_rng(for_bias), settings.bias, first, count, settings)
    mr = np.empty(tuple(count[::-1]), dtype=np.int16)
    labels = np.empty(mr.shape, dtype=np.uint8)
    noise_seeds = for_noise.spawn(len(mr))
    deviation = LIVER_LEVEL / settings.signal_to_noise

    def acquire(number: int) -> None:
        mean, labels[number] = _slice(there, settings, first, count, number, values)
        signal = ndimage.gaussian_filter(mean, _POINT_SPREAD_PIXELS, truncate=3.0) * coils.at(number)
        noise = deviation * np.random.default_rng(noise_seeds[number]).standard_normal((2, *signal.shape))
        magnitude = np.sqrt((signal + noise[0]) ** 2 + noise[1] ** 2)
        mr[number] = np.clip(np.round(magnitude), 0, _HIGHEST)

    # Every slice is drawn from numbers of its own: the result does not depend on how many threads there are.
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for done, _ in enumerate(pool.map(acquire, range(len(mr))), start=1):
            if progress is not None:
                progress(done / len(mr), "MR")
    matrix = np.diag([settings.pixel_mm, settings.pixel_mm, settings.thickness_mm, 1.0])
    matrix[:3, 3] = first
    return MrScan(Volume(mr, matrix), Volume(labels, matrix), posture, there)


def _grid(patient: Patient, settings: MrSettings) -> tuple[np.ndarray, np.ndarray]:
    """Center of the first voxel (3,), RAS mm, and number of voxels (3,): the body's width, the liver's height."""
    body = patient.organ("skin").ellipsoids[0]
    half = body[3:5] + _AROUND_BODY_MM
    low, height = patient.grid_origin_ras[2] - _AROUND_LIVER_MM, patient.outside_mm.shape[0] + 2 * _AROUND_LIVER_MM
    count = [int(2 * half[0] / settings.pixel_mm), int(2 * half[1] / settings.pixel_mm),
             int(height / settings.thickness_mm) + 1]  # fmt: skip
    # The body is a tilted cylinder: where it is at the liver's height counts.
    upward = body[12:15] / body[14]
    middle = body[:2] + upward[:2] * (low + height / 2 - body[2])
    first = np.round([middle[0] - half[0], middle[1] - half[1], low], 3)
    return first, np.array(count)


def _slice(
    patient: Patient, settings: MrSettings, first: np.ndarray, count: np.ndarray, number: int, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean signal (j, i) float32 of one slice over its voxels, and the labels of their centers."""
    fine = settings.pixel_mm / _FINE
    size = [int(count[0]) * _FINE, int(count[1]) * _FINE, 1]
    total, middle = np.zeros((int(count[1]), int(count[0])), dtype=np.float32), np.empty(0)
    for plane in range(_PLANES):
        height = first[2] + (number + (plane + 0.5) / _PLANES - 0.5) * settings.thickness_mm
        labels = patient_labels(patient, [first[0] - fine, first[1] - fine, height], fine, size).voxels[0]
        total += values[labels].reshape(count[1], _FINE, count[0], _FINE).mean(axis=(1, 3))
        if plane == _PLANES // 2:
            middle = labels[1::_FINE, 1::_FINE]
    mean: np.ndarray = total / _PLANES
    height = first[2] + number * settings.thickness_mm
    for clip in patient.clips:
        mean *= _void(clip, first, settings.pixel_mm, height, mean.shape)
    return mean, middle


def _void(clip: np.ndarray, first: np.ndarray, pixel_mm: float, height: float, shape: tuple[int, ...]) -> np.ndarray:
    """(j, i) what is left of the signal around a clip, whose metal disturbs the field: nothing at it, all at 5 mm."""
    x = first[0] + np.arange(shape[1]) * pixel_mm - clip[0]
    y = first[1] + np.arange(shape[0])[:, None] * pixel_mm - clip[1]
    z, along = height - clip[2], clip[3:6] - clip[:3]
    share = np.clip((x * along[0] + y * along[1] + z * along[2]) / (along * along).sum(), 0, 1)
    away = (x - share * along[0]) ** 2 + (y - share * along[1]) ** 2 + (z - share * along[2]) ** 2
    left: np.ndarray = np.minimum(away / _VOID_MM**2, 1).astype(np.float32)
    return left


@dataclass(frozen=True, eq=False)
class _Coils:
    """The sensitivity of the receiving coils: 1 + a polynomial of second order in x, y, z, each from -1 to 1."""

    linear: np.ndarray
    square: np.ndarray
    axes: tuple[np.ndarray, np.ndarray, np.ndarray]

    @classmethod
    def drawn(
        cls, rng: np.random.Generator, bias: float, first: np.ndarray, count: np.ndarray, settings: MrSettings
    ) -> _Coils:
        """Coils that reach that far from their mean over the grid; they lie in front and behind, where it is bright."""
        linear, square = rng.uniform(-0.4, 0.4, 3), np.array([rng.uniform(-0.3, 0.1), rng.uniform(0.2, 0.8), 0.0])
        x, y, z = (np.linspace(-1, 1, int(n)) for n in count)
        square = square * bias / np.abs([*linear, *square]).sum()
        linear = linear * bias / max(float(np.abs(linear).sum()), 1e-9) * 0.6
        return cls(linear, square, (x, y, z))

    def at(self, number: int) -> np.ndarray:
        """(j, i) float32 of one slice."""
        x, y, z = self.axes[0][None, :], self.axes[1][:, None], self.axes[2][number]
        field = self.linear[0] * x + self.linear[1] * y + self.linear[2] * z
        field = field + self.square[0] * (x * x - 0.33) + self.square[1] * (y * y - 0.33)
        result: np.ndarray = (1 + field).astype(np.float32)
        return result
