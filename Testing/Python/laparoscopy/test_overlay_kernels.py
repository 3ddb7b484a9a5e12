"""What is compiled of views and overlays, against NumPy and SciPy on drawn surfaces."""

import numpy as np
import pytest
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.laparoscopy.overlay import drawing
from CRLMSegmentationLib.laparoscopy.overlay.blending import as_bytes, lay_line, lay_surface, lay_tint
from CRLMSegmentationLib.laparoscopy.overlay.borders import mark_border, mark_folds, soften, strengthen
from CRLMSegmentationLib.laparoscopy.overlay.parts import LIVER, TUMORS, ModelPart, kind_of
from CRLMSegmentationLib.laparoscopy.surface.depth import lay_triangles, see_points
from CRLMSegmentationLib.laparoscopy.surface.view import SurfaceView
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
    depth = surface()
    seen = np.isfinite(depth)
    line, beside = np.zeros(seen.shape, dtype=bool), np.zeros(seen.shape, dtype=bool)
    mark_border(line, beside, depth, width_px, width_px + 2)
    cross = ndimage.generate_binary_structure(2, 1)
    for border, width in ((line, width_px), (beside, width_px + 2)):
        wanted = seen & ~ndimage.binary_erosion(seen, cross, width, border_value=1)
        assert wanted.any() and np.array_equal(border, wanted)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_fold_is_where_the_surface_ends_before_itself(kind):
    depth = surface(1).astype(kind)
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
    soften(softened, np.flatnonzero(line), np.outer(along, along) / along.sum() ** 2)
    wanted = ndimage.gaussian_filter(line.astype(np.float32), 0.6)
    assert softened == pytest.approx(wanted, abs=1e-6)
    strengthen(softened.reshape(-1), 1.3)
    assert softened == pytest.approx(np.minimum(1.3 * wanted, 1), abs=1e-5) and softened.max() == 1


def faded(depth, surface, faintest):
    with np.errstate(invalid="ignore"):
        below = np.where(np.isfinite(depth) & np.isfinite(surface), depth - surface, 0.0)
    return np.clip(np.exp(-np.maximum(below, 0) / 60), faintest, 1)


def test_a_part_is_drawn_by_its_depth_and_only_where_nothing_is_before_it():
    over, under = surface(1), surface(1) + np.linspace(-30, 90, 60)
    colors, facing = np.full((40, 60, 3), 100, dtype=np.float32), np.linspace(0, 1, 60) * np.ones((40, 1))
    nearest = np.where(np.arange(40)[:, None] < 20, under, under - 1)
    color = np.array([200, 40, 0], dtype=np.float32)
    lay_surface(colors, color, under, nearest, facing, over, 60.0, 0.3, 0.4, 0.5)
    shown = np.isfinite(under) & (np.arange(40)[:, None] < 20)
    wanted = 100 + (0.5 * faded(under, over, 0.3))[..., None] * ((0.4 + 0.6 * facing)[..., None] * color - 100)
    assert colors == pytest.approx(np.where(shown[..., None], wanted, 100), abs=1e-3) and shown.any()


def test_a_line_is_drawn_on_its_surface_alone_and_fainter_under_another():
    over, under = surface(1), surface(1) + np.linspace(-30, 90, 60)
    line = np.random.default_rng(3).uniform(-0.2, 1, (40, 60)).astype(np.float32).clip(0)
    colors, color = np.full((40, 60, 3), 100, dtype=np.float32), np.array([200, 40, 0], dtype=np.float32)
    lay_line(colors, color, line, under, over, 60.0, 0.6, 0.9)
    share = np.where(np.isfinite(under), 0.9 * line * faded(under, over, 0.6), 0)[..., None]
    assert colors == pytest.approx(100 + share * (color - 100), abs=1e-3) and (share > 0).any()


def test_a_colour_is_laid_where_the_surface_is_and_becomes_whole_numbers():
    colors, depth = np.full((2, 2, 3), 100, dtype=np.float32), np.array([[np.inf, 80], [np.inf, 0.5]])
    lay_tint(colors, np.array([252, 0, 101], dtype=np.float32), depth, 0.25)
    drawn = np.empty((2, 2, 3), dtype=np.uint8)
    as_bytes(drawn.reshape(-1), colors.reshape(-1))
    assert drawn.tolist() == [[[100, 100, 100], [138, 75, 100]], [[100, 100, 100], [138, 75, 100]]]
    halves = np.array([0, 0.5, 1.5, 2.5, 254.4, 254.5, 255], dtype=np.float32)
    whole = np.empty(7, dtype=np.uint8)
    as_bytes(whole, halves)
    assert whole.tolist() == np.rint(halves).tolist()


def test_in_bands_a_picture_is_drawn_as_in_one_piece(monkeypatch):
    depths = [surface(1), surface(1) + 20, surface(2) + 5]
    views = [SurfaceView(depth.astype(np.float32), np.full((40, 60), 0.7, np.float32)) for depth in depths]
    parts = [ModelPart(kind, None) for kind in (LIVER, kind_of("portal"), TUMORS)]
    picture = np.random.default_rng(4).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    drawn = []
    for bands in (1, 5):
        monkeypatch.setattr(drawing, "_BANDS", bands)
        drawn.append(drawing.draw_views(picture, parts, views))
    assert np.array_equal(*drawn) and (drawn[0] != picture).any(axis=-1).mean() > 0.3
