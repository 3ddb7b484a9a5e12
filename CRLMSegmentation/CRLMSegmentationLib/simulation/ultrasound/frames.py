"""The frames of a recording: pictures along the probe's motion, with the poses that the tracker measured."""

from __future__ import annotations

import numpy as np

from ...sweep import Pose, TrackedFrame
from ...values.progress import Progress
from .motion import ProbeMotion
from .picture import Painter
from .tracking import Tracking


def paint_frames(
    painter: Painter, motion: ProbeMotion, moments: np.ndarray, noise_rng: np.random.Generator, report: Progress
) -> list[np.ndarray]:
    """One (v, u) uint8 picture for each of `moments` (n,) of the sweep, 0 to 1."""
    poses, pushes = motion.face_to_liver(moments), motion.push_mm(moments)
    pictures = []
    for number, moment in enumerate(moments):
        report(0.08 + 0.9 * number / len(moments), f"Imaging frame {number + 1} of {len(moments)}")
        pictures.append(painter.frame(poses[number], float(pushes[number]), float(moment), noise_rng))
    return pictures


def tracked_frames(pictures: list[np.ndarray], tracking: Tracking) -> list[TrackedFrame]:
    """The pictures with their poses; a lost pose repeats the last measured one, marked invalid, as trackers do."""
    frames = []
    for number, pixels in enumerate(pictures):
        valid = number not in tracking.lost_frames
        if valid:
            probe_to_reference = tracking.probe_to_reference[number]
        frames.append(
            TrackedFrame(
                pixels=pixels,
                image_to_reference=np.round(probe_to_reference @ tracking.image_to_probe, 8),
                timestamp=float(tracking.timestamps_s[number]),
                valid=valid,
                transforms={
                    "ProbeToReference": Pose(probe_to_reference, valid=valid),
                    "StylusToReference": Pose(tracking.stylus_to_reference[number]),
                },
            )
        )
    return frames
