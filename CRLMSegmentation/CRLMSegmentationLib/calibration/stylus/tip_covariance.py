"""How well pivots know their tip.

The part of the tracker's error that turns with the sensor moves the tip without leaving any residual, so that the
residual alone does not tell how far off a tip is; see correlated_errors.py. The error is a smooth function of the place
of the sensor, so that the tips of dimples that lie near each other err alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..correlated_errors import (
    error_covariance,
    least_squares_gain,
    propagated,
    solution_covariance,
    thinned,
)
from .pivot import Pivot, pivot_design

# Over what way of the sensor the tracker's error changes: what is tried.
_LENGTHS_MM = (20.0, 40.0, 80.0, 160.0, 320.0)
_MOST_POSES = 160


def tip_covariance(poses: np.ndarray, pivot: Pivot) -> np.ndarray:
    """(3, 3) mm^2 of the tip of `pivot`, which was made of (n, 4, 4) `poses`."""
    used = poses[pivot.used]
    part = thinned(len(used), _MOST_POSES)
    errors = pivot.errors_mm[pivot.used][part]
    return solution_covariance(_design(used[part]), errors, _distances(used[part]), _LENGTHS_MM)[:3, :3]


def combined_tip(poses: Sequence[np.ndarray], pivots: Sequence[Pivot]) -> tuple[np.ndarray, np.ndarray]:
    """(3,) the weighted mean of the tips of several pivots, and its (3, 3) covariance in mm^2.

    poses  (n, 4, 4) of each pivot
    Each tip counts as its own covariance has it. Their mean is known less well than if their errors were independent;
    and where they contradict each other, since what is left of all poses with one tip is what the error is judged by.
    """
    own = [tip_covariance(part, pivot) for part, pivot in zip(poses, pivots)]
    if len(own) == 1:
        return pivots[0].tip_mm, own[0]
    inverse = np.linalg.inv(np.array(own))
    weights = np.linalg.inv(inverse.sum(axis=0)) @ inverse
    tip = np.einsum("nab,nb->a", weights, np.array([pivot.tip_mm for pivot in pivots]))
    parts = [part[pivot.used] for part, pivot in zip(poses, pivots)]
    parts = [part[thinned(len(part), _MOST_POSES // len(parts))] for part in parts]
    gain = np.concatenate(
        [
            np.einsum("ab,bnc->anc", weight, least_squares_gain(_design(part))[:3])
            for weight, part in zip(weights, parts)
        ],
        axis=1,
    )
    together = np.concatenate(parts)
    design = np.zeros((len(together), 3, 3 + 3 * len(parts)))
    design[:, :, :3] = together[:, :3, :3]
    errors, begin = together[:, :3, :3] @ tip + together[:, :3, 3], 0
    for number, part in enumerate(parts):
        rows = slice(begin, begin + len(part))
        design[rows, :, 3 + 3 * number : 6 + 3 * number] = -np.eye(3)
        errors[rows] -= errors[rows].mean(axis=0)
        begin += len(part)
    return tip, propagated(gain, error_covariance(design, errors, _distances(together), _LENGTHS_MM))


def _design(poses: np.ndarray) -> np.ndarray:
    return pivot_design(poses).reshape(len(poses), 3, 6)


def _distances(poses: np.ndarray) -> np.ndarray:
    """(n, n) mm between the places of the sensor."""
    return np.asarray(np.linalg.norm(poses[:, np.newaxis, :3, 3] - poses[:, :3, 3], axis=2))
