"""Which volumes of a case its tumors were found in, as plain values of the case's index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .case_tumor import CaseTumor, Scan
from .tumor_facts import NOT_KEPT, OWN, TumorFacts


def other_scans(tumors: Sequence[CaseTumor], own: Scan | None, newest: Scan | None = None) -> list[Scan]:
    """The scans beside `own` that tumors were found in and whose volume was kept, in the order of the tumors.

    newest  comes after them where it is none of these
    """
    scans: list[Scan] = []
    for scan in [*(None if one.found is None else one.found.scan for one in tumors), newest]:
        if scan is not None and scan.volume is not None and scan is not own and not any(scan is one for one in scans):
            scans.append(scan)
    return scans


def note_scans(
    facts: dict[str, Any], tumors: Sequence[CaseTumor], own: Scan | None, newest: Scan | None
) -> list[Scan]:  # fmt: skip
    """Write down in the index which volume each tumor was found in, and which one is the newest: by its number in the
    list of other_scans(), which is returned, from 1; OWN or NOT_KEPT. `recording_of` says whose recording it shares.

    own  that the index is about
    """
    scans = other_scans(tumors, own, newest)

    def place(scan: Scan | None) -> int:
        if scan is own:
            return OWN
        return next((number for number, one in enumerate(scans, start=1) if one is scan), NOT_KEPT)

    for tumor, entry in zip(tumors, facts.get("tumors", ())):
        entry["volume"] = OWN if tumor.found is None else place(tumor.found.scan)
    facts["volumes"] = []
    for number, scan in enumerate(scans, start=1):
        earlier = (before for before, one in enumerate(scans[: number - 1], start=1) if one.sweep is scan.sweep)
        of = 0 if scan.sweep is None else next(earlier, number)
        facts["volumes"].append({"sweep": scan.number, "recording_of": of})
    facts["newest"] = OWN if newest is None else place(newest)
    return scans


def scan_of(one: TumorFacts, own: Scan | None, others: Mapping[int, Scan], newest: Scan | None) -> Scan | None:
    """Where a tumor was found, by what the index says of it.

    own     that the index is about;  others  by their numbers in its list
    newest  None where that is `own`
    Earlier versions have written OWN also for what was not kept.
    """
    lost = Scan(one.sweep, None)
    if one.volume > OWN:
        return others.get(one.volume, lost)
    return lost if one.volume == NOT_KEPT or (one.is_stale and newest is None) else own


def sweep_number(facts: Mapping[str, Any], volume: int) -> int:
    """Of the sweep of that entry of the index's list of volumes, from 1; 0 where it does not say."""
    listed = facts.get("volumes")
    entry = listed[volume - 1] if isinstance(listed, list) and 0 < volume <= len(listed) else None
    number = entry.get("sweep") if isinstance(entry, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) and number > 0 else 0
