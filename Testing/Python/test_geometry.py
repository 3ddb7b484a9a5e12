"""Volumes, boxes and affine transforms against answers worked out by hand."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import GeometryError
from CRLMSegmentationLib.geometry import as_affine, invert_affine, transform_points
from CRLMSegmentationLib.values import Box, Volume


def test_voxel_centres_and_edges():
    ijk_to_ras = np.diag([0.5, 1.0, 2.0, 1.0])
    ijk_to_ras[:3, 3] = 1, 2, 3
    volume = Volume(np.zeros((4, 3, 2)), ijk_to_ras)
    assert volume.dimensions == (2, 3, 4)
    np.testing.assert_allclose(volume.spacing_mm, (0.5, 1, 2))
    np.testing.assert_allclose(volume.center_ras, (1.25, 3, 6))
    np.testing.assert_allclose(volume.corners_ras().min(axis=0), (0.75, 1.5, 2))
    np.testing.assert_allclose(volume.corners_ras().max(axis=0), (1.75, 4.5, 10))
    assert volume.voxel_volume_mm3 == pytest.approx(1.0)


def test_a_box_around_a_mask_covers_its_voxels_to_their_edges():
    voxels = np.zeros((5, 6, 7), np.uint8)
    voxels[1, 2:4, 3:7] = 1
    ijk_to_ras = np.diag([2.0, 2, 2, 1])
    box = Box.around_mask(Volume(voxels, ijk_to_ras))
    np.testing.assert_allclose(box.size_mm, (8, 4, 2))
    np.testing.assert_allclose(box.center_ras, (9, 5, 2))
    np.testing.assert_allclose(box.expanded(10).size_mm, (28, 24, 22))
    with pytest.raises(GeometryError, match="empty"):
        Box.around_mask(Volume(np.zeros((2, 2, 2)), np.eye(4)))


def test_a_rotated_box_contains_what_lies_in_it():
    angle = np.radians(30)
    axes = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    box = Box([0, 0, 0], [10, 2, 2], axes)
    along = axes[:, 0]
    assert box.contains([along * 4.9, along * 5.1, axes[:, 1] * 1.1]).tolist() == [True, False, False]


@pytest.mark.parametrize("size", [(0, 1, 1), (-1, 1, 1), (np.nan, 1, 1), (1, 1)])
def test_boxes_without_room_are_refused(size):
    with pytest.raises(GeometryError):
        Box((0, 0, 0), size)


def test_bad_matrices_are_refused_and_good_ones_fully_inverted():
    skewed = np.array([[1, 0.2, 0, 5], [0, 1, 0.1, 6], [0, 0, 2, 7], [0, 0, 0, 1.0]])
    np.testing.assert_allclose(
        transform_points(invert_affine(skewed), transform_points(skewed, [[1, 2, 3]])), [[1, 2, 3]]
    )
    for bad in (np.zeros((4, 4)), np.full((4, 4), np.nan), np.ones((4, 4)), np.eye(3)):
        with pytest.raises(GeometryError):
            as_affine(bad)


def test_the_same_grid_is_recognised():
    volume = Volume(np.zeros((2, 2, 2)), np.eye(4))
    moved = np.eye(4)
    moved[0, 3] = 0.01
    assert volume.has_geometry_of(Volume(np.ones((2, 2, 2)), np.eye(4)))
    assert not volume.has_geometry_of(Volume(np.ones((2, 2, 2)), moved))


@pytest.mark.parametrize(
    "column, off, is_affine", [(0, 9e-10, True), (2, 2e-9, False), (3, 9e-6, True), (3, -2e-5, False)]
)
def test_the_last_row_may_be_off_by_what_text_rounds_away(column, off, is_affine):
    matrix = np.eye(4)
    matrix[3, column] += off
    if is_affine:
        assert as_affine(matrix)[3, column] == matrix[3, column]
    else:
        with pytest.raises(GeometryError, match="must be 0 0 0 1"):
            as_affine(matrix)
