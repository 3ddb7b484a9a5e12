"""Vessels of a CT are laid over those of an ultrasound volume whose places are known."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.preoperative import vessel_refinement
from CRLMSegmentationLib.preoperative.into_operation import restored_registration, with_vessels
from CRLMSegmentationLib.preoperative.landmark_registration import Landmarks
from CRLMSegmentationLib.preoperative.measures import measure
from CRLMSegmentationLib.preoperative.result_folder import Result
from CRLMSegmentationLib.preoperative.structures import structures_of_map
from CRLMSegmentationLib.preoperative.vessel_refinement import refine_by_vessels
from CRLMSegmentationLib.values import Volume
from scipy.spatial.transform import Rotation

# Axes, middle of the tumor, and the true place of the CT in Reference: turned by 6 degrees about the tumor, and moved.
SHAPE, SPACING_MM = (40, 45, 50), 2.0
TUMOR = np.array([50.0, 44.0, 40.0])
ORIGIN = np.array([-10.0, 5.0, 20.0])


def lines():
    """(n, 2, 3) ends of vessels, mm from the first voxel, and radii."""
    ends = [[(8, 10, 10), (90, 30, 60)], [(20, 80, 12), (60, 20, 70)], [(70, 80, 70), (64, 10, 14)],
            [(10, 44, 60), (90, 70, 30)], [(30, 10, 64), (44, 80, 40)]]  # fmt: skip
    return np.array(ends, dtype=float), np.array([4.0, 3.0, 3.5, 2.5, 3.0])


def in_vessel(points):
    """Of points (..., 3), mm from the first voxel."""
    inside = np.zeros(points.shape[:-1], bool)
    for (start, end), radius in zip(*lines()):
        along = (end - start) / np.linalg.norm(end - start)
        at = np.clip((points - start) @ along, 0, np.linalg.norm(end - start))
        inside |= np.linalg.norm(points - start - at[..., None] * along, axis=-1) < radius
    return inside


def grid(shape, spacing_mm):
    return np.moveaxis(np.indices(shape), 0, -1)[..., ::-1] * spacing_mm


@pytest.fixture(autouse=True)
def fewer_points(monkeypatch):
    """A small volume needs fewer."""
    monkeypatch.setattr(vessel_refinement, "_POINTS", 600)


@pytest.fixture(scope="module")
def found():
    points = grid(SHAPE, SPACING_MM)
    labels = np.ones(SHAPE, np.uint8)
    labels[in_vessel(points)] = 2
    labels[np.linalg.norm(points - TUMOR, axis=-1) < 6] = 3
    matrix = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])
    matrix[:3, 3] = ORIGIN
    return structures_of_map(Volume(labels, matrix, frame="CT"))


@pytest.fixture(scope="module")
def truth():
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", [40, -20, 75], degrees=True).as_matrix()
    matrix[:3, 3] = [30.0, -12.0, 8.0]
    return matrix


@pytest.fixture(scope="module")
def volume(truth):
    """Of 64 mm about the tumor: vessels are dark, grains as wide as speckle, and a shadow at one side."""
    shape, spacing_mm = (64, 64, 64), 1.0
    to_ras = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    to_ras[:3, 3] = transform_points(truth, TUMOR + ORIGIN) - 32
    inside = transform_points(np.linalg.inv(truth), transform_points(to_ras, grid(shape, 1.0).reshape(-1, 3))) - ORIGIN
    dark = in_vessel(inside.reshape(*shape, 3))
    grey = np.where(dark, 40.0, 110.0) * np.random.default_rng(5).normal(1.0, 0.35, shape)
    grey[:, :, :10] = 3
    return Volume(np.clip(grey, 1, 255).astype(np.uint8), to_ras)


def moved(truth, shift_mm, turn_deg):
    """What landmarks say of it."""
    about = transform_points(truth, TUMOR + ORIGIN)
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(np.radians(turn_deg) * np.array([0.6, 0.0, 0.8])).as_matrix()
    matrix[:3, 3] = about - matrix[:3, :3] @ about + shift_mm
    return matrix @ truth


def test_vessels_bring_the_ct_to_where_it_is_and_the_landmarks_keep_their_error(found, truth, volume):
    result = Result(found, measure(found), {})
    ct = ORIGIN + np.array([[0.0, 0, 0], [90, 0, 0], [0, 80, 0], [0, 0, 70]])
    start = moved(truth, np.array([4.0, -3.0, 5.0]), 5.0)
    landmarks = Landmarks(("a", "b", "c", "d"), ct, transform_points(start, ct) + np.eye(4)[:, :3])
    before = restored_registration(landmarks, result, "2026-11-29T10:00:00+00:00")
    after = with_vessels(before, result, volume)
    assert after.error_mm == before.error_mm and after.made_at > before.made_at
    target = np.array(result.measures.lesions[0].center_ras_mm)
    off = [np.linalg.norm(transform_points(one.ct_to_reference, target) - transform_points(truth, target))
           for one in (before, after)]  # fmt: skip
    assert off[0] > 6.0 and off[1] < 1.5
    turn = after.ct_to_reference[:3, :3] @ truth[:3, :3].T
    assert np.degrees(np.arccos((np.trace(turn) - 1) / 2)) < 3.0
    refined, said = after.refined, after.as_plain()
    assert refined.fit > 0.3 > refined.fit_before and refined.moved_mm == pytest.approx(off[0], abs=1.5)
    assert said["vessels"]["fit"] == refined.fit and before.as_plain()["vessels"] is None
    np.testing.assert_array_equal(said["ct_to_reference"], refined.ct_to_reference)


@pytest.mark.parametrize("case", ["noise", "shadow", "elsewhere", "no vessels"])
def test_where_the_vessels_are_not_seen_landmarks_stay(found, truth, volume, case):
    ct, seen, start = found, volume, truth
    if case == "noise":
        grey = np.random.default_rng(1).normal(110, 40, volume.voxels.shape)
        seen = volume.with_voxels(np.clip(grey, 1, 255).astype(np.uint8))
    elif case == "shadow":
        seen = volume.with_seen(np.zeros(volume.voxels.shape, bool))
    elif case == "elsewhere":
        start = moved(truth, np.array([500.0, 0.0, 0.0]), 0.0)
    else:
        ct = structures_of_map(found.label_map.with_voxels(np.ones_like(found.label_map.voxels)))
    with pytest.raises(ConfigurationError, match="landmarks"):
        refine_by_vessels(ct, seen, start, TUMOR + ORIGIN)
