"""The CT in a saved case: what is written of it, and how it is opened again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import FileFormatError
from ...preoperative.ct_slices import CtSlices
from ...preoperative.into_operation import InOperation, restored_registration
from ...preoperative.landmark_registration import Landmarks
from ...preoperative.measures import measure
from ...preoperative.remnant import plane_of_plain, remnant_of
from ...preoperative.result_folder import Result, masks_of, structures_of_masks_kept
from ...values.progress import Progress, ShouldCancel
from ..case.ct_files import SavedCt
from .opened_ct import CtFacts, OpenedCt
from .reading import surfaces_of

if TYPE_CHECKING:
    from .preoperative_part import PreoperativePart


def ct_to_save(part: PreoperativePart) -> SavedCt | None:
    """The CT that is open; None without one."""
    ct = part.ct
    if ct is None:
        return None
    facts: dict[str, Any] = {"date": ct.facts.date, "description": ct.facts.description}
    if ct.result is None:
        return SavedCt(ct.volume, {}, facts)
    remnant, found = ct.result.remnant, part.registration
    facts |= {
        "about": dict(ct.result.about),
        "measures": ct.result.measures.as_plain(),
        "remnant": None if remnant is None else remnant.as_plain(),
        "registration": None if found is None else _plain_registration(found),
    }
    return SavedCt(ct.volume, masks_of(ct.result.structures), facts)


def open_saved(saved: SavedCt, progress: Progress, should_cancel: ShouldCancel) -> tuple[OpenedCt, InOperation | None]:
    """The CT as it was, measured anew, and its registration, which was made when it was made.

    Raises FileFormatError when what is said of it makes no sense.
    """
    facts = CtFacts(str(saved.facts.get("date", "")), str(saved.facts.get("description", "")))
    if not saved.masks:
        assert saved.volume is not None, "a CT, or what was found in one"
        return OpenedCt(facts, saved.volume, CtSlices(saved.volume)), None
    progress(0.1, "Reading the CT of the case")
    found = structures_of_masks_kept(saved.masks)
    plane = saved.facts.get("remnant")
    remnant = None if plane is None else remnant_of(found, plane_of_plain(plane))
    about = saved.facts.get("about")
    result = Result(found, measure(found), dict(about) if isinstance(about, Mapping) else {}, remnant)
    surfaces = surfaces_of(found, lambda share, text: progress(0.4 + 0.6 * share, text), should_cancel)
    ct = OpenedCt(facts, saved.volume, CtSlices(saved.volume, found), result=result, surfaces=surfaces)
    said = saved.facts.get("registration")
    return ct, None if said is None else _registration_of(said, result)


def _plain_registration(found: InOperation) -> dict[str, Any]:
    points = found.registration.landmarks
    return {
        "names": list(points.names), "ct": points.ct.tolist(), "reference": points.reference.tolist(),
        "made_at": found.made_at, "error_mm": found.error_mm,
    }  # fmt: skip


def _registration_of(said: Any, result: Result) -> InOperation:
    try:
        names = tuple(str(name) for name in said["names"])
        ct, reference = (np.array(said[side], dtype=float).reshape(len(names), 3) for side in ("ct", "reference"))
        made_at = str(said["made_at"])
    except (KeyError, TypeError, ValueError):
        raise FileFormatError("The registration of the CT in this case cannot be read: register it again.") from None
    return restored_registration(Landmarks(names, ct, reference), result, made_at)
