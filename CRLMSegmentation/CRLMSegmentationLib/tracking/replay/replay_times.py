"""The times that a recording is replayed with: such as a message can carry, and distinguish its frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...sweep import TrackedFrame

# A message holds whole seconds in 32 bits.
_LATEST_S = 2.0**32 - 2.0**24
_USUAL_INTERVAL_S, _LONGEST_PAUSE_S = 0.1, 10.0
# Units of a second that some write times in, with what the years 2001 to 2100 are in seconds since 1970.
_UNITS = (1e3, 1e6, 1e9)
_THIS_CENTURY_S = 978307200.0, 4102444800.0


@dataclass(frozen=True)
class ReplayTimes:
    """When each frame is sent and what time it bears.

    stamps_s   (n,) seconds, for the messages
    elapsed_s  (n,) seconds since the first frame; pauses and jumps of the clock take the usual interval
    once_s     how long one turn takes, up to the first frame of the next
    note       a sentence when the times are not those of the recording; '' when they are
    """

    stamps_s: np.ndarray
    elapsed_s: np.ndarray
    once_s: float
    note: str = ""


def replay_times(frames: Sequence[TrackedFrame]) -> ReplayTimes:
    """The times for the frames of a recording, of which some may be NaN, negative, too large or shared by several."""
    times = np.array([frame.timestamp for frame in frames], dtype=np.float64)
    note = ""
    shared = any(one.timestamp == other.timestamp and not _is_repeated(one, other) for one, other in pairwise(frames))
    if shared:
        # Whoever receives them could not tell which pose belongs to which image; here it is known.
        times[:] = np.nan
    known = times[np.isfinite(times)]
    if known.size and (unit := _unit_of(known)) != 1:
        times, note = times / unit, f"The times are taken for 1/{unit:g} of a second."
    steps = np.diff(times, prepend=times[:1])
    usual_s = float(np.nanmedian(steps[1:])) if np.isfinite(steps[1:]).any() else _USUAL_INTERVAL_S
    if not 0 < usual_s < _LONGEST_PAUSE_S:
        usual_s = _USUAL_INTERVAL_S
    good = np.isfinite(steps) & (steps >= 0) & (steps < _LONGEST_PAUSE_S)
    elapsed = np.cumsum(np.where(good, steps, usual_s))
    elapsed -= elapsed[0]
    stamps = times
    if not np.isfinite(times).all():
        stamps = 1.0 + elapsed
        what = "Some frames of the recording have no time" if known.size and not shared else (
            "The recording has no times that tell its frames apart"
        )  # fmt: skip
        note = f"{what}: frames are sent with made-up times, {usual_s:.3g} s apart where they have none."
    elif times.min() < 0 or times.max() > _LATEST_S:
        stamps = times - times[0] + 1.0 if times.max() - times.min() < _LATEST_S else 1.0 + elapsed
        stamps = stamps - min(0.0, stamps.min())
        note = f"{note} The times are shifted by {stamps[0] - times[0]:.6g} s, as a message cannot carry them.".strip()
    return ReplayTimes(stamps, elapsed, float(elapsed[-1]) + max(usual_s, 1e-3), note)


def _is_repeated(one: TrackedFrame, other: TrackedFrame) -> bool:
    """The same frame once more, as PLUS records them."""
    return np.array_equal(one.pixels, other.pixels)


def _unit_of(times: np.ndarray) -> float:
    """What the times have to be divided by to be seconds: 1 unless they are plainly smaller units since 1970."""
    middle = float(np.median(times))
    return next((unit for unit in _UNITS if _THIS_CENTURY_S[0] <= middle / unit <= _THIS_CENTURY_S[1]), 1.0)
