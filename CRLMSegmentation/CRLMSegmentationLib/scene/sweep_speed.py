"""How fast the probe moves and how wide the gaps are, told while it still moves."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from ..reconstruction import ReconstructionSettings
from ..sweep import TrackedFrame

_WINDOW_S = 1.0
# A gap of so many voxels is still filled from the frames beside it; a wider one would be invented.
_FILLED_VOXELS = 3.0
_FEW_POSES = 0.5
# A step longer than this is no sweeping: the tracker jumped, or the sweep was begun anew elsewhere.
_LONGEST_STEP_MM = 10.0


class SweepSpeed:
    """Gaps between frames that follow each other, and the sentences that they are worth.

    widest_gap_mm  so far
    gap_mm         the gap that 95 % of the places of the last second's frames stay below; NaN when unknown
    speed_mm_per_s of the image's middle over the last second; NaN when unknown
    """

    def __init__(self, settings: ReconstructionSettings | None = None):
        self._settings = settings or ReconstructionSettings()
        self._spacing_mm = min(self._settings.spacing_mm)
        self._last: TrackedFrame | None = None
        self._gaps: deque[tuple[float, np.ndarray, float]] = deque()
        self._validity: deque[tuple[float, bool]] = deque()
        self.widest_gap_mm = 0.0
        self.wide_gaps = 0

    def add(self, frame: TrackedFrame) -> None:
        """Look at the next frame of the sweep."""
        from ..reconstruction.frame_selection import reason_against

        stamp_s = frame.timestamp
        usable = not reason_against(frame)
        self._validity.append((stamp_s, usable))
        _forget_before(self._validity, stamp_s - _WINDOW_S)
        _forget_before(self._gaps, stamp_s - _WINDOW_S)
        if not usable:
            return
        before, self._last = self._last, frame
        if before is not None and before.image_size == frame.image_size:
            self._measure(before, frame)

    @property
    def gap_mm(self) -> float:
        if not self._gaps:
            return math.nan
        return float(np.percentile(np.concatenate([gaps.ravel() for _, gaps, _ in self._gaps]), 95))

    @property
    def speed_mm_per_s(self) -> float:
        speeds = [speed for *_, speed in self._gaps if math.isfinite(speed)]
        return float(np.median(speeds)) if speeds else math.nan

    def hints(self) -> tuple[str, ...]:
        """What the person who sweeps should know now, most important first."""
        hints = []
        usable = [good for _, good in self._validity]
        if len(usable) > 4 and sum(usable) < _FEW_POSES * len(usable):
            hints.append("no valid pose: probe or liver sensor is out of the tracker's view")
        gap_mm = self.gap_mm
        if gap_mm > _FILLED_VOXELS * self._spacing_mm:
            hints.append(f"too fast: gaps of {gap_mm:.1f} mm, output spacing {self._spacing_mm:g} mm")
        elif gap_mm > self._spacing_mm:
            hints.append(f"a little fast: gaps of {gap_mm:.1f} mm, output spacing {self._spacing_mm:g} mm")
        return tuple(hints)

    def _measure(self, before: TrackedFrame, frame: TrackedFrame) -> None:
        from ..reconstruction.quality import gap_map_mm

        poses = [before.image_to_reference, frame.image_to_reference]
        gaps = gap_map_mm(poses, frame.image_size, self._settings)[0]
        middle = np.array([frame.image_size[0] / 2, frame.image_size[1] / 2, 0.0, 1.0])
        step_mm = float(np.linalg.norm(((poses[1] - poses[0]) @ middle)[:3]))
        if step_mm > _LONGEST_STEP_MM:
            return
        seconds = frame.timestamp - before.timestamp
        self._gaps.append((frame.timestamp, gaps, step_mm / seconds if seconds > 0 else math.nan))
        widest = float(gaps.max())
        self.widest_gap_mm = max(self.widest_gap_mm, widest)
        self.wide_gaps += widest > _FILLED_VOXELS * self._spacing_mm


def _forget_before(entries: deque, stamp_s: float) -> None:
    # A clock that jumps back must not keep old entries for ever.
    while entries and (entries[0][0] < stamp_s or len(entries) > 500):
        entries.popleft()
