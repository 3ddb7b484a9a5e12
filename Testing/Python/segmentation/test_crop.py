"""Boxes cut out of volumes: every voxel keeps its place."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import GeometryError
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.segmentation.crop import crop, crop_volume, paste
from CRLMSegmentationLib.values import Box, Volume
from hypothesis import given, settings
from hypothesis import strategies as st


def volume_of_places(ijk_to_ras=None) -> Volume:
    """A volume whose voxel value is its own number: what a voxel holds shows where it was."""
    voxels = np.arange(10 * 12 * 14, dtype=np.int32).reshape(10, 12, 14)
    if ijk_to_ras is None:
        ijk_to_ras = np.array([[0.5, 0, 0, 10], [0, 0.5, 0, -20], [0, 0, 1.0, 30], [0, 0, 0, 1]])
    return Volume(voxels, ijk_to_ras)


def oblique() -> np.ndarray:
    c, s = np.cos(0.4), np.sin(0.4)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    matrix = np.eye(4)
    matrix[:3, :3] = turn * (0.5, -0.7, 0.9)
    matrix[:3, 3] = (5, -6, 7)
    return matrix


@pytest.mark.parametrize("matrix", [None, oblique()])
def test_a_known_voxel_keeps_its_place_in_ras(matrix):
    volume = volume_of_places(matrix)
    axes = volume.ijk_to_ras[:3, :3] / volume.spacing_mm
    box = Box(transform_points(volume.ijk_to_ras, (7, 6, 5)), volume.spacing_mm * (3, 5, 3), axes)
    block = crop_volume(volume, box)
    assert block.dimensions == (3, 5, 3)
    assert block.voxels[1, 2, 1] == volume.voxels[5, 6, 7]
    place = transform_points(volume.ijk_to_ras, (7, 6, 5))
    assert transform_points(block.ijk_to_ras, (1, 2, 1)) == pytest.approx(place)


def test_a_tight_box_around_a_mask_and_its_margin_take_exactly_those_voxels():
    volume = volume_of_places()
    mask = volume.with_voxels(np.zeros(volume.voxels.shape, np.uint8))
    mask.voxels[4:6, 5:7, 6:9] = 1
    box = Box.around_mask(mask)
    assert crop(volume, box).start_ijk == (6, 5, 4)
    assert crop(volume, box).volume.dimensions == (3, 2, 2)
    with_margin = crop(volume, box, margin_mm=1.0)
    assert with_margin.start_ijk == (4, 3, 3)
    assert with_margin.volume.dimensions == (7, 6, 4)
    assert with_margin.warnings == ()


def test_a_box_that_reaches_outside_is_clipped_and_says_so():
    volume = volume_of_places()
    cut = crop(volume, Box(volume.origin_ras, (4, 4, 4)))
    assert cut.start_ijk == (0, 0, 0)
    assert len(cut.warnings) == 1 and "outside the volume" in cut.warnings[0]
    assert cut.volume.dimensions == (5, 5, 3)


def test_a_box_larger_than_the_volume_gives_the_whole_volume():
    volume = volume_of_places(oblique())
    cut = crop(volume, Box(volume.center_ras, (500, 500, 500)))
    assert cut.volume.has_geometry_of(volume)
    assert np.array_equal(cut.volume.voxels, volume.voxels)
    assert cut.warnings


def test_a_box_smaller_than_a_voxel_gives_the_voxel_it_lies_in():
    volume = volume_of_places()
    block = crop_volume(volume, Box(transform_points(volume.ijk_to_ras, (3.3, 4.3, 5.3)), (0.01, 0.01, 0.01)))
    assert block.voxels.tolist() == [[[volume.voxels[5, 4, 3]]]]


def test_a_box_outside_the_volume_or_without_size_is_an_error_in_one_sentence():
    volume = volume_of_places()
    with pytest.raises(GeometryError, match="lies outside the volume"):
        crop(volume, Box((500, 0, 0), (10, 10, 10)))
    with pytest.raises(GeometryError, match="longer than 0"):
        crop(volume, Box(volume.center_ras, (0, 10, 10)))
    with pytest.raises(GeometryError, match="margin"):
        crop(volume, Box(volume.center_ras, (2, 2, 2)), margin_mm=-1)


def test_a_rotated_box_gives_a_block_that_covers_it():
    volume = volume_of_places()
    turned = Box(volume.center_ras, (3, 1, 1), np.array([[0.6, -0.8, 0], [0.8, 0.6, 0], [0, 0, 1]]))
    block = crop_volume(volume, turned)
    index = transform_points(block.ras_to_ijk, turned.corners_ras())
    assert (index > -1).all()
    assert (index < np.array(block.dimensions)).all()


@settings(max_examples=60, deadline=None)
@given(
    center=st.tuples(*[st.floats(0, 9)] * 3),
    size=st.tuples(*[st.floats(0.2, 20)] * 3),
)
def test_pasting_a_crop_back_restores_exactly_the_voxels_of_the_box(center, size):
    volume = volume_of_places(oblique())
    axes = volume.ijk_to_ras[:3, :3] / volume.spacing_mm
    block = crop_volume(volume, Box(transform_points(volume.ijk_to_ras, center), size, axes))
    back = paste(block, volume)
    assert back.has_geometry_of(volume)
    pasted = back.voxels != 0
    assert np.array_equal(back.voxels[pasted], volume.voxels[pasted])
    assert pasted.sum() in (block.voxels.size, block.voxels.size - 1)  # voxel number 0 holds a 0


def test_pasting_onto_another_grid_is_refused():
    volume = volume_of_places()
    other = volume.ijk_to_ras.copy()
    other[0, 3] += 0.2
    with pytest.raises(GeometryError, match="grids do not coincide"):
        paste(volume, Volume(volume.voxels, other))
