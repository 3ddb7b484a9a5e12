"""A pose from transforms that were measured and transforms that are fixed, such as those of a PLUS configuration.

IGSIO refuses a transform between two frames that others join already ('A transform path already exists between ...',
vtkIGSIOTransformRepository.cxx). Here what was measured comes first: a fixed transform never takes the place of a
measured way, and a way of fixed transforms alone leads to no pose that was measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .tracked_frame import Pose
from .transforms import find_path, follow, split_transform_name

# A configuration has a dozen transforms; more ways than this are not tried.
Step = tuple[str, bool, bool]
_MOST_WAYS = 2000
# Two transforms that place the corners of an image of so many pixels no further apart say the same.
_IMAGE_EDGE, _SAME_MM = 1000, 0.1


@dataclass(frozen=True)
class PosePath:
    """The way from one frame to another.

    steps     (name, forwards, fixed) in the order of use
    measured  at least one step was measured
    passed_over  fixed transforms between frames that are joined without them: not used
    """

    steps: tuple[Step, ...]
    measured: bool
    passed_over: tuple[str, ...]


def pose_path(measured: Iterable[str], fixed: Iterable[str], source: str, target: str) -> PosePath | None:
    """The way from `source` to `target` over transforms of these names; None when there is none.

    One that was measured goes before one that was not, then one of fewer fixed transforms, then the shorter one. A
    fixed transform of a name that was measured as well is not used.
    """
    measured = frozenset(measured)
    return _pose_path(measured, tuple(name for name in fixed if name not in measured), source, target)


def compose_measured(
    measured: Mapping[str, Pose], fixed: Mapping[str, Pose], source: str, target: str, names: Iterable[str] = ()
) -> Pose | None:
    """The pose of `source` in `target` from the transforms of one frame and fixed ones; None when no way leads there.

    names  transforms that are measured in other frames of the same recording or stream: a fixed transform does not
           stand in where one of them is missing

    It is invalid when nothing on the way was measured, or a transform on the way is invalid, not finite, or cannot be
    inverted.
    """
    path = pose_path({*measured, *names}, fixed, source, target)
    if path is None:
        return None
    if any(not is_fixed and name not in measured for name, _, is_fixed in path.steps):
        # Another way may have been measured all along, as in a recording that holds the same path twice.
        path = pose_path(measured, (), source, target)
        if path is None:
            return None
    pose = follow(
        (name, forwards, fixed[name] if is_fixed else measured[name]) for name, forwards, is_fixed in path.steps
    )
    if pose.valid and not path.measured and source != target:
        return Pose(pose.matrix, False, "INVALID")
    return pose


def passed_over_sentences(
    frames: Sequence[Mapping[str, Pose]], fixed: Mapping[str, Pose], source: str, target: str
) -> list[str]:
    """For people: each fixed transform that is not used and says something else than what was measured says.

    frames  the measured transforms of some frames
    """
    recorded = {name for frame in frames for name in frame}
    path = pose_path(recorded, fixed, source, target)
    sentences = []
    # An image's calibration goes with the recording, under its own name.
    again = [name for name in fixed.keys() & recorded if split_transform_name(name)[0] == source]
    again = [name for name in again if name != f"{source}To{target}"]
    for name in [*path.passed_over, *again] if path is not None else ():
        start, end = split_transform_name(name)
        others = {other: pose for other, pose in fixed.items() if other != name}
        apart_mm = max(_apart_mm(fixed[name], compose_measured(frame, others, start, end)) for frame in frames)
        if apart_mm > _SAME_MM:
            by = f", and it differs from them by up to {apart_mm:.1f} mm" if np.isfinite(apart_mm) else ""
            sentences.append(
                f"{name} of the calibration is not used: transforms that were measured, or came with the images, lead "
                f"from {start} to {end}{by}."
            )
    return sentences


def _apart_mm(one: Pose, other: Pose | None) -> float:
    """How far the two move the corners of an image or a tool apart; infinite when that is not known."""
    if other is None or not np.isfinite(other.matrix).all():
        return float("inf")
    corners = np.array([[0, 0, 0, 1], [_IMAGE_EDGE, 0, 0, 1], [0, _IMAGE_EDGE, 0, 1]]).T
    return float(np.linalg.norm(((one.matrix - other.matrix) @ corners)[:3], axis=0).max())


@lru_cache(maxsize=256)
def _pose_path(measured: frozenset[str], fixed: tuple[str, ...], source: str, target: str) -> PosePath | None:
    names = sorted(measured)
    joined = _Joined(names)
    ends = [(name, *split_transform_name(name)) for name in fixed]
    found: list[tuple[tuple[Step, ...], bool]] = []
    tried = 0

    def go_on(frame: str, steps: tuple[Step, ...], visited: frozenset[str], is_measured: bool) -> None:
        nonlocal tried
        tried += 1
        if tried > _MOST_WAYS:
            return
        group = joined.group(frame)
        if group == joined.group(target):
            rest = _steps(names, frame, target)
            found.append((steps + rest, is_measured or bool(rest)))
            return
        for name, start, end in ends:
            for here, there, forwards in ((start, end, True), (end, start, False)):
                if joined.group(here) == group and joined.group(there) not in visited:
                    inner = _steps(names, frame, here)
                    go_on(there, (*steps, *inner, (name, forwards, True)), visited | {joined.group(there)},
                          is_measured or bool(inner))  # fmt: skip

    go_on(source, (), frozenset([joined.group(source)]), False)
    if not found:
        return None
    steps, is_measured = min(
        found, key=lambda one: (not one[1], sum(is_fixed for _, _, is_fixed in one[0]), len(one[0]))
    )
    used = {name for name, _, is_fixed in steps if is_fixed}
    together = _Joined([*names, *used])
    passed_over = []
    for name, start, end in ends:
        if name not in used:
            if together.group(start) == together.group(end) == together.group(source):
                passed_over.append(name)
            together.join(start, end)
    return PosePath(steps, is_measured, tuple(passed_over))


def _steps(names: list[str], source: str, target: str) -> tuple[tuple[str, bool, bool], ...]:
    return tuple((name, forwards, False) for name, forwards in find_path(names, source, target) or ())


class _Joined:
    """Which frames the transforms called `names` join."""

    def __init__(self, names: Iterable[str]):
        self._leaders: dict[str, str] = {}
        for name in names:
            self.join(*split_transform_name(name))

    def join(self, one: str, other: str) -> None:
        self._leaders[self.group(one)] = self.group(other)

    def group(self, frame: str) -> str:
        """The same for all frames that are joined."""
        while (leader := self._leaders.get(frame, frame)) != frame:
            frame = leader
        return frame
