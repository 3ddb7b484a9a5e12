"""How well a pivot knows its tip, when the tracker's errors are not independent from pose to pose.

A tracker's error is mostly a smooth function of where and how the sensor is held, and hardly noise: neighbouring poses
have nearly the same error, and the part of it that turns with the sensor moves the tip without leaving any residual. So
neither the residual nor the usual covariance of least squares (residual / number of poses) tells how far off a tip is.
Here the error is a Gaussian process over the orientation (Matern 3/2) plus noise; its size, length and noise are found
from the residuals by restricted maximum likelihood, and give the covariance of the least squares tip. C. E. Rasmussen,
C. K. I. Williams, 'Gaussian Processes for Machine Learning', 2006, chapters 4 and 5; H. D. Patterson, R. Thompson,
'Recovery of inter-block information when block sizes are unequal', Biometrika 58, 1971.
"""

from __future__ import annotations

import itertools

import numpy as np

from .pivot import Pivot, pivot_design

# Over what angle the error changes, and how large the noise is beside it (as variances): what is tried.
_LENGTHS_DEG = (8.0, 16.0, 32.0, 64.0)
_NOISES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0, 100.0)
_MOST_POSES = 250


def tip_covariance(poses: np.ndarray, pivot: Pivot) -> np.ndarray:
    """(3, 3) mm^2 of the tip of `pivot`, which was made of (n, 4, 4) `poses`."""
    used = poses[pivot.used]
    errors = pivot.errors_mm[pivot.used]
    # Neighbouring poses say the same: of a long recording a part tells the model of the error.
    part = np.unique(np.linspace(0, len(used) - 1, min(len(used), _MOST_POSES)).round().astype(int))
    poses, errors = used[part], errors[part]
    design = pivot_design(poses)
    correlation, variance = _most_likely(design, errors, _angles_deg(poses))
    weights = np.linalg.pinv(design).reshape(6, len(poses), 3)
    moved = np.einsum("pni,nm->pmi", weights, variance * correlation)
    covariance = np.einsum("pmi,qmi->pq", moved, weights)
    return np.asarray((covariance[:3, :3] + covariance[:3, :3].T) / 2)


def _angles_deg(poses: np.ndarray) -> np.ndarray:
    """(n, n) how far the orientations are from one another; the chord, so that the correlation is a valid one."""
    rotations = poses[:, :3, :3].reshape(len(poses), 9)
    squares = ((rotations[:, np.newaxis] - rotations[np.newaxis]) ** 2).sum(axis=2)
    return np.asarray(np.degrees(np.sqrt(squares / 2)))


def _most_likely(design: np.ndarray, errors: np.ndarray, angles_deg: np.ndarray) -> tuple[np.ndarray, float]:
    """(n, n) correlation of the errors of the poses, and the variance in mm^2 that goes with it."""
    best: tuple[float, np.ndarray, float] | None = None
    for length_deg, noise in itertools.product(_LENGTHS_DEG, _NOISES):
        scaled = np.sqrt(3) * angles_deg / length_deg
        correlation = (1 + scaled) * np.exp(-scaled) + noise * np.eye(len(errors))
        likelihood, variance = _restricted_likelihood(design, errors, correlation)
        if best is None or likelihood > best[0]:
            best = likelihood, correlation, variance
    assert best is not None
    return best[1], best[2]


def _restricted_likelihood(design: np.ndarray, errors: np.ndarray, correlation: np.ndarray) -> tuple[float, float]:
    """The logarithm of the restricted likelihood, up to a constant, and the variance at which it is highest."""
    from scipy.linalg import solve_triangular

    count, unknowns = len(errors), design.shape[1]
    lower = np.linalg.cholesky(correlation + 1e-9 * np.eye(count))
    white = solve_triangular(lower, design.reshape(count, -1), lower=True).reshape(3 * count, unknowns)
    target = solve_triangular(lower, errors, lower=True).reshape(-1)
    normal = white.T @ white
    remaining = target - white @ np.linalg.lstsq(white, target, rcond=None)[0]
    free = 3 * count - unknowns
    variance = max(float(remaining @ remaining) / free, 1e-12)
    logs = 6 * np.log(np.diag(lower)).sum() + np.linalg.slogdet(normal)[1]
    return float(-0.5 * (free * np.log(variance) + logs)), variance
