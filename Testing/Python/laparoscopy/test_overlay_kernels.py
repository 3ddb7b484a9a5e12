"""What is compiled of views and overlays, against NumPy and SciPy on drawn surfaces."""

import numpy as np
import pytest
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.laparoscopy.overlay.blending import as_bytes, fade, lay_color, lay_surface
from CRLMSegmentationLib.laparoscopy.overlay.borders import mark_border, mark_folds, soften
from CRLMSegmentationLib.laparoscopy.surface.depth import lay_triangles, see_points
from CRLMSegmentationLib.values.camera import Camera
from scipy import ndimage
from scipy.spatial.transform import Rotation


def surface(seed=0):
    """(40, 60) mm: two waves, one before the other, and nothing around them."""
    rng = np.random.default_rng(seed)
    far = 90 + ndimage.gaussian_filter(rng.normal(0, 60, (40, 60)), 4)
    near = np.where(ndimage.gaussian_filter(rng.normal(0, 1, (40, 60)), 3) > 0.05, far - 20, np.inf)
    return np.where(ndimage.gaussian_filter(rng.normal(0, 1, (40, 60)), 5) > -0.02, np.minimum(near, far), np.inf)


@pytest.mark.parametrize(
    "distortion", [[], [-0.3, 0.1, 0.001, -0.002], [0.4, -0.2, 0.001, 0.002, 0.05, 0.6, -0.1, 0.02]]
)
def test_points_are_seen_where_the_camera_projects_them(distortion):
    camera = Camera(np.array([[300.0, 0, 160], [0, 310, 120], [0, 0, 1]]), (320, 240), np.array(distortion))
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = Rotation.from_rotvec([0.3, -0.4, 1.0]).as_matrix(), [5, -8, 40]
    points = np.random.default_rng(2).uniform(-120, 120, (2000, 3))
    in_camera, pixels = np.empty((2000, 3)), np.empty((2000, 2))
    lens = np.pad(camera.distortion, (0, 8 - camera.distortion.size))
    see_points(in_camera, pixels, points, pose, camera.intrinsics, lens, camera.turning_radius, 1.0)
    wanted = transform_points(pose, points)
    is_seen = camera.can_see(wanted) & (wanted[:, 2] > 1)
    assert in_camera == pytest.approx(wanted, abs=1e-9) and 200 < is_seen.sum() < 1900
    assert np.array_equal(np.isfinite(pixels).all(axis=1), is_seen)
    assert pixels[is_seen] == pytest.approx(camera.project(wanted[is_seen]), rel=1e-9, abs=1e-7)


def test_a_triangle_without_a_place_is_left_out_and_a_hidden_one_changes_nothing():
    corners = np.array([[2.0, 3], [40, 5], [20, 30], [np.nan, np.nan]])
    depth, which = np.full((40, 50), np.inf), np.full((40, 50), -1)
    lay_triangles(depth, which, corners, np.array([50.0, 60, 55, 10]), np.array([[0, 1, 3], [3, 1, 2], [0, 3, 2]]))
    assert not np.isfinite(depth).any()
    lay_triangles(depth, which, corners, np.array([50.0, 60, 55, 10]), np.array([[0, 1, 2]]))
    before = depth.copy()
    assert np.isfinite(depth).sum() > 300
    lay_triangles(depth, which, corners, np.array([50.5, 60.5, 55.5, 10]), np.array([[0, 2, 1]]))
    assert np.array_equal(depth, before) and (which[np.isfinite(depth)] == 0).all()


@pytest.mark.parametrize("width_px", [1, 2, 4])
def test_the_border_is_what_erosion_takes_away(width_px):
    seen = np.isfinite(surface())
    border = np.zeros(seen.shape, dtype=bool)
    mark_border(border, seen, width_px)
    cross = ndimage.generate_binary_structure(2, 1)
    wanted = seen & ~ndimage.binary_erosion(seen, cross, width_px, border_value=1)
    assert wanted.any() and np.array_equal(border, wanted)


def test_a_fold_is_where_the_surface_ends_before_itself():
    depth = surface(1)
    folds = np.zeros(depth.shape, dtype=bool)
    mark_folds(folds, depth, 8.0)
    farthest = ndimage.maximum_filter(np.where(np.isfinite(depth), depth, -np.inf), 3)
    wanted = np.isfinite(depth) & (farthest - np.where(np.isfinite(depth), depth, 0) > 8)
    assert wanted.any() and np.array_equal(folds, wanted)


def test_lines_are_softened_as_by_a_gaussian_up_to_the_border():
    line = np.zeros((20, 30), dtype=bool)
    line[0, 3:20], line[5:18, 29], line[10, 10:14] = True, True, True
    along = np.exp(-(np.arange(-2.0, 3.0) ** 2) / (2 * 0.6**2))
    softened = np.zeros(line.shape, dtype=np.float32)
    soften(softened, line, np.outer(along, along) / along.sum() ** 2)
    assert softened == pytest.approx(ndimage.gaussian_filter(line.astype(np.float32), 0.6), abs=1e-6)


def test_a_part_is_drawn_by_its_depth_and_only_where_nothing_is_before_it():
    over, under = surface(1), surface(1) + np.linspace(-30, 90, 60)
    faded = np.empty(under.shape)
    fade(faded, under, over, 60.0, 0.3)
    with np.errstate(invalid="ignore"):
        below = np.where(np.isfinite(under) & np.isfinite(over), under - over, 0.0)
    assert faded == pytest.approx(np.clip(np.exp(-np.maximum(below, 0) / 60), 0.3, 1))
    colors, facing = np.full((40, 60, 3), 100, dtype=np.float32), np.linspace(0, 1, 60) * np.ones((40, 1))
    nearest = np.where(np.arange(40)[:, None] < 20, under, under - 1)
    lay_surface(colors, np.array([200, 40, 0], dtype=np.float32), under, nearest, facing, faded, 0.4, 0.5)
    shown = np.isfinite(under) & (np.arange(40)[:, None] < 20)
    wanted = 100 + (0.5 * faded)[..., None] * ((0.4 + 0.6 * facing)[..., None] * (200, 40, 0) - 100)
    assert colors == pytest.approx(np.where(shown[..., None], wanted, 100), abs=1e-3) and shown.any()


def test_a_colour_is_laid_by_its_opacity_and_becomes_whole_numbers():
    colors, opacity = np.full((2, 2, 3), 100, dtype=np.float32), np.array([[0, 0.5], [1.0, 0.25]])
    lay_color(colors, np.array([300, 0, 101], dtype=np.float32), opacity, 1.0)
    drawn = np.empty((2, 2, 3), dtype=np.uint8)
    as_bytes(drawn, colors)
    assert drawn.tolist() == [[[100, 100, 100], [200, 50, 100]], [[255, 0, 101], [150, 75, 100]]]
