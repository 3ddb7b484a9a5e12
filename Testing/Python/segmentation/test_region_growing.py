"""One click: a region that ends where the contrast is."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import Cancelled, GeometryError, SegmentationError
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.segmentation.region_growing import grow_region
from CRLMSegmentationLib.segmentation.surface import surface_volume_mm3
from CRLMSegmentationLib.values import Box, Volume

CENTER_IJK = (44, 40, 36)


@pytest.fixture(scope="module", params=[-1, 1], ids=["dark", "bright"])
def liver_with_ball(request):
    """Speckled tissue with a ball of 8 mm radius, darker or brighter, on a turned left-handed grid; and its truth."""
    random = np.random.default_rng(5)
    k, j, i = np.indices((76, 84, 92))
    ball = (i - 44) ** 2 + (j - 40) ** 2 + (k - 36) ** 2 <= 16**2
    voxels = random.rayleigh(1.0, ball.shape) * np.where(ball, 60 + 35 * request.param, 60)
    c, s = np.cos(0.4), np.sin(0.4)
    matrix = np.eye(4)
    matrix[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, -1]]) * 0.5
    matrix[:3, 3] = (10, -20, 30)
    return Volume(np.clip(voxels, 1, 255).astype(np.uint8), matrix), ball


@pytest.mark.parametrize("off_ijk", [(0, 0, 0), (5, -4, 3)])
def test_a_ball_in_speckle_is_found_from_a_click_in_it(liver_with_ball, off_ijk):
    volume, ball = liver_with_ball
    seed = transform_points(volume.ijk_to_ras, np.array(CENTER_IJK) + off_ijk)
    result = grow_region(volume, seed)
    mask = result.mask.voxels > 0
    assert 2 * (mask & ball).sum() / (mask.sum() + ball.sum()) > 0.85
    assert surface_volume_mm3(result.surface) / 1000 == pytest.approx(result.volume_ml, rel=0.02)
    assert any("check it" in doubt for doubt in result.doubts)
    assert result.with_threshold(0.8).volume_ml < result.volume_ml < result.with_threshold(0.2).volume_ml


@pytest.mark.parametrize("seed", range(3))
def test_bright_speckle_does_not_hold_the_front_back(seed):
    """A ball less than twice as bright as what is around it, in voxels of 1 mm, each with speckle of its own: without
    smoothing the front stops at single voxels, and Dice is 0.7 to 0.84.
    """
    k, j, i = np.indices((44, 44, 44))
    ball = (i - 22) ** 2 + (j - 22) ** 2 + (k - 22) ** 2 <= 9**2
    speckle = np.random.default_rng(seed).rayleigh(1.0, ball.shape)
    volume = Volume(np.clip(speckle * np.where(ball, 100, 60), 1, 255).astype(np.uint8), np.eye(4))
    mask = grow_region(volume, (22, 22, 22)).mask.voxels > 0
    assert 2 * (mask & ball).sum() / (mask.sum() + ball.sum()) > 0.93


def test_it_stays_in_the_box(liver_with_ball):
    volume, _ = liver_with_ball
    seed = transform_points(volume.ijk_to_ras, CENTER_IJK)
    box = Box(seed, (10, 10, 10))
    result = grow_region(volume, seed, box)
    places = transform_points(volume.ijk_to_ras, np.argwhere(result.mask.voxels)[:, ::-1])
    covered = Box.around_volume(result.crop.volume)
    assert covered.contains(places).all()


def test_a_click_that_cannot_be_used_is_reported(liver_with_ball):
    volume, _ = liver_with_ball
    with pytest.raises(GeometryError, match="outside the volume"):
        grow_region(volume, (500, 0, 0))
    with pytest.raises(GeometryError, match="outside the box"):
        grow_region(volume, volume.center_ras, Box(volume.center_ras + 15, (5, 5, 5)))
    with pytest.raises(SegmentationError, match="did not see"):
        grow_region(volume.with_voxels(np.zeros_like(volume.voxels)), volume.center_ras)
    with pytest.raises(SegmentationError, match="too small"):
        grow_region(volume, volume.center_ras, Box(volume.center_ras, (0.6, 0.6, 0.6)))
    with pytest.raises(Cancelled):
        grow_region(volume, volume.center_ras, should_cancel=lambda: True)


def test_a_constant_volume_ends_in_a_result():
    volume = Volume(np.full((60, 60, 60), 90, np.uint8), np.diag([0.5, 0.5, 0.5, 1.0]))
    assert np.isfinite(grow_region(volume, volume.center_ras).volume_ml)
