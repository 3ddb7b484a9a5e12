"""The CT in the frame Reference, by landmarks that were found in both, with the error that this leaves at the tumor.

The rigid transform is the least-squares one (Arun et al., IEEE PAMI 1987), by scipy. How far a target may be off
follows from how well the landmarks fit: Fitzpatrick, West and Maurer, IEEE Trans Med Imaging 17 (1998) 694-702,

    FLE^2 = FRE^2 / (1 - 2 / N),     TRE^2(r) = FLE^2 / N (1 + 1/3 sum over k of d_k^2 / f_k^2)

with d_k the distance of the target from the principal axis k of the landmarks, and f_k their root mean square distance
from it. It holds for a rigid liver and for errors alike in every direction; a liver in the operation is not rigid, so
that the true error is larger.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigurationError, FileFormatError
from ..geometry import transform_points
from ..words import tr

LEAST_LANDMARKS = 3
# Landmarks that nearly lie on a line leave the rotation about it open.
_LEAST_WIDTH_MM = 5.0
_COLUMNS = ("name", "ct_r", "ct_a", "ct_s", "reference_r", "reference_a", "reference_s")


@dataclass(frozen=True, eq=False)
class Landmarks:
    """names of n landmarks, and where they lie: (n, 3) RAS mm of the CT, and mm of Reference."""

    names: tuple[str, ...]
    ct: np.ndarray
    reference: np.ndarray


@dataclass(frozen=True, eq=False)
class Registration:
    """ct_to_reference (4, 4) rigid; residual_mm (n,) of each landmark; fre_mm their root mean square; fle_mm the error
    of placing a landmark that this speaks for.
    """

    ct_to_reference: np.ndarray
    landmarks: Landmarks
    residual_mm: np.ndarray
    fre_mm: float
    fle_mm: float

    def error_mm(self, target_ras: np.ndarray) -> float:
        """The root mean square error to be expected at a point (3,) of the CT."""
        points = self.landmarks.ct
        middle = points.mean(axis=0)
        _, _, axes = np.linalg.svd(points - middle, full_matrices=True)
        ratio = 0.0
        for axis in axes:
            spread = _from_axis(points - middle, axis)
            ratio += float(_from_axis((target_ras - middle)[None], axis)[0] ** 2 / (spread**2).mean())
        return float(self.fle_mm / np.sqrt(len(points)) * np.sqrt(1 + ratio / 3))

    def left_out_mm(self) -> list[float]:
        """For each landmark, how far a registration by the others misses it; empty for three."""
        numbers = np.arange(len(self.landmarks.names))
        if len(numbers) <= LEAST_LANDMARKS:
            return []
        missed = []
        for left_out in numbers:
            rest = numbers != left_out
            matrix = rigid(self.landmarks.ct[rest], self.landmarks.reference[rest])
            there = transform_points(matrix, self.landmarks.ct[left_out])
            missed.append(float(np.linalg.norm(there - self.landmarks.reference[left_out])))
        return missed


def register(landmarks: Landmarks) -> Registration:
    """Raises ConfigurationError for fewer than three landmarks, or ones that lie nearly on a line."""
    count = len(landmarks.names)
    if count < LEAST_LANDMARKS:
        raise ConfigurationError(
            tr(
                "A registration needs at least {least_landmarks} landmarks, and there are {count}.",
                least_landmarks=LEAST_LANDMARKS,
                count=count,
            )
        )
    for points, where in ((landmarks.ct, "the CT"), (landmarks.reference, "Reference")):
        widths = np.linalg.svd(points - points.mean(axis=0), compute_uv=False) / np.sqrt(count)
        if widths[1] < _LEAST_WIDTH_MM:
            raise ConfigurationError(
                tr("The landmarks lie nearly on a line in {where}: add one beside it.", where=where)
            )
    matrix = rigid(landmarks.ct, landmarks.reference)
    residual = np.linalg.norm(transform_points(matrix, landmarks.ct) - landmarks.reference, axis=1)
    fre = float(np.sqrt((residual**2).mean()))
    return Registration(matrix, landmarks, residual, fre, float(fre / np.sqrt(1 - 2 / count)))


def rigid(moving: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """(4, 4): the rotation and translation that bring points (n, 3) nearest to others in the least-squares sense."""
    from scipy.spatial.transform import Rotation

    rotation, _ = Rotation.align_vectors(fixed - fixed.mean(axis=0), moving - moving.mean(axis=0))
    matrix = np.eye(4)
    matrix[:3, :3] = rotation.as_matrix()
    matrix[:3, 3] = fixed.mean(axis=0) - matrix[:3, :3] @ moving.mean(axis=0)
    return matrix


def read_landmarks(path: str | Path) -> Landmarks:
    """From a CSV file with the columns name, ct_r, ct_a, ct_s, reference_r, reference_a, reference_s, in mm; or a JSON
    file {"ct": {name: [r, a, s]}, "reference": {name: [r, a, s]}}, of whose names those in both count; or the
    landmarks.json of `crlm simulate --patient`, of which those count that the stylus touched.

    Raises FileFormatError.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        names, ct, reference = _of_json(json.loads(text)) if path.suffix.lower() == ".json" else _of_csv(text)
        points = [np.array(rows, dtype=np.float64).reshape(-1, 3) for rows in (ct, reference)]
    except OSError as error:
        raise FileFormatError(
            tr("The landmarks {path} cannot be read ({reason}).", path=path, reason=error.strerror or error)
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FileFormatError(
            tr(
                "{path} holds no landmarks: it needs the columns {columns}, or is a JSON file with "
                'points under "ct" and "reference".',
                path=path,
                columns=", ".join(_COLUMNS),
            )
        ) from None
    if len(set(names)) != len(names) or not all(np.isfinite(one).all() for one in points):
        raise FileFormatError(
            tr("{path} names a landmark twice, or holds a coordinate that is not a finite number.", path=path)
        )
    return Landmarks(tuple(names), points[0], points[1])


def _from_axis(points: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """(n,) distances of points (n, 3) from the line through the origin along `axis`."""
    along = points @ axis
    distance: np.ndarray = np.sqrt(np.maximum((points**2).sum(axis=1) - along**2, 0.0))
    return distance


def _of_csv(text: str) -> tuple[list[str], list[list[float]], list[list[float]]]:
    rows = list(csv.DictReader(text.splitlines()))
    values = [[float(row[column]) for column in _COLUMNS[1:]] for row in rows]
    return [row["name"].strip() for row in rows], [row[:3] for row in values], [row[3:] for row in values]


def _of_json(content: Mapping[str, Any]) -> tuple[list[str], Sequence[Any], Sequence[Any]]:
    if "landmarks" in content:
        rows = content["landmarks"]
        names = [str(row["name"]) for row in rows]
        return names, [row["ct_ras_mm"] for row in rows], [row["touched_reference_mm"] for row in rows]
    ct, reference = content["ct"], content["reference"]
    names = [str(name) for name in ct if name in reference]
    return names, [ct[name] for name in names], [reference[name] for name in names]
