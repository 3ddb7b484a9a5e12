"""A CT of the simulated patient: slices of a wanted thickness with the scanner's blur, noise and couch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage

from ...errors import ConfigurationError
from ...values import Volume
from ...values.progress import Progress
from ..patient.labels import LABELS, patient_labels
from ..patient.patient import Patient
from .metal import streaks
from .tissues import PHASES, brightness

PIXELS = 512
LOWEST_HU, HIGHEST_HU = -1024, 3071
_ABOVE_LIVER_MM, _BELOW_LIVER_MM, _AROUND_BODY_MM = 20.0, 30.0, 28.0
# Of the white noise of the slice above and below: neighbours correlate by about 0.35, as in abdominal CTs.
_NEIGHBOUR_SHARE = 0.19
# The reconstruction's ramp leaves less of the noise's low frequencies: a share of what a wider blur leaves is taken
# off.
_RAMP_SHARE, _RAMP_TO_KERNEL = 0.35, 2.2
# Of the kernel, from front to back and sideways: few photons pass a patient from side to side, and those rays' noise
# runs sideways.
_GRAIN_TO_KERNEL = np.array([0.87, 1.3])


@dataclass(frozen=True)
class CtSettings:
    """One acquisition.

    phase         'native', 'arterial', 'portal' or 'late'
    thickness_mm  of a slice, 0.7 to 5; slices lie edge to edge
    noise_hu      standard deviation in the liver
    kernel_mm     standard deviation of the in-plane blur (the reconstruction kernel), of which noise is made, too
    pixels        along each side of a slice
    streaks       what surgical clips do to the slices; without, they are only bright
    """

    phase: str = "portal"
    thickness_mm: float = 2.0
    noise_hu: float = 10.0
    kernel_mm: float = 0.45
    pixels: int = PIXELS
    streaks: bool = True

    def __post_init__(self) -> None:
        if self.phase not in PHASES:
            raise ConfigurationError(f"There is no phase '{self.phase}': choose {', '.join(PHASES)}.")
        if not 0.7 <= self.thickness_mm <= 5.0:
            raise ConfigurationError(
                f"A slice thickness of {self.thickness_mm:g} mm is not offered: choose 0.7 to 5 mm."
            )
        if not 0 <= self.noise_hu <= 60 or not 0.2 <= self.kernel_mm <= 1.5 or not 32 <= self.pixels <= 1024:
            raise ConfigurationError(
                "Noise is 0 to 60 HU, the kernel 0.2 to 1.5 mm, and a slice has 32 to 1024 pixels a side."
            )


def scan(
    patient: Patient, settings: CtSettings | None = None, progress: Progress | None = None
) -> tuple[Volume, Volume]:
    """A CT and its labels on the same grid: int16 HU and uint8 (patient.LABELS), (k, j, i) along R, A, S.

    The liver is covered with 20 mm above and 30 mm below. A voxel's value is the mean over its thickness; its label is
    that of its center. The same patient and settings give the same bytes. progress is called with (share, text).
    """
    settings = settings or CtSettings()
    seeds = [20262, patient.seed, PHASES.index(settings.phase), *([patient.date] if patient.date else [])]
    values = brightness(np.random.default_rng(np.random.SeedSequence(seeds[:2])), settings.phase).astype(np.float32)
    place = _Place.around(patient, settings)
    hu = np.empty((place.slices, settings.pixels, settings.pixels), dtype=np.int16)
    labels = np.empty(hu.shape, dtype=np.uint8)
    background = _couch(patient, place, settings.pixels)

    def acquire(number: int) -> None:
        mean, labels[number], metal = _mean_over_thickness(patient, settings, place, number, values, background)
        if settings.streaks and metal is not None:
            tissue = mean - (values[LABELS["surgical clip"]] - values[LABELS["liver"]]) * metal.mean(axis=0)
            rng = np.random.default_rng(np.random.SeedSequence([*seeds, 2, number]))
            mean += streaks(rng, tissue, metal, place.pixel_mm)
        blurred = ndimage.gaussian_filter(mean, settings.kernel_mm / place.pixel_mm, truncate=3.0)
        hu[number] = np.clip(np.round(blurred + _noise(seeds, settings, place, number)), LOWEST_HU, HIGHEST_HU)

    # Every slice is drawn from numbers of its own: the result does not depend on how many threads there are.
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for done, _ in enumerate(pool.map(acquire, range(place.slices)), start=1):
            if progress is not None:
                progress(done / place.slices, f"CT, {settings.phase}")
    return Volume(hu, place.ijk_to_ras(settings)), Volume(labels, place.ijk_to_ras(settings))


def pixel_mm(patient: Patient, pixels: int) -> float:
    """The edge of a pixel when so many of them span the patient and the air beside."""
    widest = max(patient.organ("skin").ellipsoids[0][3:5])
    return float(round(2 * (widest + _AROUND_BODY_MM) / pixels, 3))


@dataclass(frozen=True)
class _Place:
    """Where the slices lie: RAS mm of the first pixel of the first slice, edge of a pixel, number of slices."""

    first_ras: tuple[float, float, float]
    pixel_mm: float
    slices: int

    @classmethod
    def around(cls, patient: Patient, settings: CtSettings) -> _Place:
        body = patient.organ("skin").ellipsoids[0]
        pixel = pixel_mm(patient, settings.pixels)
        x, y = body[:2] - pixel * (settings.pixels - 1) / 2
        lower = patient.grid_origin_ras[2] - _BELOW_LIVER_MM
        height = patient.outside_mm.shape[0] + _BELOW_LIVER_MM + _ABOVE_LIVER_MM
        return cls((float(x), float(y), float(lower)), pixel, int(height / settings.thickness_mm) + 1)

    def ijk_to_ras(self, settings: CtSettings) -> np.ndarray:
        matrix = np.diag([self.pixel_mm, self.pixel_mm, settings.thickness_mm, 1.0])
        matrix[:3, 3] = self.first_ras
        return matrix


def _mean_over_thickness(
    patient: Patient, settings: CtSettings, place: _Place, number: int, values: np.ndarray, background: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Mean HU (j, i) float32 of one slice, the labels in its middle, and where there are clips, which pixels are metal
    (parts, j, i) float32: planes about as far apart as pixels are wide.
    """
    parts = max(1, round(settings.thickness_mm / place.pixel_mm)) | 1
    x, y, z = place.first_ras
    total = np.zeros((settings.pixels, settings.pixels), dtype=np.float32)
    middle, metal = np.empty(0), []
    for part in range(parts):
        height = z + (number + (part + 0.5) / parts - 0.5) * settings.thickness_mm
        plane = patient_labels(patient, [x, y, height], place.pixel_mm, [settings.pixels, settings.pixels, 1]).voxels[0]
        total += np.where(plane == LABELS["air"], background, values[plane])
        metal.append(plane == LABELS["surgical clip"])
        if part == parts // 2:
            middle = plane
    mean: np.ndarray = total / parts
    return mean, middle, np.array(metal, dtype=np.float32) if any(one.any() for one in metal) else None


