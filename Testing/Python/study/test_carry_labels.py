"""A mask carried from an MR-like or CT-like volume to an ultrasound-like one of the same liver, which has moved."""

import json

import numpy as np
import pytest
import SimpleITK
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import GeometryError
from CRLMSegmentationLib.files import read_mask, read_points, write_volume
from CRLMSegmentationLib.geometry import LPS_TO_RAS, transform_points
from CRLMSegmentationLib.preoperative.image_registration.lc2 import LC2, coarser, within_the_fan
from CRLMSegmentationLib.preoperative.image_registration.transform import TransformModel, from_landmarks
from CRLMSegmentationLib.study.carry.carry_labels import carry_labels
from CRLMSegmentationLib.values import Volume
from scipy import ndimage
from scipy.spatial.transform import Rotation

TUMOR = np.array([4.0, -3.0, 5.0])
RADIUS_MM = 9.0
# Of vessels: a point, a direction, a radius.
VESSELS = [
    (np.array([-12.0, 8, 0]), np.array([0.3, 1, 0.2]), 2.5), (np.array([14.0, 0, -8]), np.array([1, -0.2, 0.8]), 3.0),
    (np.array([0.0, -16, -10]), np.array([1, 0.4, -0.3]), 2.0), (np.array([-8.0, -4, -14]), np.array([0, 0.5, 1]), 2.2),
    (np.array([10.0, 14, 10]), np.array([-1, 0.2, 0.6]), 2.4),
]  # fmt: skip


def kinds_at(points: np.ndarray) -> np.ndarray:
    """0 parenchyma, 1 vessel, 2 tumor at points (..., 3) mm of the liver."""
    kinds = np.zeros(points.shape[:-1], dtype=np.uint8)
    for place, direction, radius in VESSELS:
        axis = direction / np.linalg.norm(direction)
        away = points - place
        kinds[np.linalg.norm(away - (away @ axis)[..., None] * axis, axis=-1) < radius] = 1
    kinds[np.linalg.norm(points - TUMOR, axis=-1) < RADIUS_MM] = 2
    return kinds


def grid(half_mm: float, spacing_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """(ijk_to_ras, points (k, j, i, 3))"""
    count = int(2 * half_mm / spacing_mm)
    matrix = np.diag([spacing_mm] * 3 + [1.0])
    matrix[:3, 3] = -half_mm
    k, j, i = np.indices((count,) * 3)
    return matrix, np.stack([i, j, k], axis=-1) * spacing_mm - half_mm


def ultrasound() -> Volume:
    """Speckle, dark vessels with bright walls, a darker tumor; nothing seen in a corner."""
    random = np.random.default_rng(3)
    matrix, points = grid(27, 1.5)
    kinds = kinds_at(points)
    grey = np.array([110.0, 25.0, 70.0])[kinds] + 60 * (ndimage.gaussian_gradient_magnitude((kinds == 1) * 1.0, 1.0))
    voxels = np.clip(grey * random.gamma(9, 1 / 9, grey.shape), 1, 255).astype(np.uint8)
    seen = points.sum(axis=-1) > -45
    return Volume(np.where(seen, voxels, 0).astype(np.uint8), matrix, seen=seen)


def motion(shift_mm: float, degrees: float, seed: int) -> np.ndarray:
    """(4, 4) of so much, in a direction of its own: from the ultrasound to the other volume."""
    random = np.random.default_rng(seed)
    matrix = np.eye(4)
    axis, direction = random.normal(size=3), random.normal(size=3)
    matrix[:3, :3] = Rotation.from_rotvec(axis / np.linalg.norm(axis) * degrees, degrees=True).as_matrix()
    matrix[:3, 3] = direction / np.linalg.norm(direction) * shift_mm
    return matrix


def other_modality(fixed_to_moving: np.ndarray, kind: str) -> tuple[Volume, Volume]:
    """(volume, mask) with the liver moved: MR-like with bright vessels, or CT-like in HU."""
    random = np.random.default_rng(4)
    matrix, points = grid(45, 1.5)
    kinds = kinds_at(transform_points(np.linalg.inv(fixed_to_moving), points))
    levels, noise = {"mr": ([300.0, 700.0, 180.0], 25.0), "ct": ([105.0, 165.0, 70.0], 10.0)}[kind]
    voxels = ndimage.gaussian_filter(np.array(levels)[kinds], 0.6) + random.normal(0, noise, kinds.shape)
    return Volume(voxels.astype(np.float32), matrix, frame="CT"), Volume(
        (kinds == 2).astype(np.uint8), matrix, frame="CT"
    )


@pytest.mark.parametrize("kind, shift_mm, degrees, seed", [("mr", 12.0, 8.0, 1), ("ct", 15.0, 10.0, 2)])
def test_the_mask_goes_where_the_tumor_is(kind, shift_mm, degrees, seed):
    truth, fixed = motion(shift_mm, degrees, seed), ultrasound()
    moving, mask = other_modality(truth, kind)
    carried = carry_labels(moving, mask, fixed)
    surface = TUMOR + RADIUS_MM * np.vstack([np.eye(3), -np.eye(3)])
    found = carried.registration.fixed_to_moving
    away = np.linalg.norm(transform_points(found, surface) - transform_points(truth, surface), axis=1)
    assert away.max() < 1.5
    right = kinds_at(grid(27, 1.5)[1]) == 2
    assert 2 * (right & (carried.mask.voxels > 0)).sum() / (right.sum() + carried.mask.voxels.sum()) > 0.85
    assert carried.mask.has_geometry_of(fixed.on_grid(fixed.voxels)) and carried.doubts == ()


def test_what_does_not_belong_together_is_doubted():
    moving, mask = other_modality(np.eye(4), "mr")
    noise = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=moving.voxels.shape), 2) * 900
    carried = carry_labels(moving.with_voxels(noise.astype(np.float32)), mask, ultrasound())
    assert any("low" in doubt for doubt in carried.doubts)


