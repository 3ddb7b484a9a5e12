"""Which frames of a sweep go into the volume, and why the others do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ReconstructionError
from ..geometry import transform_points
from ..sweep import Sweep

JUMP_FACTOR = 20.0  # a step this many times longer than usual is a jump of the tracker
JUMP_LEAST_MM = 30.0  # and at least so long
JUMP_LONGEST_SHARE = 0.05  # a far-off stretch longer than this part of the sweep was swept, not jumped to
JUMP_LONGEST_FRAMES = 4


@dataclass(frozen=True)
class SkippedFrame:
    """A frame that was left out: its number in the sweep and the reason, in words."""

    number: int
    reason: str


@dataclass(frozen=True)
class FrameSelection:
    """Frames by their number in the sweep.

    used           those that go into the volume, in order
    within_extent  those that its region must hold: also the usable ones that `skip_interval` passes over, as IGSIO has
                   it
    skipped        the others and why
    """

    used: tuple[int, ...]
    within_extent: tuple[int, ...]
    skipped: tuple[SkippedFrame, ...]


def select_frames(sweep: Sweep, skip_interval: int = 1, reject_jumps: bool = True) -> FrameSelection:
    """Choose the frames of a sweep that can be used.

    Left out are frames without a measured pose, with a pose that is not finite or not invertible, and, with
    `reject_jumps`, frames that lie far from the path of the others. Raises ReconstructionError when none is left.
    """
    usable, skipped = [], []
    for number, frame in enumerate(sweep.frames):
        reason = reason_against(frame)
        if reason:
            skipped.append(SkippedFrame(number, reason))
        else:
            usable.append(number)
    if reject_jumps and len(usable) > 2:
        distances = _distance_from_path(sweep, usable)
        skipped += [
            SkippedFrame(number, f"tracker jump: {distance:.0f} mm away from the other frames")
            for number, distance in zip(usable, distances)
            if distance > 0
        ]
        usable = [number for number, distance in zip(usable, distances) if distance == 0]
    used = [number for number in usable if number % skip_interval == 0]
    skipped += [
        SkippedFrame(number, f"passed over: one frame in {skip_interval} is used")
        for number in usable
        if number % skip_interval
    ]
    if not used:
        reasons = sorted({item.reason for item in skipped})
        raise ReconstructionError(
            f"{sweep.name or 'The sweep'} has no frame that a volume can be made from: of {len(sweep.frames)} frames, "
            f"all were left out ({'; '.join(reasons) or 'it is empty'}); record it again with the probe in view."
        )
    return FrameSelection(tuple(used), tuple(usable), tuple(sorted(skipped, key=lambda item: item.number)))


def reason_against(frame) -> str:
    """Why a frame cannot be used, empty when it can."""
    if frame.image_to_reference is None:
        return "no pose"
    if not frame.valid:
        return "pose not valid"
    matrix = np.asarray(frame.image_to_reference, dtype=np.float64)
    if not np.isfinite(matrix).all():
        return "pose is not finite"
    columns = matrix[:3, :2]
    lengths = np.linalg.norm(columns, axis=0)
    area = np.linalg.norm(np.cross(columns[:, 0], columns[:, 1]))
    if lengths.min() == 0 or area < 1e-9 * lengths.prod():
        return "pose is singular"
    return ""


def _distance_from_path(sweep: Sweep, numbers: list[int]) -> np.ndarray:
    """For every frame 0, or by how many mm it lies off where the tracker jumped."""
    width, height = sweep.image_size
    middle = np.array([(width - 1) / 2, (height - 1) / 2, 0.0])
    centers = np.array([transform_points(sweep.frames[number].image_to_reference, middle) for number in numbers])
    steps = np.linalg.norm(np.diff(centers, axis=0), axis=1)
    limit = max(JUMP_LEAST_MM, JUMP_FACTOR * float(np.median(steps)))
    # stretches without a jump; the long ones are the sweep, a short one is kept when it is near any of them
    stretches = np.split(np.arange(len(numbers)), np.nonzero(steps > limit)[0] + 1)
    longest = max(len(stretch) for stretch in stretches)
    least = min(longest, max(JUMP_LONGEST_FRAMES, JUMP_LONGEST_SHARE * len(numbers)) + 1)
    swept = np.concatenate([stretch for stretch in stretches if len(stretch) >= least])
    distances = np.zeros(len(numbers))
    for stretch in stretches:
        if len(stretch) < least:
            apart = np.linalg.norm(centers[stretch][:, None] - centers[swept][None], axis=2).min()
            distances[stretch] = apart if apart > limit else 0.0
    return distances


class JumpFilter:
    """The same for frames that come one at a time: holds back frames where the tracker may have jumped.

    A few frames far away from the others are a jump; more of them mean that the probe is really there.
    """

    def __init__(self):
        self._last_center: np.ndarray | None = None
        self._apart: list[tuple[int, object, np.ndarray]] = []  # frames that may be a jump, until it is clear

    def take(self, number: int, frame) -> tuple[list[tuple[int, object]], list[SkippedFrame]]:
        """Frames, with their numbers, that are now known to belong to the sweep, and those now known not to.

        frame  a TrackedFrame that has nothing else against it, see `reason_against`
        """
        width, height = frame.image_size
        center = transform_points(frame.image_to_reference, np.array([(width - 1) / 2, (height - 1) / 2, 0.0]))
        if self._last_center is not None and _is_far(center, self._last_center):
            skipped = self.left_over() if self._apart and _is_far(center, self._apart[-1][2]) else []
            self._apart.append((number, frame, center))
            if len(self._apart) <= JUMP_LONGEST_FRAMES:
                return [], skipped
            accepted, self._apart = self._apart, []
        else:
            skipped, accepted = self.left_over(), [(number, frame, center)]
        self._last_center = accepted[-1][2]
        return [(number, frame) for number, frame, _ in accepted], skipped

    def left_over(self) -> list[SkippedFrame]:
        """The frames held back, as jumps: nothing that came after them was near."""
        held, self._apart = self._apart, []
        reason = "tracker jump: far away from the frames before and after"
        return [SkippedFrame(number, reason) for number, *_ in held]


def _is_far(center: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.linalg.norm(center - other) > JUMP_LEAST_MM)
