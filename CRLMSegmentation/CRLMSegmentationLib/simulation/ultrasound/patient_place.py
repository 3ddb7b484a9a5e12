"""Which metastasis of a patient a sweep is made over, and from where on the capsule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...errors import ConfigurationError
from ...values.triangles import surface_points
from ..lesion_shape import sphere_directions
from ..patient.lesions import PatientLesion
from ..patient.operation import Operation
from .capsule import Capsule, CapsuleMotion, capsule_under_probe
from .motion import draw_motion, rigid
from .patient_liver import SweepPlace
from .placement import is_swept
from .probe import Probe, draw_probe
from .settings import ProbeSettings, SweepSettings

# The picture's depth that one would choose for it; the painter's own limit.
_EASY_DEPTH_MM, _LARGEST_DEPTH_MM = 80.0, 120.0
_TURNS = 6
_MARGIN_MM, _NOT_UNDER_FACE_MM = 3.0, 4.0
# A sweep that passes less of its target is made from another place; one that passes less than half of it is none.
_ENOUGH_COVERED, _LEAST_COVERED = 0.9, 0.5
# Other places: where the beam, straight into the liver, comes within some 35 degrees of the target.
_PLACES, _APART_MM, _STRAIGHT_COSINE = 4, 12.0, 0.82


@dataclass(frozen=True, eq=False)
class PlacedSweep:
    """lesion: the target; covered: the share of its surface that the image plane passes."""

    place: SweepPlace
    lesion: PatientLesion
    probe: Probe
    motion: CapsuleMotion
    capsule: Capsule
    covered: float

    def is_better_than(self, other: PlacedSweep) -> bool:
        """More of the target is swept; as much, with more liver under the face."""
        return (min(self.covered, 0.98), -self.capsule.missing) > (min(other.covered, 0.98), -other.capsule.missing)


@dataclass(frozen=True, eq=False)
class _Target:
    """A metastasis, a place (3,) on the capsule in the operation from where it is looked at, the picture's depth."""

    lesion: PatientLesion
    contact: np.ndarray
    depth_mm: float


def place_sweep(
    operation: Operation, rngs: list[np.random.Generator], probe: ProbeSettings, sweep: SweepSettings
) -> PlacedSweep:
    """A sweep over one of the patient's metastases, the largest of those that are easily reached from the front.

    The probe stands where the capsule is nearest to it; where too little of it is swept from there, where the capsule
    faces it, or over another metastasis.

    rngs  two generators, for the probe and for the motion
    Raises ConfigurationError when the probe cannot look deep enough for any of them, or none can be swept.
    """
    most_mm = min(_LARGEST_DEPTH_MM, probe.depth_mm or _LARGEST_DEPTH_MM)
    surface, choices = _choices(operation)
    needed_mm = min(choice.depth_mm for choice in choices)
    if needed_mm > most_mm:
        raise ConfigurationError(
            f"The metastasis lies too deep for this probe: it needs a depth of {needed_mm:.0f} mm."
        )
    best: PlacedSweep | None = None
    for choice in choices:
        for target in _places_for(operation, choice, surface):
            if target.depth_mm > most_mm:
                continue
            placed = _placed_over(operation, target, rngs, probe, sweep)
            best = placed if best is None or placed.is_better_than(best) else best
            if best.covered >= _ENOUGH_COVERED:
                return best
    if best is None or best.covered < _LEAST_COVERED:
        raise ConfigurationError("No metastasis of this patient can be swept from the front of the liver.")
    return best


def _placed_over(
    operation: Operation, target: _Target, rngs: list[np.random.Generator], probe: ProbeSettings, sweep: SweepSettings
) -> PlacedSweep:
    """The best of several directions of the sweep."""
    lesion = target.lesion
    transducer = draw_probe(rngs[0], probe, target.depth_mm)
    longest = lesion.shape.longest_diameter_mm()
    volume_ml, shortest_mm = rngs[1].uniform(165.0, 335.0), longest + 2 * _MARGIN_MM + 10
    if sweep.swept_volume_ml is not None:
        volume_ml, shortest_mm = sweep.swept_volume_ml, 0.0
    best: PlacedSweep | None = None
    for turn in np.linspace(0, np.pi, _TURNS, endpoint=False) + rngs[1].uniform(0, np.pi):
        flat = draw_motion(rngs[1], transducer, volume_ml, shortest_mm)
        place = SweepPlace(operation, _frame_at(operation, target.contact, lesion, float(turn)))
        capsule = capsule_under_probe(place.outside_mm, flat.travel_mm / 2)
        motion = CapsuleMotion.laid_on(flat, capsule)
        covered = _covered(place, lesion, motion, transducer)
        found = PlacedSweep(place, lesion, transducer, motion, capsule, covered)
        if best is None or found.is_better_than(best):
            best = found
    assert best is not None
    return best


