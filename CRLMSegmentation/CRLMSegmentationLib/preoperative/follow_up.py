"""The lesions of one patient over several dates: which is which, how they grow, and the sums of RECIST 1.1.

The livers are laid over that of the first date, and lesions of neighbouring dates are assigned one to one so that the
sum of the distances between their middles is smallest (Kuhn-Munkres, scipy). Reference: Eisenhauer et al., Eur J Cancer
45 (2009) 228-247, sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..geometry import transform_points
from ..values.progress import Progress
from ..words import mark, tr
from .liver_alignment import align_livers
from .measures import Lesion
from .result_folder import Result
from .structures import LIVER

# A liver breathes, turns and shrinks: its lesions are looked for this far from where they were, and at least as far as
# they are wide.
_SEARCH_MM = 15.0
# RECIST 1.1: lesions of 10 mm and more can be targets, two of one organ at most.
_LEAST_TARGET_MM, _TARGETS = 10.0, 2
_SHRUNK, _GROWN, _GROWN_MM = 0.3, 0.2, 5.0


@dataclass(frozen=True)
class Track:
    """One lesion over the dates.

    number        from 1, in the order in which lesions appear
    lesions       its number at each date, in that date's table; None where it was not found
    diameters_mm, volumes_ml   at each date; None where it was not found
    is_target     whether it counts in the sum
    center_ras_mm where it was seen first, RAS of the first CT
    """

    number: int
    lesions: tuple[int | None, ...]
    diameters_mm: tuple[float | None, ...]
    volumes_ml: tuple[float | None, ...]
    is_target: bool
    center_ras_mm: tuple[float, float, float]


@dataclass(frozen=True)
class FollowUp:
    """dates: as given, '' where unknown. sums_mm of the targets and the response at each date: 'baseline', 'complete
    response', 'partial response', 'stable disease' or 'progressive disease'; '' where there is no target. new and
    vanished: numbers of tracks at each date.
    """

    dates: tuple[str, ...]
    tracks: tuple[Track, ...]
    sums_mm: tuple[float, ...]
    responses: tuple[str, ...]
    new: tuple[tuple[int, ...], ...]
    vanished: tuple[tuple[int, ...], ...]
    liver_ml: tuple[float, ...]

    def as_plain(self) -> dict[str, Any]:
        """For JSON; follow_up_of_plain() reads it back."""
        return asdict(self)


def follow_up_of_plain(content: Mapping[str, Any]) -> FollowUp:
    """Of FollowUp.as_plain(), also after it was JSON. Raises ConfigurationError for what is none."""
    try:
        tracks = tuple(Track(**{name: _hashable(value) for name, value in one.items()}) for one in content["tracks"])
        found = FollowUp(**{**{name: _hashable(value) for name, value in content.items()}, "tracks": tracks})
        count = len(found.dates)
        by_date = [found.sums_mm, found.responses, found.new, found.vanished, found.liver_ml]
        by_date += [one for track in tracks for one in (track.lesions, track.diameters_mm, track.volumes_ml)]
        fits = all(len(one) == count for one in by_date)
    except (KeyError, TypeError, AttributeError):
        fits = False
    if not fits:
        raise ConfigurationError(tr("The lesions over time do not fit together: compare the dates again."))
    return found


def _hashable(value: Any) -> Any:
    """Tuples in the place of the lists of JSON."""
    return tuple(map(_hashable, value)) if isinstance(value, (list, tuple)) else value


@dataclass
class _Growing:
    """A track while it is found: lesions by date, and its last known middle in the first CT."""

    lesions: dict[int, Lesion]
    center: np.ndarray
    first_center: np.ndarray


def follow_up(results: Sequence[Result], progress: Progress | None = None) -> FollowUp:
    """The lesions of `results`, CTs of one patient, the first date first.

    Raises ConfigurationError for fewer than two, or dates that are not in order; SegmentationError for a CT without a
    liver.
    """
    if len(results) < 2:
        raise ConfigurationError(tr("A follow-up needs the CTs of at least two dates."))
    known = [result.date for result in results if result.date]
    if known != sorted(known):
        raise ConfigurationError(tr("The CTs are not in the order of their dates ({known}).", known=", ".join(known)))
    report = progress or (lambda fraction, text: None)
    first = results[0].structures.mask(LIVER)
    tracks: list[_Growing] = []
    for date, result in enumerate(results):
        report(
            date / len(results), tr("Laying CT {date} of {results} over the first", date=date + 1, results=len(results))
        )
        to_first = np.eye(4) if date == 0 else align_livers(result.structures.mask(LIVER), first)
        _take_in(tracks, date, result.measures.lesions, to_first)
    return _described(results, tracks)


def match(before: np.ndarray, after: np.ndarray, reach_mm: np.ndarray) -> list[tuple[int, int]]:
    """Pairs (number in `before`, number in `after`), one to one, of middles (n, 3) and (m, 3) in one frame: the
    assignment of the smallest sum of distances among pairs that are no further apart than reach_mm (n, m).
    """
    from scipy.optimize import linear_sum_assignment

    if not len(before) or not len(after):
        return []
    apart = np.linalg.norm(before[:, None] - after[None], axis=2)
    # Beyond the reach everything costs more than all pairs within it together, so that as many as possible are paired.
    far = 1.0 + float(apart.max()) * (1 + min(apart.shape))
    rows, columns = linear_sum_assignment(np.where(apart <= reach_mm, apart, far))
    return [(int(i), int(j)) for i, j in zip(rows, columns) if apart[i, j] <= reach_mm[i, j]]


def _take_in(tracks: list[_Growing], date: int, lesions: Sequence[Lesion], to_first: np.ndarray) -> None:
    centers = transform_points(to_first, np.array([one.center_ras_mm for one in lesions]).reshape(-1, 3))
    last = [track.lesions[max(track.lesions)] for track in tracks]
    reach = np.array(
        [[max(_SEARCH_MM, (old.diameter_mm + new.diameter_mm) / 2) for new in lesions] for old in last]
    ).reshape(len(last), len(lesions))
    before = np.array([track.center for track in tracks]).reshape(-1, 3)
    pairs = match(before, centers, reach)
    for number, found in pairs:
        tracks[number].lesions[date] = lesions[found]
        tracks[number].center = centers[found]
    taken = {found for _, found in pairs}
    tracks += [
        _Growing({date: lesion}, centers[number], centers[number])
        for number, lesion in enumerate(lesions)
        if number not in taken
    ]


def _described(results: Sequence[Result], growing: Sequence[_Growing]) -> FollowUp:
    dates = range(len(results))
    at_first = sorted(
        (number for number, track in enumerate(growing) if 0 in track.lesions),
        key=lambda number: -growing[number].lesions[0].diameter_mm,
    )
    targets = [number for number in at_first if growing[number].lesions[0].diameter_mm >= _LEAST_TARGET_MM][:_TARGETS]

    def diameter(track: _Growing, date: int) -> float | None:
        return track.lesions[date].diameter_mm if date in track.lesions else None

    tracks = tuple(
        Track(
            number=number + 1,
            lesions=tuple(track.lesions[date].number if date in track.lesions else None for date in dates),
            diameters_mm=tuple(diameter(track, date) for date in dates),
            volumes_ml=tuple(track.lesions[date].volume_ml if date in track.lesions else None for date in dates),
            is_target=number in targets,
            center_ras_mm=(float(track.first_center[0]), float(track.first_center[1]), float(track.first_center[2])),
        )
        for number, track in enumerate(growing)
    )
    sums = tuple(sum(diameter(growing[number], date) or 0.0 for number in targets) for date in dates)
    new = tuple(
        tuple(track.number for track, one in zip(tracks, growing) if date > 0 and min(one.lesions) == date)
        for date in dates
    )
    vanished = tuple(
        tuple(
            track.number
            for track, one in zip(tracks, growing)
            if date > 0 and date - 1 in one.lesions and date not in one.lesions
        )
        for date in dates
    )
    remaining = [sum(date in track.lesions for track in growing) for date in dates]
    return FollowUp(
        dates=tuple(result.date for result in results),
        tracks=tracks,
        sums_mm=sums,
        responses=tuple(response(sums, date, bool(new[date]), remaining[date]) if targets else "" for date in dates),
        new=new,
        vanished=vanished,
        liver_ml=tuple(result.measures.liver_ml for result in results),
    )


def response(sums_mm: Sequence[float], date: int, has_new: bool, remaining: int) -> str:
    """RECIST 1.1 at a date, of the sums of the targets (the first one is the baseline) and the lesions that are left.

    Progress is measured against the smallest sum before, shrinking against the baseline.
    """
    if date == 0:
        return mark("baseline")
    now, smallest = sums_mm[date], min(sums_mm[:date])
    if has_new or (now >= (1 + _GROWN) * smallest and now - smallest >= _GROWN_MM):
        return mark("progressive disease")
    if remaining == 0:
        return mark("complete response")
    return mark("partial response") if now <= (1 - _SHRUNK) * sums_mm[0] else mark("stable disease")
