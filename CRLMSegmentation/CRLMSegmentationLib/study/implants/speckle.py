"""What the speckle of a sweep is like: its spread at every grey level, the shape of its distribution, and its grain.

Measured in patches of even tissue, along the beams and across them within frames, and over the elevation between
neighbouring frames, by their poses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...errors import ReconstructionError
from ...geometry import invert_affine, plane_axes, transform_points
from ...sweep import Sweep, TrackedFrame
from .beams import Beams
from .tone_curve import ToneCurve

FRAMES_READ = 14
PATCH_MM = 10.0
# Speckle is what is left over means of this width.
LEVEL_MM = 3.5
# The share of the most even patches, of every grey level.
EVEN_SHARE = 0.3
# How far from their frame other frames are searched for the same speckle.
FARTHEST_MM = 4.0
# The levels (log power) of speckle whose power is correlated by x are correlated by Li2(x) / Li2(1), Li2 being the
# dilogarithm; power blurred by a Gaussian of standard deviation s by exp(-d^2 / (2 s^2)). One half: x = 0.66.
POWER_CORRELATION = np.linspace(0.0, 1.0, 201)
LEVEL_CORRELATION = sum(POWER_CORRELATION**n / n**2 for n in range(1, 400)) / (np.pi**2 / 6)
SD_OF_HALF_WIDTH = 1.097
LEAST_PATCHES = 20
DEPTH_BANDS, LEAST_OF_A_BAND = 5, 12


@dataclass(frozen=True, eq=False)
class Speckle:
    """What the speckle of a sweep is like.

    tone          of the display
    quantiles     (n,) of the speckle's distribution, of mean 0 and standard deviation 1, evenly spaced
    depth_mm      grain along the beams: standard deviation of the Gaussian that blurs scatterers
    across        across the beams, in Beams' unit
    elevation_mm  out of the plane of the picture
    by_depth      (n, 3) both grains in parts of the picture: rows of depth in mm, depth_mm and across
    """

    tone: ToneCurve
    quantiles: np.ndarray
    depth_mm: float
    across: float
    elevation_mm: float
    by_depth: np.ndarray

    def grain_at(self, depth_mm: float) -> tuple[float, float]:
        """(depth_mm, across) at a depth: speckle is finer near the transducer, and in the focus."""
        depths, along, across = self.by_depth.T
        return float(np.interp(depth_mm, depths, along)), float(np.interp(depth_mm, depths, across))


@dataclass(frozen=True, eq=False)
class _BeamImage:
    """A frame along its beams: grey (depth, across), its local mean, and the sizes of a sample."""

    grey: np.ndarray
    level: np.ndarray
    depth_step_mm: float
    across_step: float
    depths_mm: np.ndarray


def measure_speckle(sweep: Sweep, beams: Beams, dynamic_range_db: float) -> Speckle:
    """The speckle of a sweep. Raises ReconstructionError where it shows too little tissue."""
    frames = sweep.valid_frames
    chosen = frames[:: max(1, len(frames) // FRAMES_READ)]
    images = [_along_beams(frame.pixels, beams) for frame in chosen]
    patches = [(image, part) for image in images for part in _patches(image, beams)]
    if len(patches) < LEAST_PATCHES:
        raise ReconstructionError("The sweep shows too little tissue for its speckle to be measured.")
    grey = np.array([image.level[part].mean() for image, part in patches])
    spread = np.array([(image.grey[part] - image.level[part]).std() for image, part in patches])
    uneven = np.array([image.level[part].std() for image, part in patches]) / np.maximum(spread, 0.5)
    even = _most_even(grey, uneven)
    tone = ToneCurve.measured(grey[even], spread[even], dynamic_range_db)
    tissue = [number for number in even if grey[number] > tone.black]
    if len(tissue) < LEAST_PATCHES // 2:
        raise ReconstructionError("The sweep shows too little even tissue for its speckle to be measured.")
    residuals = [image.grey[part] - image.level[part] for image, part in (patches[number] for number in tissue)]
    normed = np.concatenate([(one - one.mean()).ravel() / one.std() for one in residuals])
    grains = _grains([patches[number] for number in tissue], residuals)
    depth_grain, across_grain = (float(one) for one in np.median(grains[:, 1:], axis=0))
    lateral = across_grain * beams.width_mm(float(np.mean(beams.depth_mm)))
    elevation = _elevation_grain(frames, beams, tone, fallback_mm=1.5 * lateral)
    quantiles = np.quantile(normed, (np.arange(512) + 0.5) / 512)
    by_depth = _in_bands(grains)
    return Speckle(tone, quantiles / quantiles.std(), depth_grain, across_grain, elevation, by_depth)


def _along_beams(pixels: np.ndarray, beams: Beams) -> _BeamImage:
    step = min(beams.pixel_mm)
    first, last = beams.depth_mm
    depths = np.arange(first, last, step)
    across_step = step / beams.width_mm((first + last) / 2)
    across = np.arange(beams.across[0], beams.across[1], across_step)
    u, v = beams.pixel(depths[:, None], across[None, :])
    grey = ndimage.map_coordinates(pixels.astype(np.float64), [v, u], order=1, mode="nearest")
    level = ndimage.gaussian_filter(grey, LEVEL_MM / step, mode="nearest", truncate=3)
    return _BeamImage(grey, level, step, across_step, depths)


def _patches(image: _BeamImage, beams: Beams) -> list[tuple[slice, slice]]:
    """Of the deeper part of the picture: near the transducer the skin lies, and its speckle is another."""
    size = max(8, round(PATCH_MM / image.depth_step_mm))
    rows, columns = image.grey.shape
    parts = []
    for row in range(rows // 8, rows - size, size // 2):
        for column in range(0, columns - size, size // 2):
            part = (slice(row, row + size), slice(column, column + size))
            if image.grey[part].min() >= 0 and (image.grey[part] == 0).mean() < 0.02:
                parts.append(part)
    return parts


def _most_even(grey: np.ndarray, uneven: np.ndarray) -> np.ndarray:
    """Numbers of the patches that are the most even among those of about the same grey level."""
    order = np.argsort(grey, kind="stable")
    chosen = []
    for group in np.array_split(order, max(1, len(order) // 40)):
        kept = max(1, round(EVEN_SHARE * len(group)))
        chosen.append(group[np.argsort(uneven[group], kind="stable")[:kept]])
    return np.sort(np.concatenate(chosen))


def _grains(patches: Sequence[tuple[_BeamImage, tuple[slice, slice]]], residuals: list[np.ndarray]) -> np.ndarray:
    """(patches, 3): depth in mm, grain along the beams in mm, grain across in Beams' unit."""
    rows = []
    for (image, part), residual in zip(patches, residuals):
        power = np.abs(np.fft.fft2(residual - residual.mean(), [2 * size for size in residual.shape])) ** 2
        correlation = np.fft.ifft2(power).real
        correlation /= correlation[0, 0]
        along = SD_OF_HALF_WIDTH * _half_width(correlation[: residual.shape[0] // 2, 0])
        across = SD_OF_HALF_WIDTH * _half_width(correlation[0, : residual.shape[1] // 2])
        depth = float(image.depths_mm[part[0]].mean())
        rows.append((depth, max(along, 0.4) * image.depth_step_mm, max(across, 0.4) * image.across_step))
    return np.array(rows)


def _in_bands(grains: np.ndarray) -> np.ndarray:
    """(n, 3) medians of `grains` (patches, 3) in bands of depth with as many patches each."""
    order = np.argsort(grains[:, 0], kind="stable")
    bands = np.array_split(order, min(DEPTH_BANDS, max(1, len(order) // LEAST_OF_A_BAND)))
    return np.array([np.median(grains[band], axis=0) for band in bands])


def _half_width(correlation: np.ndarray) -> float:
    """The lag, in samples, at which a falling correlation passes one half."""
    below = int(np.argmax(correlation < 0.5))
    if correlation[below] >= 0.5:
        return float(len(correlation))
    above, under = correlation[below - 1], correlation[below]
    return below - 1 + float((above - 0.5) / max(above - under, 1e-9))


def _elevation_grain(frames: Sequence[TrackedFrame], beams: Beams, tone: ToneCurve, fallback_mm: float) -> float:
    """By how many mm out of the plane the same speckle is seen no more: from pairs of neighbouring frames.

    Their pictures are compared where the one plane passes the other at a known distance.
    """
    steps = max(1, len(frames) // 24)
    width, height = frames[0].image_size
    every = max(1, round(0.6 / min(beams.pixel_mm)))
    v, u = np.mgrid[height // 4 : 3 * height // 4 : every, width // 4 : 3 * width // 4 : every]
    apart, alike = [], []
    for number in range(0, len(frames) - 1, steps):
        for further in (1, 2, 3, 4, 6, 8):
            if number + further < len(frames):
                pair = _correlation(frames[number], frames[number + further], u, v, beams, tone)
                if pair is not None:
                    apart.append(pair[0])
                    alike.append(pair[1])
    if len(apart) < 8:
        return fallback_mm
    distance, correlation = np.array(apart), np.clip(np.array(alike), 1e-3, 1)
    near = distance < FARTHEST_MM
    correlation = np.interp(correlation, LEVEL_CORRELATION, POWER_CORRELATION)
    # log c = log c0 - d^2 / (2 s^2): tracking noise and breathing take c0 below 1.
    usable = near & (correlation > 0.1)
    if usable.sum() < 6 or np.ptp(distance[usable]) < 0.2:
        return fallback_mm
    slope = float(np.polyfit(distance[usable] ** 2, np.log(correlation[usable]), 1)[0])
    return float(np.clip(np.sqrt(-0.5 / slope), 0.3, 3.0)) if slope < -0.02 else fallback_mm


def _correlation(
    one: TrackedFrame, other: TrackedFrame, u: np.ndarray, v: np.ndarray, beams: Beams, tone: ToneCurve
) -> tuple[float, float] | None:
    """(mm out of the plane, correlation of speckle) of two frames; None where they have too little in common."""
    assert one.image_to_reference is not None and other.image_to_reference is not None
    points = transform_points(one.image_to_reference, np.stack([u, v, np.zeros_like(u)], axis=-1))
    index = transform_points(invert_affine(with_unit_normal(other.image_to_reference)), points)
    window = max(3, round(3 * LEVEL_MM / min(beams.pixel_mm)))
    grey, second = one.pixels.astype(np.float64), other.pixels.astype(np.float64)
    second -= ndimage.uniform_filter(second, window)
    there = ndimage.map_coordinates(second, [index[..., 1], index[..., 0]], order=1, cval=np.nan)
    here = (grey - ndimage.uniform_filter(grey, window))[v, u]
    grey = grey[v, u]
    # Neither black nor walls, which are the same over many frames.
    usable = np.isfinite(there) & (grey > tone.black) & (np.abs(here) < 3 * tone.spread_at(grey))
    if usable.sum() < 200 or not (here[usable].std() > 0 and there[usable].std() > 0):
        return None
    off_plane_mm = float(np.median(np.abs(index[..., 2][usable])))
    return off_plane_mm, float(np.corrcoef(here[usable], there[usable])[0, 1])


def with_unit_normal(image_to_reference: np.ndarray) -> np.ndarray:
    """(4, 4) pixel (u, v) and mm out of the plane to mm, whatever the calibration makes of its third column."""
    matrix = np.array(image_to_reference, dtype=np.float64)
    matrix[:3, 2] = plane_axes(matrix)[:, 2]
    return matrix
