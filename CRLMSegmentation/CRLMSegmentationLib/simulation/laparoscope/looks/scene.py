"""The bodies before the camera: liver, ligament, gallbladder, stomach, fat, wall of the abdomen, and instruments.

All lie in the patient's frame in the operation, RAS mm, with the liver as it is deformed there. The gas of the
pneumoperitoneum lifts the wall off the liver, and the organs below sink.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ....laparoscopy.surface.mesh import Mesh, mesh_of
from ....values.camera import Camera
from ...patient.operation import Operation
from .appearance import PatientLooks, ViewLooks
from .bodies import lumpy_ellipsoid, swept, tube
from .noise import noise_at

LIVER, LIGAMENT, GALLBLADDER, STOMACH, FAT, WALL, SHAFT, JAWS = range(1, 9)
# What is pushed aside by the scope, and which share of a body may be near it before it is left out.
_CLEAR_MM, _MOSTLY = 45.0, 0.15


@dataclass(frozen=True, eq=False)
class Body:
    """One body of one tissue.

    tissue    one of the numbers above
    mesh      in the patient's frame
    places    (n, 3) mm: where its pattern is fixed, for each point of the mesh
    """

    tissue: int
    mesh: Mesh
    places: np.ndarray


def patient_bodies(operation: Operation, looks: PatientLooks) -> list[Body]:
    """What does not move between the pictures of a patient; the wall is the last."""
    patient, deformation = operation.patient, operation.deformation
    of_ct = mesh_of(patient.surface)
    liver = Mesh(deformation.to_operation(of_ct.points), of_ct.triangles)
    rng = np.random.default_rng(looks.seed)
    ridge = deformation.to_operation(patient.ridge)
    bodies = [Body(LIVER, liver, of_ct.points), _at_itself(LIGAMENT, _stump(operation, looks))]
    if looks.has_gallbladder:
        bodies.append(_at_itself(GALLBLADDER, _gallbladder(operation, rng)))
    if looks.has_stomach:
        bodies.append(_at_itself(STOMACH, _stomach(ridge, rng)))
    bodies += [_at_itself(FAT, one) for one in _fat(liver, ridge, rng)]
    return [*bodies, _at_itself(WALL, _wall(liver, looks))]


def kept_clear(bodies: list[Body], eye: np.ndarray) -> list[Body]:
    """`bodies` as they lie when the scope's tip at `eye` (3,) has pushed fat and stomach aside; what it would lie in or
    right before is gone.
    """
    clear = []
    for body in bodies:
        if body.tissue in (FAT, STOMACH):
            away = body.mesh.points - eye
            distance = np.sqrt((away * away).sum(axis=1, keepdims=True))
            if (distance < _CLEAR_MM).mean() > _MOSTLY:
                continue
            pushed = eye + away * np.maximum(1.0, _CLEAR_MM / np.maximum(distance, 1e-9))
            body = Body(body.tissue, Mesh(pushed, body.mesh.triangles), body.places)
        clear.append(body)
    return clear


def instruments(camera: Camera, depth_mm: np.ndarray, looks: ViewLooks) -> list[Body]:
    """Shafts and jaws in the camera's frame, before what lies depth_mm (v, u) deep; from below and from the sides."""
    rng = np.random.default_rng([looks.seed, 1])
    bodies: list[Body] = []
    seen = np.argwhere(depth_mm > 0)
    for _ in range(looks.instruments if len(seen) else 0):
        v, u = seen[int(rng.integers(len(seen)))]
        tip = camera.unproject(np.array([u, v]), float(depth_mm[v, u]) * rng.uniform(0.55, 0.93))
        tangent = np.array([rng.choice((-1.0, 1.0)), rng.uniform(-0.25, 1.2), rng.uniform(-0.9, -0.25)])
        away = tangent / np.linalg.norm(tangent)
        radius = float(rng.choice((2.5, 2.5, 4.0)))
        neck = tip + 20.0 * away
        bodies.append(_at_itself(SHAFT, tube(neck, neck + 220 * away, np.array([0.8, 1, 1, 1, 1, 1]) * radius)))
        across = np.cross(away, rng.uniform(-1, 1, 3))
        across *= rng.uniform(0.5, 5.0) / np.linalg.norm(across)
        for side in (1, -1):
            bodies.append(_at_itself(JAWS, tube(neck, tip + side * across, np.array([0.8, 0.55, 0.2]) * radius, 1.0)))
    return bodies


def _at_itself(tissue: int, mesh: Mesh) -> Body:
    return Body(tissue, mesh, mesh.points)


