"""A simulated recording of a stylus whose tip is held at one target of a phantom after another."""

from __future__ import annotations

import numpy as np

from ...sweep import Pose, Sweep, TrackedFrame
from ..lesion_shape import random_rotation
from .pivoting import TrackerErrors, TrackerField

RATE_HZ = 15.0
_HOLD_S, _CARRY_S = 2.0, 1.5
_AWAY_MM = np.array([0.0, 0.0, 60.0])


def touched_targets(
    targets_mm: np.ndarray, tip_mm: np.ndarray, errors: TrackerErrors, touch_mm: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(n, 4, 4) poses of the stylus as the tracker says, mm, and (n,) times in seconds.

    targets_mm  (m, 3) in Reference, touched in this order
    tip_mm      (3,) in the stylus' frame, as it is
    touch_mm    standard deviation along each axis of where the hand holds the tip beside a target
    """
    tips, turns = [], []
    for target in targets_mm:
        held = target + random.normal(0, touch_mm, 3)
        turn = random_rotation(random)
        still, on_way = round(_HOLD_S * RATE_HZ), round(_CARRY_S * RATE_HZ)
        away = np.concatenate([np.linspace(1, 0, on_way, endpoint=False), np.zeros(still), np.linspace(0, 1, on_way)])
        tips.append(held + away[:, np.newaxis] * _AWAY_MM)
        turns.append(np.repeat(turn[np.newaxis], len(away), axis=0))
    places = np.concatenate(tips)
    poses = np.tile(np.eye(4), (len(places), 1, 1))
    poses[:, :3, :3] = np.concatenate(turns)
    poses[:, :3, 3] = places - poses[:, :3, :3] @ tip_mm
    return TrackerField(errors, random).measured(poses), 100 + np.arange(len(poses)) / RATE_HZ


def stylus_recording(poses: np.ndarray, times_s: np.ndarray, name: str = "touched") -> Sweep:
    """A recording without images of (n, 4, 4) StylusToReference."""
    no_image = np.zeros((0, 0), np.uint8)
    frames = [
        TrackedFrame(
            no_image, None, float(time_s), False, {"StylusToReference": Pose(pose)}, {"DataOrigin": "simulated"}
        )
        for pose, time_s in zip(poses, times_s)
    ]
    return Sweep(frames, name, {"DataOrigin": "simulated"})
