"""The CT in a saved case: what is written of it, and how it is opened again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ConfigurationError, FileFormatError, GeometryError
from ...geometry import as_affine
from ...preoperative.ct_slices import CtSlices
from ...preoperative.follow_up import FollowUp, follow_up_of_plain
from ...preoperative.into_operation import InOperation, restored_registration
from ...preoperative.landmark_registration import Landmarks, register
from ...preoperative.measures import measure
from ...preoperative.remnant import CutPlane, plane_of_plain, remnant_of
from ...preoperative.result_folder import Result, masks_of, structures_of_masks_kept
from ...preoperative.vessel_refinement import BY_VESSELS, Refinement
from ...values.progress import Progress, ShouldCancel
from ...words import tr
from ..case.ct_files import FOLLOW_UP, SavedCt
from .opened_ct import CtFacts, OpenedCt
from .reading import surfaces_of

if TYPE_CHECKING:
    from .preoperative_part import PreoperativePart


@dataclass(frozen=True, eq=False)
class RestoredCt:
    """What came back of a saved case; None for what is not there."""

    ct: OpenedCt | None
    registration: InOperation | None
    followed: FollowUp | None


def ct_to_save(part: PreoperativePart) -> Callable[[], SavedCt | None]:
    """The CT that is open now, and the dates that were compared; None without either. What is returned makes its masks,
    in any thread.

    A CT that the case was opened with, and that was not read yet, is saved as it was.
    """
    unopened = part.unopened
    if unopened is not None:
        return lambda: unopened
    ct = part.ct
    facts: dict[str, Any] = {} if part.followed is None else {FOLLOW_UP: part.followed.as_plain()}
    if ct is None:
        return lambda: SavedCt(None, {}, facts) if facts else None
    facts |= {"date": ct.facts.date, "description": ct.facts.description}
    volume = ct.volume
    if ct.result is None:
        return lambda: SavedCt(volume, {}, facts)
    structures = ct.result.structures
    remnant, found = ct.result.remnant, part.registration
    facts |= {
        "about": dict(ct.result.about),
        "measures": ct.result.measures.as_plain(),
        "remnant": None if remnant is None else remnant.as_plain(),
        "registration": None if found is None else _plain_registration(found),
    }
    return lambda: SavedCt(volume, masks_of(structures), facts)


def check_saved(saved: SavedCt) -> None:
    """What is said of the CT makes sense, so that open_saved() will not stumble over it when the case has been
    replaced. Raises FileFormatError.
    """
    landmarks = _landmarks_of(saved)
    try:
        _plane_of(saved)
        _followed_of(saved)
        if landmarks is not None:
            register(landmarks)
            _refined_of(saved)
    except ConfigurationError as error:
        raise FileFormatError(tr("What this case says of its CT cannot be read. {error}", error=error)) from None


def open_saved(saved: SavedCt, progress: Progress, should_cancel: ShouldCancel) -> RestoredCt:
    """The CT as it was, measured anew, and its registration, which was made when it was made; of what check_saved()
    has found to make sense.
    """
    followed = _followed_of(saved)
    facts = CtFacts(str(saved.facts.get("date", "")), str(saved.facts.get("description", "")))
    if not saved.masks:
        ct = None if saved.volume is None else OpenedCt(facts, saved.volume, CtSlices(saved.volume))
        return RestoredCt(ct, None, followed)
    progress(0.1, tr("Reading the CT of the case"))
    found = structures_of_masks_kept(saved.masks)
    plane = _plane_of(saved)
    remnant = None if plane is None else remnant_of(found, plane)
    about = saved.facts.get("about")
    result = Result(found, measure(found), dict(about) if isinstance(about, Mapping) else {}, remnant)
    surfaces = surfaces_of(found, lambda share, text: progress(0.4 + 0.6 * share, text), should_cancel)
    ct = OpenedCt(facts, saved.volume, CtSlices(saved.volume, found), result=result, surfaces=surfaces)
    landmarks = _landmarks_of(saved)
    if landmarks is None:
        return RestoredCt(ct, None, followed)
    made_at = str(saved.facts["registration"]["made_at"])
    return RestoredCt(ct, restored_registration(landmarks, result, made_at, _refined_of(saved)), followed)


def _plane_of(saved: SavedCt) -> CutPlane | None:
    said = saved.facts.get("remnant")
    return None if said is None else plane_of_plain(said)


def _followed_of(saved: SavedCt) -> FollowUp | None:
    said = saved.facts.get(FOLLOW_UP)
    return None if said is None else follow_up_of_plain(said)


def _plain_registration(found: InOperation) -> dict[str, Any]:
    points = found.registration.landmarks
    return {
        "names": list(points.names), "ct": points.ct.tolist(), "reference": points.reference.tolist(),
        "made_at": found.made_at, "error_mm": found.error_mm,
        "refined": None if found.refined is None else {
            **asdict(found.refined), "ct_to_reference": found.refined.ct_to_reference.tolist()
        },
    }  # fmt: skip


def _landmarks_of(saved: SavedCt) -> Landmarks | None:
    said = saved.facts.get("registration")
    if said is None:
        return None
    try:
        names = tuple(str(name) for name in said["names"])
        ct, reference = (np.array(said[side], dtype=float).reshape(len(names), 3) for side in ("ct", "reference"))
        str(said["made_at"])
    except (KeyError, TypeError, ValueError):
        raise FileFormatError(
            tr("The registration of the CT in this case cannot be read: register it again.")
        ) from None
    return Landmarks(names, ct, reference)


def _refined_of(saved: SavedCt) -> Refinement | None:
    """By vessels or images, of a registration. Raises FileFormatError."""
    said = saved.facts["registration"].get("refined")
    if said is None:
        return None
    try:
        matrix = as_affine(np.array(said["ct_to_reference"], dtype=float), "the refined registration")
        return Refinement(
            matrix,
            float(said["moved_mm"]),
            float(said["fit"]),
            float(said["fit_before"]),
            str(said.get("by", BY_VESSELS)),
        )
    except (KeyError, TypeError, ValueError, GeometryError):
        raise FileFormatError(
            tr("The registration of the CT in this case cannot be read: register it again.")
        ) from None