def _stump(operation: Operation, looks: PatientLooks) -> Mesh:
    """What is left of the falciform ligament on the liver, once it is divided: an uneven band along its line, thick
    and full of fat where the round ligament leaves the liver, thin towards the vena cava.
    """
    curve = operation.deformation.to_operation(operation.patient.falciform_ligament)
    outside, to_ct = operation.patient.shape.outside_mm, operation.deformation.to_ct
    normals = np.column_stack([outside(to_ct(curve + axis)) - outside(to_ct(curve - axis)) for axis in np.eye(3)])
    normals = ndimage.gaussian_filter1d(normals, 12.0, axis=0, mode="nearest")
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    across = np.cross(normals, np.gradient(curve, axis=0))
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    share = np.linspace(0, 1, len(curve))[:, None]
    # The line dips into a fissure, which the ligament fills: beside it the liver rises so far above it.
    beside = [-outside(to_ct(curve + step * across)) for step in (-10.0, -5.0, 5.0, 10.0)]
    dip = ndimage.gaussian_filter1d(np.clip(np.max(beside, axis=0), 0.0, 25.0), 3.0)[:, None]
    uneven = 1.0 + 0.35 * noise_at(curve, 11.0, looks.seed + 11, 2)[:, None]
    thick = uneven * (0.7 + 0.55 * looks.stump_mm * np.clip(1 - 2.0 * share, 0.06, 1))
    high = uneven * looks.stump_mm * np.clip(1 - 0.8 * share, 0.25, 1)
    # Round ends, and a round ligament that is cut a little beside the liver.
    ends = np.sqrt(np.clip(np.minimum(share * 14, (1 - share) * 6), 0.02, 1))
    sway = 1.2 * noise_at(curve, 17.0, looks.seed + 12)[:, None]
    middle = curve + normals * (dip + 0.35 * high) / 2 + sway * across
    mesh = swept(middle, across * (thick + 0.12 * dip) * ends, normals * (dip / 2 + high) * ends, 24)
    rough = 0.7 * noise_at(mesh.points, 4.0, looks.seed + 13, 2)[:, None]
    return Mesh(mesh.points + rough * mesh.normals, mesh.triangles)


def _gallbladder(operation: Operation, rng: np.random.Generator) -> Mesh:
    """Of the patient, pressed against the liver's lower side."""
    row = next(organ for organ in operation.patient.organs if organ.name == "gallbladder").ellipsoids[0]
    axes = row[6:].reshape(3, 3)
    radii = np.minimum(1.15 * row[3:6], 2.0 * row[3:6].min())
    upright = lumpy_ellipsoid(np.zeros(3), radii, 3.0, 24.0, int(rng.integers(2**31)), 96)
    center = operation.deformation.to_operation(row[:3]) + [rng.uniform(-3, 3), rng.uniform(-9, -1), rng.uniform(4, 12)]
    return Mesh(upright.points @ axes + center, upright.triangles)


def _stomach(ridge: np.ndarray, rng: np.random.Generator) -> Mesh:
    left = ridge[int(rng.uniform(0.72, 0.9) * len(ridge))]
    center = left + [rng.uniform(-45, 0), rng.uniform(-85, -60), rng.uniform(-75, -50)]
    radii = np.array([rng.uniform(50, 75), rng.uniform(32, 42), rng.uniform(30, 40)])
    return lumpy_ellipsoid(center, radii, rng.uniform(5, 9), rng.uniform(28, 50), int(rng.integers(2**31)), 128)


def _fat(liver: Mesh, ridge: np.ndarray, rng: np.random.Generator) -> list[Mesh]:
    """The greater omentum: an apron of lobules behind and below the liver's lower border, and what is under it."""
    lower, upper = liver.points.min(axis=0), liver.points.max(axis=0)
    below = np.array([(lower[0] + upper[0]) / 2, ridge[:, 1].mean() - 60.0, ridge[:, 2].mean() - 118.0])
    drawn = [lumpy_ellipsoid(below, np.array([190.0, 90.0, 76.0]), 10.0, 32.0, int(rng.integers(2**31)), 240)]
    for share in np.linspace(0.03, 0.97, 16):
        place = ridge[int(share * (len(ridge) - 1))]
        center = place + [rng.uniform(-14, 14), rng.uniform(-64, -30), rng.uniform(-70, -34)]
        radii = np.array([rng.uniform(18, 40), rng.uniform(15, 30), rng.uniform(13, 28)])
        lumps = rng.uniform(3, 6), rng.uniform(9, 20)
        drawn.append(lumpy_ellipsoid(center, radii, *lumps, int(rng.integers(2**31)), 110))
    return drawn


def _wall(liver: Mesh, looks: PatientLooks) -> Mesh:
    """Diaphragm and abdominal wall from inside: close to the liver above and behind; in front the gas has lifted it so
    far that every port of views.py lies well within.
    """
    lower, upper = liver.points.min(axis=0), liver.points.max(axis=0)
    first = np.array([lower[0] - 55.0, lower[1] - 10.0, lower[2] - 290.0])
    last = np.array([upper[0] + 40.0, upper[1] + 110.0 + looks.gas_mm, upper[2] + 22.0])
    return lumpy_ellipsoid((first + last) / 2, (last - first) / 2, 7.0, 70.0, looks.seed + 7, 360)
