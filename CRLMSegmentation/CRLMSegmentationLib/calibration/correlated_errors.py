"""The covariance of a least squares solution when the errors are a smooth function of the pose.

A tracker's error, or a phantom's, is mostly a smooth function of where and how the sensor is held, and hardly noise:
neighbouring measurements have nearly the same error. The usual covariance of least squares (residual / number of
measurements) is far too small then. Here the error is a Gaussian process over the distance of two measurements
(Matern 3/2) plus noise. What its length and noise are the residuals tell, but not surely: every pair of them counts as
much as it is likely (restricted likelihood), since the most likely one alone states too small an error. That gives the
covariance of the ordinary least squares solution. C. E. Rasmussen, C. K. I. Williams, 'Gaussian Processes for
Machine Learning', 2006, chapters 4 and 5; H. D. Patterson, R. Thompson, 'Recovery of inter-block information when block
sizes are unequal', Biometrika 58, 1971.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

# How large the noise is beside the smooth error (as variances): what is tried.
_NOISES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0, 100.0, 1e3, 1e4)
MOST_MEASUREMENTS = 240
# What is less likely than the most likely by so much is left out.
_LEAST_SHARE = 1e-3


def thinned(count: int, most: int = MOST_MEASUREMENTS) -> np.ndarray:
    """Which of `count` measurements to take, evenly: neighbours say the same, and the work grows with the cube."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def solution_covariance(
    design: np.ndarray, errors: np.ndarray, distances: np.ndarray, lengths: Sequence[float]
) -> np.ndarray:
    """(p, p) of the least squares solution of p unknowns.

    design     (n, 3, p) what the unknowns are multiplied with, of n measurements of three axes
    errors     (n, 3) what is left of the measurements, mm
    distances  (n, n) Euclidean, of whatever the error is a smooth function of
    lengths    over what distance the error may change, in the unit of `distances`
    """
    return propagated(least_squares_gain(design), error_covariance(design, errors, distances, lengths))


def least_squares_gain(design: np.ndarray) -> np.ndarray:
    """(p, n, 3): what each measurement adds to the ordinary least squares solution of a (n, 3, p) design."""
    count, axes, unknowns = design.shape
    return np.asarray(np.linalg.pinv(design.reshape(count * axes, unknowns)).reshape(unknowns, count, axes))


def propagated(gain: np.ndarray, covariance_mm2: np.ndarray) -> np.ndarray:
    """(p, p) of what a (p, n, 3) gain makes of n measurements whose errors have this (n, n) covariance on each axis."""
    spread = np.einsum("pna,nm->pma", gain, covariance_mm2)
    covariance = np.einsum("pma,qma->pq", spread, gain)
    return np.asarray((covariance + covariance.T) / 2)


def chord_degrees(rotations: np.ndarray) -> np.ndarray:
    """(n, n) how far (n, 3, 3) rotations are from one another; the chord, so that it is a Euclidean distance."""
    flat = rotations.reshape(len(rotations), 9)
    squares = ((flat[:, np.newaxis] - flat[np.newaxis]) ** 2).sum(axis=2)
    return np.asarray(np.degrees(np.sqrt(squares / 2)))


def error_covariance(
    design: np.ndarray, errors: np.ndarray, distances: np.ndarray, lengths: Sequence[float]
) -> np.ndarray:
    """(n, n) mm^2 on each axis, of the errors of n measurements; arguments as those of solution_covariance()."""
    tried = []
    for length, noise in itertools.product(lengths, _NOISES):
        correlation = _matern_32(distances / length) + noise * np.eye(len(distances))
        tried.append((length, noise, *_restricted_likelihood(design, errors, correlation)))
    highest = max(likelihood for *_, likelihood, _ in tried)
    total, shares = np.zeros_like(distances), 0.0
    for length, noise, likelihood, variance in tried:
        share = float(np.exp(likelihood - highest))
        if share > _LEAST_SHARE:
            total += share * variance * (_matern_32(distances / length) + noise * np.eye(len(distances)))
            shares += share
    return np.asarray(total / shares)


def _matern_32(distances: np.ndarray) -> np.ndarray:
    scaled = np.sqrt(3) * distances
    return np.asarray((1 + scaled) * np.exp(-scaled))


def _restricted_likelihood(design: np.ndarray, errors: np.ndarray, correlation: np.ndarray) -> tuple[float, float]:
    """The logarithm of the restricted likelihood, up to a constant, and the variance at which it is highest."""
    from scipy.linalg import solve_triangular

    count, axes, unknowns = design.shape
    lower = np.linalg.cholesky(correlation + 1e-9 * np.eye(count))
    white = solve_triangular(lower, design.reshape(count, -1), lower=True).reshape(count * axes, unknowns)
    target = solve_triangular(lower, errors, lower=True).reshape(-1)
    remaining = target - white @ np.linalg.lstsq(white, target, rcond=None)[0]
    free = count * axes - unknowns
    variance = max(float(remaining @ remaining) / free, 1e-12)
    logs = 2 * axes * np.log(np.diag(lower)).sum() + np.linalg.slogdet(white.T @ white)[1]
    return float(-0.5 * (free * np.log(variance) + logs)), variance
