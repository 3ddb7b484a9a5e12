"""Places on the liver that have a name, that a radiologist finds in the CT and a surgeon touches."""

from __future__ import annotations

import numpy as np

from ...values.triangles import surface_points
from ..patient.patient import Patient


def named_landmarks(patient: Patient) -> dict[str, np.ndarray]:
    """Name to (3,) RAS mm of the CT, on the liver's surface to a millimetre or two."""
    ridge, ligament, surface = patient.ridge, patient.falciform_ligament, surface_points(patient.surface)
    gallbladder = patient.organ("gallbladder").ellipsoids[0]
    # The fundus is the end of the gallbladder that looks to the front.
    longest = gallbladder[6:].reshape(3, 3)[int(gallbladder[3:6].argmax())]
    fundus = gallbladder[:3] + longest * gallbladder[3:6].max() * (1.0 if longest[1] > 0 else -1.0)

    def on_ridge(share: float) -> np.ndarray:
        point: np.ndarray = ridge[round(share * (len(ridge) - 1))]
        return point

    def nearest(points: np.ndarray, to: np.ndarray) -> np.ndarray:
        point: np.ndarray = points[int(((points - to) ** 2).sum(axis=1).argmin())]
        return point

    return {
        "right end of the ridge": on_ridge(0.04),
        "ridge of the right lobe": on_ridge(0.25),
        "ridge at the gallbladder's fundus": nearest(ridge, fundus),
        "ridge at the falciform ligament": nearest(ridge, ligament[0]),
        "ridge of the left lobe": on_ridge(0.85),
        "left end of the ridge": on_ridge(0.96),
        "falciform ligament, middle": ligament[len(ligament) // 2],
        "highest point of the dome": surface[int(surface[:, 2].argmax())],
    }
