"""Saving what a session holds as a case, and going on from a saved one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import CRLMError, FileFormatError
from ...sweep.sweep import SIMULATED
from ...values import Volume
from ...words import tr
from ..preoperative.in_case import check_saved, ct_to_save
from ..tumor.hand_corrections import HandCorrections
from ..tumor.saved_tumor import SavedTumor
from ..tumor.tumor_state import DEFAULT_SMOOTHING, TumorState, state_of_scene
from ..volume import VolumeStatus
from .case_facts import CaseFacts, read_facts
from .case_files import Case, read_case
from .case_source import origin_of
from .contents import CaseContents
from .saving_tumors import saved_tumors, tumors_to_save
from .session_facts import facts_of

if TYPE_CHECKING:
    from ..session import Session


def case_to_save(session: Session) -> Callable[[], Case]:
    """Everything that the session holds now. What is returned makes the contents of the files of it, in any thread, and
    as it was now, whatever is done to the session meanwhile: all that it refers to is never changed in place.

    What is stale of the chosen tumor is left out, but for what was found in an earlier volume. The newest volume is the
    case's own, also while an earlier one is worked on, which is saved beside it.
    """
    facts, newest = facts_of(session), session.tumors.newest_scan
    others, ct = tumors_to_save(session, facts), ct_to_save(session.preoperative)
    own: dict[str, Any]
    parts: Callable[[], dict[str, Any]] = dict
    if newest is None or newest is session.tumors.scan:
        own = {
            "sweep": session.recording.sweep, "volume": session.volume.value, "recording": session.recording.own_path,
        }  # fmt: skip
        parts = _parts_of_tumor(session)
    else:
        own = {"sweep": newest.sweep, "volume": newest.volume, "recording": newest.recording}
        facts["sweep"] = newest.number
    box, log = session.box.value, session.case.event_log

    def case() -> Case:
        tumors, scans = others()
        return Case(box=box, tumors=tumors, scans=scans, facts=facts, log=log, ct=ct(), **own, **parts())

    return case


def load_case(session: Session, folder: str | Path) -> None:
    """Replace what the session holds by a saved case. A stream goes on, and nodes of others stay.

    Raises FileFormatError before anything is replaced.
    """
    case = read_case(folder)
    contents = contents_of(case, folder)
    facts = contents.facts
    session.case.begin_loaded(facts.origin)
    if facts.smoothing is not None:
        session.tumor.set_smoothing(facts.smoothing)
    session.restore(contents)
    if contents.sweep is not None and origin_of(contents.sweep) == SIMULATED:
        session.case.source.add(SIMULATED)
    if facts.margin_mm is not None:
        session.structures.set_margin_mm(facts.margin_mm)
    session.structures.show_uncertainty(facts.shows_uncertainty)
    session.state.timings_s.update(facts.timings_s)


def contents_of(case: Case, folder: str | Path) -> CaseContents:
    """What was read of the folder. Raises FileFormatError when its parts do not fit together."""
    facts = read_facts(case.facts or {})
    status = VolumeStatus.NONE if case.volume is None else VolumeStatus.CURRENT
    if case.ct is not None:
        check_saved(case.ct)
    tumor = _tumor_of(case, facts, folder) or SavedTumor()
    tumors, chosen, scan_number = saved_tumors(case, folder)
    return CaseContents(
        facts, case.sweep, case.volume, status, box=case.box, tumor=tumor, tumors=tumors, chosen=chosen,
        scan_number=scan_number, ct=case.ct,
    )  # fmt: skip


def _parts_of_tumor(session: Session) -> Callable[[], dict[str, Any]]:
    """What makes, in any thread, what a case holds of the tumor, be it that none was found."""
    tumor = session.tumor.state
    if tumor is None:
        return dict
    mask = tumor.mask if tumor.shape.surface is None else session.tumor.mask
    if mask is None or session.volume.value is None:
        return dict
    return lambda: _parts_of(tumor, mask)


def _parts_of(tumor: TumorState, mask: Volume) -> dict[str, Any]:
    labels, probability = tumor.corrections.labels, tumor.probability
    fitting = labels if labels is not None and labels.shape == mask.voxels.shape else None
    return {
        "mask": mask.with_seen(None),
        "corrections": None if fitting is None else mask.on_grid(fitting),
        "probability": None if probability is None else probability.with_seen(None),
        "surface": tumor.shape.surface,
    }


def _tumor_of(case: Case, facts: CaseFacts, folder: str | Path) -> TumorState | None:
    """Made before anything is replaced. Raises FileFormatError when its parts do not fit together."""
    if case.volume is None or case.mask is None or (case.surface is None and case.mask.voxels.any()):
        return None
    corrections = HandCorrections() if facts.is_corrected is False else None
    if case.corrections is not None:
        corrections = HandCorrections.of_labels(case.corrections.voxels)
    try:
        return state_of_scene(
            case.volume, case.mask, case.surface, case.probability, facts.threshold, facts.keep,
            DEFAULT_SMOOTHING if facts.smoothing is None else facts.smoothing, facts.card, corrections, facts.doubts,
            facts.found_at,
        )  # fmt: skip
    except CRLMError as error:
        raise FileFormatError(
            tr("The case in {folder} does not fit together: {error}", folder=folder, error=error)
        ) from None
