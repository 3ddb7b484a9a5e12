"""Depth of a surface in a camera's picture, compiled: triangles into a z-buffer, in a fixed order, on one thread."""

from __future__ import annotations

import math

import numpy as np

from ...compilation.jit import compiled


@compiled
def lay_triangles(
    depth: np.ndarray, which: np.ndarray, pixels: np.ndarray, z: np.ndarray, triangles: np.ndarray
) -> None:
    """Lower `depth` (v, u) float64 mm, infinite where nothing is, to the triangles before it, and put into `which`
    (v, u) int64 the number of the triangle that is seen; where none is, both stay as they are.

    pixels  (n, 2) where the corners are seen, NaN for none;  z (n,) mm before the camera;  triangles (m, 3) numbers of
    corners. Within a triangle 1 / z is linear; that a lens bends its edges does not show at a few millimetres' size.
    """
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by, cx, cy = pixels[a, 0], pixels[a, 1], pixels[b, 0], pixels[b, 1], pixels[c, 0], pixels[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if not abs(area) > 1e-12:
            continue
        left, right = max(0.0, min(ax, bx, cx)), min(depth.shape[1] - 1.0, max(ax, bx, cx))
        upper, lower = max(0.0, min(ay, by, cy)), min(depth.shape[0] - 1.0, max(ay, by, cy))
        for v in range(int(math.ceil(upper)), int(math.floor(lower)) + 1):
            for u in range(int(math.ceil(left)), int(math.floor(right)) + 1):
                of_c = ((bx - ax) * (v - ay) - (by - ay) * (u - ax)) / area
                of_b = ((u - ax) * (cy - ay) - (v - ay) * (cx - ax)) / area
                of_a = 1.0 - of_b - of_c
                if of_a < -1e-9 or of_b < -1e-9 or of_c < -1e-9:
                    continue
                here = 1.0 / (of_a / z[a] + of_b / z[b] + of_c / z[c])
                if here < depth[v, u]:
                    depth[v, u] = here
                    which[v, u] = t
