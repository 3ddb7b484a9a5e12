"""Depth of a surface in a camera's picture, compiled: points through the lens, triangles into a z-buffer, in order."""

from __future__ import annotations

import math

import numpy as np

from ...compilation.jit import compiled

# Rounding makes no point of a triangle nearer than so much of its nearest corner.
_SURELY = 1 - 1e-6


@compiled
def see_points(
    in_camera: np.ndarray, pixels: np.ndarray, points: np.ndarray, pose: np.ndarray, intrinsics: np.ndarray,
    distortion: np.ndarray, farthest: float, nearest_mm: float,
) -> None:  # fmt: skip
    """Put into `in_camera` (n, 3) where `pose` (4, 4) brings `points` (n, 3), mm, and into `pixels` (n, 2) where the
    camera sees them; NaN for what is nearer than nearest_mm.

    distortion  (8,) k1, k2, p1, p2, k3, k4, k5, k6, see values.camera, whose lens this is
    farthest    radius of ideal coordinates from which the lens model says nothing: NaN there, too
    """
    k1, k2, p1, p2, k3, k4, k5, k6 = distortion
    for i in range(points.shape[0]):
        for axis in range(3):
            in_camera[i, axis] = (
                pose[axis, 0] * points[i, 0] + pose[axis, 1] * points[i, 1] + pose[axis, 2] * points[i, 2]
                + pose[axis, 3]
            )  # fmt: skip
        z = in_camera[i, 2]
        pixels[i, 0], pixels[i, 1] = math.nan, math.nan
        if not z > nearest_mm:
            continue
        x, y = in_camera[i, 0] / z, in_camera[i, 1] / z
        r2 = x * x + y * y
        if not r2 < farthest * farthest:
            continue
        scale = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))
        u = x * scale + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
        v = y * scale + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
        pixels[i, 0] = u * intrinsics[0, 0] + intrinsics[0, 2]
        pixels[i, 1] = v * intrinsics[1, 1] + intrinsics[1, 2]


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
        ay, by, cy = pixels[a, 1], pixels[b, 1], pixels[c, 1]
        first, last = math.ceil(max(0.0, min(ay, by, cy))), math.floor(min(depth.shape[0] - 1.0, max(ay, by, cy)))
        # Of a fine surface most triangles lie between the centres of pixels. Corners that are NaN end here or below.
        if not first <= last:
            continue
        ax, bx, cx = pixels[a, 0], pixels[b, 0], pixels[c, 0]
        left, right = math.ceil(max(0.0, min(ax, bx, cx))), math.floor(min(depth.shape[1] - 1.0, max(ax, bx, cx)))
        if not left <= right:
            continue
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if not abs(area) > 1e-12:
            continue
        nearest = _SURELY * min(z[a], z[b], z[c])
        side, outside = math.copysign(1.0, area), -2e-9 * abs(area)
        for v in range(int(first), int(last) + 1):
            for u in range(int(left), int(right) + 1):
                if depth[v, u] < nearest:
                    continue
                to_c = (bx - ax) * (v - ay) - (by - ay) * (u - ax)
                to_b = (u - ax) * (cy - ay) - (v - ay) * (cx - ax)
                # What is surely outside needs no division.
                if to_c * side < outside or to_b * side < outside or (area - to_b - to_c) * side < outside:
                    continue
                of_c, of_b = to_c / area, to_b / area
                of_a = 1.0 - of_b - of_c
                if of_a < -1e-9 or of_b < -1e-9 or of_c < -1e-9:
                    continue
                here = 1.0 / (of_a / z[a] + of_b / z[b] + of_c / z[c])
                if here < depth[v, u]:
                    depth[v, u] = here
                    which[v, u] = t
