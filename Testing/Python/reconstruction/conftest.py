"""Small made-up sweeps with known contents."""

from __future__ import annotations

import numpy as np
import pytest
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, read_plus_configuration, read_sweep


def rotation(vector) -> np.ndarray:
    """(3, 3) rotation by the angle |vector| (radians) about its direction (Rodrigues)."""
    angle = np.linalg.norm(vector)
    if angle == 0:
        return np.eye(3)
    x, y, z = np.asarray(vector) / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def random_sweep(seed: int, frames=8, size=(48, 40), dtype=np.uint8, pixel_mm=0.4, step_mm=0.6, tilt=0.3) -> Sweep:
    """A freehand sweep over noise: (width, height) pixels, steps of about `step_mm`, turned about in space."""
    random = np.random.default_rng(seed)
    width, height = size
    base = rotation(random.normal(size=3) * tilt)
    highest = 255 if dtype == np.uint8 else 4000
    made = []
    for number in range(frames):
        pose = np.eye(4)
        pose[:3, :3] = base @ rotation(random.normal(size=3) * 0.03 * (tilt > 0)) * pixel_mm
        pose[:3, 3] = base @ [0, 0, step_mm * number] + random.normal(size=3) * 0.1
        made.append(TrackedFrame(random.integers(0, highest, (height, width)).astype(dtype), pose, 0.1 * number))
    return Sweep(made, name="the test sweep")


@pytest.fixture
def frames_with_steps():
    """make(steps in mm, frames a second): frames one behind the other, that far apart."""

    def make(steps_mm, rate=10.0) -> list[TrackedFrame]:
        frames, z = [], 0.0
        for number, step in enumerate([0.0, *steps_mm]):
            z += step
            pose = np.diag([0.2, 0.2, 0.2, 1.0])
            pose[2, 3] = z
            frames.append(TrackedFrame(np.zeros((30, 40), np.uint8), pose, number / rate))
        return frames

    return make


@pytest.fixture
def a_sweep() -> Sweep:
    return random_sweep(1)


@pytest.fixture(scope="session")
def make_sweep():
    return random_sweep


@pytest.fixture(scope="session")
def make_rotation():
    return rotation


@pytest.fixture(scope="session")
def spine_sweep(shared_data) -> Sweep:
    """The real recording of a spine phantom."""
    transforms = read_plus_configuration(shared_data / "SpinePhantom.xml").transforms
    return read_sweep(shared_data / "SpinePhantomFreehand.igs.mha", transforms)
