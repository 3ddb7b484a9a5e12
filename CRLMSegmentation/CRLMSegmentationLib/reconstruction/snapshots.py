"""Snapshots of a volume that is still growing: only what has changed since the last one is computed again."""

from __future__ import annotations

import math
import time

import numpy as np

from ..geometry import Volume
from .filling import fill_holes, reach_voxels
from .inserter import Inserter
from .report import ReconstructionReport
from .settings import ReconstructionSettings
from .swept import join_swept, mark_between
from .whole_sweep import Reconstruction


class _Changes:
    """First and last slice k in which something changed."""

    def __init__(self):
        self.first, self.last = math.inf, -math.inf

    def __bool__(self) -> bool:
        return bool(self.first <= self.last)

    def add(self, first: float, last: float) -> None:
        self.first, self.last = min(self.first, first), max(self.last, last)

    def taken(self, widened_by: int, size: int) -> tuple[int, int]:
        """The slices, widened and within `size`; nothing is changed afterwards."""
        first, last = max(0, int(self.first) - widened_by), min(size - 1, int(self.last) + widened_by)
        self.first, self.last = math.inf, -math.inf
        return first, last


class SnapshotKeeper:
    """The last snapshot of an inserter's voxels and what has changed since."""

    def __init__(self, inserter: Inserter):
        self._inserter = inserter
        self._values = np.zeros(inserter.shape, dtype=inserter.dtype)
        self._seen = np.zeros(inserter.shape, dtype=np.uint8)
        self._known = np.zeros(inserter.shape, dtype=np.uint8) if inserter.knows_less_than_seen else self._seen
        self._between = np.zeros(inserter.shape, dtype=np.uint8)  # swept between frames
        self._swept = np.zeros(inserter.shape, dtype=np.uint8)
        self._filled = None  # made when first asked for
        self._filled_by = None
        self._poses: list[np.ndarray] = []  # frames since the last marking, and the one before them
        self._image_size = None
        self._last_slices = None
        self._to_write, self._to_sweep, self._to_fill = _Changes(), _Changes(), _Changes()

    def note(self, pose: np.ndarray, image_size: tuple[int, int], first_k: int, last_k: int) -> None:
        """A frame was inserted that reaches the slices `first_k` to `last_k`."""
        self._poses.append(pose)
        self._image_size = image_size
        for changes in (self._to_write, self._to_sweep, self._to_fill):
            changes.add(first_k, last_k)
            if self._last_slices is not None:  # what lies between it and the frame before
                changes.add(*self._last_slices)
        self._last_slices = (first_k, last_k)

    def grow(self, before: np.ndarray, after: np.ndarray) -> None:
        """The inserter's grid has grown by so many voxels along i, j, k."""
        pad = [(int(before[axis]), int(after[axis])) for axis in (2, 1, 0)]
        one_array = self._known is self._seen
        self._values, self._seen, self._between, self._swept = (
            np.pad(array, pad) for array in (self._values, self._seen, self._between, self._swept)
        )
        self._known = self._seen if one_array else np.pad(self._known, pad)
        if self._filled is not None:
            self._filled = np.pad(self._filled, pad)
        shift = int(before[2])
        for changes in (self._to_write, self._to_sweep, self._to_fill):
            changes.first += shift
            changes.last += shift
        if self._last_slices is not None:
            self._last_slices = (self._last_slices[0] + shift, self._last_slices[1] + shift)

    def snapshot(self, lower, upper, settings: ReconstructionSettings, used, skipped) -> Reconstruction:
        """Copies of the voxels `lower` to `upper` (i, j, k), with holes filled as `settings` say."""
        times = [time.perf_counter()]
        size_k = self._values.shape[0]
        if self._to_write:
            slices = self._to_write.taken(0, size_k)
            self._inserter.write_slices(self._values, self._seen, self._known, *slices)
        times.append(time.perf_counter())
        voxels = self._values
        if settings.fill != "none":
            self._update_swept(settings, size_k)
        times.append(time.perf_counter())
        if settings.fill != "none":
            self._update_filled(settings, size_k)
            voxels = self._filled
        times.append(time.perf_counter())

        box = tuple(slice(int(lower[axis]), int(upper[axis]) + 1) for axis in (2, 1, 0))
        region = self._inserter.region
        ijk_to_ras = region.ijk_to_ras
        ijk_to_ras[:3, 3] += np.array(region.spacing_mm) * lower
        seen = self._seen[box].copy()
        report = ReconstructionReport(
            frames_used=used,
            frames_skipped=skipped,
            seen_share=float(np.count_nonzero(seen) / seen.size),
            hole_share_before_fill=math.nan,
            hole_share_after_fill=math.nan,
            seconds=dict(zip(("insert", "find holes", "fill"), np.diff(times).tolist())),
        )
        return Reconstruction(Volume(voxels[box].copy(), ijk_to_ras), Volume(seen, ijk_to_ras), report)

    def _update_swept(self, settings, size_k) -> None:
        if not self._to_sweep:
            return
        if len(self._poses) > 1:
            mark_between(self._poses, self._image_size, self._inserter.region, settings, self._between)
            self._poses = self._poses[-1:]
        first, last = self._to_sweep.taken(1, size_k)
        join_swept(self._seen, self._between, self._swept, first, last)

    def _update_filled(self, settings, size_k) -> None:
        how = (settings.fill, settings.fill_radius_mm, settings.stick_length_voxels, settings.sticks_used)
        if self._filled is None or how != self._filled_by:
            self._filled, self._filled_by = np.zeros_like(self._values), how
            self._to_fill.add(0, size_k - 1)
        if self._to_fill:
            slices = self._to_fill.taken(reach_voxels(settings) + 1, size_k)
            fill_holes(self._values, self._known, self._swept, settings, self._filled, slices)