def _choices(operation: Operation) -> tuple[np.ndarray, list[_Target]]:
    """(n, 3): what of the capsule a probe reaches, in the operation; and the metastases seen from where it is nearest,
    first the large ones that are easily reached, then the others by the picture's depth.
    """
    shape = operation.patient.shape
    on_ct = surface_points(operation.patient.surface)[::7]
    dome, visceral = shape.dome_and_visceral_mm(on_ct)
    # What a probe reaches: the surface under the diaphragm and in front, not the bare area behind.
    on_ct = on_ct[(dome > visceral) & (on_ct[:, 1] > 25.0 * shape.scale)]
    surface = operation.deformation.to_operation(on_ct)
    choices = []
    for lesion in operation.patient.metastases:
        center = operation.deformation.to_operation(lesion.center_ras)
        nearest = int(((surface - center) ** 2).sum(axis=1).argmin())
        choices.append(_target_from(lesion, center, surface[nearest]))
    easy = [choice for choice in choices if choice.depth_mm <= _EASY_DEPTH_MM]
    others = [choice for choice in choices if choice.depth_mm > _EASY_DEPTH_MM]
    easy.sort(key=lambda choice: -choice.lesion.equivalent_diameter_mm)
    return surface, easy + sorted(others, key=lambda choice: choice.depth_mm)


def _places_for(operation: Operation, choice: _Target, surface: np.ndarray) -> Iterator[_Target]:
    """The nearest place, then further ones, the nearest first, at which the capsule faces the metastasis."""
    yield choice
    center = operation.deformation.to_operation(choice.lesion.center_ras)
    towards = center - surface
    away = np.sqrt((towards**2).sum(axis=1))
    within = np.flatnonzero(away < _LARGEST_DEPTH_MM)
    straight = (_into_liver(operation, surface[within]) * towards[within]).sum(axis=1) / away[within]
    facing = within[straight > _STRAIGHT_COSINE]
    taken = [choice.contact]
    for number in facing[np.argsort(away[facing], kind="stable")]:
        if min(float(np.linalg.norm(surface[number] - one)) for one in taken) < _APART_MM:
            continue
        taken.append(surface[number])
        yield _target_from(choice.lesion, center, surface[number])
        if len(taken) == _PLACES:
            return


def _target_from(lesion: PatientLesion, center: np.ndarray, contact: np.ndarray) -> _Target:
    away = float(np.sqrt(((contact - center) ** 2).sum()))
    return _Target(lesion, contact, away + lesion.shape.largest_radius_mm() + 10.0)


def _into_liver(operation: Operation, points: np.ndarray) -> np.ndarray:
    """(n, 3): unit directions straight into the liver at `points` (n, 3) in the operation."""
    steps = points[:, None] + np.vstack([np.eye(3), -np.eye(3)])
    outside = operation.patient.shape.outside_mm(operation.deformation.to_ct(steps.reshape(-1, 3))).reshape(-1, 2, 3)
    into = outside[:, 1] - outside[:, 0]
    directions: np.ndarray = into / np.linalg.norm(into, axis=1, keepdims=True)
    return directions


def _frame_at(operation: Operation, contact: np.ndarray, lesion: PatientLesion, turn_rad: float) -> np.ndarray:
    """(4, 4) from a sweep's frame at `contact` (3,) to the patient's frame in the operation: its z goes into the
    liver, half-way between straight in and towards the lesion; its x is turned about z.
    """
    into = _into_liver(operation, contact[None])[0]
    to_lesion = operation.deformation.to_operation(lesion.center_ras) - contact
    away = float(np.linalg.norm(to_lesion))
    if away > 15.0:
        into = into + to_lesion / away
        into /= np.linalg.norm(into)
    across = np.cross(into, np.eye(3)[int(np.abs(into).argmin())])
    across /= np.linalg.norm(across)
    right = np.cos(turn_rad) * across + np.sin(turn_rad) * np.cross(into, across)
    return np.round(rigid(np.stack([right, np.cross(into, right), into], axis=-1), contact), 9)


def _covered(place: SweepPlace, lesion: PatientLesion, motion: CapsuleMotion, probe: Probe) -> float:
    """Which share of the lesion's surface is passed by the image plane; what lies at the capsule does not count."""
    directions = sphere_directions(150)
    on_ct = lesion.center_ras + directions * (lesion.shape.radius_mm(directions) + _MARGIN_MM)[:, None]
    on_ct = on_ct[place.operation.patient.shape.outside_mm(on_ct) < -_NOT_UNDER_FACE_MM]
    if len(on_ct) == 0:
        return 0.0
    liver_to_face = np.linalg.inv(motion.face_to_liver(np.linspace(0, 1, 61)))
    return float(is_swept(place.from_ct(on_ct), liver_to_face, probe).mean())
