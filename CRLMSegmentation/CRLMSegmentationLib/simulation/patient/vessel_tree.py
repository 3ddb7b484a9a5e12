"""A vessel tree of the simulated liver as tapered tubes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

# By how much a branch is wider where it leaves a wider one.
_WIDENING_MM = 0.3


@dataclass(frozen=True, eq=False)
class VesselTree:
    """A tree of round tubes.

    points_ras  (n, 3) float64, mm;  parent  (n,) int32, -1 at a root, else less than its own number
    radius_mm   (n,) float64, of the tube that leads from the parent to the point
    straight    numbers of points: the tube that leads there has one radius, where others widen towards their beginning
    """

    points_ras: np.ndarray
    parent: np.ndarray
    radius_mm: np.ndarray
    straight: tuple[int, ...] = ()

    def tubes(self) -> np.ndarray:
        """(m, 8) float64: start (3), end (3), radius at the start and at the end, RAS mm."""
        return self._tubes

    @cached_property
    def _tubes(self) -> np.ndarray:
        child = np.flatnonzero(self.parent >= 0)
        before = self.parent[child]
        own = self.radius_mm[child]
        widens = (self.parent[before] >= 0) & ~np.isin(child, self.straight)
        at_start = np.where(widens, np.minimum(self.radius_mm[before], own + _WIDENING_MM), own)
        return np.column_stack([self.points_ras[before], self.points_ras[child], at_start, own])

    @property
    def ends(self) -> np.ndarray:
        """Numbers of the points that lead nowhere further."""
        has_child = np.zeros(len(self.parent), dtype=bool)
        has_child[self.parent[self.parent >= 0]] = True
        return np.flatnonzero(~has_child)


@dataclass(frozen=True, eq=False)
class Vessels:
    """The trees of one liver by name ('portal', 'hepatic', 'artery', 'bile'), and the share of the liver's places that
    no twig of the tree could reach.
    """

    trees: dict[str, VesselTree]
    unreached: dict[str, float]
