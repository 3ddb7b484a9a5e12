"""Fine surfaces into a picture, compiled: cluster after cluster, what is the same for all its triangles in one go.

Each loop over a cluster reads and writes a few arrays that lie one after the other and has no branch, so that the
compiler does several points or triangles at once. Only triangles that face the camera and lie over the centre of a
pixel's row and column go through their pixels.
"""

from __future__ import annotations

import numpy as np

from ...compilation.jit import compiled

# Triangles of a cluster: the points of so many can be numbered with 8 bits.
SIZE = 64
# Each point of a cluster has so many values: its place (x, y, z) and its normal.
VALUES = 6
# A pixel's value is 1 / z as float32, times 1 + so much of how nearly the surface faces the camera there: less than
# float32 tells apart, so that the largest value is the nearest surface, with its facing.
_FACING = 2.0**-26
_ONE, _NONE, _TWO, _THIRD = np.float32(1), np.float32(0), np.float32(2), np.float32(1 / 3)
# What is so much outside of a triangle, as a share of it, is inside: rounding leaves no gap between two of them.
_OUT, _FLAT = np.float32(-1e-5), np.float32(1e-12)
# Where the columns of a cluster's triangles begin: corners, 1 / z and facing, what the corners weigh, what is covered.
_AX, _BX, _CX, _AY, _BY, _CY, _NEAR, _NEAR_B, _NEAR_C, _FACES = (SIZE * number for number in range(10))
_B_U, _B_V, _C_U, _C_V, _WANTED, _TOP, _BOTTOM, _LEFT, _RIGHT = (SIZE * number for number in range(10, 19))
_COLUMNS = 19


@compiled
def gather_clusters(
    corners: np.ndarray, used: np.ndarray, firsts: np.ndarray, triangles: np.ndarray, point_count: int
) -> int:
    """Number the points of each SIZE `triangles` (m, 3) anew: put into `corners` (m, 3) uint8 their numbers within the
    cluster, into `used` (3 m,) which points these are, cluster after cluster, and into `firsts` (clusters + 1,) where
    each cluster's begin. Returns how many are used.
    """
    local, of_cluster = np.zeros(point_count, dtype=np.uint8), np.full(point_count, -1, dtype=np.int64)
    count = 0
    for t in range(triangles.shape[0]):
        cluster = t // SIZE
        if t == cluster * SIZE:
            firsts[cluster] = count
        for corner in range(3):
            i = triangles[t, corner]
            if of_cluster[i] != cluster:
                of_cluster[i], local[i], used[count] = cluster, count - firsts[cluster], i
                count += 1
            corners[t, corner] = local[i]
    firsts[firsts.shape[0] - 1] = count
    return count


@compiled
def fill_blocks(blocks: np.ndarray, values: np.ndarray, used: np.ndarray, firsts: np.ndarray) -> None:
    """Put into `blocks` (VALUES * used,) the `values` (n, VALUES) of each cluster's points, value after value."""
    for cluster in range(firsts.shape[0] - 1):
        first, count = firsts[cluster], firsts[cluster + 1] - firsts[cluster]
        for i in range(count):
            for value in range(VALUES):
                blocks[VALUES * first + value * count + i] = values[used[first + i], value]


@compiled
def is_closed(triangles: np.ndarray, one: np.ndarray, other: np.ndarray) -> bool:
    """True when each edge of `triangles` (m, 3) is one of two triangles, once in either direction. `one` and `other`
    are random (n,) uint64: the sum of their products over all edges is 0, and else so by a chance of 1 in 2^64.
    """
    total = np.uint64(0)
    for t in range(triangles.shape[0]):
        for corner in range(3):
            i, j = triangles[t, corner], triangles[t, (corner + 1) % 3]
            total += one[i] * other[j] - one[j] * other[i]
    return bool(total == np.uint64(0))


