"""A pose that knows when it was measured, and on whose clock."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..errors import GeometryError
from ..geometry import as_affine
from ..words import tr

# This computer's time.monotonic(); every other name is that of a sender's clock, which need not agree with it.
MONOTONIC = "monotonic"


@dataclass(frozen=True, eq=False)
class TimedPose:
    """Where something was at one time. How old that is now, tracking.age says.

    matrix      (4, 4) float64, mm, from the frame of the thing to another one (ToolToReference); affine when `valid`
    valid       False when it was not measured (the tracker did not see the tool): the matrix says nothing then
    measured_s  seconds on the clock called `clock`, finite
    clock       MONOTONIC for this computer's time.monotonic(), or the name of the sender's clock ('PlusServer:18944').
                Times of two clocks cannot be compared

    Raises GeometryError for a matrix that is none, for a valid one that is not affine, and for a time that is no
    number.
    """

    matrix: np.ndarray
    measured_s: float
    valid: bool = True
    clock: str = MONOTONIC

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.shape != (4, 4):
            raise GeometryError(tr("A pose has shape (4, 4); this one has {shape}.", shape=matrix.shape))
        if self.valid:
            as_affine(matrix, "pose")
        if not math.isfinite(self.measured_s):
            raise GeometryError(tr("A pose needs the time at which it was measured, in seconds."))
        if not self.clock:
            raise GeometryError(tr("A pose needs the name of the clock that its time is from."))
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "measured_s", float(self.measured_s))
        object.__setattr__(self, "valid", bool(self.valid))

    def seconds_before(self, other: TimedPose) -> float:
        """How much earlier than `other` it was measured. Raises GeometryError when their times are of two clocks."""
        if self.clock != other.clock:
            raise GeometryError(
                tr(
                    "The times of two poses cannot be compared: one is of the clock '{clock}', the other of "
                    "'{clock_2}'.",
                    clock=self.clock,
                    clock_2=other.clock,
                )
            )
        return other.measured_s - self.measured_s

    def on_clock(self, clock: str, offset_s: float) -> TimedPose:
        """The same pose with its time on another clock, which shows `offset_s` more than this one."""
        return replace(self, clock=clock, measured_s=self.measured_s + offset_s)
