"""Volumes whose every voxel can be worked out by hand."""

import numpy as np
import pytest
from CRLMSegmentationLib.reconstruction import ClipRectangle, ReconstructionSettings, reconstruct
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame

UNIT = ReconstructionSettings(spacing_mm=1.0, compounding="latest")


def stack(*images, spacing=1.0, origin=(0, 0, 0), pixel_mm=1.0):
    """Images lying along z, `spacing` apart, pixels `pixel_mm` apart, pixel (0, 0) of the first at `origin`."""
    frames = []
    for number, image in enumerate(images):
        pose = np.diag([pixel_mm, pixel_mm, 1.0, 1.0])
        pose[:3, 3] = np.add(origin, (0, 0, spacing * number))
        frames.append(TrackedFrame(np.asarray(image), pose, 0.1 * number))
    return Sweep(frames)


ARITHMETICS = [("exact", "full"), ("igsio", "full"), ("igsio", "partial"), ("igsio", "none")]


def assert_unchanged(images, settings):
    made = reconstruct(stack(*images, origin=(10, 20, 30)), settings)
    np.testing.assert_array_equal(made.volume.voxels, images)
    assert made.volume.voxels.dtype == images.dtype
    assert made.seen.voxels.all()
    np.testing.assert_allclose(made.volume.origin_ras, (10, 20, 30))


@pytest.mark.parametrize("definition, optimization", ARITHMETICS)
@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
@pytest.mark.parametrize("compounding", ["latest", "maximum", "mean"])
def test_pixels_on_voxels_come_back_unchanged(definition, optimization, interpolation, compounding):
    images = np.random.default_rng(0).integers(1, 256, (3, 5, 4)).astype(np.uint8)
    assert_unchanged(
        images, ReconstructionSettings(1.0, interpolation, compounding, definition, optimization, threads=2)
    )


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.float32])
@pytest.mark.parametrize("definition, interpolation", [("exact", "nearest"), ("exact", "linear"), ("igsio", "nearest")])
def test_so_do_pixels_of_other_types(dtype, definition, interpolation):
    images = np.random.default_rng(0).integers(1, 30_000, (3, 5, 4)).astype(dtype)
    assert_unchanged(images, ReconstructionSettings(1.0, interpolation, "mean", definition, threads=2))


def test_a_bright_pixel_lands_where_its_pose_says(make_rotation):
    image = np.zeros((30, 40), dtype=np.uint8)
    image[21, 13] = 200
    pose = np.eye(4)
    pose[:3, :3] = make_rotation((0.4, -0.7, 0.2)) * 0.3
    pose[:3, 3] = (12.0, -34.0, 56.0)
    made = reconstruct(
        Sweep([TrackedFrame(image, pose, 0.0)]), UNIT.with_changes(spacing_mm=0.5, compounding="maximum")
    )
    k, j, i = np.unravel_index(made.volume.voxels.argmax(), made.volume.voxels.shape)
    found = made.volume.ijk_to_ras @ (i, j, k, 1)
    expected = pose @ (13, 21, 0, 1)
    assert np.abs(found - expected)[:3].max() <= 0.25 + 1e-9


def test_the_true_mean_is_rounded_once():
    images = [np.full((2, 2), value, dtype=np.uint8) for value in (10, 11, 11)]
    sweep = stack(*images, spacing=0.0)
    assert (reconstruct(sweep, UNIT.with_changes(compounding="mean")).volume.voxels == 11).all()  # 10.67
    igsio = UNIT.with_changes(compounding="mean", definition="igsio")
    assert (reconstruct(sweep, igsio).volume.voxels == 10).all()  # 10, then 10.5 and 10.33 cut off


def test_linear_weights_share_a_pixel_between_two_voxels():
    frames = [
        TrackedFrame(np.full((2, 2), value, dtype=np.uint8), np.array(
            [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, z], [0, 0, 0, 1.0]]), 0.0)
        for value, z in ((100, 0.0), (200, 0.75), (100, 2.0))
    ]  # fmt: skip
    voxels = reconstruct(Sweep(frames), UNIT.with_changes(interpolation="linear", compounding="mean")).volume.voxels
    # slice 0: 100 with weight 1 and 200 with 0.25; slice 1: only the 200
    assert set(np.unique(voxels[0])) == {120}
    assert set(np.unique(voxels[1])) == {200}


def test_the_clip_rectangle_takes_both_ends():
    image = np.arange(60, dtype=np.uint8).reshape(6, 10) + 1
    made = reconstruct(stack(image, image), UNIT.with_changes(clip_rectangle=ClipRectangle(2, 1, 5, 3)))
    np.testing.assert_array_equal(made.volume.voxels[0], image[1:5, 2:8])


def test_frames_between_multiples_of_the_skip_interval_are_passed_over():
    images = [np.full((2, 2), 10 * (n + 1), dtype=np.uint8) for n in range(5)]
    made = reconstruct(stack(*images), UNIT.with_changes(skip_interval=2))
    assert made.report.frames_used == (0, 2, 4)
    np.testing.assert_array_equal(made.volume.voxels[:, 0, 0], [10, 0, 30, 0, 50])


def test_dark_pixels_can_be_left_out():
    image = np.array([[5, 50], [60, 7]], dtype=np.uint8)
    made = reconstruct(stack(image), UNIT.with_changes(pixel_rejection_threshold=10))
    np.testing.assert_array_equal(made.volume.voxels[0], [[0, 50], [60, 0]])
    np.testing.assert_array_equal(made.seen.voxels[0], [[0, 1], [1, 0]])


def test_black_pixels_count_as_seen_even_where_igsio_forgets_them():
    image = np.zeros((4, 4), dtype=np.uint8)
    settings = UNIT.with_changes(definition="igsio", interpolation="linear", compounding="maximum")
    assert reconstruct(stack(image, image), settings).seen.voxels.all()
