"""The quality of a sweep while it is being recorded, frame by frame: the technician knows before the surgeon sees a
hole.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass

import numpy as np

from ...errors import ReconstructionError
from ...sweep import TrackedFrame
from ..frame_selection import SkippedFrame, reason_against
from ..image_kind import UsualKind
from ..impossible_poses import apart_mm, corners_of
from ..pose_filter import PoseFilter
from ..region import clipped_corners
from ..settings import ReconstructionSettings
from .sweep_quality import LARGEST_GAP_VOXELS, SweepQuality, center_of, gap_map_mm, quality_of

_HINT_SECONDS = 2.0  # a hint stays so long after its cause, so that it can be read
_LOST_FRAMES = 3  # so many unusable frames in a row are reported
_RATE_FRAMES = 30  # recent frames that the rate is taken from


@dataclass(frozen=True)
class WatchReading:
    """What the frames so far say.

    frames            frames taken
    frames_used       those that can go into a volume
    frames_skipped    the others: number of frames by reason
    gap_mm            widest gap between the last two usable frames, see SweepQuality.gap_mm; NaN before the second
    gap_voxels        the same in voxels of the output spacing
    speed_mm_per_s    of the middle of the image between them; NaN when unknown
    frames_per_s      recent rate; NaN when unknown
    covered_share     part of the way in which no gap was wider than LARGEST_GAP_VOXELS; 1 before anything moved
    hints             sentences for the technician that hold now, most important first; empty when all is well
    """

    frames: int
    frames_used: int
    frames_skipped: dict[str, int]
    gap_mm: float
    gap_voxels: float
    speed_mm_per_s: float
    frames_per_s: float
    covered_share: float
    hints: tuple[str, ...]


class SweepWatch:
    """Judge frames as they are recorded; a frame takes a fraction of a millisecond and its pixels are not kept.

    watch = SweepWatch(settings)
    hints = watch.add(frame)        # for every recorded frame, valid or not
    watch.reading.covered_share
    watch.quality().sentences()     # at the end, as sweep_quality(sweep, settings) would say it
    """

    def __init__(self, settings: ReconstructionSettings | None = None):
        self.settings = settings or ReconstructionSettings()
        self._widest_mm = LARGEST_GAP_VOXELS * min(self.settings.spacing_mm)
        self._poses = PoseFilter()
        self._number = 0
        self._used: list[int] = []
        self._skipped: list[SkippedFrame] = []
        self._reasons: Counter[str] = Counter()  # of the skipped ones, without details
        self._used_part = self.settings  # of the image, as far as it can be judged
        self._kind = UsualKind()
        self._pose: np.ndarray | None = None  # of the last usable frame
        self._first_corners: np.ndarray | None = None
        self._moved_mm = 0.0  # see SweepQuality
        self._second = math.nan
        self._gap_maps: list[np.ndarray] = []
        self._seconds: list[float] = []
        self._steps_mm: list[float] = []
        self._covered_mm = self._way_mm = 0.0
        self._periods: deque[float] = deque(maxlen=_RATE_FRAMES)
        self._last_arrival = math.nan
        self._unusable_in_a_row = 0
        self._left_out_before = False
        self._hints: dict[str, tuple[float, str]] = {}  # kind: time of its cause, sentence

    def add(self, frame: TrackedFrame) -> tuple[str, ...]:
        """Take a recorded TrackedFrame; the hints that hold now. Nothing about a frame is an error here."""
        number, self._number = self._number, self._number + 1
        now = float(frame.timestamp)
        if now > self._last_arrival:
            self._periods.append(now - self._last_arrival)
        self._last_arrival = now
        reason = reason_against(frame)
        if not reason:
            reason, before_left_out = self._kind.take(frame, len(self._used))
            if before_left_out:
                self._begin_anew(before_left_out)
        if reason:
            self._skip(SkippedFrame(number, reason), now)
        else:
            self._take(number, frame, now)
        return self.reading.hints

    @property
    def reading(self) -> WatchReading:
        """What the frames so far say; see WatchReading."""
        gap = float(self._gap_maps[-1].max()) if self._gap_maps else math.nan
        seconds = self._seconds[-1] if self._seconds else 0.0
        now = self._last_arrival
        return WatchReading(
            frames=self._number,
            frames_used=len(self._used),
            frames_skipped=dict(self._reasons),
            gap_mm=gap,
            gap_voxels=gap / min(self.settings.spacing_mm),
            speed_mm_per_s=self._steps_mm[-1] / seconds if seconds > 0 else math.nan,
            frames_per_s=self._rate(),
            covered_share=self._covered_mm / self._way_mm if self._way_mm > 0 else 1.0,
            hints=tuple(text for since, text in self._hints.values() if now - since <= _HINT_SECONDS),
        )

    def quality(self) -> SweepQuality:
        """The whole sweep so far. Raises ReconstructionError when no frame can be used."""
        return quality_of(
            tuple(self._used), tuple(sorted(self._skipped, key=lambda one: one.number)), np.array(self._gap_maps),
            np.array(self._steps_mm), np.array(self._seconds), min(self.settings.spacing_mm), moved_mm=self._moved_mm,
        )  # fmt: skip

    def _take(self, number: int, frame: TrackedFrame, now: float) -> None:
        accepted: list[tuple[int, TrackedFrame]] = [(number, frame)]
        jumps: list[SkippedFrame] = []
        if self.settings.reject_jumps:
            accepted, jumps = self._poses.take(number, frame)
        for skipped in jumps:
            self._skip(skipped, now)
        if not accepted:
            return
        self._left_out_before, self._unusable_in_a_row = self._unusable_in_a_row > 0, 0
        self._hints.pop("lost", None)
        for taken, frame_taken in accepted:
            if taken % self.settings.skip_interval == 0:
                self._follow(taken, frame_taken)

    def _follow(self, number: int, frame: TrackedFrame) -> None:
        """Measure from the last usable frame to this one."""
        pose, second = np.asarray(frame.image_to_reference, dtype=np.float64), float(frame.timestamp)
        if not self._used:
            self._check_clip_rectangle(frame.image_size)
            self._first_corners, self._moved_mm = corners_of(frame), 0.0
        elif self._first_corners is not None:
            self._moved_mm = max(self._moved_mm, float(apart_mm(corners_of(frame), self._first_corners)))
        self._used.append(number)
        if self._pose is not None:
            gaps = gap_map_mm([self._pose, pose], frame.image_size, self._used_part)[0]
            centers = [center_of(p, frame.image_size, self._used_part) for p in (self._pose, pose)]
            step, gap = float(np.linalg.norm(centers[1] - centers[0])), float(gaps.max())
            self._gap_maps.append(gaps)
            self._steps_mm.append(step)
            self._seconds.append(second - self._second)
            self._way_mm += gap
            if gap <= self._widest_mm:
                self._covered_mm += gap
            else:
                self._hints["gap"] = (second, self._gap_sentence(gap))
        self._pose, self._second = pose, second

    def _check_clip_rectangle(self, image_size: tuple[int, int]) -> None:
        """Recording goes on whatever the settings of the volume say: then the whole image is watched."""
        try:
            clipped_corners(image_size, self.settings.clip_rectangle)
        except ReconstructionError as error:
            self._used_part = self.settings.with_changes(clip_rectangle=None)
            self._hints["clip"] = (math.inf, f"No volume can be made with these settings: {error}")

    def _begin_anew(self, left_out: str) -> None:
        """The frames so far do not belong to the sweep after all."""
        held, skipped = self._poses.finish()
        frames = [SkippedFrame(number, left_out) for number in (*self._used, *(number for number, _ in held))]
        for frame in (*skipped, *frames):
            self._leave_out(frame)
        self._used, self._gap_maps, self._seconds, self._steps_mm = [], [], [], []
        self._pose, self._poses = None, PoseFilter()
        self._covered_mm = self._way_mm = 0.0

    def _leave_out(self, skipped: SkippedFrame) -> None:
        self._skipped.append(skipped)
        self._reasons[skipped.kind] += 1

    def _gap_sentence(self, gap: float) -> str:
        if self._left_out_before:
            return f"A gap of {gap:.1f} mm where frames could not be used; go back and sweep this part again."
        rate = self._rate()
        slower = f" (below {self._widest_mm * rate:.0f} mm/s)" if math.isfinite(rate) else ""
        return f"Too fast: a gap of {gap:.1f} mm between two frames; go back and sweep this part more slowly{slower}."

    def _skip(self, skipped: SkippedFrame, now: float) -> None:
        self._leave_out(skipped)
        self._unusable_in_a_row += 1
        if skipped.kind == "tracker jump":
            self._hints["jump"] = (now, "The tracker jumped: frames left out; keep metal and cables away from it.")
        elif skipped.kind == "impossible pose":
            self._hints["jump"] = (
                now,
                (
                    f"The tracker gave a pose that cannot be ({skipped.detail}): frames left out; check that its "
                    "markers are clean and seen."
                ),
            )
        elif skipped.kind.startswith("image of another"):
            self._hints["image"] = (
                now,
                (
                    f"An {skipped.kind} came ({skipped.detail}): it is recorded, and left out of the volume; leave "
                    "depth and picture as they are while you sweep."
                ),
            )
        elif self._unusable_in_a_row >= _LOST_FRAMES:
            self._hints["lost"] = (
                now,
                (
                    f"The probe is not tracked ({skipped.reason}): nothing is recorded that a volume can use; "
                    "bring the probe and the reference back into the tracker's view."
                ),
            )

    def _rate(self) -> float:
        return float(1 / np.median(self._periods)) if self._periods else math.nan
