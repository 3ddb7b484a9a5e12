"""A pose between two measured ones: spherical linear for the rotation, linear for the position.

K. Shoemake, 'Animating rotation with quaternion curves', SIGGRAPH 1985.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...sweep import Pose


def interpolate_pose(samples: Sequence[tuple[float, Pose]], time_s: float, longest_gap_s: float) -> Pose | None:
    """The pose at `time_s` from `samples` (time in seconds, pose) in the order of time.

    None when there is no measurement on one of the sides, or the two are more than `longest_gap_s` apart. Invalid when
    one of the two is, or when only one of them mirrors.
    """
    before = after = None
    for time, pose in samples:
        if time <= time_s:
            before = time, pose
        elif after is None or time < after[0]:
            after = time, pose
    if before is not None and before[0] == time_s:
        return before[1]
    if before is None or after is None or after[0] - before[0] > longest_gap_s:
        return None
    for _, pose in (before, after):
        if not pose.valid:
            return Pose(pose.matrix, False, pose.status)
    if np.linalg.det(before[1].matrix[:3, :3]) * np.linalg.det(after[1].matrix[:3, :3]) <= 0:
        return Pose(before[1].matrix, False, "INVALID")
    share = (time_s - before[0]) / (after[0] - before[0])
    return Pose(interpolate_matrix(before[1].matrix, after[1].matrix, share))


def interpolate_matrix(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """The (4, 4) affine transform at `share` (0 gives first, 1 second) of the way.

    What leads from the one to the other is interpolated, so that a scale or mirroring that both hold (as an
    ImageToReference does) stays as it is.
    """
    from scipy.spatial.transform import Rotation

    step = second[:3, :3] @ np.linalg.inv(first[:3, :3])
    left, sizes, right = np.linalg.svd(step)
    turn = Rotation.from_matrix(left @ right).as_rotvec()
    stretch = (1 - share) * np.eye(3) + share * (right.T @ np.diag(sizes) @ right)
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(share * turn).as_matrix() @ stretch @ first[:3, :3]
    matrix[:3, 3] = (1 - share) * first[:3, 3] + share * second[:3, 3]
    return matrix
