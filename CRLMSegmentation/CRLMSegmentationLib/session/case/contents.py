"""What a saved case or a scene holds, as plain values that a session goes on from."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...sweep import Sweep
from ...values import Box, Volume
from ..tumor.saved_tumor import SavedTumor
from ..tumor.tumor_state import TumorState
from ..tumors.case_tumor import CaseTumor, Scan
from ..volume import VolumeStatus
from .case_facts import CaseFacts
from .ct_files import SavedCt


@dataclass(frozen=True, eq=False)
class CaseContents:
    """What there is of a case; None for what there is not. Everything lies in Reference.

    facts           what is known beside all these: origin, threshold, margin, doubts, calibrations of tools, ...
    volume_status   what the volume is good for; volume is None when it is NONE or STALE
    volume_problem  why the volume has no place in Reference; '' where nothing is wrong
    box_problem     why what was placed is no box; '' where nothing is wrong
    tumor           as a scene holds it, or as it was read from a case's files
    tumors          all of the case; empty where only one is known. What was found of the chosen one in the volume is in
                    `tumor`
    chosen          number of the chosen one
    scan_number     of the sweep in the case, from 1
    newest          the newest volume, where that is another one
    ct              the CT before the operation, in a frame of its own
    """

    facts: CaseFacts = field(default_factory=CaseFacts)
    sweep: Sweep | None = None
    volume: Volume | None = None
    volume_status: VolumeStatus = VolumeStatus.NONE
    volume_problem: str = ""
    box: Box | None = None
    box_problem: str = ""
    tumor: SavedTumor | TumorState = field(default_factory=SavedTumor)
    tumors: tuple[CaseTumor, ...] = ()
    chosen: int = 1
    scan_number: int = 1
    newest: Scan | None = None
    ct: SavedCt | None = None
