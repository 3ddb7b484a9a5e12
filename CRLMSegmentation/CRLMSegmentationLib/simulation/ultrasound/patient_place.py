"""Which metastasis of a patient a sweep is made over, and from where on the capsule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import ConfigurationError
from ..lesion_shape import sphere_directions
from ..patient.lesions import PatientLesion
from ..patient.operation import Operation
from ..patient.surface_curves import surface_points
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


@dataclass(frozen=True, eq=False)
class PlacedSweep:
    """lesion: the target; covered: the share of its surface that the image plane passes."""

    place: SweepPlace
    lesion: PatientLesion
    probe: Probe
    motion: CapsuleMotion
    capsule: Capsule
    covered: float


def place_sweep(
    operation: Operation, rngs: list[np.random.Generator], probe: ProbeSettings, sweep: SweepSettings
) -> PlacedSweep:
    """A sweep over one of the patient's metastases, the largest of those that are easily reached from the front.

    rngs  two generators, for the probe and for the motion
    Raises ConfigurationError when the probe cannot look deep enough for any of them.
    """
    lesion, contact, depth = _target(operation)
    if depth > _LARGEST_DEPTH_MM or (probe.depth_mm is not None and depth > probe.depth_mm):
        raise ConfigurationError(f"The metastasis lies too deep for this probe: it needs a depth of {depth:.0f} mm.")
    transducer = draw_probe(rngs[0], probe, depth)
    longest = lesion.shape.longest_diameter_mm()
    volume_ml, shortest_mm = rngs[1].uniform(165.0, 335.0), longest + 2 * _MARGIN_MM + 10
    if sweep.swept_volume_ml is not None:
        volume_ml, shortest_mm = sweep.swept_volume_ml, 0.0
    best: PlacedSweep | None = None
    for turn in np.linspace(0, np.pi, _TURNS, endpoint=False) + rngs[1].uniform(0, np.pi):
        flat = draw_motion(rngs[1], transducer, volume_ml, shortest_mm)
        place = SweepPlace(operation, _frame_at(operation, contact, lesion, float(turn)))
        capsule = capsule_under_probe(place.outside_mm, flat.travel_mm / 2)
        motion = CapsuleMotion.laid_on(flat, capsule)
        covered = _covered(place, lesion, motion, transducer)
        found = PlacedSweep(place, lesion, transducer, motion, capsule, covered)
        if best is None or (min(covered, 0.98), -capsule.missing) > (min(best.covered, 0.98), -best.capsule.missing):
            best = found
    assert best is not None
    return best


def _target(operation: Operation) -> tuple[PatientLesion, np.ndarray, float]:
    """The metastasis, the place (3,) on the capsule nearest to it in the operation, and the picture's depth for it."""
    shape = operation.patient.shape
    on_ct = surface_points(operation.patient.surface)[::7]
    dome, visceral = shape.dome_and_visceral_mm(on_ct)
    # What a probe reaches: the surface under the diaphragm and in front, not the bare area behind.
    on_ct = on_ct[(dome > visceral) & (on_ct[:, 1] > 25.0 * shape.scale)]
    surface = operation.deformation.to_operation(on_ct)
    choices = []
    for lesion in operation.patient.metastases:
        center = operation.deformation.to_operation(lesion.center_ras)
        away = np.sqrt(((surface - center) ** 2).sum(axis=1))
        nearest = int(away.argmin())
        depth = float(away[nearest]) + lesion.shape.largest_radius_mm() + 10.0
        choices.append((lesion, surface[nearest], depth))
    easy = [choice for choice in choices if choice[2] <= _EASY_DEPTH_MM]
    if easy:
        return max(easy, key=lambda choice: choice[0].equivalent_diameter_mm)
    return min(choices, key=lambda choice: choice[2])


def _frame_at(operation: Operation, contact: np.ndarray, lesion: PatientLesion, turn_rad: float) -> np.ndarray:
    """(4, 4) from a sweep's frame at `contact` (3,) to the patient's frame in the operation: its z goes into the
    liver, half-way between straight in and towards the lesion; its x is turned about z.
    """
    steps = contact + np.vstack([np.eye(3), -np.eye(3)])
    outside = operation.patient.shape.outside_mm(operation.deformation.to_ct(steps))
    into = -(outside[:3] - outside[3:])
    into /= np.linalg.norm(into)
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
