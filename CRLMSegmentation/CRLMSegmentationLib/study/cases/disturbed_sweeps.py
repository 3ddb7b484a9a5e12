"""Sweeps of a noisy tracker, and sweeps of which frames never arrived."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...sweep import Sweep

# Rotation of the sensor that goes with a position noise of 1 mm: 0.3 degrees at 0.9 mm for electromagnetic tracking.
DEGREES_PER_MM = 0.3 / 0.9


def with_tracking_noise(sweep: Sweep, sd_mm: float, random: np.random.Generator) -> Sweep:
    """The sweep with noise on each ImageToReference, about the middle of its picture and independent of the others."""
    from scipy.spatial.transform import Rotation

    frames = []
    for frame in sweep.frames:
        if frame.image_to_reference is None:
            frames.append(frame)
            continue
        height, width = frame.pixels.shape[:2]
        middle = frame.image_to_reference @ np.array([(width - 1) / 2, (height - 1) / 2, 0, 1])
        turn = Rotation.from_rotvec(random.normal(0, sd_mm * DEGREES_PER_MM, 3), degrees=True).as_matrix()
        noise = np.eye(4)
        noise[:3, :3] = turn
        noise[:3, 3] = middle[:3] - turn @ middle[:3] + random.normal(0, sd_mm, 3)
        frames.append(replace(frame, image_to_reference=noise @ frame.image_to_reference))
    return Sweep(frames, name=sweep.name)


def with_frames_dropped(sweep: Sweep, share: float, random: np.random.Generator) -> Sweep:
    """The sweep without that share of its frames, chosen at random; its first and last frame stay."""
    count = len(sweep.frames)
    kept = 1 + random.permutation(count - 2)[: max(1, round((1 - share) * count) - 2)]
    return Sweep([sweep.frames[number] for number in sorted({0, count - 1, *kept.tolist()})], name=sweep.name)
