"""A registration by landmarks refined by the vessels: those of the CT are laid over what is dark in the ultrasound.

Landmarks on the surface say little of where the depth of a deformed liver lies. Here the part that the ultrasound shows
is moved as a whole, so that vessels of the CT come to lie where the volume is darker than around. Both are filtered to
the same sizes (differences of Gaussians), and their correlation at points of the liver is what is made large, weighed
against the distance from where the landmarks put the CT. What is seen in shadow, or too deep, does not count, nor does
the surrounding of known lesions, which may be dark as well. The optimum is found from a grid of shifts by Powell's
method (scipy).

It holds near the place that the ultrasound shows, and there alone: elsewhere the liver is deformed in another way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..geometry import transform_points
from ..values import Volume
from ..words import tr
from .structures import LIVER, TUMOR, VESSELS, Structures

BY_VESSELS, BY_IMAGES = "vessels", "images"
# The worst correlation that is taken for an answer: by chance a pose reaches 0.1.
LEAST_FIT = 0.15
_GRID_MM = 1.0
# Widths of the two Gaussians of each filter, mm: for vessels of 6 mm down to those of 2.
_BANDS_MM = ((2.0, 4.0), (1.2, 3.0), (0.7, 2.0))
_MOST_CONTRAST = 0.3
# What is darker than half of the brightest tenth, smoothed over this width, is shadow or lies too deep.
_LIT_WIDTH_MM, _LIT_QUANTILE, _LIT_SHARE = 8.0, 0.9, 0.5
_DARKEST_GREY = 20.0
# Points of the liver: no nearer to its surface and to its lesions than these, and around what is lit.
_FROM_SURFACE_MM, _FROM_LESIONS_MM, _AROUND_MM = 3, 5, 6.0
_POINTS, _STRONG_SHARE = 2000, 0.2
# The spread of shifts, and of turns at this distance, about where the landmarks put the CT.
_SPREAD_MM, _ARM_MM = 5.0, 50.0
# As many independent points the correlation speaks for.
_INDEPENDENT = 1500
_SHIFTS_MM = np.arange(-12.0, 13.0, 4.0)
_STARTS, _LEAST_SEEN = 2, 0.7
_MOST_VOXELS = 300_000_000


@dataclass(frozen=True, eq=False)
class Refinement:
    """ct_to_reference (4, 4) rigid; moved_mm by how much it moves the target; fit the correlation of the vessels with
    the volume, -1 to 1, and fit_before with the landmarks alone; by BY_VESSELS, or BY_IMAGES: both fits are LC2 then.
    """

    ct_to_reference: np.ndarray
    moved_mm: float
    fit: float
    fit_before: float
    by: str = BY_VESSELS


@dataclass(frozen=True, eq=False)
class _Band:
    """points (n, 3) mm in Reference, as the landmarks put them; expected (n,) of the vessels there; dark (k, j, i) of
    the volume; lit (k, j, i) 1 where it counts.
    """

    points: np.ndarray
    expected: np.ndarray
    dark: np.ndarray
    lit: np.ndarray


def refine_by_vessels(
    found: Structures, volume: Volume, ct_to_reference: np.ndarray, target_ras: np.ndarray
) -> Refinement:
    """Move the CT so that its vessels lie on those of the ultrasound.

    found            with vessels
    volume           of the operation's ultrasound, in Reference
    ct_to_reference  (4, 4), RAS mm, of the landmarks
    target_ras       (3,) RAS mm of the CT: the tumor that the ultrasound shows; turns are about it
    Raises ConfigurationError when the volume and the vessels of the CT have too little in common.
    """
    bands, to_index = _bands(found, volume, ct_to_reference)
    target = transform_points(ct_to_reference, target_ras)
    fit_of = _fit_of(bands, to_index, target)
    moves = _best(bands, fit_of)
    fit, fit_before = fit_of(moves, bands), fit_of(np.zeros(6), bands)
    if fit < LEAST_FIT:
        raise ConfigurationError(
            tr(
                "The vessels of the CT are not found again in the ultrasound (they fit to {fit:.2f}, "
                "{least_fit:g} is needed): it stays registered by landmarks alone.",
                fit=fit,
                least_fit=LEAST_FIT,
            )
        )
    moved = _matrix(moves, target)
    return Refinement(moved @ ct_to_reference, float(np.linalg.norm(moves[:3])), fit, fit_before)


def _best(bands: list[_Band], fit_of: Callable[[np.ndarray, list[_Band]], float]) -> np.ndarray:
    """(6,) shift and turn."""
    from scipy.optimize import minimize

    def cost(moves: np.ndarray, of: list[_Band]) -> float:
        fit = fit_of(moves, of)
        return -_INDEPENDENT / 2 * fit * abs(fit) + 0.5 * float((moves**2).sum()) / _SPREAD_MM**2

    shifts = np.stack(np.meshgrid(_SHIFTS_MM, _SHIFTS_MM, _SHIFTS_MM, indexing="ij"), axis=-1).reshape(-1, 3)
    starts = np.hstack([shifts, np.zeros_like(shifts)])
    costs = [cost(start, bands[:1]) for start in starts]
    ends = [
        minimize(
            cost, starts[number], args=(bands,), method="Powell", options={"maxiter": 4, "xtol": 0.1, "ftol": 1e-4}
        )
        for number in np.argsort(costs, kind="stable")[:_STARTS]
    ]
    best: np.ndarray = min(ends, key=lambda end: float(end.fun)).x
    return best


def _fit_of(bands: list[_Band], to_index: np.ndarray, target: np.ndarray) -> Callable[[np.ndarray, list[_Band]], float]:
    """The mean correlation over bands, by shift and turn; 0 where less of the liver would be seen."""
    from scipy import ndimage

    def inside(band: _Band, moves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        moved = transform_points(_matrix(moves, target), band.points)
        index = transform_points(to_index, moved)[:, ::-1].T
        return index, ndimage.map_coordinates(band.lit, index, order=0, mode="constant") > 0.5

    least = _LEAST_SEEN * inside(bands[0], np.zeros(6))[1].mean()

    def fit_of(moves: np.ndarray, of: list[_Band]) -> float:
        fits = []
        for band in of:
            index, seen = inside(band, moves)
            if seen.mean() < least or not seen.any():
                fits.append(0.0)
                continue
            dark = ndimage.map_coordinates(band.dark, index[:, seen], order=1, mode="nearest")
            fits.append(_correlation(dark, band.expected[seen]))
        return float(np.mean(fits))

    return fit_of


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one - one.mean(), other - other.mean()
    norm = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / norm if norm > 0 else 0.0


def _matrix(moves: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(4, 4): a turn about `target`, as a vector in mm at the length of the arm, and a shift."""
    from scipy.spatial.transform import Rotation

    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(moves[3:] / _ARM_MM).as_matrix()
    matrix[:3, 3] = target - matrix[:3, :3] @ target + moves[:3]
    return matrix


