"""The plane of an image, against answers worked out by hand."""

import numpy as np
import pytest
from CRLMSegmentationLib.geometry import plane_axes
from CRLMSegmentationLib.sweep import TrackedFrame
from CRLMSegmentationLib.values import image_plane


def pose(rotation=np.eye(3), pixel_mm=(0.2, 0.3), at=(10, -20, 30)):
    """(4, 4) ImageToReference."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation @ np.diag([*pixel_mm, 1.0])
    matrix[:3, 3] = at
    return matrix


def any_rotation(seed):
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    return rotation * np.linalg.det(rotation)


def test_an_image_along_the_axes():
    plane = image_plane(pose(), (101, 51))
    np.testing.assert_allclose(plane.right, (1, 0, 0))
    np.testing.assert_allclose(plane.down, (0, 1, 0))
    np.testing.assert_allclose(plane.toward_viewer, (0, 0, -1))
    np.testing.assert_allclose(plane.pixel_mm, (0.2, 0.3))
    np.testing.assert_allclose(plane.size_mm, (20.2, 15.3))
    np.testing.assert_allclose(plane.middle, (20, -12.5, 30))
    np.testing.assert_allclose(plane.top, (20, -20, 30))


@pytest.mark.parametrize("seed", range(3))
def test_a_slice_shows_the_image_with_its_first_row_at_the_top(seed):
    image_to_reference = pose(any_rotation(seed))
    slice_to_reference = image_plane(image_to_reference, (101, 51)).slice_to_reference()
    np.testing.assert_allclose(slice_to_reference[:3, :3].T @ slice_to_reference[:3, :3], np.eye(3), atol=1e-12)
    assert np.linalg.det(slice_to_reference[:3, :3]) == pytest.approx(1)
    # In millimetres from the middle of the view: right is +x, up is +y.
    in_view = np.linalg.inv(slice_to_reference) @ image_to_reference @ np.array([[0, 0, 0, 1], [100, 50, 0, 1]]).T
    np.testing.assert_allclose(in_view[:3, 0], [-10, 7.5, 0], atol=1e-9)
    np.testing.assert_allclose(in_view[:3, 1], [10, -7.5, 0], atol=1e-9)


def test_a_probe_stands_on_the_middle_of_the_first_row():
    rotation = any_rotation(7)
    face = image_plane(pose(rotation), (101, 51)).probe_face_to_reference()
    np.testing.assert_allclose(face[:3, :3], rotation, atol=1e-12)
    np.testing.assert_allclose(face[:3, 3], rotation @ [10, 0, 0] + [10, -20, 30], atol=1e-9)


def test_a_skewed_image_has_square_axes_with_its_rows_kept():
    skewed = pose()
    skewed[:3, 1] = [0.1, 0.3, 0]
    plane = image_plane(skewed, (10, 10))
    np.testing.assert_allclose(plane.axes, np.eye(3), atol=1e-12)


def test_the_third_column_does_not_matter():
    mirrored, flat = pose(), pose()
    mirrored[:3, 2] *= -1
    flat[:3, 2] = 0
    for matrix in (mirrored, flat):
        np.testing.assert_allclose(image_plane(matrix).axes, np.eye(3))


def on_a_line():
    matrix = pose()
    matrix[:3, 1] = 2 * matrix[:3, 0]
    return matrix


@pytest.mark.parametrize("matrix", [np.zeros((4, 4)), on_a_line(), pose(at=(np.nan, 0, 0)), np.full((4, 4), np.inf)])
def test_what_spans_no_plane_has_none(matrix):
    assert image_plane(matrix, (10, 10)) is None


def test_axes_of_many_at_once():
    rotations = np.array([any_rotation(seed) for seed in range(3)])
    matrices = np.array([*(pose(rotation) for rotation in rotations), np.zeros((4, 4))])
    axes = plane_axes(matrices)
    np.testing.assert_allclose(axes[:3], rotations, atol=1e-12)
    assert np.isnan(axes[3]).all()


def test_a_frame_knows_its_plane():
    pixels = np.zeros((51, 101), np.uint8)
    np.testing.assert_allclose(TrackedFrame(pixels, pose(), 0.0).plane.middle, (20, -12.5, 30))
    assert TrackedFrame(pixels, None, 0.0, valid=False).plane is None
