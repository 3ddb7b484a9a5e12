"""One tumor of a case as plain values: its name, its box, and what was found in it, in which volume and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ...navigation.distance import TumorDistance
from ...sweep import Sweep
from ...values import Box, Volume
from ...values.defaults import DEFAULT_SAFETY_MARGIN_MM
from ...words import tr

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ..tumor.tumor_state import TumorState

MOST_TUMORS = 50
LONGEST_NAME = 24
# In the order of the numbers, told apart also by who sees no difference between red and green (after Okabe and Ito,
# "Color universal design", 2008); blue is the box's and the margin's.
COLORS = (
    (1.0, 0.8, 0.2), (0.8, 0.47, 0.65), (0.0, 0.75, 0.55), (0.9, 0.45, 0.2), (0.65, 0.55, 0.95), (0.75, 0.85, 0.35),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Scan:
    """One sweep of a case and a volume that was made of it.

    number     of the sweep in the case, from 1; 0 where no sweep is known
    volume     None where it was not kept
    recording  the file of the sweep that this program has written itself; None where there is none
    """

    number: int
    volume: Volume | None
    sweep: Sweep | None = None
    recording: Path | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """What was found of a tumor.

    surface       RAS mm;  distance  to it
    scan          that it was found in; None where that is not known
    state         all that it was made of; None where only the surface is known, of which nothing can be changed
    acknowledged  True when a person has seen its doubts
    """

    surface: vtkPolyData
    distance: TumorDistance
    scan: Scan | None
    state: TumorState | None = None
    acknowledged: bool = False

    @property
    def found_at(self) -> datetime | None:
        """None where nobody knows."""
        return None if self.state is None else self.state.found_at

    @property
    def doubts(self) -> tuple[str, ...]:
        """Sentences that speak against it."""
        return () if self.state is None else self.state.doubts

    @property
    def is_corrected(self) -> bool:
        """True when a hand has changed it."""
        return self.state is not None and self.state.is_corrected


@dataclass(frozen=True, eq=False)
class CaseTumor:
    """One tumor of a case.

    number     given once in a case
    color      red, green, blue, 0 to 1
    box        in Reference; None while none was placed
    found      the newest that was found of it; None while nothing was
    is_stale   True when it was found in an earlier volume than the newest one
    is_of_this_sweep  True when that volume was made of the newest sweep
    origin     where and when it was found, for people: 'found in sweep 1, 14:02'; '' while nothing was
    """

    number: int
    name: str
    color: tuple[float, float, float]
    box: Box | None = None
    box_is_tight: bool = False
    margin_mm: float = DEFAULT_SAFETY_MARGIN_MM
    found: Found | None = None
    is_stale: bool = False
    is_of_this_sweep: bool = False

    @property
    def is_empty(self) -> bool:
        """True while nothing was placed or found."""
        return self.box is None and self.found is None

    @property
    def origin(self) -> str:
        if self.found is None:
            return ""
        scan, at = self.found.scan, self.found.found_at
        place = tr("in an earlier volume")
        if scan is not None and scan.number:
            place = (
                tr("{place} of sweep {number}", place=place, number=scan.number)
                if self.is_of_this_sweep
                else tr("in sweep {number}", number=scan.number)
            )
        return f"found {place}" + (f", {at:%H:%M}" if at is not None else "")


def color_of(number: int) -> tuple[float, float, float]:
    """Of the tumor with that number, from 1."""
    return COLORS[(number - 1) % len(COLORS)]


def seen_from(tumor: CaseTumor, newest: Scan | None) -> CaseTumor:
    """The tumor with what follows from which scan is the newest one."""
    found = tumor.found
    is_stale = found is not None and found.scan is not newest
    of = found.scan if found is not None and is_stale else None
    same = newest is not None and of is not None and of.number == newest.number
    return replace(tumor, is_stale=is_stale, is_of_this_sweep=same)


def name_problem(name: str, others: Iterable[str]) -> str:
    """Why a tumor cannot have this name beside the `others`, for people; '' when it can."""
    if not 0 < len(name) <= LONGEST_NAME:
        return tr("A tumor's name has 1 to {longest_name} characters.", longest_name=LONGEST_NAME)
    return tr("There is a tumor {name} already.", name=name) if name in others else ""


def beside(tumors: Iterable[CaseTumor], chosen: int, scan: Scan | None) -> tuple[CaseTumor, ...]:
    """What was found of these tumors, but for that with the number `chosen` where that was in this scan."""
    found = [(one, one.found) for one in tumors]
    return tuple(one for one, of in found if of is not None and (one.number != chosen or of.scan is not scan))
