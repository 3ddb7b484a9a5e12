"""How well a mask agrees with the truth: overlap, volume and surface distances.

Surface distances run between border voxels (those with a neighbour outside, through faces), in mm along each axis of
the grid. The percentile is taken in each direction and the larger one counts, as monai's compute_hausdorff_distance
does. What is not defined is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..geometry import corners_of_extent, transform_points
from ..values import Volume


@dataclass(frozen=True)
class Metric:
    """A figure of each case: its key in the results, its title in tables, and what is better.

    better        1 when more is better, -1 when less is, 0 for what is no matter of more or less
    of_each_case  whether the report shows it of each case by itself
    """

    key: str
    title: str
    better: int = 0
    of_each_case: bool = False


# Of a mask against the truth, as compare() gives them, and how long it took.
MASK_METRICS = (
    Metric("dice", "Dice", 1, of_each_case=True),
    Metric("precision", "precision", 1),
    Metric("recall", "recall", 1),
    Metric("rvd", "relative volume difference"),
    Metric("hd95_mm", "HD95 (mm)", -1, of_each_case=True),
    Metric("hd_mm", "HD (mm)", -1),
    Metric("mean_surface_distance_mm", "mean surface distance (mm)", -1),
    Metric("time_s", "time, box to mask (s)"),
)


def compare(mask: Volume, truth: Volume) -> dict[str, float]:
    """Figures of `mask` against `truth`, any nonzero voxel being tumor.

    A truth on another grid is resampled onto the grid of the mask (nearest voxel); its volume is measured on its own
    grid. Keys: dice, precision, recall, rvd (relative volume difference, mask to truth), hd_mm, hd95_mm,
    mean_surface_distance_mm, volume_ml, truth_volume_ml, truth_outside_ml (truth beyond the grid of the mask).

    Both empty: dice, precision, recall 1; rvd and distances 0. Mask empty: dice and recall 0, rvd -1, precision and
    distances NaN. Truth empty: dice and precision 0; recall, rvd and distances NaN.
    """
    found, wanted = mask.voxels > 0, on_grid_of(truth, mask).voxels > 0
    voxel_ml = mask.voxel_volume_mm3 / 1000
    volume_ml = float(found.sum()) * voxel_ml
    truth_ml = float((truth.voxels > 0).sum()) * truth.voxel_volume_mm3 / 1000
    both, in_mask, in_truth = int((found & wanted).sum()), int(found.sum()), int(wanted.sum())
    neither = volume_ml == 0 and truth_ml == 0
    distances = surface_distances_mm(found, wanted, mask.spacing_mm[::-1])
    return {
        "dice": 1.0 if neither else 2 * both / max(in_mask + in_truth, 1),
        "precision": 1.0 if neither else _ratio(both, in_mask),
        "recall": 1.0 if neither else (_ratio(both, in_truth) if in_truth else (0.0 if truth_ml else math.nan)),
        "rvd": 0.0 if neither else _ratio(volume_ml - truth_ml, truth_ml),
        **distances,
        "volume_ml": volume_ml,
        "truth_volume_ml": truth_ml,
        "truth_outside_ml": max(0.0, truth_ml - in_truth * voxel_ml) if _beyond(truth, mask) else 0.0,
    }


def surface_distances_mm(
    first: np.ndarray, second: np.ndarray, spacing_kji: Sequence[float] | np.ndarray
) -> dict[str, float]:
    """hd_mm, hd95_mm and mean_surface_distance_mm between two boolean masks [k, j, i] on one grid.

    0 when both are empty, NaN when one is.
    """
    names = ("hd_mm", "hd95_mm", "mean_surface_distance_mm")
    if not first.any() or not second.any():
        return dict.fromkeys(names, 0.0 if first.any() == second.any() else math.nan)
    occupied = np.argwhere(first | second)
    # One voxel of background around both: a mask that touches the edge of the grid has its border there.
    window = tuple(slice(lower, upper) for lower, upper in zip(occupied.min(axis=0), occupied.max(axis=0) + 1))
    first, second = np.pad(first[window], 1), np.pad(second[window], 1)
    there, back = border_distances(first, second, spacing_kji), border_distances(second, first, spacing_kji)
    return {
        "hd_mm": float(max(there.max(), back.max())),
        "hd95_mm": float(max(np.percentile(there, 95), np.percentile(back, 95))),
        "mean_surface_distance_mm": float((there.mean() + back.mean()) / 2),
    }


def on_grid_of(truth: Volume, grid: Volume) -> Volume:
    """`truth` on the grid of another volume: each voxel takes the truth's nearest voxel, 0 outside.

    Raises GeometryError when the two lie in different frames.
    """
    truth.check_frame_of(grid)
    if truth.has_geometry_of(grid):
        return truth
    voxels = np.zeros(grid.voxels.shape, dtype=truth.voxels.dtype)
    occupied = np.argwhere(truth.voxels)[:, ::-1]
    if not len(occupied):
        return grid.on_grid(voxels)
    # Only where the truth is not 0: a tumor is a small part of a volume.
    corners = corners_of_extent(occupied.min(axis=0) - 1, occupied.max(axis=0) + 1)
    corners = transform_points(grid.ras_to_ijk @ truth.ijk_to_ras, corners)
    first = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    last = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, grid.dimensions)
    i, j, k = (np.arange(lower, upper) for lower, upper in zip(first, last))
    to_truth = truth.ras_to_ijk @ grid.ijk_to_ras
    plane = np.stack(np.broadcast_arrays(i[None, :], j[:, None], 0), axis=-1)
    for number in k:  # a plane at a time keeps the memory small
        index = np.floor(transform_points(to_truth, plane + (0, 0, number)) + 0.5).astype(np.int64)
        inside = ((index >= 0) & (index < truth.dimensions)).all(axis=-1)
        window = voxels[number, first[1] : last[1], first[0] : last[0]]
        window[inside] = truth.voxels[index[inside][:, 2], index[inside][:, 1], index[inside][:, 0]]
    return grid.on_grid(voxels)


def border_distances(
    from_mask: np.ndarray, to_mask: np.ndarray, spacing_kji: Sequence[float] | np.ndarray
) -> np.ndarray:
    """(n,) mm: from each border voxel of one boolean mask [k, j, i] to the nearest border voxel of the other."""
    from scipy import ndimage

    sampling = [float(mm) for mm in spacing_kji]
    away: np.ndarray = ndimage.distance_transform_edt(~_border(to_mask), sampling=sampling)[_border(from_mask)]
    return away


def _border(mask: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    border: np.ndarray = mask & ~ndimage.binary_erosion(mask)
    return border


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _beyond(truth: Volume, grid: Volume) -> bool:
    """True when a voxel of the truth lies outside the grid: only then is a missing volume more than rounding."""
    places = np.argwhere(truth.voxels)[:, ::-1]
    index = transform_points(grid.ras_to_ijk @ truth.ijk_to_ras, places)
    return bool(((index < -0.5) | (index > np.array(grid.dimensions) - 0.5)).any())
