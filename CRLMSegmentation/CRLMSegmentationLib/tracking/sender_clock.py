"""How late what a sender measured arrives, on one model of its clock and ours.

The two clocks need not agree, so that a single timestamp says nothing about its age. But of all messages the quickest
one took hardly any time, and what another took longer than that one is by how much it is late: in a queue of the
sender, on the network, or in a socket that nobody read.
"""

from __future__ import annotations

import math

# Clocks of computers run apart by less (quartz: 100 parts in a million, and what NTP corrects): by so much the quickest
# way is forgotten with time. Something that is seconds late stays known to be late for hours.
_DRIFT = 2e-4
# A message that seems to be quicker by more may have a wrong time: so many in a row, and the sender's clock was set.
_SET_S, _SET_AFTER = 1.0, 3


class SenderClock:
    """Follows the arrival of every message with a timestamp, in seconds on any clock of this computer."""

    def __init__(self) -> None:
        self._offset_s = math.inf
        self._newest_arrival_s = -math.inf
        self._much_quicker = 0

    @property
    def offset_s(self) -> float:
        """Our clock's time less the sender's, with the way of the quickest message in it; infinite when none came."""
        return self._offset_s

    def arrived(self, stamp_s: float, arrived_s: float) -> None:
        """A message that was stamped with `stamp_s` had arrived by `arrived_s`."""
        offset_s = arrived_s - stamp_s
        if math.isfinite(self._offset_s):
            self._much_quicker = self._much_quicker + 1 if offset_s < self._offset_s - _SET_S else 0
            if 0 < self._much_quicker < _SET_AFTER:
                return
            self._offset_s += _DRIFT * max(0.0, arrived_s - self._newest_arrival_s)
        self._newest_arrival_s = max(self._newest_arrival_s, arrived_s)
        self._offset_s = min(self._offset_s, offset_s)

    def since_s(self, stamp_s: float, now_s: float) -> float:
        """How long ago `stamp_s` was, if the quickest message took no time; 0 when nothing is known."""
        return max(0.0, now_s - stamp_s - self._offset_s) if math.isfinite(self._offset_s) else 0.0

    def restart(self) -> None:
        """The sender's clock went back, as when a recording begins again: what was known of it is of no use."""
        self._offset_s = math.inf
        self._much_quicker = 0
