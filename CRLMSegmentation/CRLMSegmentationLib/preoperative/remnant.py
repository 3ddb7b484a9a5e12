"""The future liver remnant: what a resection along a plane would leave of a liver.

Its share is that of the liver without tumors, as surgeons have it (Vauthey et al., Ann Surg 240 (2004) 439-450, measure
it in this way from a CT). A resection follows vessels, not a plane: this is a first estimate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import ConfigurationError
from ..geometry import occupied_extent, transform_points
from ..words import tr
from .structures import LIVER, Structures

_LEAST_LENGTH = 1e-6
_LEAST_HEIGHT_MM = 1.0
# Of the diagonal of the liver: the square of a plane reaches beyond it.
_HALF_OF_SQUARE = 0.42


@dataclass(frozen=True)
class CutPlane:
    """A plane through `point_ras_mm`; `normal`, a unit vector, points to what stays. Both in RAS of the CT."""

    point_ras_mm: tuple[float, float, float]
    normal: tuple[float, float, float]

    @classmethod
    def of(cls, point_ras_mm: np.ndarray, normal: np.ndarray) -> CutPlane:
        """Of a point (3,) and a direction (3,) of any length. Raises ConfigurationError for one without a direction."""
        point, direction = np.asarray(point_ras_mm, dtype=float), np.asarray(normal, dtype=float)
        if point.shape != (3,) or direction.shape != (3,) or not np.isfinite([point, direction]).all():
            raise ConfigurationError(tr("A plane needs a point and a direction, three finite numbers each."))
        length = float(np.linalg.norm(direction))
        if length < _LEAST_LENGTH:
            raise ConfigurationError(
                tr("The direction of the plane has no length: say where the part lies that stays.")
            )
        r, a, s = (direction / length).tolist()
        return cls((float(point[0]), float(point[1]), float(point[2])), (r, a, s))

    @classmethod
    def through(cls, points_ras_mm: np.ndarray, stays_ras_mm: np.ndarray) -> CutPlane:
        """Through three points (3, 3); a point (3,) of the part that stays says which side that is.

        Raises ConfigurationError for points nearly on a line, and for one of what stays that lies in the plane.
        """
        points, stays = np.asarray(points_ras_mm, dtype=float), np.asarray(stays_ras_mm, dtype=float)
        if points.shape != (3, 3) or stays.shape != (3,) or not np.isfinite(points).all() & np.isfinite(stays).all():
            raise ConfigurationError(
                tr("A plane goes through three points, and a fourth says what stays: in mm, R A S.")
            )
        sides = points[1:] - points[0]
        normal = np.cross(*sides)
        longest = float(np.linalg.norm([*sides, points[2] - points[1]], axis=1).max())
        # The height of the triangle over its longest side.
        if longest < _LEAST_HEIGHT_MM or float(np.linalg.norm(normal)) / longest < _LEAST_HEIGHT_MM:
            raise ConfigurationError(tr("The three points of the plane lie nearly on a line: choose one beside it."))
        plane = cls.of(points.mean(axis=0), normal)
        to_what_stays_mm = float(plane.distance_mm(stays))
        if abs(to_what_stays_mm) < _LEAST_HEIGHT_MM:
            raise ConfigurationError(
                tr("The point of what stays lies in the plane: choose one in the part that stays.")
            )
        return plane if to_what_stays_mm > 0 else cls.of(points.mean(axis=0), -normal)

    @classmethod
    def turned(cls, point_ras_mm: np.ndarray, turn_deg: float, tilt_deg: float) -> CutPlane:
        """What stays lies to the patient's left for a turn of 0, in front for 90, to the right for 180; above for a
        tilt of 90. Raises ConfigurationError.
        """
        turn, tilt = math.radians(turn_deg), math.radians(tilt_deg)
        level = math.cos(tilt)
        return cls.of(point_ras_mm, np.array([-math.cos(turn) * level, math.sin(turn) * level, math.sin(tilt)]))

    @property
    def turn_deg(self) -> float:
        """See turned()."""
        return math.degrees(math.atan2(self.normal[1], -self.normal[0]))

    @property
    def tilt_deg(self) -> float:
        """See turned()."""
        return math.degrees(math.asin(min(1.0, max(-1.0, self.normal[2]))))

    def distance_mm(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Of points (..., 3), above 0 on the side that stays."""
        distance: np.ndarray = (points_ras_mm - np.array(self.point_ras_mm)) @ np.array(self.normal)
        return distance

    def square_around(self, low_ras_mm: np.ndarray, high_ras_mm: np.ndarray) -> np.ndarray:
        """(3, 3): a corner of a square in the plane about a box with these corners (3,), and the two beside it."""
        normal, middle = np.array(self.normal), (low_ras_mm + high_ras_mm) / 2
        middle = middle - self.distance_mm(middle) * normal
        across = np.cross(normal, (0.0, 0.0, 1.0) if abs(normal[2]) < 0.9 else (0.0, 1.0, 0.0))
        across *= _HALF_OF_SQUARE * float(np.linalg.norm(high_ras_mm - low_ras_mm)) / np.linalg.norm(across)
        down = np.cross(normal, across)
        corner = middle - across - down
        return np.array([corner, corner + 2 * across, corner + 2 * down])


