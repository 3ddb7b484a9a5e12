"""A small case whose every place is known: a bright sphere in a turned volume, a box, a sweep and a stylus."""

from dataclasses import replace
from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest

from CRLMSegmentationLib.geometry import Box, Volume, transform_points
from CRLMSegmentationLib.sweep import Pose, Sweep, TrackedFrame

pytest.importorskip("slicer", reason="slicer-core is not installed")

TUMOR_CENTER = np.array([14.0, -22.0, 61.0])
TUMOR_RADIUS_MM = 9.0


def turn(angles_deg) -> np.ndarray:
    """(3, 3) rotation about R, then A, then S."""
    (a, b, c), cos, sin = np.radians(angles_deg), np.cos, np.sin
    about_r = np.array([[1, 0, 0], [0, cos(a), -sin(a)], [0, sin(a), cos(a)]])
    about_a = np.array([[cos(b), 0, sin(b)], [0, 1, 0], [-sin(b), 0, cos(b)]])
    about_s = np.array([[cos(c), -sin(c), 0], [sin(c), cos(c), 0], [0, 0, 1]])
    return about_s @ about_a @ about_r


def affine(rotation=np.eye(3), translation=(0.0, 0.0, 0.0)) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, translation
    return matrix


def brightness(points_ras) -> np.ndarray:
    """The world that volume and frames show: speckle that depends on the place, and a bright tumor."""
    points_ras = np.asarray(points_ras)
    speckle = np.sin(points_ras @ [1.9, 0.7, 0.3]) * np.sin(points_ras @ [-0.4, 1.7, 0.9]) * 22
    inside = np.linalg.norm(points_ras - TUMOR_CENTER, axis=-1) <= TUMOR_RADIUS_MM
    return np.clip(70 + speckle + 90 * inside, 0, 255).astype(np.uint8)


def grid_points(dimensions, ijk_to_ras) -> np.ndarray:
    """(k, j, i, 3) RAS of every voxel centre."""
    k, j, i = np.meshgrid(*(np.arange(size) for size in dimensions[::-1]), indexing="ij")
    return transform_points(ijk_to_ras, np.stack([i, j, k], axis=-1))


def assert_same_sweep(back, given, tolerance_mm=1e-12):
    assert len(back) == len(given) and back.name == given.name
    for one, other in zip(back.frames, given.frames):
        np.testing.assert_array_equal(one.pixels, other.pixels)
        assert one.valid == other.valid and one.timestamp == other.timestamp
        if other.valid:
            np.testing.assert_allclose(one.image_to_reference, other.image_to_reference, atol=tolerance_mm)
        else:
            assert one.image_to_reference is None
        assert set(one.transforms) == set(other.transforms)
        for name, pose in other.transforms.items():
            assert one.transforms[name].valid == pose.valid
            if pose.valid:
                np.testing.assert_allclose(one.transforms[name].matrix, pose.matrix, atol=tolerance_mm)


@lru_cache
def stand_in_model():
    """A model with the shipped one's card, but a threshold and a margin that the tests can count on."""
    from CRLMSegmentationLib.segmentation.models import load_model

    card = replace(load_model().card, threshold=0.5, margin_mm=10.0, least_mean_probability=None)
    return SimpleNamespace(card=card)


@pytest.fixture(scope="session")
def volume() -> Volume:
    dimensions, spacing, axes = (70, 60, 50), np.array([0.9, 1.0, 1.1]), turn((8, -12, 20))
    start = TUMOR_CENTER - axes @ (np.array([34.0, 28.0, 24.0]) * spacing)
    ijk_to_ras = affine(axes * spacing, start)
    return Volume(brightness(grid_points(dimensions, ijk_to_ras)), ijk_to_ras)


@pytest.fixture(scope="session")
def mask(volume) -> Volume:
    points = grid_points(volume.dimensions, volume.ijk_to_ras)
    return volume.with_voxels((np.linalg.norm(points - TUMOR_CENTER, axis=-1) <= TUMOR_RADIUS_MM).astype(np.uint8))


@pytest.fixture(scope="session")
def surface(mask):
    from CRLMSegmentationLib.segmentation.surface import surface_from_mask

    return surface_from_mask(mask)


@pytest.fixture(scope="session")
def box() -> Box:
    return Box(TUMOR_CENTER + (1.0, -0.5, 0.25), (30.0, 28.0, 26.0), turn((10, 20, -35)))


@pytest.fixture(scope="session")
def sweep() -> Sweep:
    """Nine frames of 64 x 48 pixels that pass through the tumor; the pose of the fourth was lost."""
    frames = []
    for number in range(9):
        tilt = turn((90, 0, 3.0 * (number - 4)))
        origin = TUMOR_CENTER + tilt @ np.array([-32.0, -18.0, 0.0]) + (0.0, 4.0 * (number - 4), 0.0)
        image_to_reference = affine(tilt, origin)
        points = grid_points((64, 48, 1), image_to_reference)[0]
        valid = number != 3
        frames.append(
            TrackedFrame(
                pixels=brightness(points),
                image_to_reference=image_to_reference,
                timestamp=1000.0 + number / 11,
                valid=valid,
                transforms={
                    "ProbeToReference": Pose(affine(tilt, origin + (0, 0, 50.0)), valid),
                    "StylusToReference": Pose(affine(turn((0, 30, 0)), (number, 50.0, 60.0))),
                },
            )
        )
    return Sweep(frames, "pass through the tumor")


@pytest.fixture
def session():
    from CRLMSegmentationLib.scene.session import NavigationSession

    session = NavigationSession()
    yield session
    fault = session.fault
    session.close()
    assert fault is None, "process() swallows what it must not swallow in a test"
