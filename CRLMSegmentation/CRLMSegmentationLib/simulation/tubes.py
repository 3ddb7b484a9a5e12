"""Tubes painted into a grid as signed distances, compiled by numba: vessels, ducts, wires.

No fast-math and no threads: the order of every sum is fixed, so that the result is the same on any machine.
"""

from __future__ import annotations

import math

import numpy as np

from ..compilation.jit import compiled

_BEAD_MM = 0.5


def beads(tubes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points every half millimetre along tubes (m, 8): (n, 3) mm, (n,) mm the radius there, (n,) the tube's number."""
    length = np.linalg.norm(tubes[:, 3:6] - tubes[:, :3], axis=1)
    count = np.maximum(2, np.ceil(length / _BEAD_MM).astype(int) + 1)
    which = np.repeat(np.arange(len(tubes)), count)
    share = np.concatenate([np.linspace(0, 1, n) for n in count]) if len(tubes) else np.zeros(0)
    points = tubes[which, :3] * (1 - share[:, None]) + tubes[which, 3:6] * share[:, None]
    return points, tubes[which, 6] * (1 - share) + tubes[which, 7] * share, which


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
