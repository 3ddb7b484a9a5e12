"""Targets of known place on a phantom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..probe.phantom_registration import PhantomRegistration


@dataclass(frozen=True, eq=False)
class Targets:
    """names of n targets and where they lie: (n, 3) mm in Reference.

    is_seen       True when they were marked in the ultrasound's own volume, so that its errors are in their places
    registration  of the phantom that they belong to; None where nobody knows how well it was registered
    """

    names: list[str]
    points_mm: np.ndarray
    is_seen: bool
    registration: PhantomRegistration | None = None

    @property
    def least_apart_mm(self) -> float:
        """The distance of the two targets that are nearest to each other."""
        away = np.linalg.norm(self.points_mm[:, np.newaxis] - self.points_mm, axis=2)
        return float(away[np.triu_indices(len(away), 1)].min())