def _bands(found: Structures, volume: Volume, ct_to_reference: np.ndarray) -> tuple[list[_Band], np.ndarray]:
    """Of each filter, and (4, 4) from Reference to the index (i, j, k) of the volume as it was filtered."""
    from scipy import ndimage

    grey, seen, to_ras = _coarser(volume)
    to_index = np.linalg.inv(to_ras)
    width_mm = np.linalg.norm(to_ras[:3, :3], axis=0)[::-1]
    liver, vessels, to_ct = _around(found, volume, ct_to_reference)
    points = transform_points(ct_to_reference, transform_points(to_ct, np.argwhere(liver)[:, ::-1].astype(float)))
    index = transform_points(to_index, points)[:, ::-1].T
    lit = _lit(grey, seen, width_mm)
    pad = int(np.ceil(2 * _AROUND_MM / width_mm.min()))
    away = ndimage.distance_transform_edt(np.pad(~lit, pad, constant_values=True), sampling=width_mm)
    near = ndimage.map_coordinates(away, index + pad, order=0, mode="nearest") < _AROUND_MM
    if not vessels.any() or near.sum() < 100:
        raise ConfigurationError(
            tr(
                "The ultrasound shows no part of the liver with vessels of the CT: it stays registered "
                "by landmarks alone."
            )
        )
    bands = []
    for narrow_mm, wide_mm in _BANDS_MM:
        expected = ndimage.gaussian_filter(vessels, narrow_mm / _GRID_MM)
        expected = (expected - ndimage.gaussian_filter(vessels, wide_mm / _GRID_MM))[liver][near]
        narrow, wide = (_smooth(grey, seen, mm / width_mm) for mm in (narrow_mm, wide_mm))
        dark = np.where(lit, (wide - narrow) / np.maximum(wide, _DARKEST_GREY), 0.0)
        dark = np.clip(dark, -_MOST_CONTRAST, _MOST_CONTRAST).astype(np.float32)
        chosen = _chosen(expected)
        bands.append(_Band(points[near][chosen], expected[chosen], dark, lit.astype(np.float32)))
    return bands, to_index


