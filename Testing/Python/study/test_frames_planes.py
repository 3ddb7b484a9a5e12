"""Planes of a case with their truth: the mask cut along a frame, slices of a volume, and the network's pixels."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.study.cases.case_files import CaseReader
from CRLMSegmentationLib.study.cases.case_table import CaseRow
from CRLMSegmentationLib.study.frames.planes import LabelledPlane, cut_along_frame, planes_of, resampled
from CRLMSegmentationLib.study.tasks.frames import is_learned_from, plane_images
from CRLMSegmentationLib.study.training.frames_trainer import FramesRecipe
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, write_sweep
from CRLMSegmentationLib.values import Volume
from scipy.spatial.transform import Rotation

CENTER = np.array([12.0, -7.0, 30.0])
RADIUS = 8.0


def ball_mask(voxel_mm: float) -> Volume:
    count = int(24 / voxel_mm)
    matrix = np.diag([voxel_mm] * 3 + [1.0])
    matrix[:3, 3] = CENTER - 12 + 0.3
    k, j, i = np.indices((count,) * 3)
    points = np.stack([i, j, k], axis=-1) * voxel_mm + matrix[:3, 3]
    return Volume((np.linalg.norm(points - CENTER, axis=-1) <= RADIUS).astype(np.uint8), matrix)


def oblique_pose(pixel_mm: float, seed: int) -> np.ndarray:
    """A frame whose plane passes some millimetres beside the ball's middle; its third column is nothing."""
    random = np.random.default_rng(seed)
    turn = Rotation.random(random_state=seed).as_matrix()
    pose = np.eye(4)
    pose[:3, :2] = turn[:, :2] * pixel_mm
    pose[:3, 2] = 0
    pose[:3, 3] = CENTER + turn[:, 2] * random.uniform(-4, 4) - turn[:, 0] * 11 - turn[:, 1] * 13
    return pose


@pytest.mark.parametrize("seed", range(4))
def test_a_mask_is_cut_exactly_at_the_pixel(seed):
    """Against a ball: each pixel that is more than half a pixel away from the circle is on its right side."""
    pixel_mm = 0.5
    pose, mask = oblique_pose(pixel_mm, seed), ball_mask(0.25)
    cut = cut_along_frame(mask, pose, (60, 50))
    v, u = np.indices((60, 50))
    points = np.stack([u, v, np.zeros_like(u), np.ones_like(u)], axis=-1) @ pose.T
    depth = np.linalg.norm(points[..., :3] - CENTER, axis=-1) - RADIUS
    sure = np.abs(depth) > pixel_mm / 2
    assert (depth < -2).sum() > 100
    assert np.array_equal(cut[sure], depth[sure] <= 0)


def test_each_pixel_takes_the_voxel_in_which_it_lies():
    random = np.random.default_rng(5)
    mask = Volume((random.uniform(size=(9, 8, 7)) < 0.5).astype(np.uint8), np.diag([2.0, 1.5, 1.0, 1.0]))
    pose = np.array([[0.31, 0.02, 0, 1.13], [0.05, 0.4, 0, 0.27], [0.11, 0.09, 0, 0.71317], [0, 0, 0, 1.0]])
    cut = cut_along_frame(mask, pose, (24, 30))
    for v in range(24):
        for u in range(30):
            x, y, z = (pose @ [u, v, 0, 1])[:3]
            i, j, k = int(np.floor(x / 2 + 0.5)), int(np.floor(y / 1.5 + 0.5)), int(np.floor(z + 0.5))
            inside = 0 <= i < 7 and 0 <= j < 8 and 0 <= k < 9
            assert cut[v, u] == (inside and mask.voxels[k, j, i] > 0)


def test_a_frame_beside_the_tumor_is_empty():
    pose = oblique_pose(0.5, 1)
    pose[:3, 3] += 40
    assert not cut_along_frame(ball_mask(0.5), pose, (60, 50)).any()


def frame(pose: np.ndarray, number: int, valid: bool = True) -> TrackedFrame:
    pixels = np.full((60, 50), 100 + number, dtype=np.uint8)
    return TrackedFrame(pixels, pose, 0.1 * number, valid)


@pytest.fixture
def sweep_row(tmp_path):
    """A sweep of five frames through the ball, the third without a pose, in which nobody says where it really was."""
    poses = [oblique_pose(0.5, 2) for _ in range(5)]
    for number, pose in enumerate(poses):
        pose[:3, 2] = np.cross(pose[:3, 0], pose[:3, 1]) / 0.5
        pose[:3, 3] += (number - 2) * 4 * pose[:3, 2] / 0.5
    frames = [frame(pose, number, number != 2) for number, pose in enumerate(poses)]
    write_sweep(Sweep(frames, "ball", {"DataOrigin": "simulated"}), tmp_path / "sweep.igs.mha")
    write_volume(ball_mask(0.5), tmp_path / "mask.nrrd")
    return CaseRow("ball", "p", "training", sweep=str(tmp_path / "sweep.igs.mha"), mask=str(tmp_path / "mask.nrrd"))