def _noise(seeds: Sequence[int], settings: CtSettings, place: _Place, number: int) -> np.ndarray:
    """(j, i) noise of one slice in HU, correlated within the slice by the kernel, and with its two neighbours."""
    if settings.noise_hu == 0:
        return np.zeros((settings.pixels, settings.pixels))
    shares = ((-1, _NEIGHBOUR_SHARE), (0, 1.0), (1, _NEIGHBOUR_SHARE))
    white = sum(
        share
        * np.random.default_rng(np.random.SeedSequence([*seeds, 1, number + 1 + step])).standard_normal(
            (settings.pixels, settings.pixels), dtype=np.float32
        )
        for step, share in shares
    )
    sigma = _GRAIN_TO_KERNEL * settings.kernel_mm / place.pixel_mm
    grain = _grain(np.asarray(white), sigma, "wrap")
    # What is left of white noise by the sampled kernels, worked out on a single bright pixel.
    middle = 4 + int(3 * _RAMP_TO_KERNEL * sigma.max())
    single = np.zeros((2 * middle + 1, 2 * middle + 1))
    single[middle, middle] = 1.0
    kept = np.sqrt((_grain(single, sigma, "constant") ** 2).sum())
    result: np.ndarray = grain * (settings.noise_hu / (kept * np.sqrt(sum(share * share for _, share in shares))))
    return result


def _grain(white: np.ndarray, sigma: np.ndarray, mode: Literal["wrap", "constant"]) -> np.ndarray:
    """(j, i) white noise as a scanner's kernel of `sigma` (2,) pixels along j and i leaves it."""
    fine = ndimage.gaussian_filter(white, sigma, mode=mode, truncate=3.0)
    wide = ndimage.gaussian_filter(white, _RAMP_TO_KERNEL * sigma, mode=mode, truncate=3.0)
    return np.asarray(fine - _RAMP_SHARE * wide)


def _couch(patient: Patient, place: _Place, pixels: int) -> np.ndarray:
    """(j, i) float32 HU of all that is not the patient: air, and the curved couch behind."""
    body = patient.organ("skin").ellipsoids[0]
    x = place.first_ras[0] + np.arange(pixels) * place.pixel_mm - body[0]
    y = place.first_ras[1] + np.arange(pixels) * place.pixel_mm
    background = np.full((pixels, pixels), -1000.0, dtype=np.float32)
    top = body[1] - body[4] - 4.0 + x * x / 1300.0
    for below_mm, thickness_mm, value in ((0.0, 1.6, 90.0), (30.0, 1.4, -120.0)):
        away = np.abs(y[:, None] - (top[None, :] - below_mm))
        background[(away < thickness_mm) & (np.abs(x)[None, :] < 215)] = value
    return background
