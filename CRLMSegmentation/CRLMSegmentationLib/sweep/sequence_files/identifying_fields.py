"""Which text fields of a recording can show who the patient or the staff is: the one list of them.

By the keywords of DICOM's confidentiality profiles (PS3.15 annex E) and common words for them. What goes too far costs
a field that nothing here needs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ..sweep import Sweep

_IDENTIFYING = re.compile(
    r"patient|subject|birth|dob\b|physician|doctor|operator|surgeon|performer|nurse|sonographer|radiologist|technician"
    r"|examiner|clinician|institution|hospital|accession|studyid|caseid|examid|admission|address|telephone|phone|email"
    r"|mrn|insurance|person|issuer|socialsecurity|ssn|otherid|station|surname|firstname|lastname|givenname|familyname"
    r"|username|comment|remark",
    re.IGNORECASE,
)


def is_identifying(name: str) -> bool:
    """True for the name of a field that can show who the patient or the staff is."""
    return _IDENTIFYING.search(re.sub(r"[\W_]", "", name)) is not None


def without_identifying(fields: Mapping[str, str]) -> dict[str, str]:
    """The fields that identify nobody."""
    return {name: value for name, value in fields.items() if not is_identifying(name)}


def without_identity(sweep: Sweep) -> Sweep:
    """The same sweep without fields that can show who the patient or the staff is, and without a name of its own,
    which is as a rule that of its file. The recording on disk stays as it is.
    """
    frames = [frame.with_changes(fields=without_identifying(frame.fields)) for frame in sweep.frames]
    return replace(sweep, frames=frames, name="", fields=without_identifying(sweep.fields))