def test_frames_without_a_pose_are_left_out(sweep_row):
    planes = list(planes_of(CaseReader(sweep_row)))
    assert [plane.name for plane in planes] == ["0", "1", "3", "4"]
    assert planes[1].spacing_mm == pytest.approx((0.5, 0.5)) and planes[1].as_tracked is None
    assert planes[1].area_mm2 == pytest.approx(planes[1].tumor.sum() * 0.25)


def test_a_simulated_sweep_knows_where_its_pictures_really_were(sweep_row, tmp_path):
    beside = [oblique_pose(0.5, 2) + np.eye(4, k=3) * 500 for _ in range(5)]
    (tmp_path / "parameters.json").write_text(
        json.dumps({"true_image_to_reference": [pose.tolist() for pose in beside]}), encoding="utf-8"
    )
    planes = list(planes_of(CaseReader(sweep_row)))
    assert not any(plane.tumor.any() for plane in planes) and any(plane.as_tracked.any() for plane in planes)


def test_a_volume_is_sliced_in_three_directions(tmp_path):
    voxels = np.random.default_rng(1).integers(1, 255, (6, 8, 10)).astype(np.uint8)
    voxels[0] = 0  # not seen
    tumor = np.zeros_like(voxels)
    tumor[2:4, 3:6, 4:9] = 1
    matrix = np.diag([0.5, 0.7, 0.9, 1.0])
    write_volume(Volume(voxels, matrix), tmp_path / "volume.nrrd")
    write_volume(Volume(tumor, matrix), tmp_path / "mask.nrrd")
    row = CaseRow("v", "p", "test", volume=str(tmp_path / "volume.nrrd"), mask=str(tmp_path / "mask.nrrd"))
    planes = {plane.name: plane for plane in planes_of(CaseReader(row))}
    assert set(planes) == {f"k{n}" for n in range(1, 6)} | {f"j{n}" for n in range(8)} | {f"i{n}" for n in range(10)}
    assert np.array_equal(planes["j4"].pixels, voxels[:, 4]) and np.array_equal(planes["j4"].tumor, tumor[:, 4] > 0)
    assert planes["j4"].spacing_mm == pytest.approx((0.9, 0.5)) and planes["i2"].spacing_mm == pytest.approx((0.9, 0.7))
    assert planes["k2"].area_mm2 == pytest.approx(15 * 0.35)
    assert [plane.name for plane in planes_of(CaseReader(row), every=4)] == ["k4", "j0", "j4", "i0", "i4", "i8"]


@pytest.mark.parametrize("pixel_mm", [1.5, 0.25])
def test_a_plane_at_the_networks_pixels_keeps_place_and_area(pixel_mm):
    v, u = np.indices((90, 120))
    tumor = np.hypot((v - 50) * 0.5, (u - 40) * 0.4) < 9
    plane = LabelledPlane("1", np.where(tumor, 40, 0).astype(np.uint8), tumor, (0.5, 0.4))
    picture, label = resampled(plane, pixel_mm)
    assert picture.voxels.shape == label.voxels.shape == (1, round(45 / pixel_mm), round(48 / pixel_mm))
    assert label.voxels.sum() * pixel_mm**2 == pytest.approx(plane.area_mm2, rel=0.03)
    # The middle: (50.5 * 0.5, 40.5 * 0.4) mm from the upper left corner.
    middle = (np.argwhere(label.voxels[0]).mean(axis=0) + 0.5) * pixel_mm
    assert middle == pytest.approx([25.25, 16.2], abs=pixel_mm / 5)
    assert picture.voxels.min() == 1 and picture.voxels.max() == 40


def test_the_recipe_says_which_planes_are_learned_from(sweep_row):
    tumor = np.zeros((20, 20), dtype=bool)
    empty = LabelledPlane("1", np.ones((20, 20), np.uint8), tumor.copy(), (1.0, 1.0))
    tumor[:5, :5] = True
    some = LabelledPlane("2", np.ones((20, 20), np.uint8), tumor, (1.0, 1.0))
    assert is_learned_from(empty, FramesRecipe()) and not is_learned_from(empty, FramesRecipe(frames="tumor"))
    assert is_learned_from(some, FramesRecipe(least_area_mm2=25.0))
    assert not is_learned_from(some, FramesRecipe(least_area_mm2=35.0))
    reader, recipe = CaseReader(sweep_row), FramesRecipe(spacing_mm=1.0, every=1, frames="tumor")
    images = list(plane_images(reader, recipe))
    assert images and all(image.labels.voxels.any() for image in images) and len(images) < 4