@dataclass(frozen=True)
class Remnant:
    """What stays, and what goes, of a liver that is cut along `plane`.

    remnant_ml    of the liver without tumors, on the side that stays;  resected_ml  on the other one
    remnant_with_tumors_ml, resected_with_tumors_ml   the same with the tumors that lie there
    share         of the whole liver without tumors that stays, 0 to 1
    lesions_left  numbers of the lesions that stay, at least in part;  lesions_cut  of those that the plane runs through
    margin_mm     from the plane to the nearest voxel of a lesion that goes as a whole; None when none does
    """

    plane: CutPlane
    remnant_ml: float
    remnant_with_tumors_ml: float
    resected_ml: float
    resected_with_tumors_ml: float
    share: float
    lesions_left: tuple[int, ...]
    lesions_cut: tuple[int, ...]
    margin_mm: float | None

    @property
    def cuts_the_liver(self) -> bool:
        return 0.0 < self.share < 1.0

    def as_plain(self) -> dict[str, Any]:
        """For JSON; plane_of_plain() reads the plane back."""
        return asdict(self)


def plane_of_plain(content: Mapping[str, Any]) -> CutPlane:
    """The plane of Remnant.as_plain(). Raises ConfigurationError when there is none."""
    try:
        plane = content["plane"]
        point, normal = np.array(plane["point_ras_mm"], dtype=float), np.array(plane["normal"], dtype=float)
    except (KeyError, TypeError, ValueError):
        raise ConfigurationError(tr("The plane of the remnant has no point and normal: draw it again.")) from None
    return CutPlane.of(point, normal)


class LiverPoints:
    """The voxels of one liver as points, so that a plane can be moved without a wait: 30 MB for a CT of 1 mm."""

    def __init__(self, found: Structures) -> None:
        extent = occupied_extent(found.label_map.voxels)
        self._voxel_ml = found.label_map.voxel_volume_mm3 / 1000
        self._liver = np.zeros((0, 3), dtype=np.float32)
        self._tumor, self._numbers = self._liver, np.zeros(0, dtype=np.uint16)
        if extent is None:
            return
        lesions, liver = found.lesions.voxels[extent], found.mask(LIVER).voxels[extent] > 0
        first = np.array([part.start for part in extent])

        def points(mask: np.ndarray) -> np.ndarray:
            ijk = (np.argwhere(mask) + first)[:, ::-1]
            return transform_points(found.label_map.ijk_to_ras, ijk).astype(np.float32)

        self._liver = points(liver & (lesions == 0))
        self._tumor, self._numbers = points(lesions > 0), lesions[lesions > 0]

    def remnant(self, plane: CutPlane) -> Remnant:
        """What `plane` leaves."""
        stays = int(np.count_nonzero(plane.distance_mm(self._liver) >= 0))
        of_tumor = plane.distance_mm(self._tumor)
        left = set(np.unique(self._numbers[of_tumor >= 0]).tolist())
        gone = set(np.unique(self._numbers[of_tumor < 0]).tolist())
        whole = np.isin(self._numbers, sorted(gone - left))
        goes, tumor_stays = len(self._liver) - stays, int(np.count_nonzero(of_tumor >= 0))
        return Remnant(
            plane=plane,
            remnant_ml=stays * self._voxel_ml,
            remnant_with_tumors_ml=(stays + tumor_stays) * self._voxel_ml,
            resected_ml=goes * self._voxel_ml,
            resected_with_tumors_ml=(goes + len(self._tumor) - tumor_stays) * self._voxel_ml,
            share=stays / len(self._liver) if len(self._liver) else 0.0,
            lesions_left=tuple(sorted(left)),
            lesions_cut=tuple(sorted(left & gone)),
            margin_mm=float(-of_tumor[whole].max()) if whole.any() else None,
        )


def remnant_of(found: Structures, plane: CutPlane) -> Remnant:
    """What `plane` leaves of the liver in `found`."""
    return LiverPoints(found).remnant(plane)
