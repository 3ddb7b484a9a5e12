"""Which frames of a sweep go into the volume, and why the others do not."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import ReconstructionError
from ..sweep import Sweep, TrackedFrame
from ..words import tr
from .impossible_poses import (
    JUMP_LONGEST_FRAMES,
    corners_under,
    how_far_out,
    other_shape,
    out_and_back,
    shape_of,
    turned_deg,
    usual_shape,
)

JUMP_FACTOR = 20.0  # a step this many times longer than usual is a jump of the tracker
JUMP_LEAST_MM = 30.0  # and at least so long
TURNED_AT_AN_END_DEG = 60.0  # from the first frame to the second, or the last but one to the last
TURNED_FACTOR = 10.0  # while the frame beside that one is turned so many times less
JUMP_LONGEST_SHARE = 0.05  # a far-off stretch longer than this part of the sweep was swept, not jumped to


@dataclass(frozen=True)
class SkippedFrame:
    """A frame that was left out: its number in the sweep and the reason, in words: what kind, or 'kind: detail'."""

    number: int
    reason: str

    @property
    def kind(self) -> str:
        return self.reason.partition(":")[0]

    @property
    def detail(self) -> str:
        return self.reason.partition(":")[2].strip()


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
    `reject_jumps`, frames with a pose that cannot be: far from the path of the others, out and back in one or a few
    frames, mirrored, or with pixels of another size. Raises ReconstructionError when none is left.
    """
    usable, skipped = [], []
    for number, frame in enumerate(sweep.frames):
        reason = reason_against(frame)
        if reason:
            skipped.append(SkippedFrame(number, reason))
        else:
            usable.append(number)
    if reject_jumps:
        measured = [sweep.frames[number].image_to_reference for number in usable]
        poses = dict(zip(usable, np.asarray(measured, dtype=np.float64)))
        for reasons_against in (_of_other_shape, _far_from_path, _out_and_back):
            stacked = np.array([poses[number] for number in usable])
            reasons = reasons_against(sweep, usable, stacked) if len(usable) > 2 else {}
            skipped += [SkippedFrame(number, reason) for number, reason in reasons.items()]
            usable = [number for number in usable if number not in reasons]
    used = [number for number in usable if number % skip_interval == 0]
    skipped += [
        SkippedFrame(number, f"passed over: one frame in {skip_interval} is used")
        for number in usable
        if number % skip_interval
    ]
    if not used:
        why = sorted({item.reason for item in skipped})
        raise ReconstructionError(
            tr(
                "{name} has no frame that a volume can be made from: of {frames} frames, all were left "
                "out ({why}); record it again with the probe in view.",
                name=sweep.name or "The sweep",
                frames=len(sweep.frames),
                why="; ".join(why) or "it is empty",
            )
        )
    return FrameSelection(tuple(used), tuple(usable), tuple(sorted(skipped, key=lambda item: item.number)))


def reason_against(frame: TrackedFrame) -> str:
    """Why a frame cannot be used, empty when it can."""
    if frame.image_to_reference is None:
        return "no pose"
    if not frame.valid:
        return "pose not valid"
    # plain numbers: of so few, numpy's norm and cross product take as long as a fifth of inserting the frame
    matrix = np.asarray(frame.image_to_reference, dtype=np.float64).tolist()
    if not all(math.isfinite(number) for line in matrix for number in line):
        return "pose is not finite"
    (a, b), (c, d), (e, f) = (line[:2] for line in matrix[:3])
    lengths = math.hypot(a, c, e), math.hypot(b, d, f)
    area = math.hypot(c * f - e * d, e * b - a * f, a * d - c * b)
    if min(lengths) == 0 or area < 1e-9 * math.prod(lengths):
        return "pose is singular"
    return ""


def _of_other_shape(sweep: Sweep, numbers: list[int], poses: np.ndarray) -> dict[int, str]:
    """The frames that are mirrored against most, and short stretches of frames whose pixels have another size."""
    shapes = shape_of(poses)
    usual = usual_shape(shapes)
    if np.allclose(shapes, usual, rtol=0.01):
        return {}
    reasons = [other_shape(shape, usual) for shape in shapes]
    found: dict[int, str] = {}
    edges = np.flatnonzero(np.diff([False, *map(bool, reasons), False]))
    for first, end in zip(edges[::2], edges[1::2]):
        # many frames in a row have pixels of another size when the depth was changed; no probe is mirrored
        is_short = end - first <= _longest_jump(len(numbers))
        found.update(
            (numbers[place], reasons[place]) for place in range(first, end) if is_short or "mirrored" in reasons[place]
        )
    return found


def _out_and_back(sweep: Sweep, numbers: list[int], poses: np.ndarray) -> dict[int, str]:
    frames = [sweep.frames[number] for number in numbers]
    runs = out_and_back(corners_under(poses, sweep.image_size))
    places = {place for first, last in runs for place in range(first, last + 1)}
    found: dict[int, str] = {}
    for first, last in runs:
        before = next(place for place in range(first - 1, -1, -1) if place not in places)
        found.update((numbers[place], how_far_out(frames[place], frames[before])) for place in range(first, last + 1))
    # Nothing comes before the first frame and after the last one: a great turn from one frame to the next decides.
    for end, inner, further in ((0, 1, 2), (-1, -2, -3)):
        turns = turned_deg(frames[end], frames[inner]), turned_deg(frames[inner], frames[further])
        if abs(numbers[end] - numbers[inner]) == 1 and turns[0] > TURNED_AT_AN_END_DEG > TURNED_FACTOR * turns[1]:
            found[numbers[end]] = f"tracker jump: turned by {turns[0]:.0f} degrees against the frame beside it"
    return found


def _longest_jump(frames: int) -> float:
    """Most frames in a row that count as a jump in a sweep of so many."""
    return max(JUMP_LONGEST_FRAMES, JUMP_LONGEST_SHARE * frames)


def _far_from_path(sweep: Sweep, numbers: list[int], poses: np.ndarray) -> dict[int, str]:
    """Frames far off where the tracker jumped."""
    centers = corners_under(poses, sweep.image_size).mean(axis=1)
    steps = np.linalg.norm(np.diff(centers, axis=0), axis=1)
    limit = max(JUMP_LEAST_MM, JUMP_FACTOR * float(np.median(steps)))
    # stretches without a jump; the long ones are the sweep, a short one is kept when it is near any of them
    stretches = np.split(np.arange(len(numbers)), np.nonzero(steps > limit)[0] + 1)
    longest = max(len(stretch) for stretch in stretches)
    least = min(longest, _longest_jump(len(numbers)) + 1)
    swept = np.concatenate([stretch for stretch in stretches if len(stretch) >= least])
    found: dict[int, str] = {}
    for stretch in stretches:
        if len(stretch) < least:
            apart = np.linalg.norm(centers[stretch][:, None] - centers[swept][None], axis=2).min()
            if apart > limit:
                reason = f"tracker jump: {apart:.0f} mm away from the other frames"
                found.update((numbers[place], reason) for place in stretch)
    return found
