"""Boxes turned against the volume: the network sees it along the box, and everything after it stays on one grid."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import GeometryError
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.segmentation.crop import crop, paste
from CRLMSegmentationLib.segmentation.region_growing import grow_region
from CRLMSegmentationLib.segmentation.segment import segment
from CRLMSegmentationLib.segmentation.turned_box import along_box, onto_block
from CRLMSegmentationLib.values import Box, Volume
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

ODD_AXIS = np.array([1.0, 2.0, -3.0]) / np.sqrt(14)
TISSUE, TUMOR = 110.0, 50.0


def turned_by(angle_deg: float, axis=ODD_AXIS) -> np.ndarray:
    return Rotation.from_rotvec(np.radians(angle_deg) * np.asarray(axis, float) / np.linalg.norm(axis)).as_matrix()


def grid(kind: str, shape=(56, 64, 72)) -> Volume:
    """An empty volume: 'straight', or 'oblique', which is also left-handed and not as fine in every direction."""
    matrix = np.diag([0.6, 0.6, 0.6, 1.0])
    if kind == "oblique":
        matrix[:3, :3] = turned_by(25, (3, -1, 2)) * (0.5, -0.6, 0.7)
    matrix[:3, 3] = (12, -30, 8)
    return Volume(np.zeros(shape, np.uint8), matrix)


def axes_of(volume: Volume) -> np.ndarray:
    return volume.ijk_to_ras[:3, :3] / volume.spacing_mm


def points_of(volume: Volume) -> np.ndarray:
    k, j, i = np.indices(volume.voxels.shape)
    return transform_points(volume.ijk_to_ras, np.stack([i, j, k], axis=-1))


def with_tumor(volume: Volume, radii_mm, axes=np.eye(3), center=None) -> tuple[Volume, np.ndarray]:
    """Ultrasound with a dark ellipsoid whose edge is as soft as a voxel, a little noise; and the truth, boolean."""
    local = (points_of(volume) - (volume.center_ras if center is None else center)) @ axes
    radius = np.sqrt(((local / radii_mm) ** 2).sum(axis=-1))
    depth_mm = (1 - radius) * min(radii_mm)
    grey = TISSUE + (TUMOR - TISSUE) / (1 + np.exp(-4 * depth_mm / volume.spacing_mm.mean()))
    grey += np.random.default_rng(5).normal(0, 3, grey.shape)
    return volume.with_voxels(np.clip(np.rint(grey), 1, 255).astype(np.uint8)), radius <= 1


class GreyLevels:
    """In place of a network: what is darker than halfway between tissue and tumor is tumor. Keeps what it was given."""

    def __init__(self, margin_mm: float = 0.0):
        card = SimpleNamespace(
            margin_mm=margin_mm,
            threshold=0.5,
            tumor_volume_ml=None,
            shell_probabilities=None,
            usual_entropy_bits=None,
            image_ranges=None,
            least_mean_probability=None,
        )
        self.model = SimpleNamespace(card=card)

    def probability(self, volume: Volume, progress=None, should_cancel=None) -> Volume:
        self.given = volume
        grey = volume.voxels.astype(np.float32)
        tumor = 1 / (1 + np.exp((grey - (TISSUE + TUMOR) / 2) / 4))
        return volume.with_voxels(np.where(grey > 0, tumor, 0).astype(np.float32))


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


def beyond_mm(mask: Volume, box: Box) -> float:
    """How far the centre of a voxel of `mask` lies outside `box`, at most; negative when all lie inside."""
    places = points_of(mask)[mask.voxels > 0]
    local = transform_points(np.linalg.inv(box.box_to_ras), places)
    return float((np.abs(local) - box.size_mm / 2).max())


@pytest.mark.parametrize("kind", ["straight", "oblique"])
@pytest.mark.parametrize("angle_deg", [30, 45])
@pytest.mark.parametrize("radii_mm", [(8, 8, 8), (6, 8, 11)])
def test_a_turned_box_gives_the_mask_of_the_box_along_the_volume(kind, angle_deg, radii_mm):
    empty = grid(kind)
    axes = turned_by(angle_deg) @ axes_of(empty)
    volume, truth = with_tumor(empty, radii_mm, axes)
    box = Box(volume.center_ras, 2 * np.array(radii_mm) + 4.0, axes)
    straight = segment(volume, Box(volume.center_ras, (26, 26, 26), axes_of(volume)), GreyLevels())
    turned = segment(volume, box, GreyLevels())
    # 0.99 was measured, an edge that lies a tenth of a voxel farther in; half a voxel would give 0.95.
    assert dice(turned.mask.voxels > 0, straight.mask.voxels > 0) > 0.985
    assert dice(turned.mask.voxels > 0, truth) > 0.985
    assert turned.volume_ml == pytest.approx(straight.volume_ml, rel=0.015)
    assert turned.mask.has_geometry_of(volume) and turned.doubts == ()
    assert beyond_mm(turned.mask, box) < 0


@pytest.mark.parametrize("kind", ["straight", "oblique"])
def test_the_network_sees_the_box_and_its_margin_along_its_own_axes_and_nothing_else(kind):
    volume, _ = with_tumor(grid(kind), (6, 6, 6))
    box = Box(volume.center_ras, (12, 14, 16), turned_by(40) @ axes_of(volume))
    network = GreyLevels(margin_mm=3.0)
    segment(volume, box, network, tight=True)
    assert network.given.dimensions == tuple(np.ceil((box.size_mm + 6) / volume.spacing_mm - 1e-4))
    assert network.given.voxels.dtype == volume.voxels.dtype
    assert network.given.center_ras == pytest.approx(volume.center_ras)
    assert network.given.spacing_mm == pytest.approx(volume.spacing_mm)
    assert axes_of(network.given) == pytest.approx(box.axes_ras)


@pytest.mark.parametrize("kind", ["straight", "oblique"])
def test_every_value_keeps_its_place_on_the_way_there_and_back(kind):
    empty = grid(kind)
    field = points_of(empty) @ (1.0, 2.0, -0.5) + 500
    volume = Volume(field.astype(np.float32), empty.ijk_to_ras)
    block = crop(volume, Box(volume.center_ras, (14, 11, 17), turned_by(35)))
    turned = along_box(block)
    assert turned.voxels == pytest.approx(points_of(turned) @ (1.0, 2.0, -0.5) + 500, abs=1e-2)
    assert np.linalg.det(turned.ijk_to_ras[:3, :3]) * np.linalg.det(volume.ijk_to_ras[:3, :3]) > 0
    back = onto_block(turned, block)
    assert back.has_geometry_of(block.volume)
    well_inside = Box(volume.center_ras, (12, 9, 15), turned_by(35)).contains(points_of(block.volume))
    assert back.voxels[well_inside] == pytest.approx(block.volume.voxels[well_inside], abs=1e-2)
    assert (back.voxels[block.inside] > 0).all() and not back.voxels[~block.inside].any()


@pytest.mark.parametrize("kind", ["straight", "oblique"])
def test_axes_with_other_names_and_directions_are_those_of_the_volume_and_so_are_two_degrees(kind):
    volume, _ = with_tumor(grid(kind), (6, 6, 6))
    axes, size = axes_of(volume), np.array([9.0, 12.0, 15.0])
    expected = crop(volume, Box(volume.center_ras, size, axes))
    for order, signs in (([2, 0, 1], (1, -1, 1)), ([1, 0, 2], (-1, -1, 1)), ([0, 1, 2], (-1, 1, -1))):
        same = crop(volume, Box(volume.center_ras, size[order], axes[:, order] * signs))
        assert same.inside is None and same.turned_box is None
        assert same.volume.has_geometry_of(expected.volume)
    about_i = turned_by(1.9, axes[:, 0]), turned_by(2.1, axes[:, 0])
    slightly, more = (crop(volume, Box(volume.center_ras, size, turn @ axes)) for turn in about_i)
    assert slightly.turned_box is None
    assert more.turned_box is not None and not more.inside.all()
    swapped = crop(volume, Box(volume.center_ras, size[[2, 0, 1]], (about_i[1] @ axes)[:, [2, 0, 1]]))
    assert np.array_equal(swapped.inside, more.inside)
    assert along_box(swapped).has_geometry_of(along_box(more))


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["straight", "oblique"]),
    angle_deg=st.floats(5, 175),
    axis=st.tuples(*[st.floats(0.2, 1)] * 3),
    center=st.tuples(*[st.floats(-0.7, 0.7)] * 3),
    size=st.tuples(*[st.floats(0.1, 60)] * 3),
)
def test_a_network_that_sees_tumor_everywhere_fills_the_box_and_no_voxel_more(kind, angle_deg, axis, center, size):
    empty = grid(kind, (18, 20, 22))
    volume = empty.with_voxels(np.full(empty.voxels.shape, int(TUMOR), np.uint8))
    middle = (np.array(volume.dimensions) - 1) * (0.5 + np.array(center))
    box = Box(transform_points(volume.ijk_to_ras, middle), size, turned_by(angle_deg, axis))
    try:
        result = segment(volume, box, GreyLevels(), keep="all")
    except GeometryError as error:
        assert "lies outside the volume" in str(error)
        assert not box.contains(points_of(volume)).any()
        return
    mask = result.mask.voxels > 0
    if result.crop.inside is not None:
        across_a_voxel_mm = np.linalg.norm(volume.spacing_mm)
        at_least_a_voxel = Box(box.center_ras, np.maximum(box.size_mm, across_a_voxel_mm) + 1e-3, box.axes_ras)
        assert at_least_a_voxel.contains(points_of(volume))[mask].all()
        # Where the volume ends, half a voxel is seen only in part.
        k, j, i = (slice(1, -1),) * 3
        assert mask[k, j, i][box.contains(points_of(volume)[k, j, i])].all()
    if mask.any() or Box.around_volume(volume).contains(box.center_ras):
        assert any("enlarge the box" in doubt or "sweep farther" in doubt for doubt in result.doubts)


def test_a_thin_box_and_one_smaller_than_a_voxel_give_what_lies_in_them():
    volume, truth = with_tumor(grid("oblique"), (8, 8, 8))
    box = Box(volume.center_ras, (24, 24, 0.2), turned_by(30) @ axes_of(volume))
    thin = segment(volume, box, GreyLevels())
    assert along_box(crop(volume, box)).dimensions[2] == 1
    slice_of_tumor = truth & paste(thin.crop.volume.with_voxels(thin.crop.inside), volume).voxels
    assert dice(thin.mask.voxels > 0, slice_of_tumor) > 0.95 and np.pi * 8**2 * 0.2 / 1000 < thin.volume_ml
    place = transform_points(volume.ijk_to_ras, (30.3, 31.7, 28.2))
    one = crop(volume, Box(place, (0.01,) * 3, turned_by(30)))
    assert one.inside[tuple(np.array([28, 32, 30]) - one.start_ijk[::-1])] and one.inside.sum() <= 4
    assert along_box(one).dimensions == (1, 1, 1)


def test_a_turned_box_that_reaches_outside_is_clipped_and_says_so():
    empty = grid("oblique")
    volume, _ = with_tumor(empty, (7, 7, 7), center=transform_points(empty.ijk_to_ras, (4, 30, 28)))
    edge = transform_points(volume.ijk_to_ras, (-0.5, 30, 28))
    axes = turned_by(45, axes_of(volume)[:, 1]) @ axes_of(volume)
    result = segment(volume, Box(edge, (20, 20, 20), axes), GreyLevels())
    assert re.search("(49|50|51)% of it was cut off", result.doubts[0]) and "sweep farther" in result.doubts[1]
    assert result.mask.voxels[:, :, 0].any()
    whole = segment(volume, Box(volume.center_ras, (900, 900, 900), turned_by(45)), GreyLevels())
    assert whole.crop.volume.has_geometry_of(volume) and whole.crop.inside.all()
    assert "outside the volume" in whole.doubts[0]


def test_a_turned_box_beside_the_volume_is_an_error_even_where_the_block_that_covers_it_overlaps():
    volume, _ = with_tumor(grid("straight"), (7, 7, 7))
    axes = turned_by(45, (0, 0, 1))
    with pytest.raises(GeometryError, match="lies outside the volume"):
        crop(volume, Box(volume.center_ras + (500, 0, 0), (10, 10, 10), axes))
    corner = transform_points(volume.ijk_to_ras, (-0.5, -0.5, 28))
    long = Box(corner + axes @ (-4, 0, 0), (6, 40, 10), axes)
    corners = transform_points(volume.ras_to_ijk, long.corners_ras())
    assert (corners.max(axis=0) > 5).all()
    with pytest.raises(GeometryError, match="lies outside the volume"):
        crop(volume, long)


def test_what_the_sweep_did_not_see_stays_exactly_0_and_darkens_nothing():
    volume = grid("straight")
    voxels = np.full(volume.voxels.shape, 110, np.uint8)
    voxels[:, :, 36:] = 0
    volume = volume.with_voxels(voxels).with_seen(voxels != 0)
    network = GreyLevels()
    result = segment(volume, Box(volume.center_ras, (20, 20, 20), turned_by(40)), network)
    assert set(np.unique(network.given.voxels)) == {0, 110}
    i = transform_points(volume.ras_to_ijk, points_of(network.given))[..., 0]
    assert (network.given.voxels[i < 35.4] == 110).all() and (network.given.voxels[i > 35.6] == 0).all()
    assert "Nothing was found" in result.doubts[0]
    voxels[:, :, 20:] = voxels[:, 20:, :] = 0
    volume = volume.with_voxels(voxels).with_seen(voxels != 0)
    # The block that covers this box holds what the probe saw, the box does not.
    across = Box(transform_points(volume.ijk_to_ras, (30, 30, 28)), (6, 40, 8), turned_by(45, (0, 0, 1)))
    result = segment(volume, across, GreyLevels())
    assert result.crop.volume.voxels.any() and "never passed" in result.doubts[0]


def test_a_tumor_at_a_face_of_the_turned_box_is_doubted_and_no_threshold_leaves_the_box():
    empty = grid("straight")
    axes = turned_by(45, (0, 0, 1))
    volume, _ = with_tumor(empty, (7, 7, 7), center=empty.center_ras + axes @ (8, 0, 0))
    box = Box(empty.center_ras, (20, 20, 20), axes)
    result = segment(volume, box, GreyLevels())
    assert "enlarge the box" in result.doubts[0]
    assert beyond_mm(result.mask, box) <= 1e-3
    for threshold in (0.001, 0.9):
        cut = result.with_threshold(threshold)
        assert beyond_mm(cut.mask, box) <= 1e-3 and "enlarge the box" in cut.doubts[0]
    assert np.array_equal(paste(result.probability, volume).voxels >= 0.5, result.mask.voxels > 0)


def test_region_growing_stays_in_a_turned_box():
    volume, truth = with_tumor(grid("oblique"), (8, 8, 8))
    roomy, tight = (Box(volume.center_ras, (edge,) * 3, turned_by(35)) for edge in (24, 12))
    assert dice(grow_region(volume, volume.center_ras, roomy).mask.voxels > 0, truth) > 0.9
    cut_short = grow_region(volume, volume.center_ras, tight)
    assert beyond_mm(cut_short.mask, tight) <= 1e-3 and "enlarge the box" in cut_short.doubts[0]


def test_what_was_stored_still_knows_the_turned_box():
    from CRLMSegmentationLib.session.tumor.tumor_state import state_of_scene

    empty = grid("straight")
    axes = turned_by(45, (0, 0, 1))
    box = Box(empty.center_ras, (20, 20, 20), axes)
    for away_mm, touches in ((8, True), (0, False)):
        volume, _ = with_tumor(empty, (6, 6, 6), center=empty.center_ras + axes @ (away_mm, 0, 0))
        result = segment(volume, box, GreyLevels())
        state = state_of_scene(volume, result.mask, result.surface, result.probability, 0.5)
        assert np.array_equal(state.base.voxels, result.mask.voxels) and not state.is_corrected
        assert state.doubts == result.doubts and any("enlarge the box" in doubt for doubt in state.doubts) == touches