@compiled
def lay_clusters(
    seen: np.ndarray, height: int, width: int, blocks: np.ndarray, firsts: np.ndarray, corners: np.ndarray,
    pose: np.ndarray, lens: np.ndarray, nearest_mm: float, culls: bool,
) -> None:  # fmt: skip
    """Raise `seen` (height * width,) float64, 0 where nothing is, to the surface before it; see _FACING.

    blocks, firsts, corners  of gather_clusters() and fill_blocks()
    pose  (4, 4) float32 from their frame to the camera's, a rotation and a shift
    lens  (13,) float32 fx, fy, cx, cy, k1, k2, p1, p2, k3, k4, k5, k6 as values.camera has them, and the square of the
          radius of ideal coordinates from which they say nothing. What is there, or nearer than nearest_mm, is not seen
    culls  what faces away from the camera is left out
    """
    points, work = np.empty((4, 3 * SIZE), np.float32), np.zeros(_COLUMNS * SIZE, np.float32)
    us, vs, near, faces = points[0], points[1], points[2], points[3]
    picked = np.empty(SIZE, np.int64)
    last_row, last_column = np.float32(height - 1), np.float32(width - 1)
    for cluster in range(firsts.shape[0] - 1):
        first, count = firsts[cluster], firsts[cluster + 1] - firsts[cluster]
        _project(points, blocks[VALUES * first : VALUES * (first + count)], count, pose, lens, np.float32(nearest_mm))
        start, size = cluster * SIZE, min(SIZE, corners.shape[0] - cluster * SIZE)
        for i in range(size):
            a, b, c = corners[start + i, 0], corners[start + i, 1], corners[start + i, 2]
            work[_AX + i], work[_BX + i], work[_CX + i] = us[a], us[b], us[c]
            work[_AY + i], work[_BY + i], work[_CY + i] = vs[a], vs[b], vs[c]
            work[_NEAR + i], work[_NEAR_B + i], work[_NEAR_C + i] = near[a], near[b], near[c]
            work[_FACES + i] = faces[a] + faces[b] + faces[c]
        _set_up(work, last_row, last_column, culls)
        wanted = 0
        for i in range(size):
            picked[wanted] = i
            wanted += work[_WANTED + i] > 0
        _lay_triangles(seen, width, work, picked[:wanted])


@compiled
def _project(
    points: np.ndarray, block: np.ndarray, count: int, pose: np.ndarray, lens: np.ndarray, nearest_mm: np.float32
) -> None:
    """Put into `points` (4, count or more) where the points of a cluster are seen, u and v, 1 / z (0: not seen), and
    how nearly the surface faces the camera there.
    """
    fx, fy, cx, cy = lens[0], lens[1], lens[2], lens[3]
    k1, k2, p1, p2, k3, k4, k5, k6 = lens[4], lens[5], lens[6], lens[7], lens[8], lens[9], lens[10], lens[11]
    farthest = lens[12]
    ax, ay, az, a = pose[0, 0], pose[0, 1], pose[0, 2], pose[0, 3]
    bx, by, bz, b = pose[1, 0], pose[1, 1], pose[1, 2], pose[1, 3]
    cx_, cy_, cz_, c = pose[2, 0], pose[2, 1], pose[2, 2], pose[2, 3]
    xs, ys, zs = block[:count], block[count : 2 * count], block[2 * count : 3 * count]
    normal_x, normal_y, normal_z = (
        block[3 * count : 4 * count], block[4 * count : 5 * count], block[5 * count : 6 * count]
    )  # fmt: skip
    us, vs, near, faces = points[0], points[1], points[2], points[3]
    for i in range(count):
        px, py, pz = xs[i], ys[i], zs[i]
        right, down = ax * px + ay * py + az * pz + a, bx * px + by * py + bz * pz + b
        z = cx_ * px + cy_ * py + cz_ * pz + c
        inverse = _ONE / z
        x, y = right * inverse, down * inverse
        r2 = x * x + y * y
        scale = (_ONE + r2 * (k1 + r2 * (k2 + r2 * k3))) / (_ONE + r2 * (k4 + r2 * (k5 + r2 * k6)))
        us[i] = (x * scale + _TWO * p1 * x * y + p2 * (r2 + _TWO * x * x)) * fx + cx
        vs[i] = (y * scale + p1 * (r2 + _TWO * y * y) + _TWO * p2 * x * y) * fy + cy
        is_seen = (z > nearest_mm) & (r2 < farthest)
        near[i] = inverse if is_seen else _NONE
        nx, ny, nz = normal_x[i], normal_y[i], normal_z[i]
        turned = abs(
            (ax * nx + ay * ny + az * nz) * right + (bx * nx + by * ny + bz * nz) * down
            + (cx_ * nx + cy_ * ny + cz_ * nz) * z
        )  # fmt: skip
        share = turned / np.sqrt(right * right + down * down + z * z)
        faces[i] = min(_ONE, share)


