"""What must hold for every patient; for tests, and for whoever draws a thousand of them."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from ...values.triangles import surface_points
from ..tubes import beads
from .deformation import LEAST_MM, MOST_MM
from .liver_shape import LARGEST_ML, SMALLEST_ML
from .operation import Operation
from .patient import Patient
from .vessel_tree import VesselTree

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

_FAR_MM = 5.0
# Trunks come from outside; whatever is thinner lies under the capsule.
_INSIDE_BELOW_MM = {"portal": 2.0, "hepatic": 2.0, "artery": 1.4, "bile": 1.4}
# Artery and bile duct enter beside the portal trunk.
_TRUNK_MM, _BESIDE_TRUNK_MM = 3.4, 18.0
_CAVA_WALL_MM = 3.0
_LARGEST_UNREACHED_SHARE = {"portal": 0.15, "hepatic": 0.25}
# A voxel of the operation is at least this much of what it was in the CT, and a point comes back to where it was.
_SMALLEST_JACOBIAN, _LARGEST_RESIDUAL_MM = 0.1, 0.001
_JACOBIAN_STEP_MM = 0.01


def faults_of(patient: Patient) -> list[str]:
    """Sentences, one for each thing that does not hold; empty when all is well."""
    faults = []
    surface = patient.surface
    if (count := open_edges(surface)) > 0:
        faults.append(f"The liver's surface is open: {count} edges belong to other than two faces.")
    if not SMALLEST_ML <= patient.liver_ml <= LARGEST_ML:
        faults.append(
            f"The liver measures {patient.liver_ml:.0f} mL, outside of {SMALLEST_ML:.0f} to {LARGEST_ML:.0f} mL."
        )
    trees = patient.vessels.trees
    trunk, trunk_radius, _ = beads(trees["portal"].tubes())
    trunk = trunk[trunk_radius > _TRUNK_MM]
    for name, thinner_mm in _INSIDE_BELOW_MM.items():
        points, radius, _ = beads(trees[name].tubes())
        points = points[radius < thinner_mm]
        if name in ("artery", "bile"):
            points = points[cKDTree(trunk).query(points)[0] > _BESIDE_TRUNK_MM]
        elif name == "hepatic":
            points = points[~_within_cava(patient, points)]
        outside = float((patient.shape.outside_mm(points) > 0).mean())
        if outside > 0.005:
            faults.append(
                f"{100 * outside:.1f} % of the thinner branches of the tree '{name}' lie outside of the liver."
            )
    for name, most in _LARGEST_UNREACHED_SHARE.items():
        if patient.vessels.unreached[name] > most:
            faults.append(
                f"{100 * patient.vessels.unreached[name]:.0f} % of the liver has no twig of the tree '{name}'."
            )
    for one, other in combinations(sorted(trees), 2):
        apart = distance_between_walls_mm(trees[one], trees[other])
        if apart <= 0:
            faults.append(f"The trees '{one}' and '{other}' overlap by {-apart:.2f} mm.")
    if not patient.metastases:
        faults.append("There is no metastasis.")
    for lesion, second in combinations(patient.lesions, 2):
        reach = lesion.shape.largest_radius_mm() + second.shape.largest_radius_mm()
        if np.linalg.norm(lesion.center_ras - second.center_ras) < reach:
            faults.append(f"A {lesion.kind} and a {second.kind} overlap.")
    for lesion in patient.lesions:
        if patient.shape.outside_mm(lesion.center_ras[None])[0] > 0:
            faults.append(f"A {lesion.kind} lies outside of the liver.")
    for name, line in (("ridge", patient.ridge), ("falciform ligament", patient.falciform_ligament)):
        away = float(np.abs(patient.shape.outside_mm(line)).max())
        if away > 1.5 or len(line) < 20:
            faults.append(f"The {name} has {len(line)} points and leaves the surface by up to {away:.1f} mm.")
    return faults


def _within_cava(patient: Patient, points: np.ndarray) -> np.ndarray:
    """(n,) bool: in the vena cava or its wall, where thin veins that enter it on their own begin."""
    axis = patient.shape.cava_axis_ras(points[:, 2])
    away = np.linalg.norm(points[:, :2] - axis[:, :2], axis=1)
    within: np.ndarray = away < patient.shape.cava[3] * patient.shape.scale + _CAVA_WALL_MM
    return within


def faults_of_operation(operation: Operation) -> list[str]:
    """Sentences on the deformation between CT and operation: nothing folds, the surface moves as far as published, and
    the inverse is one.
    """
    patient, faults = operation.patient, []
    surface = surface_points(patient.surface)
    length = np.linalg.norm(operation.deformation.displacements_mm(surface), axis=1)
    if not (length.mean() >= LEAST_MM and length.max() <= MOST_MM):
        faults.append(
            f"The liver's surface moves by {length.mean():.1f} mm on average and {length.max():.1f} mm at most, "
            f"outside of {LEAST_MM:g} to {MOST_MM:g} mm."
        )
    inside = patient.grid_origin_ras + np.argwhere(patient.outside_mm < 10)[::211, ::-1]
    points = np.vstack([surface[::7], inside])
    smallest = float(jacobians(operation, points).min())
    if not smallest > _SMALLEST_JACOBIAN:
        faults.append(f"The deformation folds: its Jacobian determinant goes down to {smallest:.2f}.")
    moved = operation.deformation.to_operation(points)
    residual = float(np.abs(operation.deformation.to_ct(moved) - points).max())
    if not residual < _LARGEST_RESIDUAL_MM:
        faults.append(f"The inverse of the deformation is off by {residual:.3f} mm.")
    return faults


def jacobians(operation: Operation, points_ras: np.ndarray) -> np.ndarray:
    """(n,) by how much the deformation enlarges what is at `points_ras` (n, 3) of the CT: its Jacobian determinant."""
    to_operation, step = operation.deformation.to_operation, _JACOBIAN_STEP_MM
    columns = [
        (to_operation(points_ras + step * axis) - to_operation(points_ras - step * axis)) / (2 * step)
        for axis in np.eye(3)
    ]
    determinants: np.ndarray = np.linalg.det(np.stack(columns, axis=-1))
    return determinants


def open_edges(surface: vtkPolyData) -> int:
    """How many edges of a vtkPolyData belong to other than two faces: 0 when it is closed."""
    from vtkmodules.vtkFiltersCore import vtkFeatureEdges

    edges = vtkFeatureEdges()
    edges.SetInputData(surface)
    edges.BoundaryEdgesOn()
    edges.NonManifoldEdgesOn()
    edges.FeatureEdgesOff()
    edges.ManifoldEdgesOff()
    edges.Update()
    return int(edges.GetOutput().GetNumberOfCells())


def distance_between_walls_mm(one: VesselTree, other: VesselTree) -> float:
    """The smallest distance between the walls of two trees, negative where they overlap; infinite beyond some 5 mm."""
    (points, radius, _), (others, other_radius, _) = beads(one.tubes()), beads(other.tubes())
    apart = _FAR_MM
    # Beads of about one thickness at a time, the thickest first: only few lie nearer than the nearest found so far.
    thickness = np.floor(np.log2(other_radius)).astype(int)
    for among in np.unique(thickness)[::-1]:
        some, some_radius = others[thickness == among], other_radius[thickness == among]
        tree = cKDTree(some)
        limit = radius.max() + some_radius.max() + apart
        queried = tree.query(points, distance_upper_bound=limit)
        distance, nearest = np.atleast_1d(queried[0]), np.atleast_1d(queried[1])
        reached = np.flatnonzero(nearest < len(some))
        between = distance[reached] - radius[reached] - some_radius[nearest[reached]]
        apart = min(apart, float(between.min(initial=_FAR_MM)))
        near = tree.query_ball_point(points[reached], radius[reached] + some_radius.max() + apart)
        number = np.repeat(reached, [len(found) for found in near])
        if len(number) > 0:
            found = np.concatenate([np.asarray(each, dtype=int) for each in near])
            between = np.linalg.norm(points[number] - some[found], axis=1) - radius[number] - some_radius[found]
            apart = min(apart, float(between.min()))
    return apart if apart < _FAR_MM else float("inf")
