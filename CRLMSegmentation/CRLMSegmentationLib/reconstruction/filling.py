"""Hole filling, on several threads: which voxels are holes, which of them may be filled, and how."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .between import join_swept
from .kernels.hole_filling import fill_by_distance, fill_sticks, pack_bits, take_over
from .settings import ReconstructionSettings


def fill_with_sticks(
    voxels: np.ndarray,
    known: np.ndarray,
    swept: np.ndarray,
    settings: ReconstructionSettings,
    filled: np.ndarray,
    has_value: np.ndarray,
    slices: tuple[int, int] | None = None,
) -> int:
    """Write `voxels` (k, j, i) into `filled` with their holes filled along sticks; returns how many swept ones were.

    known   not 0 where the volume has a value
    swept   not 0 where the image passed. Nothing is filled elsewhere, but for the igsio definition, which knows no
            swept region
    has_value   uint8 to write into: 1 where `filled` has a value, known or filled
    slices  first and last k to fill, None for all
    """
    first_k, last_k = slices or (0, voxels.shape[0] - 1)
    reach = settings.stick_length_voxels
    with ThreadPoolExecutor(settings.threads or os.cpu_count() or 1) as pool:
        words = np.zeros((*known.shape[:2], (known.shape[2] + 63) // 64 + 2), dtype=np.uint64)
        needed = max(0, first_k - reach), min(len(known) - 1, last_k + reach)
        list(pool.map(lambda part: pack_bits(known, words, *part), _parts(*needed)))
        anywhere = settings.definition == "igsio"

        def fill(part: tuple[int, int]) -> int:
            return fill_sticks(
                voxels, known, words, swept, anywhere, filled, has_value, *part, reach, settings.sticks_used
            )

        return sum(pool.map(fill, _parts(first_k, last_k)))


def put_seen_over(
    voxels: np.ndarray,
    seen: np.ndarray,
    swept: np.ndarray,
    settings: ReconstructionSettings,
    filled: np.ndarray,
    known: np.ndarray,
    slices: tuple[int, int] | None = None,
) -> tuple[int, int]:
    """Put `voxels` where they were `seen` over what `filled` has from between frames, where `known` is not 0.

    All arrays are (k, j, i); `filled` and `known` are changed. Returns the number of swept voxels that have a value
    only from between frames, and of those that have none.
    """
    first_k, last_k = slices or (0, voxels.shape[0] - 1)
    with ThreadPoolExecutor(settings.threads or os.cpu_count() or 1) as pool:
        counts = pool.map(lambda part: take_over(voxels, seen, filled, known, swept, *part), _parts(first_k, last_k))
        only_filled, without = (sum(numbers) for numbers in zip(*counts))
    return only_filled, without


def fill_left_over(
    voxels: np.ndarray,
    known: np.ndarray,
    swept: np.ndarray,
    settings: ReconstructionSettings,
    filled: np.ndarray,
    has_value: np.ndarray,
    slices: tuple[int, int] | None = None,
) -> int:
    """Write `voxels` into `filled`, and into its `swept` holes the mean of what is `known` around them, by distance.

    `has_value`, uint8, becomes 1 where `filled` has a value. Returns the number of voxels filled.
    """
    first_k, last_k = slices or (0, voxels.shape[0] - 1)
    offsets, squared_mm = offsets_within(settings.fill_radius_mm, settings.spacing_mm)
    rounding = 0.0 if voxels.dtype.kind == "f" else 0.5
    with ThreadPoolExecutor(settings.threads or os.cpu_count() or 1) as pool:

        def fill(part: tuple[int, int]) -> int:
            return fill_by_distance(voxels, known, swept, offsets, squared_mm, filled, has_value, *part, rounding)

        return sum(pool.map(fill, _parts(first_k, last_k)))


def join_all_swept(seen: np.ndarray, between: np.ndarray, settings: ReconstructionSettings) -> np.ndarray:
    """uint8 (k, j, i), see between.join_swept."""
    swept = np.empty_like(seen)
    with ThreadPoolExecutor(settings.threads or os.cpu_count() or 1) as pool:
        list(pool.map(lambda part: join_swept(seen, between, swept, *part), _parts(0, len(seen) - 1)))
    return swept


def reach_voxels(settings: ReconstructionSettings) -> int:
    """How many slices away a change can reach through hole filling."""
    if settings.fill == "stick":
        return settings.stick_length_voxels
    return int(settings.fill_radius_mm / settings.spacing_mm[2]) + 1 if settings.fill == "distance" else 0


def offsets_within(radius_mm: float, spacing_mm: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) int64 steps i, j, k to the voxels within a radius, nearest first, and (n,) their squared distances,
    mm^2.
    """
    reach = [int(radius_mm / spacing) for spacing in spacing_mm]
    steps = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij"), axis=-1).reshape(-1, 3)
    squared = ((steps * np.asarray(spacing_mm)) ** 2).sum(axis=1)
    inside = (squared > 0) & (squared <= radius_mm * radius_mm * (1 + 1e-9))
    order = np.lexsort((*steps[inside].T, squared[inside]))
    return np.ascontiguousarray(steps[inside][order], dtype=np.int64), np.ascontiguousarray(squared[inside][order])


def _parts(first: int, last: int) -> list[tuple[int, int]]:
    """Slices cut into more parts than there are threads, because holes are not spread evenly."""
    edges = np.unique(np.linspace(first, last + 1, min(last + 1 - first, 16) + 1).astype(int))
    return [(int(begin), int(end) - 1) for begin, end in itertools.pairwise(edges)]
