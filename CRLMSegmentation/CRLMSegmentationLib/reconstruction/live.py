"""A volume that grows while the probe still moves.

`add` only puts the frame into a queue; a thread of the reconstruction inserts it. So whoever receives frames never
waits, neither for the insertion nor for a snapshot that someone else is taking.

The grid is laid by the first frame and keeps its lattice: when the probe leaves it, voxels are added on that side, more
than are needed at once, so that growing stays rare.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from typing import Any

import numpy as np

from ..errors import ReconstructionError
from ..geometry import plane_axes
from ..sweep import TrackedFrame
from ..words import tr
from .between import pixel_size_mm
from .frame_selection import SkippedFrame, reason_against
from .image_kind import UsualKind
from .inserter import Inserter
from .pose_filter import PoseFilter
from .region import Region, clipped_corners, corner_points, region_of_settings
from .settings import ReconstructionSettings
from .snapshots import SnapshotKeeper
from .whole_sweep import Reconstruction

# Memory that no voxel was put into costs nothing, copying costs time: so the grid grows early, while there is little to
# copy, and far.
_GROWTH_MM = 80.0  # by which a side grows at least
_FIRST_MARGIN_MM = 20.0
_AHEAD_MM = 80.0  # more of it across the first image: the way a probe is swept
_EARLY_MM = 17.0  # so near to the edge, the grid grows while no frame is waiting
# The system gives memory page by page when it is first written to, which takes longer than inserting the frame: so it
# is asked for ahead of the probe, in small portions, while no frame is waiting.
_TOUCHED_AHEAD_MM = 8.0
_TOUCHED_AT_ONCE_BYTES = 1 << 21


class LiveReconstruction:
    """Insert frames as they arrive; take snapshots at any time.

        live = LiveReconstruction(settings)
        live.add(frame)             # from the thread that receives
        volume = live.snapshot().volume
        live.close()

    May be used as a context manager. `settings.dimensions` fixes the region; else it grows as needed.
    """

    def __init__(self, settings: ReconstructionSettings | None = None):
        self.settings = settings or ReconstructionSettings()
        self._waiting: deque[TrackedFrame] = deque()
        self._wake = threading.Condition()
        self._busy = False
        self._closed = False
        self._lock = threading.Lock()  # held while voxels change or are read
        self._error: Exception | None = None
        self._inserter: Inserter | None = None
        # (3,) first and last voxel that frames reach, on the present grid
        self._lower: np.ndarray | None = None
        self._upper: np.ndarray | None = None
        self._touched: tuple[int, int] | None = None  # first and last slice k whose memory is there, on this grid
        self._number = 0
        self._used: list[int] = []
        self._skipped: list[SkippedFrame] = []
        self._poses = PoseFilter()
        self._kind = UsualKind()
        self._keeper: SnapshotKeeper | None = None
        self._insert_seconds: deque[float] = deque(maxlen=1000)
        self._thread = threading.Thread(target=self._work, name="live reconstruction", daemon=True)
        self._thread.start()

    def add(self, frame: TrackedFrame) -> None:
        """Take a frame; returns at once. A frame that cannot be used is counted and listed, see `report`."""
        with self._wake:
            if self._closed:
                raise ReconstructionError(tr("This live reconstruction is closed; start a new one to add frames."))
            self._waiting.append(frame)
            self._wake.notify_all()

    @property
    def problem(self) -> str:
        """Why no frame is inserted any more, in a sentence; empty when all is well."""
        return str(self._error) if self._error is not None else ""

    @property
    def frames_waiting(self) -> int:
        """Frames taken and not yet inserted: more than a few say that the machine does not keep up."""
        return len(self._waiting)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until every frame that was added is inserted. False when that takes longer than `timeout_s`."""
        with self._wake:
            return self._wake.wait_for(lambda: not self._waiting and not self._busy, timeout_s)

    def close(self) -> None:
        """Insert what waits, then stop. Snapshots can still be taken."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        self._thread.join()
        with self._lock:
            try:
                if self._error is None:
                    self._take_all(self._poses.finish())
            except Exception as error:  # reported with the next snapshot, as those of the thread are
                self._error = error
            if self._inserter is not None:
                self._inserter.close()

    def __enter__(self) -> LiveReconstruction:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def snapshot(self, fill: bool = True) -> Reconstruction:
        """The volume of the frames inserted so far. Only what changed since the last snapshot is computed.

        fill  False to leave the holes open; True to fill them as the settings say
        Raises ReconstructionError when there is nothing yet, or when a frame could not be inserted.
        """
        with self._lock:
            if self._error is not None:
                raise self._error
            if self._inserter is None:
                reasons = sorted({frame.reason for frame in self._skipped})
                raise ReconstructionError(
                    tr("No frame has been inserted yet, so there is no volume")
                    + (
                        tr(" (left out: {reasons}).", reasons="; ".join(reasons))
                        if reasons
                        else tr("; wait for the first tracked frame.")
                    )
                )
            fill = fill and self.settings.fill != "none"
            skipped = tuple(sorted(self._skipped, key=lambda one: one.number))
            assert self._keeper is not None and self._lower is not None and self._upper is not None
            return self._keeper.snapshot(self._lower, self._upper, fill, tuple(self._used), skipped)

    @property
    def report(self) -> dict[str, Any]:
        """frames_used, frames_skipped (SkippedFrame, ...), frames_waiting, insert_ms (median of the last thousand)."""
        with self._lock:
            return {
                "frames_used": len(self._used),
                "frames_skipped": tuple(self._skipped),
                "frames_waiting": len(self._waiting),
                "insert_ms": 1e3 * float(np.median(self._insert_seconds)) if self._insert_seconds else math.nan,
            }

    # the thread that inserts

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                frame = self._waiting.popleft()
                self._busy = True
            try:
                with self._lock:
                    if self._error is None:
                        self._take(frame)
            except Exception as error:  # kept for the next snapshot: this thread has nobody to report to
                self._error = error
            finally:
                with self._wake:
                    self._busy = False
                    self._wake.notify_all()
            if not self._waiting and not self._closed:
                with self._lock:
                    self._grow_early()
                more = True
                while more and not self._waiting and not self._closed:
                    with self._lock:
                        more = self._touch_ahead()

    def _take(self, frame: TrackedFrame) -> None:
        number, self._number = self._number, self._number + 1
        reason = reason_against(frame)
        if not reason:
            reason, before_left_out = self._kind.take(frame, len(self._used))
            if before_left_out:
                self._begin_anew(before_left_out)
        if not reason and number % self.settings.skip_interval:
            reason = f"passed over: one frame in {self.settings.skip_interval} is used"
        if reason:
            self._skipped.append(SkippedFrame(number, reason))
            return
        self._take_all(self._poses.take(number, frame) if self.settings.reject_jumps else ([(number, frame)], []))

    def _begin_anew(self, left_out: str) -> None:
        """The frames so far do not belong to the sweep after all."""
        held, skipped = self._poses.finish()
        self._skipped += skipped
        self._skipped += [SkippedFrame(number, left_out) for number in (*self._used, *(number for number, _ in held))]
        self._used = []
        if self._inserter is not None:
            self._inserter.close()
        self._inserter = self._keeper = self._lower = self._upper = self._touched = None
        self._poses = PoseFilter()

    def _take_all(self, known: tuple[list[tuple[int, TrackedFrame]], list[SkippedFrame]]) -> None:
        accepted, skipped = known
        self._skipped += skipped
        for number, frame in accepted:
            self._insert(number, frame)

    def _insert(self, number: int, frame: TrackedFrame) -> None:
        started = time.perf_counter()
        pose = np.asarray(frame.image_to_reference, dtype=np.float64)
        inserter, keeper = self._inserter, self._keeper
        corners = corner_points(pose, clipped_corners(frame.image_size, self.settings.clip_rectangle))
        if inserter is None or keeper is None:
            inserter = self._inserter = self._first_inserter(frame, corners, pose)
            keeper = self._keeper = SnapshotKeeper(inserter, self.settings, pixel_size_mm(pose))
        lower, upper = _reach(inserter.region, corners)
        if self.settings.dimensions is None:
            lower, upper = self._make_room(inserter, keeper, lower, upper)
        size = np.array(inserter.region.dimensions)
        lower, upper = np.clip(lower, 0, size - 1), np.clip(upper, 0, size - 1)
        inserter.insert([frame.pixels], [pose])
        self._lower = lower if self._lower is None else np.minimum(self._lower, lower)
        self._upper = upper if self._upper is None else np.maximum(self._upper, upper)
        keeper.note(frame.pixels, pose, int(lower[2]), int(upper[2]))
        self._used.append(number)
        self._insert_seconds.append(time.perf_counter() - started)

    def _first_inserter(self, frame: TrackedFrame, corners: np.ndarray, pose: np.ndarray) -> Inserter:
        settings = self.settings
        given = settings.dimensions is not None
        ahead = _FIRST_MARGIN_MM + _AHEAD_MM * np.abs(plane_axes(pose)[:, 2])
        for margin_mm in (ahead, np.full(3, _FIRST_MARGIN_MM), np.zeros(3)):
            region = region_of_settings(settings) if given else self._region_around(corners, margin_mm)
            try:
                return Inserter(region, frame.image_size, frame.pixels.dtype, settings)
            except ReconstructionError:
                if given or not margin_mm.any():
                    raise
        raise AssertionError("the last margin, none, returns or raises")

    def _region_around(self, corners: np.ndarray, margin_mm: np.ndarray) -> Region:
        spacing = np.array(self.settings.spacing_mm)
        margin = np.ceil(margin_mm / spacing)
        origin = corners.min(axis=0) - margin * spacing
        x, y, z = origin.tolist()
        i, j, k = (np.floor((corners.max(axis=0) - origin) / spacing + 0.5) + 1 + margin).tolist()
        return Region((x, y, z), self.settings.spacing_mm, (int(i), int(j), int(k)))

    def _grow_early(self) -> None:
        if self._inserter is None or self._keeper is None or self._lower is None or self._upper is None:
            return
        if self._error is not None or self.settings.dimensions is not None:
            return
        near = np.ceil(_EARLY_MM / np.array(self.settings.spacing_mm)).astype(int)
        try:
            self._make_room(self._inserter, self._keeper, self._lower - near, self._upper + near)
        except ReconstructionError:
            pass  # it is reported when the room is really needed

    def _touch_ahead(self) -> bool:
        """Touch a portion of the slices near those that frames reach; False when all are there."""
        if self._inserter is None or self._lower is None or self._upper is None or self._error is not None:
            return False
        ahead = math.ceil(_TOUCHED_AHEAD_MM / self.settings.spacing_mm[2])
        first = max(0, int(self._lower[2]) - ahead)
        last = min(self._inserter.region.dimensions[2] - 1, int(self._upper[2]) + ahead)
        if self._touched is None:
            middle = int(self._lower[2] + self._upper[2]) // 2
            self._touched = middle, middle - 1
        below, above = self._touched[0] - first, last - self._touched[1]
        if below <= 0 and above <= 0:
            return False
        portion = max(1, int(_TOUCHED_AT_ONCE_BYTES / self._inserter.bytes_per_slice))
        if above >= below:
            end = min(last, self._touched[1] + portion)
            self._inserter.touch_slices(self._touched[1] + 1, end)
            self._touched = self._touched[0], end
        else:
            begin = max(first, self._touched[0] - portion)
            self._inserter.touch_slices(begin, self._touched[0] - 1)
            self._touched = begin, self._touched[1]
        return True

    def _make_room(
        self, inserter: Inserter, keeper: SnapshotKeeper, lower: np.ndarray, upper: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        size = np.array(inserter.region.dimensions)
        before, after = np.maximum(0, -lower), np.maximum(0, upper + 1 - size)
        if not (before.any() or after.any()):
            return lower, upper
        generous = np.ceil(_GROWTH_MM / np.array(self.settings.spacing_mm)).astype(int)
        occupied = None
        if self._lower is not None and self._upper is not None:
            i, j, k = (slice(int(first), int(last) + 1) for first, last in zip(self._lower, self._upper))
            occupied = k, j, i
        try:
            more = [np.where(side > 0, np.maximum(side, generous), 0) for side in (before, after)]
            inserter.grow(more[0], more[1], occupied)
            before, after = more
        except ReconstructionError:  # not so much: only what is needed
            inserter.grow(before, after, occupied)
        self._touched = None
        keeper.note_growth(before, after)
        if self._lower is not None and self._upper is not None:
            self._lower, self._upper = self._lower + before, self._upper + before
        return lower + before, upper + before


def _reach(region: Region, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last voxel of the region that a frame with these corners can reach."""
    voxels = (corners - region.origin_mm) / region.spacing_mm
    return np.floor(voxels.min(axis=0)).astype(int), np.ceil(voxels.max(axis=0)).astype(int)
