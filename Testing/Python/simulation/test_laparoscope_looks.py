"""What a simulated laparoscope's pictures look like, and that their truth is what can be seen in them."""

from dataclasses import replace

import numpy as np
import pytest
from CRLMSegmentationLib.geometry import invert_affine
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from CRLMSegmentationLib.laparoscopy.lines.image_circle import find_circle
from CRLMSegmentationLib.simulation.laparoscope import LANDMARKS, draw_views
from CRLMSegmentationLib.simulation.laparoscope.looks import draw_pictures, pictures
from CRLMSegmentationLib.simulation.laparoscope.looks.appearance import draw_patient_looks, draw_view_looks
from CRLMSegmentationLib.simulation.laparoscope.looks.bodies import lumpy_ellipsoid, tube
from CRLMSegmentationLib.simulation.laparoscope.looks.buffers import draw_buffers
from CRLMSegmentationLib.simulation.laparoscope.looks.camera_effects import taken
from CRLMSegmentationLib.simulation.laparoscope.looks.noise import noise_at
from CRLMSegmentationLib.simulation.laparoscope.looks.scene import (
    FAT,
    LIVER,
    SHAFT,
    WALL,
    Body,
    kept_clear,
    patient_bodies,
)
from CRLMSegmentationLib.values.camera import Camera
from scipy import ndimage

CAMERA = Camera(np.array([[100.0, 0, 59.5], [0, 100, 44.5], [0, 0, 1]]), (120, 90))


def rays_of(camera):
    v, u = np.mgrid[: camera.image_size[1], : camera.image_size[0]].astype(float)
    return camera.unproject(np.stack([u, v], axis=-1))


@pytest.fixture(scope="module")
def views(operation):
    """The first view, at a third of its size."""
    one = draw_views(operation, 1)
    camera = one.camera.at_size((320, 180))
    parts = {name: np.ascontiguousarray(getattr(one, name)[:, 1::3, 1::3]) for name in ("depth_mm", "landmarks")}
    return replace(one, camera=camera, **parts)


@pytest.fixture(scope="module")
def drawn(operation, views):
    return draw_pictures(operation, views)


def test_the_same_patient_gives_the_same_bytes(operation, views, drawn):
    again = draw_pictures(operation, views)
    assert np.array_equal(again.pictures, drawn.pictures) and np.array_equal(again.seen, drawn.seen)
    assert drawn.pictures.dtype == np.uint8 and drawn.pictures.shape == (1, 180, 320, 3)
    assert drawn.pictures.std() > 20


def test_the_liver_of_the_picture_is_that_of_the_depth(operation, views):
    """Drawn from other triangles by other code: where the scene shows liver, it lies as deep as the view says."""
    looks = draw_patient_looks(np.random.default_rng(1))
    to_camera = invert_affine(views.camera_to_reference[0]) @ operation.patient_to_reference
    bodies = [(body, to_camera) for body in patient_bodies(operation, looks)]
    buffers = draw_buffers(views.camera, bodies, rays_of(views.camera), np.zeros(3))
    liver = (buffers.tissue == LIVER) & (views.depth_mm[0] > 0)
    assert liver.sum() > 2000 and (buffers.tissue > 0).mean() > 0.97
    assert np.percentile(np.abs(buffers.points[..., 2] - views.depth_mm[0])[liver], 99) < 0.5
    assert np.allclose(np.linalg.norm(buffers.normals[liver], axis=1), 1)
    assert ((buffers.normals * buffers.points).sum(axis=-1)[liver] <= 0).all()


def test_what_hides_a_landmark_hides_it_in_the_truth(operation, views, drawn, monkeypatch):
    """A shaft across the ridge: no pixel of it is a landmark any more, and all others are what they were."""
    v, u = np.argwhere(views.landmarks[0] == LANDMARKS["ridge"])[40]
    place = views.camera.unproject(np.array([u, v], dtype=float), 0.6 * float(views.depth_mm[0, v, u]))
    shaft = tube(place - [0, 60, 0], place + [0, 60, 0], np.array([4.0, 4.0]))
    body = Body(SHAFT, shaft, shaft.points)
    monkeypatch.setattr(pictures, "instruments", lambda camera, depth, looks: [])
    free = draw_pictures(operation, views)
    monkeypatch.setattr(pictures, "instruments", lambda camera, depth, looks: [body])
    hidden = draw_pictures(operation, views)
    assert free.seen[0, 0, v, u] and not hidden.seen[0, :, v, u].any()
    assert not (hidden.seen & ~free.seen).any()
    changed = (free.seen != hidden.seen).any(axis=(0, 1))
    assert 0 < changed.sum() < 0.5 * free.seen.any(axis=(0, 1)).sum()


def test_the_outline_is_no_landmark_where_it_is_the_ridge(views, drawn):
    ridge, _, silhouette = drawn.seen[0]
    assert ridge.sum() > 50 and silhouette.sum() > 50
    assert not (ridge & silhouette).any()


