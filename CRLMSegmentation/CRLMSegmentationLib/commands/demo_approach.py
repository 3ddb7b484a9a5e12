"""A simulated stylus for the demo: it comes towards the tumor and is lost on the way."""

from __future__ import annotations

import numpy as np

from ..sweep import Pose, Sweep

_FRAMES = 25
_START_MM, _END_MM = 60.0, 4.0
_LOST_FRAME = 12


def approach_sweep(sweep: Sweep, surface) -> Sweep:
    """The image plane nearest the tumor, held still, while a stylus comes in from the probe's side."""
    from ..navigation.distance import TumorDistance

    center = np.array(surface.GetCenter())
    frames = sweep.valid_frames
    middles = [frame.image_to_reference @ [frame.image_size[0] / 2, frame.image_size[1] / 2, 0, 1] for frame in frames]
    frame = frames[int(np.argmin([np.linalg.norm(middle[:3] - center) for middle in middles]))]
    top = (frame.image_to_reference @ [frame.image_size[0] * 0.8, 0, 0, 1])[:3]
    outward = (top - center) / np.linalg.norm(top - center)
    entry = TumorDistance(surface).closest_point(center + outward * 200).point_ras
    side = np.cross(outward, [0.0, 0.0, 1.0] if abs(outward[2]) < 0.9 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    # A stylus points along its own -z: its shaft lies outward of the tip.
    rotation = np.column_stack([side, np.cross(outward, side), outward])
    steps = np.linspace(_START_MM, _END_MM, _FRAMES)
    poses = []
    for number, distance in enumerate(steps):
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = rotation, entry + outward * distance
        poses.append(Pose(matrix, number != _LOST_FRAME))
    tip = Pose(np.eye(4))
    return Sweep(
        [
            frame.with_changes(
                timestamp=1 + number / 10, transforms={"StylusToReference": pose, "StylusTipToStylus": tip}
            )
            for number, pose in enumerate(poses)
        ],
        "approach",
    )
