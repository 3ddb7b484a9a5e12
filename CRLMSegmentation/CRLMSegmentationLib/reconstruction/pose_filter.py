"""Poses that cannot be, for frames that come one at a time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from ..sweep import TrackedFrame
from .frame_selection import JUMP_LEAST_MM, SkippedFrame
from .impossible_poses import (
    JUMP_LONGEST_FRAMES,
    OUT_AND_BACK_FACTOR,
    OUT_AND_BACK_LEAST_MM,
    apart_mm,
    corners_of,
    how_far_out,
    is_out_and_back,
    other_shape,
    shape_of,
)

_STEPS_AROUND = 3


@dataclass(frozen=True, eq=False)
class _Seen:
    """A frame, its number, and what is compared of it. odd: far away or of another shape; '' when neither."""

    number: int
    frame: TrackedFrame
    corners: np.ndarray
    shape: np.ndarray
    odd: str = ""


class PoseFilter:
    """Holds back frames whose pose may be one that cannot be, until what comes after them decides.

    A few frames far away from the others, or out and back, or of another shape, are left out; more of them mean that
    the probe is really there.
    """

    def __init__(self) -> None:
        self._last: _Seen | None = None  # that belongs to the sweep
        self._held: list[_Seen] = []  # after it
        self._steps_mm: deque[float] = deque(maxlen=_STEPS_AROUND)  # before it

    def take(self, number: int, frame: TrackedFrame) -> tuple[list[tuple[int, TrackedFrame]], list[SkippedFrame]]:
        """Frames, with their numbers, that are now known to belong to the sweep, and those now known not to.

        frame  a TrackedFrame that has nothing else against it, see frame_selection.reason_against
        """
        now = _Seen(number, frame, corners_of(frame), shape_of(np.asarray(frame.image_to_reference)))
        if self._last is None:
            return self._accepted([now]), []
        now = _Seen(now.number, frame, now.corners, now.shape, _odd(now, self._last))
        around = max(self._steps_mm, default=0.0)
        way = float(apart_mm(now.corners, self._last.corners))
        may_be_out = way > OUT_AND_BACK_LEAST_MM and way > OUT_AND_BACK_FACTOR * around
        if not self._held:
            if now.odd or may_be_out:
                self._held = [now]
                return [], []
            return self._accepted([now]), []

        before, last_held = self._held[0], self._held[-1]
        way_out = float(apart_mm(before.corners, self._last.corners))
        step = float(apart_mm(now.corners, last_held.corners))
        if now.odd:
            if before.odd and _odd(now, last_held):  # another place again: none of them is where the probe is
                skipped, self._held = self._left_over(), [now]
                return [], skipped
        elif before.odd or is_out_and_back(way_out, step, max(around, way / (len(self._held) + 1))):
            skipped = self._left_over()
            return self._accepted([now]), skipped
        elif OUT_AND_BACK_FACTOR * step > way_out:  # it goes on moving: a hand that has become quick
            return self._accepted([*self._held, now]), []
        self._held.append(now)
        if len(self._held) <= JUMP_LONGEST_FRAMES:
            return [], []
        return self._accepted(self._held), []

    def finish(self) -> tuple[list[tuple[int, TrackedFrame]], list[SkippedFrame]]:
        """The same when no further frame comes: what was held back as far away or of another shape is left out."""
        if self._held and not self._held[0].odd:
            return self._accepted(self._held), []
        return [], self._left_over()

    def _left_over(self) -> list[SkippedFrame]:
        """The frames held back, as such with a pose that cannot be: nothing that came after them was near."""
        held, self._held, last = self._held, [], self._last
        if last is None:
            return []
        return [SkippedFrame(one.number, one.odd or how_far_out(one.frame, last.frame)) for one in held]

    def _accepted(self, seen: list[_Seen]) -> list[tuple[int, TrackedFrame]]:
        for one in seen:
            if self._last is not None:
                self._steps_mm.append(float(apart_mm(one.corners, self._last.corners)))
            self._last = one
        self._held = []
        return [(one.number, one.frame) for one in seen]


def _odd(one: _Seen, other: _Seen) -> str:
    reason = other_shape(one.shape, other.shape)
    centers = one.corners.mean(axis=0), other.corners.mean(axis=0)
    if not reason and np.linalg.norm(centers[0] - centers[1]) > JUMP_LEAST_MM:
        reason = how_far_out(one.frame, other.frame)
    return reason
