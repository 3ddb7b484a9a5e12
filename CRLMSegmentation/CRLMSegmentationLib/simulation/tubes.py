"""Tubes painted into a grid as signed distances, compiled by numba: vessels, ducts, wires.

No fast-math and no threads: the order of every sum is fixed, so that the result is the same on any machine.
"""

from __future__ import annotations

import math

import numpy as np

from ..compilation.jit import compiled, inlined

_BEAD_MM = 0.5


def beads(tubes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points every half millimetre along tubes (m, 8): (n, 3) mm, (n,) mm the radius there, (n,) the tube's number."""
    length = np.linalg.norm(tubes[:, 3:6] - tubes[:, :3], axis=1)
    count = np.maximum(2, np.ceil(length / _BEAD_MM).astype(int) + 1)
    which, after = np.repeat(np.arange(len(tubes)), count), np.cumsum(count)
    # For each tube what numpy.linspace(0, 1, count) is, to the last bit.
    share = (np.arange(len(which)) - (after - count)[which]) * (1.0 / (count - 1))[which]
    share[after - 1] = 1.0
    points = tubes[which, :3] * (1 - share[:, None]) + tubes[which, 3:6] * share[:, None]
    return points, tubes[which, 6] * (1 - share) + tubes[which, 7] * share, which


@inlined
def _outside_tube(
    px: float, py: float, pz: float, bx: float, by: float, bz: float, length2: float, r0: float, r1: float
) -> float:
    """How far the place p lies outside of a tube from the origin to b, which is as wide as r0 there and r1 at b."""
    t = min(1.0, max(0.0, (px * bx + py * by + pz * bz) / length2))
    dx, dy, dz = px - t * bx, py - t * by, pz - t * bz
    return math.sqrt(dx * dx + dy * dy + dz * dz) - (r0 + t * (r1 - r0))


def paint_tubes(distance: np.ndarray, origin: np.ndarray, spacing: float, segments: np.ndarray, reach: float) -> None:
    """Lower `distance` (x, y, z) float32 to the signed distance from every tube, within `reach` mm of its wall.

    distance is an array in C order or the transpose of one, as that of a volume is.
    """
    x_is_innermost = not distance.flags.c_contiguous
    in_memory = distance.T if x_is_innermost else distance
    if not in_memory.flags.c_contiguous:
        raise ValueError("The array of distances is neither in C order nor the transpose of one that is.")
    _paint(in_memory, x_is_innermost, np.asarray(origin, dtype=np.float64), float(spacing), segments, float(reach))


@compiled
def _paint(
    distance: np.ndarray, x_is_innermost: bool, origin: np.ndarray, spacing: float, segments: np.ndarray, reach: float
) -> None:
    """The innermost loop runs along memory, on rows that lie there in one piece: several voxels at a time."""
    low, high = np.empty(3, np.int64), np.empty(3, np.int64)
    for s in range(segments.shape[0]):
        ax, ay, az = segments[s, 0], segments[s, 1], segments[s, 2]
        bx, by, bz = segments[s, 3] - ax, segments[s, 4] - ay, segments[s, 5] - az
        r0, r1 = segments[s, 6], segments[s, 7]
        around = max(r0, r1) + reach
        for axis in range(3):
            a, b = segments[s, axis], segments[s, 3 + axis]
            last = distance.shape[2 - axis if x_is_innermost else axis] - 1
            low[axis] = max(0, int(math.floor((min(a, b) - around - origin[axis]) / spacing)))
            high[axis] = min(last, int(math.ceil((max(a, b) + around - origin[axis]) / spacing)))
        length2 = bx * bx + by * by + bz * bz
        for j in range(low[1], high[1] + 1):
            py = origin[1] + j * spacing - ay
            if x_is_innermost:
                for k in range(low[2], high[2] + 1):
                    pz, row = origin[2] + k * spacing - az, distance[k, j]
                    for i in range(low[0], high[0] + 1):
                        px = origin[0] + i * spacing - ax
                        away = _outside_tube(px, py, pz, bx, by, bz, length2, r0, r1)
                        row[i] = min(row[i], np.float32(away))
            else:
                for i in range(low[0], high[0] + 1):
                    px, row = origin[0] + i * spacing - ax, distance[i, j]
                    for k in range(low[2], high[2] + 1):
                        pz = origin[2] + k * spacing - az
                        away = _outside_tube(px, py, pz, bx, by, bz, length2, r0, r1)
                        row[k] = min(row[k], np.float32(away))
