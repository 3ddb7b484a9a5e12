"""How a liver may lie in the operation other than in the CT: smooth displacements, of which the few largest are kept.

A Gaussian process without its rigid motions, by its principal components: Luethi et al., 'Gaussian process morphable
models', IEEE PAMI 40 (2018). Its size is that of livers under a pneumoperitoneum: Zijlmans et al., Surg Endosc 26
(2012); Heizmann et al., World J Surg 34 (2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigh
from scipy.spatial.distance import cdist

from ..surface.mesh import Mesh

COUNT = 40
# What places so far apart do has little to do with each other; and how far places are displaced, along each axis.
_ALIKE_MM, _DISPLACED_MM = 90.0, 6.0
_CONTROLS, _INNER_SHARE = 60, 0.5
# So much of a displacement may differ from place to place without being smooth.
_ROUGH_SHARE = 1e-4
_STILL_MM, _MOST_ROUNDS = 1e-3, 20


@dataclass(frozen=True, eq=False)
class ShapeModes:
    """Displacements of a model, of which any is a sum: coefficients that are drawn from a normal distribution of mean
    0 and variance 1 make livers that are to be expected.

    controls  (n, 3) places of the model, mm
    weights   (n, 3, k) of the controls' kernels in each mode
    """

    controls: np.ndarray
    weights: np.ndarray

    @property
    def count(self) -> int:
        return int(self.weights.shape[2])

    def at(self, points: np.ndarray) -> np.ndarray:
        """(m, 3, k) mm: how each mode displaces `points` (m, 3)."""
        n = len(self.controls)
        displaced = _kernel(points, self.controls) @ self.weights.reshape(n, -1)
        return np.asarray(displaced.reshape(len(points), 3, -1))

    def moved(self, points: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """(m, 3): where `points` (m, 3) of the model come to lie with `coefficients` (k,)."""
        return np.asarray(points + _kernel(points, self.controls) @ (self.weights @ coefficients))

    def moved_back(self, points: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """(m, 3): which points of the model come to lie at `points` (m, 3)."""
        found = points
        for _ in range(_MOST_ROUNDS):
            off = points - self.moved(found, coefficients)
            found = found + off
            if np.abs(off).max(initial=0.0) < _STILL_MM:
                break
        return found

    @cached_property
    def left_out_mm(self) -> float:
        """Root mean square of the displacements that the modes do not know."""
        known = (self.at(self.controls) ** 2).sum() / len(self.controls)
        return float(np.sqrt(max(0.0, _variance_without_rigid(self.controls) - known)))


def shape_modes(liver: Mesh, count: int = COUNT) -> ShapeModes:
    """The `count` largest modes of a liver."""
    controls = _spread(liver.points, _CONTROLS)
    controls = np.vstack([controls, liver.center + _INNER_SHARE * (controls[::3] - liver.center)])
    covariance = _without_rigid(controls)
    size = len(covariance)
    values, axes = eigh(covariance, subset_by_index=[size - count, size - 1])
    displaced = (axes * np.sqrt(np.maximum(values, 0.0)))[:, ::-1].reshape(len(controls), -1)
    between = _kernel(controls, controls) + _ROUGH_SHARE * np.eye(len(controls))
    weights = cho_solve(cho_factor(between), displaced)
    return ShapeModes(controls, weights.reshape(len(controls), 3, count))


def _kernel(points: np.ndarray, controls: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(-cdist(points, controls, "sqeuclidean") / (2 * _ALIKE_MM**2)))


def _without_rigid(controls: np.ndarray) -> np.ndarray:
    """(3 n, 3 n) covariance of the controls' displacements, of which shifts and turns of the whole are taken out."""
    rigid = np.zeros((len(controls), 3, 6))
    rigid[:, :, :3] = np.eye(3)
    for axis, unit in enumerate(np.eye(3)):
        rigid[:, :, 3 + axis] = np.cross(unit, controls - controls.mean(axis=0))
    directions, _ = np.linalg.qr(rigid.reshape(-1, 6))
    rest = np.eye(len(directions)) - directions @ directions.T
    covariance = _DISPLACED_MM**2 * np.kron(_kernel(controls, controls), np.eye(3))
    return np.asarray(rest @ covariance @ rest)


def _variance_without_rigid(controls: np.ndarray) -> float:
    return float(np.trace(_without_rigid(controls))) / len(controls)


def _spread(points: np.ndarray, count: int) -> np.ndarray:
    """`count` of the points (n, 3), far from each other: each time the one that is farthest from those before it."""
    chosen = [int(np.argmax(((points - points.mean(axis=0)) ** 2).sum(axis=1)))]
    away = np.full(len(points), np.inf)
    for _ in range(count - 1):
        away = np.minimum(away, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(np.argmax(away)))
    return np.asarray(points[chosen])
