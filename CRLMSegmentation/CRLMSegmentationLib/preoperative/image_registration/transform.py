"""Rigid and affine transforms by a few numbers of like weight, and their files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import GeometryError
from ...geometry import LPS_TO_RAS, transform_points
from ...words import tr

RIGID, AFFINE = 6, 12
# Landmarks that lie along one line leave a turn about it open.
_LEAST_SPREAD_MM = 2.0


@dataclass(frozen=True, eq=False)
class TransformModel:
    """Transforms beside a start.

    start   (4, 4), fixed RAS mm to moving RAS mm
    center  (3,) RAS mm in the fixed volume, about which is turned, so that turning does not shift
    """

    start: np.ndarray
    center: np.ndarray

    def matrix(self, numbers: np.ndarray) -> np.ndarray:
        """(4, 4) from shifts in mm (3), turns in degrees (3) and, with 12 numbers, growth (3) and shear (3) in percent;
        all zero is the start. Each is applied in the fixed volume before the start.
        """
        from scipy.spatial.transform import Rotation

        change = np.eye(4)
        linear = Rotation.from_rotvec(np.asarray(numbers[3:6], dtype=np.float64), degrees=True).as_matrix()
        if len(numbers) == AFFINE:
            shape = np.diag(1 + np.asarray(numbers[6:9]) / 100)
            shape[0, 1], shape[0, 2], shape[1, 2] = np.asarray(numbers[9:12]) / 100
            linear = linear @ shape
        change[:3, :3] = linear
        change[:3, 3] = self.center - linear @ self.center + np.asarray(numbers[:3], dtype=np.float64)
        matrix: np.ndarray = self.start @ change
        return matrix


def from_landmarks(fixed: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """(4, 4) rigid, fixed to moving, that fits pairs of points (n, 3), RAS mm, best (Kabsch 1976).

    Raises GeometryError for fewer than three pairs, other numbers of points, and points along one line.
    """
    from scipy.spatial.transform import Rotation

    if fixed.shape != moving.shape or len(fixed) < 3:
        raise GeometryError(
            tr(
                "There are {moving} landmarks in MOVING and {fixed} in FIXED: three pairs or more, in "
                "the same order, are needed.",
                moving=len(moving),
                fixed=len(fixed),
            )
        )
    about_fixed, about_moving = fixed - fixed.mean(axis=0), moving - moving.mean(axis=0)
    if np.linalg.svd(about_fixed, compute_uv=False)[1] < _LEAST_SPREAD_MM:
        raise GeometryError(tr("The landmarks lie along one line, or in one place: choose others as well."))
    turn = Rotation.align_vectors(about_moving, about_fixed)[0].as_matrix()
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    matrix[:3, 3] = moving.mean(axis=0) - turn @ fixed.mean(axis=0)
    return matrix


def distance_mm(one: np.ndarray, other: np.ndarray, points: np.ndarray) -> float:
    """Mean distance between where two transforms (4, 4) put points (n, 3)."""
    return float(np.linalg.norm(transform_points(one, points) - transform_points(other, points), axis=1).mean())


def write_transform(fixed_to_moving: np.ndarray, path: str | Path) -> None:
    """An ITK transform file (LPS). As ITK has it, it leads points of the fixed volume to the moving one: 3D Slicer,
    which reads it as the transform from parent, moves the moving volume onto the fixed one with it.
    """
    import SimpleITK

    lps = LPS_TO_RAS @ fixed_to_moving @ LPS_TO_RAS
    transform = SimpleITK.AffineTransform(3)
    transform.SetMatrix(lps[:3, :3].ravel().tolist())
    transform.SetTranslation(lps[:3, 3].tolist())
    SimpleITK.WriteTransform(transform, str(path))
