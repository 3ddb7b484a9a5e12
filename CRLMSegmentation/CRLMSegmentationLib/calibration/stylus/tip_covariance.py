"""How well a pivot knows its tip.

The part of the tracker's error that turns with the sensor moves the tip without leaving any residual, so that the
residual alone does not tell how far off a tip is; see correlated_errors.py.
"""

from __future__ import annotations

import numpy as np

from ..correlated_errors import chord_degrees, solution_covariance, thinned
from .pivot import Pivot, pivot_design

# Over what angle of the tool the tracker's error changes: what is tried.
_LENGTHS_DEG = (8.0, 16.0, 32.0, 64.0)


def tip_covariance(poses: np.ndarray, pivot: Pivot) -> np.ndarray:
    """(3, 3) mm^2 of the tip of `pivot`, which was made of (n, 4, 4) `poses`."""
    used = poses[pivot.used]
    part = thinned(len(used))
    design = pivot_design(used[part]).reshape(len(part), 3, 6)
    errors = pivot.errors_mm[pivot.used][part]
    angles = chord_degrees(used[part][:, :3, :3])
    return solution_covariance(design, errors, angles, _LENGTHS_DEG)[:3, :3]
