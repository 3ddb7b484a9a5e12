"""Snapshots of a volume that is still growing: only what has changed since the last one is computed again."""

from __future__ import annotations

import math
import time

import numpy as np

from ..values import Volume
from .between import BetweenInserter, join_swept, mark_between, widest_filled_mm
from .filling import fill_left_over, fill_with_sticks, put_seen_over, reach_voxels
from .frame_selection import SkippedFrame
from .inserter import Inserter
from .padding import padded
from .report import ReconstructionReport, notes_about
from .settings import ReconstructionSettings
from .whole_sweep import Reconstruction

_LOOK_BETWEEN_EVERY = 8  # frames, so that neither they nor the work pile up until the next snapshot


class _Changes:
    """First and last slice k in which something changed."""

    def __init__(self) -> None:
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
    """The last snapshot of an inserter's voxels and what has changed since.

    Holes are filled as the settings say, or not at all: what lies between frames is noted from the first one on.
    """

    def __init__(self, inserter: Inserter, settings: ReconstructionSettings, pixel_mm: np.ndarray):
        self._inserter, self._settings = inserter, settings
        shape = inserter.shape
        self._values = np.zeros(shape, dtype=inserter.dtype)
        self._seen = np.zeros(shape, dtype=np.uint8)
        self._known = np.zeros(shape, dtype=np.uint8) if inserter.knows_less_than_seen else self._seen
        self._to_write = _Changes()
        self._last_slices: tuple[int, int] | None = None
        self._grown = (np.zeros(3, dtype=int), np.zeros(3, dtype=int))
        self._fills, self._widest_mm = settings.fill != "none", 0.0
        if self._fills:
            height, width = inserter.image_shape
            self._image_size = (width, height)
            self._waiting: list[tuple[np.ndarray, np.ndarray]] = []  # frames not yet looked between, and the one before
            self._between = np.zeros(shape, dtype=np.uint8)  # swept between frames
            self._swept = np.zeros(shape, dtype=np.uint8)
            self._filled = np.zeros(shape, dtype=inserter.dtype)
            self._has_value = np.zeros(shape, dtype=np.uint8)  # where `_filled` does
            self._to_sweep, self._to_fill = _Changes(), _Changes()
            self._middle: BetweenInserter | None = None
            if settings.fill == "distance":
                self._middle = BetweenInserter(inserter.region, self._image_size, inserter.dtype, settings, pixel_mm)
                self._base = np.zeros(shape, dtype=inserter.dtype)  # seen, or between frames
                self._base_known = np.zeros(shape, dtype=np.uint8)

    def _all_changes(self) -> list[_Changes]:
        return [self._to_write, self._to_sweep, self._to_fill] if self._fills else [self._to_write]

    def note(self, pixels: np.ndarray, pose: np.ndarray, first_k: int, last_k: int) -> None:
        """A frame was inserted that reaches the slices `first_k` to `last_k`."""
        for changes in self._all_changes():
            changes.add(first_k, last_k)
            if self._last_slices is not None:  # what lies between it and the frame before
                changes.add(*self._last_slices)
        self._last_slices = (first_k, last_k)
        if self._fills:
            self._waiting.append((pixels, pose))
            if len(self._waiting) > _LOOK_BETWEEN_EVERY:
                self._look_between()

    def note_growth(self, before: np.ndarray, after: np.ndarray) -> None:
        """The inserter's grid has grown by so many voxels along i, j, k. Ours follows when it is next needed."""
        self._grown = (self._grown[0] + before, self._grown[1] + after)
        shift = int(before[2])
        for changes in self._all_changes():
            changes.first += shift
            changes.last += shift
        if self._last_slices is not None:
            self._last_slices = (self._last_slices[0] + shift, self._last_slices[1] + shift)

    def _grow(self) -> None:
        before, after = self._grown
        if not (before.any() or after.any()):
            return
        self._grown = (np.zeros(3, dtype=int), np.zeros(3, dtype=int))
        one_array = self._known is self._seen
        names = ["_values", "_seen"]
        if self._fills:
            names += ["_between", "_swept", "_filled", "_has_value"]
            if self._middle is not None:
                names += ["_base", "_base_known"]
                self._middle.grow(before, after)
        for name in names:
            setattr(self, name, padded(getattr(self, name), before, after))
        self._known = self._seen if one_array else padded(self._known, before, after)

    def snapshot(
        self,
        lower: np.ndarray,
        upper: np.ndarray,
        fill: bool,
        used: tuple[int, ...],
        skipped: tuple[SkippedFrame, ...],
    ) -> Reconstruction:
        """Copies of the voxels `lower` to `upper` (i, j, k), with or without filled holes."""
        times = [time.perf_counter()]
        self._grow()
        size_k = self._values.shape[0]
        if self._to_write:
            slices = self._to_write.taken(0, size_k)
            self._inserter.write_slices(self._values, self._seen, self._known, *slices)
        times.append(time.perf_counter())
        box = tuple(slice(int(lower[axis]), int(upper[axis]) + 1) for axis in (2, 1, 0))
        share_before = share_after = math.nan
        if fill:
            self._update_filled(size_k)
            swept = np.count_nonzero(self._swept)
            share_before = 1 - np.count_nonzero(self._seen) / swept
        times.append(time.perf_counter())

        region = self._inserter.region
        ijk_to_ras = region.ijk_to_ras
        ijk_to_ras[:3, 3] += np.array(region.spacing_mm) * lower
        seen = self._seen[box].copy()
        voxels = (self._filled if fill else self._values)[box].copy()
        has_value = self._has_value[box].copy() if fill else seen
        report = ReconstructionReport(
            frames_used=used,
            frames_skipped=skipped,
            seen_share=float(np.count_nonzero(seen) / seen.size),
            hole_share_before_fill=share_before,
            hole_share_after_fill=share_after,
            seconds=dict(zip(("insert", "fill"), np.diff(times).tolist())),
            notes=notes_about(voxels.shape[::-1], len(used), self._widest_mm),
        )
        return Reconstruction(Volume(voxels, ijk_to_ras, has_value.view(bool)), Volume(seen, ijk_to_ras), report)

    def _look_between(self) -> None:
        self._grow()
        frames, poses = zip(*self._waiting)
        self._widest_mm = max(self._widest_mm, widest_filled_mm(poses, self._image_size, self._settings))
        if self._middle is not None:
            self._middle.insert_between(frames, poses)
        else:
            mark_between(poses, self._image_size, self._inserter.region, self._settings, self._between)
        self._waiting = self._waiting[-1:]

    def _update_filled(self, size_k: int) -> None:
        if not self._to_sweep:
            return
        self._look_between()
        settings = self._settings
        changed = self._to_sweep.taken(1, size_k)
        if self._middle is not None:
            self._middle.write_slices(self._base, self._base_known, self._base_known, *changed)
            part = slice(changed[0], changed[1] + 1)
            self._between[part] = self._base_known[part]
        join_swept(self._seen, self._between, self._swept, *changed)
        if self._middle is not None:
            put_seen_over(self._values, self._seen, self._swept, settings, self._base, self._base_known, changed)
        slices = self._to_fill.taken(reach_voxels(settings) + 1, size_k)
        if self._middle is None:
            fill_with_sticks(self._values, self._known, self._swept, settings, self._filled, self._has_value, slices)
        else:
            fill_left_over(self._base, self._base_known, self._swept, settings, self._filled, self._has_value, slices)