def test_the_light_throws_the_shadow_of_what_is_before_a_surface(operation):
    """A ball of 10 mm before a wall, 50 and 100 mm away, the lamp 10 mm to the right: the shadow lies on the left."""
    ball = lumpy_ellipsoid(np.array([0, 0, 50.0]), np.full(3, 5.0), 0.0, 9.0, 1)
    wall = lumpy_ellipsoid(np.array([0, 0, 130.0]), np.array([200.0, 200, 30]), 0.0, 9.0, 1, 200)
    bodies = [(Body(FAT, ball, ball.points), np.eye(4)), (Body(WALL, wall, wall.points), np.eye(4))]
    buffers = draw_buffers(CAMERA, bodies, rays_of(CAMERA), np.array([10.0, 0, 0]))
    shadow = np.argwhere((buffers.tissue == WALL) & ~buffers.lit)
    assert len(shadow) > 30
    # On the line from the lamp through the ball: 10 mm to the left of the axis at 100 mm, 10 pixels here.
    assert abs(shadow[:, 1].max() + shadow[:, 1].min()) / 2 < 59.5 and abs(shadow[:, 0].mean() - 44.5) < 1.5
    assert 59.5 - 10 - 10 - 1.5 < shadow[:, 1].min() < 59.5 - 10 - 10 + 1.5


def test_the_scope_pushes_fat_aside_and_nothing_else():
    near = lumpy_ellipsoid(np.array([0, 0, 70.0]), np.full(3, 30.0), 0.0, 9.0, 1)
    around = lumpy_ellipsoid(np.zeros(3), np.full(3, 30.0), 0.0, 9.0, 1)
    bodies = [Body(tissue, mesh, mesh.points) for tissue, mesh in ((FAT, near), (FAT, around), (LIVER, near))]
    pushed, liver = kept_clear(bodies, np.zeros(3))
    distance = np.linalg.norm(pushed.mesh.points, axis=1)
    assert distance.min() == pytest.approx(45) and liver is bodies[2]
    far = np.linalg.norm(near.points, axis=1) > 45
    assert np.array_equal(pushed.mesh.points[far], near.points[far]) and pushed.places is bodies[0].places


def test_noise_is_fixed_in_space_smooth_and_even():
    places = np.random.default_rng(2).uniform(-300, 300, (20000, 3))
    values = noise_at(places, 10.0, 5, 2)
    assert abs(values.mean()) < 0.02 and 0.2 < values.std() < 0.6 and np.abs(values).max() <= 1.6
    assert np.array_equal(noise_at(places[::2], 10.0, 5, 2), values[::2])
    assert np.abs(noise_at(places + 0.01, 10.0, 5, 2) - values).max() < 0.02
    assert abs(np.corrcoef(values, noise_at(places, 10.0, 6, 2))[0, 1]) < 0.05


def test_the_border_is_a_circle_as_a_camera_has_it():
    rng = np.random.default_rng(3)
    looks = replace(draw_patient_looks(rng), border=0.4)
    view = replace(draw_view_looks(rng), smoke=0.0, motion_px=(0.0, 0.0))
    picture = taken(np.full((270, 480, 3), 0.4), np.full((270, 480), 80.0), looks, view)
    circle = find_circle(picture)
    assert circle is not None and circle.radius == pytest.approx(192, abs=3)
    assert picture[0, 0].max() < 40 and picture[135, 240].max() > 80
    whole = taken(np.full((270, 480, 3), 0.4), np.full((270, 480), 80.0), replace(looks, border=None), view)
    assert find_circle(whole) is None


def test_smoke_hides_what_is_far_more_than_what_is_near():
    rng = np.random.default_rng(4)
    looks, view = replace(draw_patient_looks(rng), border=None), replace(draw_view_looks(rng), motion_px=(0.0, 0.0))
    light = np.tile(np.where(np.arange(480) % 40 < 20, 0.05, 0.5)[None, :, None], (270, 1, 3))
    depth = np.tile(np.where(np.arange(480) < 240, 30.0, 150.0), (270, 1))
    clear, smoky = (
        taken(light, depth, looks, replace(view, smoke=smoke, noise=0.0)).astype(float).mean(axis=(0, 2))
        for smoke in (0.0, 0.6)
    )
    lost = [np.std(clear[half]) - np.std(smoky[half]) for half in (slice(0, 240), slice(240, 480))]
    assert lost[1] > lost[0] > 0


def test_the_shipped_network_finds_the_ridge_of_a_patient_that_it_has_not_learned_from(drawn):
    """The ridge, in a picture of a third of the usual size, of which less than a seventh lies near it."""
    pytest.importorskip("cv2", reason="OpenCV is not installed (extra 'scope')")
    from CRLMSegmentationLib.laparoscopy.network import landmark_finder

    model = landmark_finder.landmark_model("landmarks-simulated-small")
    assert model.card.trained_on_simulated_only
    assert sum(file.stat().st_size for file in model.folder.rglob("*") if file.is_file()) < 10_000_000
    finder = landmark_finder.LandmarkFinder(LocalPredictor(model, "cpu", threads=1), model.card.threshold)
    lines = finder.find(drawn.pictures[0]).lines
    found = landmark_finder.drawn([line for line in lines if line.landmark == "ridge"], (320, 180)) > 0
    truth = drawn.seen[0][0]
    around_truth, around_found = (ndimage.binary_dilation(one, iterations=4) for one in (truth, found))
    assert around_truth.mean() < 0.15 and around_truth[found].mean() > 0.4 and around_found[truth].mean() > 0.4