def test_lc2_is_highest_in_the_right_place_and_needs_no_order_of_greys():
    fixed = coarser(ultrasound(), 2.0)
    moving, _ = other_modality(np.eye(4), "mr")
    turned = moving.with_voxels(-moving.voxels)
    for one in (moving, turned):
        similarity = LC2(fixed, coarser(one, 2.0))
        right = similarity(np.eye(4))
        assert 0.3 < right <= 1
        assert all(similarity(motion(4.0, 0.0, seed)) < right - 0.05 for seed in range(4))
    assert LC2(fixed, coarser(moving, 2.0))(motion(300.0, 0.0, 1)) == 0


def test_lc2_of_what_it_can_explain_wholly_is_one():
    """Ultrasound that is a sum of the intensities and a constant in each patch."""
    moving, _ = other_modality(np.eye(4), "mr")
    low, high = np.percentile(moving.voxels, (1, 99))
    scaled = np.clip((moving.voxels - low) / (high - low), 0, 1)
    fixed = moving.with_voxels((40 + 150 * scaled).astype(np.float32))
    assert LC2(fixed, moving)(np.eye(4)) > 0.97


def test_coarser_voxels_lie_in_the_same_place_and_leave_out_what_was_not_seen():
    voxels = np.random.default_rng(1).uniform(50, 200, (8, 12, 10)).astype(np.float32)
    seen = np.ones(voxels.shape, dtype=bool)
    seen[:, :, 5:] = False
    volume = Volume(np.where(seen, voxels, 0), np.diag([1.0, 1, 1, 1]), seen=seen)
    found = coarser(volume, 2.0)
    assert found.voxels.shape == (4, 6, 5) and found.origin_ras == pytest.approx([0.5, 0.5, 0.5])
    assert found.voxels[1, 2, 0] == pytest.approx(voxels[2:4, 4:6, 0:2].mean(), rel=1e-5)
    # The third column covers one that was seen and one that was not.
    assert found.voxels[1, 2, 2] == pytest.approx(voxels[2:4, 4:6, 4].mean(), rel=1e-5)
    assert found.seen[1, 2, :2].all() and not found.seen[1, 2, 3:].any()


def test_the_black_beside_the_fan_and_marks_in_it_are_not_seen():
    voxels = np.full((24, 26, 28), 90, dtype=np.uint8)
    voxels[12, 12:14, 12:14] = 0  # a vessel
    voxels[:, :, 20:] = 0  # beside the fan, where pixels came all the same
    voxels[4:8, 4:8, 24:28] = 255  # a mark
    seen = within_the_fan(Volume(voxels, np.eye(4), seen=np.ones(voxels.shape, dtype=bool))).seen
    assert seen[3:-3, 3:-3, 3:16].all() and not seen[:, :, 18:].any()


