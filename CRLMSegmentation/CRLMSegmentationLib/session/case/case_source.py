"""Where the data of a case come from, and whether what is connected now may be shown together with them.

A tumor belongs to one patient. As soon as the images come from another source than the data of the case, it is not
known whether they show the same patient; a person has to say so, and until then nothing of the case is shown as
current. The question is worked out anew whenever it is asked for, so that it can neither be forgotten nor outlive its
reason.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...sweep import Sweep
from ...sweep.sweep import ORIGIN_FIELD, SIMULATED
from ...words import tr
from ..frame_source import FrameSource

LIVE, REPLAYED = "live", "replayed"
ORIGINS = (LIVE, REPLAYED, SIMULATED)


class CaseSource:
    """Sources of one case.

    holding  gives what the case holds, for people ('A tumor of 4.2 mL'); '' while it holds nothing
    """

    def __init__(self, holding: Callable[[], str]) -> None:
        self._holding = holding
        self._origin: str | None = None
        self._identities: set[str] = set()
        self._connected: FrameSource | None = None

    @property
    def origin(self) -> str | None:
        """Of the data: one of ORIGINS; None when there are none, or nobody said where they are from."""
        return self._origin if self._origin is not None and self._holding() else None

    @property
    def marks(self) -> dict[str, str]:
        """Fields of what is recorded now, so that a simulated recording tells that it is one wherever it goes."""
        is_simulated = self._connected is not None and self._connected.origin == SIMULATED
        return {ORIGIN_FIELD: SIMULATED} if is_simulated else {}

    @property
    def question(self) -> str | None:
        """What a person has to answer before the case is shown again; None when all is clear."""
        source = self._connected
        if source is None or source.identity in self._identities:
            return None
        holding = self._holding()
        if not holding:
            return None
        return tr(
            "On the screen: {holding}. The images come from another source now: is it the same patient?",
            holding=holding,
        )

    def connect(self, source: FrameSource) -> None:
        """Images come from `source` from now on; an empty case begins with it."""
        self._connected = source
        if not self._holding():
            self.begin()

    def disconnect(self) -> None:
        """No images come any more."""
        self._connected = None

    def keep(self) -> None:
        """What is connected shows the same patient."""
        if self._connected is not None:
            self._identities.add(self._connected.identity)

    def begin(self, origin: str | None = None, identity: str | None = None) -> None:
        """Another case: of data from elsewhere when an identity is given, else of what is connected.

        origin    of data that are taken in; None when there are none yet, or it is not known
        identity  a file, '' for data that belong to no source that could be connected
        """
        self._origin, self._identities = None, set()
        if identity:
            self._identities.add(identity)
        elif identity is None:
            self.keep()
        self.add(origin)

    def add(self, origin: str | None, identity: str | None = None) -> None:
        """Data from there have come to the case. Once some are simulated, the case is."""
        if origin in ORIGINS and self._origin != SIMULATED:
            self._origin = origin
        if identity:
            self._identities.add(identity)

    def knows(self, identity: str) -> bool:
        """True when data of this case came from there, or a person has said that it shows the same patient."""
        return identity in self._identities


def file_identity(path: str | Path) -> str:
    """Of a recording on disk."""
    return str(Path(path).resolve())


def origin_of(sweep: Sweep) -> str:
    """Of a sweep that was read from a file: the simulator marks its own, and what is recorded of them."""
    fields = [sweep.fields, *(frame.fields for frame in sweep.frames[:1])]
    says_so = any(one.get(ORIGIN_FIELD) == SIMULATED for one in fields)
    return SIMULATED if says_so else REPLAYED
