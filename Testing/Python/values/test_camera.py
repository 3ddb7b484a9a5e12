"""A camera maps points to pixels as OpenCV does, comes back from a file without loss, and refuses what is no camera."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.errors import FileFormatError, GeometryError
from CRLMSegmentationLib.files.laparoscope.camera_file import read_camera, write_camera
from CRLMSegmentationLib.values import Camera

INTRINSICS = np.array(
    [[952.06967601396957, 0, 884.47392341747241], [0, 952.06967601396957, 553.68748726315528], [0, 0, 1]]
)
POINTS_MM = np.array([[0, 0, 100], [30, -20, 80], [-45, 25, 60], [10, 60, 90]])
# What cv2.projectPoints of OpenCV 5.0.0 gives for these points, by distortion; the second is the P2ILF laparoscope's.
OF_OPENCV = [
    ((), [[884.473923, 553.687487], [1241.500052, 315.670068], [170.421666, 950.383186], [990.259443, 1188.400605]]),
    (
        (-0.23184898303739043, 0.34051349187505525, 0.0, 0.0, -0.23860036358921605),
        [[884.473923, 553.687487], [1228.988249, 324.01127], [228.492945, 918.121364], [984.166479, 1151.842818]],
    ),
    (
        (-0.3, 0.12, 0.001, -0.002),
        [[884.473923, 553.687487], [1220.410639, 329.665214], [277.539422, 890.795451], [977.635898, 1118.312982]],
    ),
    (
        (0.2, -0.1, 0.0015, -0.0007, 0.03, 0.4, -0.05, 0.01),
        [[884.473923, 553.687487], [1226.843601, 325.640871], [261.712936, 900.444513], [981.143976, 1136.186712]],
    ),
]


def camera(distortion=()):
    return Camera(INTRINSICS, (1920, 1080), np.array(distortion))


@pytest.mark.parametrize("distortion, pixels", OF_OPENCV)
def test_points_are_projected_as_opencv_does(distortion, pixels):
    np.testing.assert_allclose(camera(distortion).project(POINTS_MM), pixels, atol=1e-5)


@pytest.mark.parametrize("distortion", [one for one, _ in OF_OPENCV])
def test_pixels_come_back_to_the_points_that_they_show(distortion):
    one = camera(distortion)
    np.testing.assert_allclose(one.unproject(one.project(POINTS_MM), POINTS_MM[:, 2]), POINTS_MM, atol=1e-6)
    u, v = np.meshgrid(np.linspace(350, 1450, 7), np.linspace(0, 1079, 5))
    grid = np.stack([u, v], axis=-1)
    rays = one.unproject(grid)
    assert rays.shape == (5, 7, 3) and (rays[..., 2] == 1).all()
    np.testing.assert_allclose(one.project(rays * 55.5), grid, atol=1e-6)


def test_the_axes_are_those_of_opencv():
    right, down, center = camera().project(np.array([[1.0, 0, 50], [0, 1, 50], [0, 0, 50]]))
    assert right[0] > center[0] and right[1] == center[1] and down[1] > center[1] and down[0] == center[0]
    np.testing.assert_allclose(center, INTRINSICS[:2, 2])


def test_what_is_not_before_the_camera_has_no_pixel():
    pixels = camera().project(np.array([[0.0, 0, 0], [1, 1, -10], [0, 0, 10]]))
    assert np.isnan(pixels[:2]).all() and np.isfinite(pixels[2]).all()
    assert camera().is_in_image(pixels).tolist() == [False, False, True]
    edges = np.array([[-0.5, -0.5], [1919.5, 1079.5], [-0.6, 0], [0, 1079.6]])
    assert camera().is_in_image(edges).tolist() == [True, True, False, False]


def test_a_pixel_that_the_lens_cannot_show_has_no_point():
    # r (1 - r^2) is at most 0.385 where the lens turns back.
    one = Camera([[100, 0, 0], [0, 100, 0], [0, 0, 1]], (200, 200), [-1, 0, 0, 0])
    points = one.unproject(np.array([[38.0, 0], [0, -38.4], [39.0, 0], [60.0, 0], [0, 1000]]))
    np.testing.assert_allclose(one.project(points[:2]), [[38.0, 0], [0, -38.4]], atol=1e-9)
    assert (np.linalg.norm(points[:2, :2], axis=1) < 3**-0.5).all() and np.isnan(points[2:, :2]).all()
    # The corner of the P2ILF picture is black: its lens shows nothing there.
    assert np.isnan(camera(OF_OPENCV[1][0]).unproject(np.zeros(2))[:2]).all()


@pytest.mark.parametrize(
    "matrix, size, distortion, sentence",
    [
        (np.eye(4), (10, 10), (), r"\(3, 3\) matrix"),
        (np.diag([1, np.nan, 1]), (10, 10), (), "finite"),
        ([[9, 1, 5], [0, 9, 5], [0, 0, 1]], (10, 10), (), r"\[\[fx, 0, cx\]"),
        ([[9, 0, 5], [0, 9, 5], [0, 0, 2]], (10, 10), (), r"\[\[fx, 0, cx\]"),
        ([[-9, 0, 5], [0, 9, 5], [0, 0, 1]], (10, 10), (), "focal lengths"),
        (INTRINSICS, (10, 10), (0.1, 0.2, 0.3), "0, 4, 5, 8 finite numbers, not 3"),
        (INTRINSICS, (10, 10), (0.1, 0.2, 0.3, np.inf), "finite"),
        (INTRINSICS, (0, 10), (), "image size"),
        (INTRINSICS, (10.5, 10), (), "image size"),
        (INTRINSICS, (10,), (), "image size"),
    ],
)
def test_what_is_no_camera_is_refused(matrix, size, distortion, sentence):
    with pytest.raises(GeometryError, match=sentence):
        Camera(matrix, size, distortion)


@pytest.mark.parametrize("distortion", [one for one, _ in OF_OPENCV])
def test_a_camera_comes_back_from_its_file_to_the_last_bit(tmp_path, distortion):
    one = camera(distortion)
    again = read_camera(write_camera(one, tmp_path / "laparoscope.json"))
    assert np.array_equal(again.intrinsics, one.intrinsics) and np.array_equal(again.distortion, one.distortion)
    assert again.image_size == (1920, 1080)


@pytest.mark.parametrize(
    "content, sentence",
    [
        ("{", "is not JSON"),
        ("[]", "holds no camera"),
        ('{"type": "box"}', "holds no camera"),
        ('{"camera_matrix": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}', "no usable camera_matrix"),
        (json.dumps({"camera_matrix": "x", "image_width": 1, "image_height": 1}), "no usable camera_matrix"),
        (json.dumps({"camera_matrix": np.eye(3).tolist(), "image_width": 0, "image_height": 1}), "image size"),
    ],
)
def test_a_file_that_holds_no_camera_is_refused_with_its_name(tmp_path, content, sentence):
    path = tmp_path / "camera.json"
    path.write_text(content)
    with pytest.raises(FileFormatError, match=sentence) as refused:
        read_camera(path)
    assert "camera.json" in str(refused.value)
    with pytest.raises(FileFormatError, match="check the path"):
        read_camera(tmp_path / "none.json")