@compiled
def _set_up(work: np.ndarray, last_row: np.float32, last_column: np.float32, culls: bool) -> None:
    """From the corners of a cluster's triangles what going through their pixels needs."""
    least_area = np.float32(np.inf) if culls else _FLAT
    for i in range(SIZE):
        ax, bx, cx = work[_AX + i], work[_BX + i], work[_CX + i]
        ay, by, cy = work[_AY + i], work[_BY + i], work[_CY + i]
        abx, aby, acx, acy = bx - ax, by - ay, cx - ax, cy - ay
        # v goes down: what faces the camera has a negative one.
        area = abx * acy - aby * acx
        per_area = _ONE / area
        work[_B_U + i], work[_B_V + i] = acy * per_area, -acx * per_area
        work[_C_U + i], work[_C_V + i] = -aby * per_area, abx * per_area
        least, most = min(bx, ax), max(bx, ax)
        left, right = np.ceil(min(cx, least)), np.floor(max(cx, most))
        least, most = min(by, ay), max(by, ay)
        top, bottom = np.ceil(min(cy, least)), np.floor(max(cy, most))
        left, right = max(_NONE, left), min(last_column, right)
        top, bottom = max(_NONE, top), min(last_row, bottom)
        near_a, near_b, near_c = work[_NEAR + i], work[_NEAR_B + i], work[_NEAR_C + i]
        faces_camera = (area < -_FLAT) | (area > least_area)
        is_seen = (near_a > _NONE) & (near_b > _NONE) & (near_c > _NONE)
        is_wanted = (left <= right) & (top <= bottom) & faces_camera & is_seen
        work[_WANTED + i] = _ONE if is_wanted else _NONE
        work[_TOP + i], work[_BOTTOM + i], work[_LEFT + i], work[_RIGHT + i] = top, bottom, left, right
        work[_NEAR_B + i], work[_NEAR_C + i] = near_b - near_a, near_c - near_a
        work[_FACES + i] = work[_FACES + i] * _THIRD


@compiled
def _lay_triangles(seen: np.ndarray, width: int, work: np.ndarray, picked: np.ndarray) -> None:
    """Pixel by pixel without a branch: which of them lie in a small triangle no processor can foretell."""
    for i in picked:
        left, right = int(work[_LEFT + i]), int(work[_RIGHT + i])
        near_a, near_b, near_c = work[_NEAR + i], work[_NEAR_B + i], work[_NEAR_C + i]
        b_u, b_v, c_u, c_v = work[_B_U + i], work[_B_V + i], work[_C_U + i], work[_C_V + i]
        with_facing = 1.0 + float(work[_FACES + i]) * _FACING
        along = np.float32(left) - work[_AX + i]
        for row in range(int(work[_TOP + i]), int(work[_BOTTOM + i]) + 1):
            down = np.float32(row) - work[_AY + i]
            of_b, of_c = along * b_u + down * b_v, along * c_u + down * c_v
            for at in range(row * width + left, row * width + right + 1):
                here = float(near_a + of_b * near_b + of_c * near_c) * with_facing
                is_inside = (of_b >= _OUT) & (of_c >= _OUT) & (of_b + of_c <= _ONE - _OUT)
                seen[at] = max(seen[at], here if is_inside else 0.0)
                of_b += b_u
                of_c += c_u


@compiled
def take_apart(depth: np.ndarray, facing: np.ndarray, seen: np.ndarray) -> None:
    """Put into `depth` (n,) float32 the z, infinite where nothing is, and into `facing` (n,) float32 how nearly the
    surface faces the camera, of what lay_clusters() has `seen`.
    """
    for i in range(seen.shape[0]):
        near = np.float32(seen[i])
        depth[i] = _ONE / near
        facing[i] = np.float32((seen[i] / float(near) - 1.0) / _FACING) if near > _NONE else _NONE
