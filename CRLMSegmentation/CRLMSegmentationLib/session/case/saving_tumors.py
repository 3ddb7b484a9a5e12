"""The tumors of a session as files of a case, and back: all that is not the chosen tumor in the present volume."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import CRLMError, FileFormatError
from ...navigation.distance import TumorDistance
from ...words import tr
from ..tumor.hand_corrections import HandCorrections
from ..tumor.labelmap import Labelmap
from ..tumor.tumor_state import DEFAULT_SMOOTHING, TumorState, state_of_scene
from ..tumors.case_tumor import CaseTumor, Found, Scan
from ..tumors.scan_facts import note_scans, scan_of, sweep_number
from ..tumors.tumor_facts import TumorFacts, read_tumors
from .tumor_files import ScanFiles, TumorFiles

if TYPE_CHECKING:
    from ..session import Session
    from .case_files import Case


def tumors_to_save(
    session: Session, facts: dict[str, Any]
) -> Callable[[], tuple[tuple[TumorFiles, ...], tuple[ScanFiles, ...]]]:
    """What makes, in any thread, the files of all that is now, and is not the chosen tumor in the newest volume, and of
    the volumes that it was found in.

    facts  of the index: which volume is whose is added to it
    """
    newest = session.tumors.newest_scan
    own, tumors = newest or session.tumors.scan, session.tumors.all
    others = {one.number for one in session.tumors.beside(own)}
    scans = note_scans(facts, tumors, own, newest)
    found = {
        place: tumor.found for place, tumor in enumerate(tumors, start=1)
        if tumor.found is not None and tumor.number in others
    }  # fmt: skip
    scan_files = tuple(
        ScanFiles(number, scan.volume, scan.sweep, scan.recording, entry["recording_of"])
        for number, (scan, entry) in enumerate(zip(scans, facts["volumes"]), start=1) if scan.volume is not None
    )  # fmt: skip
    return lambda: (tuple(_files_of(place, one) for place, one in found.items()), scan_files)


def _files_of(place: int, found: Found) -> TumorFiles:
    state, volume = found.state, None if found.scan is None else found.scan.volume
    if state is None or volume is None:
        return TumorFiles(place, found.surface)
    mask = state.mask if state.mask.has_geometry_of(volume) else Labelmap.of_mask(state.mask).mask_on(volume)
    labels, probability = state.corrections.labels, state.probability
    fitting = labels if labels is not None and labels.shape == mask.voxels.shape else None
    return TumorFiles(
        place, found.surface, mask.with_seen(None), None if probability is None else probability.with_seen(None),
        None if fitting is None else mask.on_grid(fitting),
    )  # fmt: skip


def saved_tumors(case: Case, folder: str | Path) -> tuple[tuple[CaseTumor, ...], int, int]:
    """The tumors of a case that was read, the number of the chosen one, and that of the sweep of its volume.

    What was found of the chosen one in the case's own volume is left out. Raises FileFormatError when its parts do not
    fit together.
    """
    facts = case.facts or {}
    listed, chosen = read_tumors(facts)
    number = facts.get("sweep")
    own_number = number if isinstance(number, int) and number > 0 else int(case.sweep is not None)
    own = None if case.volume is None else Scan(own_number, case.volume, case.sweep)
    earlier = _scans_of(case, facts)
    files = {one.place: one for one in case.tumors}
    tumors = []
    for place, one in enumerate(listed, start=1):
        scan = scan_of(one, own, earlier, None)
        try:
            found = None if place not in files else found_of(files[place], one, scan)
        except CRLMError as error:
            raise FileFormatError(
                tr("The case in {folder} does not fit together: {error}", folder=folder, error=error)
            ) from None
        tumors.append(replace(one.tumor, found=found))
    return tuple(tumors), chosen, own_number


def _scans_of(case: Case, facts: Mapping[str, Any]) -> dict[int, Scan]:
    return {one.number: Scan(sweep_number(facts, one.number), one.volume, one.sweep) for one in case.scans}


def found_of(files: TumorFiles, one: TumorFacts, scan: Scan | None) -> Found:
    """What was found of a tumor, of what was kept of it and the volume it was found in.

    Raises CRLMError when they do not fit together, or the surface cannot be measured to.
    """
    state = _state_of(files, one, scan)
    distance = TumorDistance(files.surface) if state is None else state.shape.distance
    assert distance is not None, "a tumor with a surface can be measured to"
    return Found(files.surface, distance, scan, state, one.facts.doubts_acknowledged)


def _state_of(files: TumorFiles, one: TumorFacts, scan: Scan | None) -> TumorState | None:
    if files.mask is None or scan is None or scan.volume is None:
        return None
    for what, part in (("mask", files.mask), ("corrections", files.corrections)):
        if part is not None and not part.has_geometry_of(scan.volume):
            raise FileFormatError(tr("{what} of {name} and volume have other voxels.", what=what, name=one.tumor.name))
    facts = one.facts
    corrections = HandCorrections() if facts.is_corrected is False else None
    if files.corrections is not None:
        corrections = HandCorrections.of_labels(files.corrections.voxels)
    return state_of_scene(
        scan.volume, files.mask, files.surface, files.probability, facts.threshold, facts.keep,
        DEFAULT_SMOOTHING if facts.smoothing is None else facts.smoothing, facts.card, corrections, facts.doubts,
        facts.found_at,
    )  # fmt: skip
