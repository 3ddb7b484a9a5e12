"""The tumor from one click, without a network: a front that grows from the seed, stopped where the contrast is highest.

The front (fast marching, Sethian 1996, from SimpleITK) runs quickly through tissue as bright as that around the seed
and slowly through other tissue. Of all the shapes that it passes through, the one is kept whose last layer differs
most, by mean against standard deviation, from the layer around it. Chosen on ten simulated livers against confidence
connected, fast marching with a fixed stop, and random walker (docs/segmentation.md). For a first outline that is
corrected by hand, or when there is no model for the tissue.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from ..errors import Cancelled, GeometryError, SegmentationError
from ..geometry import transform_points
from ..values import Box, Volume
from ..values.progress import Progress, ShouldCancel
from ..words import mark, tr
from .crop import crop
from .postprocess import known_voxels, unseen_voxels, without_cavities
from .segment import SegmentationResult, finish

REACH_MM = 50.0
WORKING_SPACING_MM = 1.0
SPECKLE_SMOOTHING_MM = 1.5
SMALLEST_RADIUS_MM, LARGEST_RADIUS_MM, RADIUS_STEP_MM = 3.0, 24.0, 0.5
LAYER_MM = 2.0
# Of the fastest speed: so that the front also crosses speckle.
SLOWEST_SPEED = 0.1
NEIGHBOURHOOD_MM = 15.0
DOUBT = mark("This outline comes from region growing and not from the model: check it, and correct it by hand.")


def grow_region(
    volume: Volume,
    seed_ras: ArrayLike,
    box: Box | None = None,
    progress: Progress | None = None,
    should_cancel: ShouldCancel | None = None,
) -> SegmentationResult:
    """What hangs together around `seed_ras`, (3,) RAS mm, as bright as the seed.

    box  where the region may grow; by default a cube of REACH_MM around the seed
    The result's `probability` falls from 1 to 0 over 4 mm, 0.5 being the outline, so that another threshold moves the
    outline in or out. Raises GeometryError for a seed outside the volume or the box, SegmentationError where the seed
    lies in what the probe did not see, and Cancelled.
    """
    report, should_cancel = progress or (lambda fraction, text: None), should_cancel or (lambda: False)
    started = time.perf_counter()
    seed_ras = np.asarray(seed_ras, dtype=np.float64)
    index = np.round(transform_points(volume.ras_to_ijk, seed_ras)).astype(int)
    if (index < 0).any() or (index >= volume.dimensions).any():
        raise GeometryError(tr("The point lies outside the volume: click into the ultrasound."))
    if box is not None and not box.contains(seed_ras):
        raise GeometryError(tr("The point lies outside the box: click into the box, or move it."))
    block = crop(volume, box or Box(seed_ras, np.full(3, REACH_MM)))
    seed = tuple((index - np.array(block.start_ijk))[::-1])
    if not np.isfinite(block.volume.voxels).all():
        raise SegmentationError(tr("The volume holds voxels that are not finite numbers: reconstruct it again."))
    report(0.1, tr("Growing from the point"))
    probability = _grown(block.volume, seed, should_cancel)
    growing_s = time.perf_counter() - started
    report(0.8, tr("Making the surface"))
    grown = block.volume.on_grid(block.within(probability))
    unseen = unseen_voxels(block.volume)
    result = finish(block, grown, volume, 0.5, "largest", {"growing": growing_s}, unseen=unseen)
    report(1.0, tr("The region has grown"))
    return replace(result, doubts=(*result.doubts, tr(DOUBT)))


def _grown(ultrasound: Volume, seed: tuple[int, ...], should_cancel: ShouldCancel) -> np.ndarray:
    """float32 [k, j, i]: 0.5 on the outline."""
    from scipy import ndimage

    spacing = ultrasound.spacing_mm[::-1]
    step = np.maximum(1, np.floor(WORKING_SPACING_MM / spacing + 1e-6)).astype(int)
    voxels = ultrasound.voxels.astype(np.float32)
    if not known_voxels(ultrasound)[tuple(slice(max(0, place - 2), place + 3) for place in seed)].any():
        raise SegmentationError(tr("The probe did not see the point: click into the ultrasound."))
    # Means over blocks, then every block once: a quarter of a million voxels at most in a 60 mm box.
    coarse = ndimage.uniform_filter(voxels, step.tolist())[tuple(slice(n // 2, None, n) for n in step)]
    if coarse.size < 27 or min(coarse.shape) < 3:
        raise SegmentationError(tr("The box is too small to grow a region in: draw a larger one."))
    start = tuple(int(min(place // n, size - 1)) for place, n, size in zip(seed, step, coarse.shape))
    spacing = spacing * step
    smooth = ndimage.gaussian_filter(coarse, SPECKLE_SMOOTHING_MM / spacing)
    arrival = _arrival(smooth, start, spacing)
    if should_cancel():
        raise Cancelled(tr("The region growing was cancelled."))
    # One smoothing less than the front sees: what sets the layers apart must not be blurred over both.
    region = _best_of(arrival, ndimage.gaussian_filter(coarse, 1.0 / spacing), float(np.prod(spacing)))
    region = _without_tongues(region, start)
    signed_mm = ndimage.distance_transform_edt(region, spacing) - ndimage.distance_transform_edt(~region, spacing)
    ramp = np.clip(0.5 + signed_mm / (4 * WORKING_SPACING_MM), 0, 1).astype(np.float32)
    zoom = [[(fine + 0.5) / n - 0.5 for fine in range(size)] for size, n in zip(voxels.shape, step)]
    return _interpolated(ramp, zoom)


def _arrival(smooth: np.ndarray, start: tuple[int, ...], spacing: np.ndarray) -> np.ndarray:
    """When the front comes to each voxel."""
    import SimpleITK

    away_mm2 = sum(
        ((np.arange(size) - place) * width).reshape([-1 if other == axis else 1 for other in range(3)]) ** 2
        for axis, (size, place, width) in enumerate(zip(smooth.shape, start, spacing))
    )
    of_seed = float(np.median(smooth[away_mm2 <= (SMALLEST_RADIUS_MM + 1e-6) ** 2]))
    spread = max(float(smooth[away_mm2 <= NEIGHBOURHOOD_MM**2].std()), 1e-3)
    alike = np.exp(-(((smooth - of_seed) / spread) ** 2))
    speed = SimpleITK.GetImageFromArray((SLOWEST_SPEED + (1 - SLOWEST_SPEED) * alike).astype(np.float32))
    speed.SetSpacing([float(width) for width in spacing[::-1]])
    front = SimpleITK.FastMarchingImageFilter()
    front.SetTrialPoints([tuple(int(place) for place in start[::-1])])
    front.SetStoppingValue(1e6)
    return SimpleITK.GetArrayFromImage(front.Execute(speed))


def _best_of(arrival: np.ndarray, image: np.ndarray, voxel_mm3: float) -> np.ndarray:
    """Of the regions that the front passes through, the one whose last layer differs most from the next."""
    order = np.argsort(arrival, axis=None)
    values = image.ravel()[order].astype(np.float64)
    values -= values.mean()
    sums, squares = (np.concatenate([[0.0], np.cumsum(power)]) for power in (values, values**2))

    def count(radius_mm: float) -> int:
        return min(int(4 / 3 * np.pi * max(0.0, radius_mm) ** 3 / voxel_mm3), values.size)

    def mean_and_variance(first: int, end: int) -> tuple[float, float]:
        mean = (sums[end] - sums[first]) / (end - first)
        return mean, (squares[end] - squares[first]) / (end - first) - mean**2

    best, best_count = -1.0, max(1, count(SMALLEST_RADIUS_MM))
    for radius_mm in np.arange(SMALLEST_RADIUS_MM, LARGEST_RADIUS_MM, RADIUS_STEP_MM):
        inner, edge, outer = (count(radius_mm + offset) for offset in (-LAYER_MM, 0.0, LAYER_MM))
        if not inner < edge < outer or outer >= values.size:
            continue
        inside, spread_inside = mean_and_variance(inner, edge)
        outside, spread_outside = mean_and_variance(edge, outer)
        score = abs(inside - outside) / np.sqrt((spread_inside + spread_outside) / 2 + 1e-6)
        if score > best:
            best, best_count = score, edge
    region: np.ndarray = arrival <= arrival.ravel()[order[min(best_count, order.size) - 1]]
    return region


def _without_tongues(region: np.ndarray, start: tuple[int, ...]) -> np.ndarray:
    """The part around the seed without thin tongues; rounded, cavities filled."""
    from scipy import ndimage

    cross = ndimage.generate_binary_structure(3, 1)
    opened = ndimage.binary_opening(region, cross)
    labels, count = ndimage.label(opened)
    if count == 0:
        return region
    kept = labels[start] or int(np.bincount(labels.ravel())[1:].argmax()) + 1
    padded = np.pad(labels == kept, 3)
    return without_cavities(ndimage.binary_closing(padded, cross, iterations=2)[(slice(3, -3),) * 3])


def _interpolated(image: np.ndarray, places: Sequence[Sequence[float]]) -> np.ndarray:
    """Linear interpolation of `image` at the outer product of index `places` along its axes."""
    result = image
    for axis, along in enumerate(places):
        at = np.clip(np.array(along), 0, image.shape[axis] - 1)
        lower = np.minimum(at.astype(int), max(image.shape[axis] - 2, 0))
        part = (at - lower).astype(np.float32).reshape([-1 if other == axis else 1 for other in range(3)])
        upper = np.minimum(lower + 1, image.shape[axis] - 1)
        result = np.take(result, lower, axis=axis) * (1 - part) + np.take(result, upper, axis=axis) * part
    return result
