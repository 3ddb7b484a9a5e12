"""Tubes painted into a grid as signed distances, compiled by numba: vessels, ducts, wires.

No fast-math and no threads: the order of every sum is fixed, so that the result is the same on any machine.
"""

from __future__ import annotations

import math

import numpy as np

from ..compilation.jit import compiled


@compiled
def paint_tubes(distance: np.ndarray, origin: np.ndarray, spacing: float, segments: np.ndarray, reach: float) -> None:
    """Lower `distance` (x, y, z) float32 to the signed distance from every tube, within `reach` mm of its wall."""
    for s in range(segments.shape[0]):
        ax, ay, az = segments[s, 0], segments[s, 1], segments[s, 2]
        bx, by, bz = segments[s, 3] - ax, segments[s, 4] - ay, segments[s, 5] - az
        r0, r1 = segments[s, 6], segments[s, 7]
        around = max(r0, r1) + reach
        low = np.empty(3, np.int64)
        high = np.empty(3, np.int64)
        for axis in range(3):
            a, b = segments[s, axis], segments[s, 3 + axis]
            low[axis] = max(0, int(math.floor((min(a, b) - around - origin[axis]) / spacing)))
            high[axis] = min(distance.shape[axis] - 1, int(math.ceil((max(a, b) + around - origin[axis]) / spacing)))
        length2 = bx * bx + by * by + bz * bz
        for i in range(low[0], high[0] + 1):
            px = origin[0] + i * spacing - ax
            for j in range(low[1], high[1] + 1):
                py = origin[1] + j * spacing - ay
                for k in range(low[2], high[2] + 1):
                    pz = origin[2] + k * spacing - az
                    t = (px * bx + py * by + pz * bz) / length2
                    t = min(1.0, max(0.0, t))
                    dx, dy, dz = px - t * bx, py - t * by, pz - t * bz
                    away = math.sqrt(dx * dx + dy * dy + dz * dz) - (r0 + t * (r1 - r0))
                    if away < distance[i, j, k]:
                        distance[i, j, k] = away
