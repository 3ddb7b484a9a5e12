"""How old a thing is, and whether it is live, late or lost: the one place that says so.

Everything that is tracked or shown (an image, a tool, a stream) has an Age, and every front end asks that Age whether
the thing may be shown as live. No other file compares an age with a limit; a test holds the library to it.

A thing is as old as the larger of two times:

- since it arrived here, where what is sent again with the same stamp does not count as new;
- since it was measured, by the sender's clock: what it took longer than the quickest message of the stream (see
  tracking/sender_clock.py). So a queue that builds up somewhere is noticed, and a tool that lags behind.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from enum import Enum

from ..words import tr
from .sender_clock import SenderClock

# Half a second is what a surgeon may take for 'now' while probe and tools move slowly; nothing older is shown in place.
LIVE_UP_TO_S = 0.5
# A pause may be a network that stutters; after so long nothing comes any more.
LOST_AFTER_S = 2.0
# What was computed from a frame is drawn on that frame for so long: a probe that is moved at 10 mm/s is 3 mm away then.
OUTLINED_UP_TO_S = 0.3
# Stamps that differ by less are one stamp: PLUS writes six decimals or fewer.
_SAME_STAMP_S = 1e-6
# A source whose own stamp goes back by more has another clock now, as when a recording begins again.
_WENT_BACK_S = 0.25


class Liveness(Enum):
    """What an age means.

    LIVE  at most 0.5 s old: it may be shown where it was measured
    LATE  at most 2 s old: not shown in place any more, but it may come back at any moment
    LOST  older, or it never came
    """

    LIVE = "live"
    LATE = "late"
    LOST = "lost"


@dataclass(frozen=True, order=True)
class Age:
    """How long ago a thing was measured, on this computer's monotonic clock.

    seconds  at least 0; infinite for what never came. NaN, which nobody can judge, becomes infinite.
    """

    seconds: float = math.inf

    def __post_init__(self) -> None:
        seconds = float(self.seconds)
        object.__setattr__(self, "seconds", math.inf if math.isnan(seconds) else max(0.0, seconds))

    @property
    def liveness(self) -> Liveness:
        if self.seconds <= LIVE_UP_TO_S:
            return Liveness.LIVE
        return Liveness.LATE if self.seconds <= LOST_AFTER_S else Liveness.LOST

    @property
    def is_live(self) -> bool:
        return self.liveness is Liveness.LIVE

    @property
    def is_lost(self) -> bool:
        return self.liveness is Liveness.LOST

    @property
    def may_be_outlined(self) -> bool:
        """True while what was found in a frame of this age may still be drawn on it."""
        return self.seconds <= OUTLINED_UP_TO_S

    @property
    def is_known(self) -> bool:
        """False for what never came."""
        return math.isfinite(self.seconds)

    def at_least(self, seconds: float) -> Age:
        """The same, or `seconds` where that is more."""
        return Age(max(self.seconds, seconds))

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s" if self.is_known else tr("none yet")


NEVER = Age()


@dataclass
class _Arrival:
    stamp_s: float | None
    received_s: float


class TrackingClock:
    """The ages of the named things (images, tools) of one stream.

    `received_s` and `now_s` are readings of this computer's monotonic clock (`time.monotonic()`, the default).
    Not safe for several threads at once.
    """

    def __init__(self) -> None:
        self._arrivals: dict[str, _Arrival] = {}
        self._sender = SenderClock()

    def note(
        self, name: str, stamp_s: float | None = None, received_s: float | None = None, read_s: float | None = None
    ) -> None:
        """The thing called `name` came with this stamp of the sender's clock (None when it has none).

        received_s  since when it may have been here: its age counts from then
        read_s      when it was really taken, where it may have waited unread; received_s by default. NaN for what was
                    handed over, and not received: its stamp does not say that it is late
        """
        received_s = time.monotonic() if received_s is None else received_s
        read_s = received_s if read_s is None else read_s
        stamp_s = None if stamp_s is None or not math.isfinite(stamp_s) else float(stamp_s)
        before = self._arrivals.get(name)
        if stamp_s is not None and before is not None and before.stamp_s is not None:
            if abs(stamp_s - before.stamp_s) < _SAME_STAMP_S:
                return
            if stamp_s < before.stamp_s - _WENT_BACK_S:
                self._sender.restart()
        if math.isnan(read_s):
            self._sender.restart()
            read_s = received_s
        if stamp_s is not None:
            self._sender.arrived(stamp_s, read_s)
        self._arrivals[name] = _Arrival(stamp_s, received_s)

    def age(self, name: str, now_s: float | None = None) -> Age:
        """Of the newest that came under this name; NEVER when nothing did."""
        arrival = self._arrivals.get(name)
        if arrival is None:
            return NEVER
        now_s = time.monotonic() if now_s is None else now_s
        age = Age(now_s - arrival.received_s)
        return age if arrival.stamp_s is None else age.at_least(self._sender.since_s(arrival.stamp_s, now_s))

    def forget(self) -> None:
        """As when nothing was received yet."""
        self._arrivals.clear()
        self._sender.restart()
