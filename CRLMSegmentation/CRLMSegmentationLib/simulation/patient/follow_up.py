"""The same patient at a later date: metastases grow, shrink, vanish and appear, one may be resected, and the patient
lies a little otherwise on the table.

Dates are 8 to 14 weeks apart. Between two of them the disease progresses, responds to treatment, or is stable:

- Progression: doubling times of volume of untreated colorectal liver metastases, on average 155 days of those that a
  surgeon can see and 86 days of those that are too small (Finlay et al., Br J Surg 75, 1988); between them lies the
  median of 92 days of Nomura et al. (Dig Surg 15, 1998).
- Response: diameters shrink by about 28 % from date to date, so that after two dates they have lost about a half: the
  depth of response of chemotherapy with an antibody (Stintzing et al., Lancet Oncol 17, 2016). Small ones vanish: at
  least one in about a fifth of the patients (van Vledder et al., J Gastrointest Surg 14, 2010).
- Stable: volumes differ by a tenth.

Cysts, hemangiomas and fat stay as they are. The resected liver does not grow back and has no cavity: only the
metastasis is gone, and surgical clips are there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from ...errors import ConfigurationError
from ..lesion_shape import LesionShape, sphere_directions
from .lesions import (
    LARGEST_MM,
    METASTASIS,
    SMALLEST_MM,
    PatientLesion,
    Room,
    VanishedLesion,
    draw_shape,
    is_apart,
    mean_radius_mm,
)
from .moved import moved
from .patient import Patient, room_in_liver
from .posture import draw_posture

LAST_DATE = 20
_MOST_METASTASES = 8
_COURSES, _SHARES = ("progression", "response", "stable"), (0.4, 0.4, 0.2)
# Mean doubling times in days of metastases that a surgeon sees and of smaller ones; the spread is of the logarithm.
_OVERT_DAYS, _OCCULT_DAYS, _OVERT_MM, _DAYS_SPREAD = 155.0, 86.0, 10.0, 0.5
_SHRINKS_TO, _SHRINK_SPREAD, _VANISHES_BELOW_MM, _VANISHES = 0.72, 0.18, 10.0, 0.25
# In a patient who responds, this share of the metastases does not.
_ESCAPES = 0.1
_NEW_ONES = {"progression": 0.9, "response": 0.15, "stable": 0.3}
_RESECTION = 0.25


def at_date(patient: Patient, date: int) -> Patient:
    """The patient `date` dates after the first, which is number 0; the same every time.

    Lesions that live on keep their identity. Raises ConfigurationError for a date that is not from 0 to 20, and for a
    patient who is of a later date already.
    """
    if not 0 <= date <= LAST_DATE:
        raise ConfigurationError(f"The date is {date}; it must be from 0, the first, to {LAST_DATE}.")
    if patient.date != 0:
        raise ConfigurationError(f"This patient is of date {patient.date} already: begin with that of date 0.")
    if date == 0:
        return patient
    course = Course(patient, room_in_liver(patient.grid_origin_ras, patient.outside_mm, patient.vessels))
    for number in range(1, date + 1):
        course.go_on(number)
    later = replace(
        patient, date=date, days=course.days, lesions=course.lesions, vanished=tuple(course.vanished),
        clips=course.clips,
    )  # fmt: skip
    upper = patient.grid_origin_ras + np.array(patient.outside_mm.shape[::-1]) - 1
    rng = np.random.default_rng(np.random.SeedSequence([20270, patient.seed, date]))
    posture = draw_posture(rng, patient.grid_origin_ras, upper, shift_mm=12.0, turn_deg=4.0, breathing_mm=6.0)
    return moved(later, posture)


@dataclass(eq=False)
class Course:
    """How the disease of a patient has gone on so far, in the frame of the first date.

    room  where lesions fit in this liver
    """

    patient: Patient
    room: Room
    days: int = 0
    lesions: list[PatientLesion] = field(default_factory=list)
    vanished: list[VanishedLesion] = field(default_factory=list)
    clips: np.ndarray = field(default_factory=lambda: np.zeros((0, 8)))

    def __post_init__(self) -> None:
        self.lesions = list(self.patient.lesions)
        self._highest = max((lesion.identity for lesion in self.lesions), default=0)

    def go_on(self, date: int) -> None:
        """To the date of that number: from the first on, one after another."""
        seeds = np.random.SeedSequence([20266, self.patient.seed, date]).spawn(4)
        for_course, for_each, for_new, for_resection = (np.random.default_rng(one) for one in seeds)
        days = int(for_course.integers(56, 99))
        course = _COURSES[int(np.searchsorted(np.cumsum(_SHARES), for_course.uniform()))]
        self.days += days
        self._change(for_each, date, days, course)
        self._resect(for_resection, date)
        self._add_new(for_new, date, course)

    def _change(self, rng: np.random.Generator, date: int, days: int, course: str) -> None:
        largest = max((one for one in self.lesions if one.kind == METASTASIS), key=_diameter_mm)
        # Numbers of its own for each lesion, so that the fate of one does not depend on that of another.
        for lesion in list(self.lesions):
            draws = rng.standard_normal(2), rng.uniform(0, 1, 2)
            if lesion.kind != METASTASIS:
                continue
            wanted_mm = next_diameter_mm(lesion.equivalent_diameter_mm, days, course, *draws)
            if wanted_mm >= SMALLEST_MM or lesion is largest:
                self._resize(lesion, min(max(wanted_mm, SMALLEST_MM), LARGEST_MM))
            else:
                self._remove(lesion, date, "regressed")

    def _resize(self, lesion: PatientLesion, wanted_mm: float) -> None:
        """To that diameter, or as near to it as there is room for."""
        others = [one for one in self.lesions if one is not lesion]
        before = lesion.equivalent_diameter_mm
        for share in (1.0, 0.75, 0.5, 0.25):
            shape = _scaled(lesion.shape, 1 + share * (wanted_mm / before - 1))
            center = lesion.center_ras if wanted_mm <= before else _settled(self.room, shape, lesion.center_ras)
            if center is not None and (wanted_mm <= before or is_apart(shape, center, others)):
                self.lesions[self.lesions.index(lesion)] = replace(lesion, shape=shape, center_ras=center)
                return

    def _add_new(self, rng: np.random.Generator, date: int, course: str) -> None:
        free = _MOST_METASTASES - sum(lesion.kind == METASTASIS for lesion in self.lesions)
        for _ in range(min(int(rng.poisson(_NEW_ONES[course])), free)):
            shape = draw_shape(rng, float(np.round(rng.uniform(SMALLEST_MM, _OVERT_MM), 3)), 0.10)
            center = self.room.find(rng, shape, "inside", self.lesions)
            if center is not None:
                self._highest += 1
                self.lesions.append(PatientLesion(METASTASIS, center, shape, "inside", self._highest, date))

    def _resect(self, rng: np.random.Generator, date: int) -> None:
        """At most one metastasis of a patient, that nearest to the capsule; never the last one."""
        happens, seen = rng.uniform() < _RESECTION, [one for one in self.lesions if one.kind == METASTASIS]
        if not happens or len(self.clips) > 0 or len(seen) < 2:
            return
        lesion = min(seen, key=lambda one: self.room.depth_at(one.center_ras))
        self._remove(lesion, date, "resected")
        self.clips = _draw_clips(rng, lesion, self.room)

    def _remove(self, lesion: PatientLesion, date: int, how: str) -> None:
        self.lesions.remove(lesion)
        self.vanished.append(VanishedLesion(lesion.identity, lesion.kind, lesion.center_ras, date - 1, how))


def _diameter_mm(lesion: PatientLesion) -> float:
    return lesion.equivalent_diameter_mm


def next_diameter_mm(diameter: float, days: int, course: str, normal: np.ndarray, uniform: np.ndarray) -> float:
    """Of a metastasis of that diameter after so many days; 0 when it has vanished. normal, uniform: (2,) random
    numbers.
    """
    if course == "stable":
        return diameter * _rounded(math.exp(0.1 * normal[0] / 3))
    if course == "response" and uniform[0] > _ESCAPES:
        if diameter < _VANISHES_BELOW_MM and uniform[1] < _VANISHES:
            return 0.0
        return diameter * _rounded(min(_SHRINKS_TO * math.exp(_SHRINK_SPREAD * normal[0]), 1.0))
    mean_days = _OVERT_DAYS if diameter >= _OVERT_MM else _OCCULT_DAYS
    doubling_days = mean_days * math.exp(_DAYS_SPREAD * normal[1] - _DAYS_SPREAD**2 / 2)
    return diameter * _rounded(2 ** (days / doubling_days / 3))


def _rounded(factor: float) -> float:
    """An exponential function may differ in its last digit between machines."""
    return round(factor, 5)


def _scaled(shape: LesionShape, factor: float) -> LesionShape:
    return replace(shape, semi_axes_mm=np.round(shape.semi_axes_mm * factor, 6))


def _settled(room: Room, shape: LesionShape, center_ras: np.ndarray) -> np.ndarray | None:
    """(3,) where a grown lesion lies: it gives way to large vessels and to the capsule; None when it cannot."""
    center, radius = np.asarray(center_ras, dtype=np.float64), mean_radius_mm(shape)
    for _ in range(12):
        to_vessel, depth = room.to_vessel_at(center), room.depth_at(center)
        if to_vessel > 0.8 * radius and depth > 0.7 * radius:
            return np.round(center, 4)
        measure, lacking = (
            (room.to_vessel_at, 0.8 * radius - to_vessel)
            if to_vessel <= 0.8 * radius
            else (room.depth_at, 0.7 * radius - depth)
        )
        away = np.array([measure(center + step) - measure(center - step) for step in np.eye(3)])
        length = float(np.sqrt((away * away).sum()))
        if length < 0.1 or depth < 0:
            return None
        center = center + away / length * (lacking + 0.2)
    return None


def _draw_clips(rng: np.random.Generator, lesion: PatientLesion, room: Room) -> np.ndarray:
    """(n, 8) tubes: two to four clips where a metastasis was, each of two legs side by side, 6 to 9 mm long."""
    directions = sphere_directions(60)[rng.permutation(60)]
    legs: list[np.ndarray] = []
    for direction in directions[: int(rng.integers(2, 5))]:
        place = lesion.center_ras + direction * (mean_radius_mm(lesion.shape) + 2.0)
        if room.depth_at(place) < 2.0:
            place = lesion.center_ras
        along = rng.standard_normal(3)
        along /= np.sqrt((along * along).sum())
        across = np.cross(along, direction)
        across /= max(float(np.sqrt((across * across).sum())), 1e-6)
        half = along * rng.uniform(3.0, 4.5)
        legs += [np.concatenate([place + side * across - half, place + side * across + half, [0.6, 0.6]])
                 for side in (-0.6, 0.6)]  # fmt: skip
    return np.round(np.array(legs), 4)
