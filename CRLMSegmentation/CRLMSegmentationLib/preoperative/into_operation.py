"""A CT brought into Reference by landmarks, and by vessels or images: where it lies there, how far a tumor may be off,
and when that was done.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..geometry import transform_points
from ..values import Volume
from ..values.volume import REFERENCE
from ..words import mark, tr
from .landmark_registration import Landmarks, Registration, register
from .result_folder import Result
from .vessel_refinement import BY_IMAGES, BY_VESSELS, Refinement, refine_by_vessels

# Landmarks on the liver lie no further from what the ultrasound saw of it.
_FAR_MM = 150.0
ONLY_THERE = mark(
    "that brings the CT nearer where the ultrasound shows the liver; elsewhere landmarks alone are better"
)
KEEPS_ITS_SHAPE = mark("this error is that of a liver that keeps its shape; in the operation it does not")


@dataclass(frozen=True, eq=False)
class InOperation:
    """registration as it was fitted; lesion_error_mm of each lesion by its number; error_mm the largest of these, or
    that at the middle of the CT where no lesion is known; made_at when, as ISO 8601 with its time zone; refined by
    vessels or images, None by landmarks alone. The errors are those of the landmarks: what else makes of them in a case
    is not known.
    """

    registration: Registration
    lesion_error_mm: dict[int, float]
    error_mm: float
    made_at: str
    refined: Refinement | None = None

    @property
    def ct_to_reference(self) -> np.ndarray:
        """(4, 4) rigid, RAS mm."""
        return self.registration.ct_to_reference if self.refined is None else self.refined.ct_to_reference

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        found, refined = self.registration, self.refined
        by: dict[str, Any] = {BY_VESSELS: None, BY_IMAGES: None}
        if refined is not None:
            by[refined.by] = {"fit": refined.fit, "fit_before": refined.fit_before, "moved_mm": refined.moved_mm}
        return {
            "ct_to_reference": self.ct_to_reference,
            "error_mm": self.error_mm,
            "lesions": [{"number": number, "error_mm": mm} for number, mm in self.lesion_error_mm.items()],
            "landmarks": dict(zip(found.landmarks.names, found.residual_mm.tolist())),
            "fre_mm": found.fre_mm,
            "fle_mm": found.fle_mm,
            "left_out_mm": found.left_out_mm(),
            "made_at": self.made_at,
            **by,
        }


def bring_into_operation(
    result: Result, landmarks: Landmarks, extent: tuple[np.ndarray, np.ndarray], seen_in: str
) -> InOperation:
    """Register the CT of `result` by `landmarks`.

    extent   lowest and highest corner, (3,) RAS mm each, of what the operation's ultrasound saw, in Reference
    seen_in  what that is, for errors: a file, 'this sweep'
    Raises ConfigurationError for landmarks that cannot be fitted, or lie far from all that was seen.
    """
    found = register(landmarks)
    beyond = np.maximum(np.maximum(extent[0] - landmarks.reference, landmarks.reference - extent[1]), 0.0)
    away_mm = float(np.linalg.norm(beyond, axis=1).min())
    if away_mm > _FAR_MM:
        raise ConfigurationError(
            tr(
                "The landmarks lie {away_mm:.0f} mm away from all that {seen_in} shows: are they in "
                "{reference}, and of this operation?",
                away_mm=away_mm,
                seen_in=seen_in,
                reference=REFERENCE,
            )
        )
    return _at_lesions(found, result, _now())


def of_corrected(found: InOperation, result: Result) -> InOperation:
    """The same registration, made when it was made, with the errors at the lesions that there are now."""
    return replace(_at_lesions(found.registration, result, found.made_at), refined=found.refined)


def with_vessels(found: InOperation, result: Result, volume: Volume) -> InOperation:
    """Refined by the vessels, now, for the tumor that `volume`, in Reference, shows; without one for its middle.

    Raises ConfigurationError, see refine_by_vessels(): then what the landmarks say stays.
    """
    to_reference = found.registration.ct_to_reference
    return refined_now(
        found, refine_by_vessels(result.structures, volume, to_reference, target_of(found, result, volume))
    )


def refined_now(found: InOperation, refined: Refinement) -> InOperation:
    """The same registration, refined, made now."""
    return replace(found, refined=refined, made_at=_now())


def target_of(found: InOperation, result: Result, volume: Volume) -> np.ndarray:
    """(3,) RAS mm of the CT: the tumor that `volume`, in Reference, shows; without one its middle."""
    to_reference, corners = found.registration.ct_to_reference, volume.corners_ras()
    targets = np.array([one.center_ras_mm for one in result.measures.lesions]).reshape(-1, 3)
    there = transform_points(to_reference, targets)
    targets = targets[((there > corners.min(axis=0)) & (there < corners.max(axis=0))).all(axis=1)]
    middle = transform_points(np.linalg.inv(to_reference), volume.center_ras)
    away = np.linalg.norm(targets - middle, axis=1)
    target: np.ndarray = targets[away.argmin()] if len(targets) else middle
    return target


def restored_registration(
    landmarks: Landmarks, result: Result, made_at: str, refined: Refinement | None = None
) -> InOperation:
    """One that was made before, of a saved case. Raises ConfigurationError for landmarks that cannot be fitted."""
    return replace(_at_lesions(register(landmarks), result, made_at), refined=refined)


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def _at_lesions(found: Registration, result: Result, made_at: str) -> InOperation:
    errors = {one.number: found.error_mm(np.array(one.center_ras_mm)) for one in result.measures.lesions}
    error_mm = max(errors.values(), default=found.error_mm(result.structures.label_map.center_ras))
    return InOperation(found, errors, error_mm, made_at)
