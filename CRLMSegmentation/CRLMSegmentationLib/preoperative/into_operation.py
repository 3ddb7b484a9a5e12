"""A CT brought into Reference by landmarks: where it lies there, how far a tumor may be off, and when that was done."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..values.volume import REFERENCE
from .landmark_registration import Landmarks, Registration, register
from .result_folder import Result

# Landmarks on the liver lie no further from what the ultrasound saw of it.
_FAR_MM = 150.0
KEEPS_ITS_SHAPE = "this error is that of a liver that keeps its shape; in the operation it does not"


@dataclass(frozen=True, eq=False)
class InOperation:
    """registration as it was fitted; lesion_error_mm of each lesion by its number; error_mm the largest of these, or
    that at the middle of the CT where no lesion is known; made_at when, as ISO 8601 with its time zone.
    """

    registration: Registration
    lesion_error_mm: dict[int, float]
    error_mm: float
    made_at: str

    @property
    def ct_to_reference(self) -> np.ndarray:
        """(4, 4) rigid, RAS mm."""
        return self.registration.ct_to_reference

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        found = self.registration
        return {
            "ct_to_reference": found.ct_to_reference,
            "error_mm": self.error_mm,
            "lesions": [{"number": number, "error_mm": mm} for number, mm in self.lesion_error_mm.items()],
            "landmarks": dict(zip(found.landmarks.names, found.residual_mm.tolist())),
            "fre_mm": found.fre_mm,
            "fle_mm": found.fle_mm,
            "left_out_mm": found.left_out_mm(),
            "made_at": self.made_at,
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
            f"The landmarks lie {away_mm:.0f} mm away from all that {seen_in} shows: are they in {REFERENCE}, and of "
            "this operation?"
        )
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    return _at_lesions(found, result, now)


def of_corrected(found: InOperation, result: Result) -> InOperation:
    """The same registration, made when it was made, with the errors at the lesions that there are now."""
    return _at_lesions(found.registration, result, found.made_at)


def restored_registration(landmarks: Landmarks, result: Result, made_at: str) -> InOperation:
    """One that was made before, of a saved case. Raises ConfigurationError for landmarks that cannot be fitted."""
    return _at_lesions(register(landmarks), result, made_at)


def _at_lesions(found: Registration, result: Result, made_at: str) -> InOperation:
    errors = {one.number: found.error_mm(np.array(one.center_ras_mm)) for one in result.measures.lesions}
    error_mm = max(errors.values(), default=found.error_mm(result.structures.label_map.center_ras))
    return InOperation(found, errors, error_mm, made_at)