def test_a_transform_of_zeros_is_its_start_and_turns_about_its_center():
    start, center = motion(30, 40, 7), np.array([10.0, 20, 30])
    model = TransformModel(start, center)
    assert model.matrix(np.zeros(12)) == pytest.approx(start)
    turned = model.matrix(np.array([1.0, 2, 3, 5, -6, 7]))
    assert transform_points(turned, center) == pytest.approx(transform_points(start, center + [1, 2, 3]))
    grown = TransformModel(np.eye(4), center).matrix(np.array([0.0] * 6 + [10, 0, 0, 0, 0, 0]))
    assert transform_points(grown, center + [1, 1, 1]) == pytest.approx(center + [1.1, 1, 1])


def test_landmarks_give_the_start():
    truth = motion(80, 120, 5)
    points = np.random.default_rng(1).normal(0, 30, (5, 3))
    assert from_landmarks(points, transform_points(truth, points)) == pytest.approx(truth, abs=1e-9)
    with pytest.raises(GeometryError, match="three pairs"):
        from_landmarks(points[:2], points[:2])
    with pytest.raises(GeometryError, match="along one line"):
        from_landmarks(np.outer(np.arange(4), [1, 2, 3.0]), np.outer(np.arange(4), [1, 2, 3.0]))


def landmark_file(path, points):
    placed = [{"position": list(point * [-1, -1, 1])} for point in points]
    content = {"markups": [{"type": "Fiducial", "coordinateSystem": "LPS", "controlPoints": placed}]}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_the_command_begins_with_landmarks_and_writes_mask_transform_and_picture(tmp_path, capsys):
    """The other volume lies a metre away and is turned by 150 degrees: without landmarks it would never be found."""
    near, far = motion(6.0, 5.0, 3), motion(1000.0, 150.0, 8)
    truth, fixed = far @ near, ultrasound()
    moving, mask = other_modality(near, "mr")
    for name, one in (("moving", moving), ("mask", mask)):
        write_volume(Volume(one.voxels, far @ one.ijk_to_ras, frame="CT"), tmp_path / f"{name}.nrrd")
    write_volume(fixed, tmp_path / "fixed.nrrd")
    points = np.array([[0.0, 0, 0], [20, 0, 5], [0, 20, -5], [5, 5, 20]])
    off = np.random.default_rng(1).normal(0, 2, points.shape)
    files = [landmark_file(tmp_path / "m.mrk.json", transform_points(truth, points) + off),
             landmark_file(tmp_path / "f.mrk.json", points)]  # fmt: skip
    assert read_points(files[1]) == pytest.approx(points)
    words = ["study", "carry-labels", *(tmp_path / f"{name}.nrrd" for name in ("moving", "mask", "fixed")), "-o",
             tmp_path / "out", "--start-points", *files, "--json"]  # fmt: skip
    assert main([str(word) for word in words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["method"] == "LC2" and found["similarity"] > 0.12 and found["doubts"] == []
    carried = read_mask(tmp_path / "out" / "mask.nrrd")
    assert carried.has_geometry_of(Volume(fixed.voxels, fixed.ijk_to_ras))
    right = kinds_at(grid(27, 1.5)[1]) == 2
    assert 2 * (right & (carried.voxels > 0)).sum() / (right.sum() + carried.voxels.sum()) > 0.85
    transform = SimpleITK.ReadTransform(str(tmp_path / "out" / "transform.tfm"))
    there = np.array(transform.TransformPoint((LPS_TO_RAS[:3, :3] @ TUMOR).tolist()))
    assert there == pytest.approx(LPS_TO_RAS[:3, :3] @ transform_points(truth, TUMOR), abs=1.5)
    assert (tmp_path / "out" / "check.png").read_bytes()[:4] == b"\x89PNG"
    # A second time nothing is replaced.
    assert main([str(word) for word in words]) == 1 and "--force" in capsys.readouterr().err


def test_a_mask_that_is_empty_or_elsewhere_is_refused():
    moving, mask = other_modality(np.eye(4), "mr")
    with pytest.raises(GeometryError, match="empty"):
        carry_labels(moving, mask.with_voxels(np.zeros_like(mask.voxels)), ultrasound())
    beside = Volume(mask.voxels, mask.ijk_to_ras + np.eye(4, k=3) * 500, frame="CT")
    with pytest.raises(GeometryError, match="does not lie in the volume MOVING"):
        carry_labels(moving, beside, ultrasound())