def _chosen(expected: np.ndarray) -> np.ndarray:
    """Half of the points where a vessel changes something, half elsewhere."""
    draw, strength = np.random.default_rng(0), np.abs(expected)
    is_strong = strength > np.quantile(strength, 1 - _STRONG_SHARE)
    parts = [np.flatnonzero(is_strong), np.flatnonzero(~is_strong)]
    return np.concatenate([draw.choice(part, min(len(part), _POINTS), replace=False) for part in parts])


def _around(
    found: Structures, volume: Volume, ct_to_reference: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the part of the CT that the volume may show, on voxels of 1 mm: boolean (k, j, i) of every second point of the
    liver, vessels as float32, and (4, 4) from the index (i, j, k) to RAS mm of the CT.
    """
    from scipy import ndimage

    corners = transform_points(np.linalg.inv(ct_to_reference), volume.corners_ras())
    own = found.label_map.corners_ras()
    room = _SHIFTS_MM.max() + 2 * _AROUND_MM
    low = np.maximum(corners.min(axis=0) - room, own.min(axis=0))
    high = np.minimum(corners.max(axis=0) + room, own.max(axis=0))
    shape = np.maximum(np.ceil((high - low) / _GRID_MM), 0).astype(int)[::-1]
    if not shape.all():
        raise ConfigurationError(tr("The volume lies beside the CT: are the landmarks of this operation?"))
    if int(shape.prod()) > _MOST_VOXELS:
        raise ConfigurationError(tr("The volume is far larger than a liver: is it that of the operation?"))
    to_ct = np.diag([_GRID_MM, _GRID_MM, _GRID_MM, 1.0])
    to_ct[:3, 3] = low
    to_voxel = found.label_map.ras_to_ijk @ to_ct

    def mask(name: str) -> np.ndarray:
        resampled: np.ndarray = ndimage.affine_transform(
            found.mask(name).voxels, to_voxel[:3, :3][::-1, ::-1], to_voxel[:3, 3][::-1], tuple(shape), order=0
        )
        return resampled > 0

    liver = ndimage.binary_erosion(mask(LIVER), iterations=_FROM_SURFACE_MM, border_value=1)
    liver &= ~ndimage.binary_dilation(mask(TUMOR), iterations=_FROM_LESIONS_MM)
    every_second = np.zeros_like(liver)
    every_second[::2, ::2, ::2] = True
    return liver & every_second, mask(VESSELS).astype(np.float32), to_ct


def _coarser(volume: Volume) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Grey levels of what was seen and how much was, float32 (k, j, i), in blocks of about 1 mm; (4, 4) to RAS mm."""
    factor = np.maximum(1, np.rint(_GRID_MM / volume.spacing_mm)).astype(int)
    seen = np.ones(volume.voxels.shape, np.float32) if volume.seen is None else volume.seen.astype(np.float32)
    shape = [size // step * step for size, step in zip(volume.voxels.shape, factor[::-1])]
    k, j, i = (slice(0, size) for size in shape)

    def blocks(values: Any) -> np.ndarray:
        steps = [part for size, step in zip(shape, factor[::-1]) for part in (size // step, step)]
        means: np.ndarray = values[k, j, i].reshape(steps).mean(axis=(1, 3, 5), dtype=np.float32)
        return means

    to_ras = volume.ijk_to_ras @ np.diag([*factor.astype(float), 1.0])
    to_ras[:3, 3] = transform_points(volume.ijk_to_ras, (factor - 1) / 2)
    return blocks(volume.voxels * seen), blocks(seen), to_ras


def _smooth(grey: np.ndarray, seen: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Mean of what was seen around each voxel, weighed by a Gaussian; 0 where too little was."""
    from scipy import ndimage

    weight = ndimage.gaussian_filter(seen, width)
    smooth: np.ndarray = np.where(weight > 0.05, ndimage.gaussian_filter(grey, width) / np.maximum(weight, 1e-3), 0.0)
    return smooth


def _lit(grey: np.ndarray, seen: np.ndarray, width_mm: np.ndarray) -> np.ndarray:
    """Boolean (k, j, i): seen, and neither in shadow nor too deep."""
    is_seen = seen > 0.5
    if not is_seen.any():
        return is_seen
    around = _smooth(grey, seen, _LIT_WIDTH_MM / width_mm)
    lit: np.ndarray = is_seen & (around > _LIT_SHARE * np.quantile(around[is_seen], _LIT_QUANTILE))
    return lit
