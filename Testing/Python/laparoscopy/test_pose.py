"""The pose of a model by its landmarks in a picture: known poses, false lines, and what cannot be determined."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import LaparoscopeError
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.laparoscopy.opened_model import OpenedModel
from CRLMSegmentationLib.laparoscopy.overlay.parts import LIVER, ModelPart
from CRLMSegmentationLib.laparoscopy.pose.matching import Matcher
from CRLMSegmentationLib.laparoscopy.pose.model_landmarks import ModelLandmarks, coarse_mesh, silhouette_of
from CRLMSegmentationLib.laparoscopy.pose.registration import register_pose
from CRLMSegmentationLib.laparoscopy.pose.solver import moved
from CRLMSegmentationLib.laparoscopy.surface.mesh import refined_mesh
from CRLMSegmentationLib.values.landmarks import Polyline
from scipy.spatial import cKDTree

TARGETS = np.array([[0.0, 20, 0], [-30, 20, 5], [30, 0, -5]])
ROUGH = np.array([10.0, -8, 12, 8, -9, 7])


def off_mm(view, found):
    there = transform_points(view.pose, TARGETS)
    return np.linalg.norm(transform_points(found.model_to_camera, TARGETS) - there, axis=1)


def rough(view):
    return moved(view.pose, ROUGH, view.model.liver.center)


def test_the_silhouette_is_the_border_of_the_picture_of_the_liver(liver_view):
    silhouette = silhouette_of(liver_view.model.liver, liver_view.camera, liver_view.pose)
    drawn = np.vstack([line.sampled(0.5) for line in liver_view.of("silhouette")])
    # What is drawn ends a little before the picture's border.
    inner = (np.abs(silhouette.pixels - [239.5, 134.5]) < [235, 130]).all(axis=1)
    assert cKDTree(drawn).query(silhouette.pixels[inner])[0].max() < 0.6
    assert cKDTree(silhouette.pixels).query(drawn)[0].max() < silhouette.apart_px
    assert np.linalg.norm(silhouette.normals, axis=1) == pytest.approx(1)
    assert liver_view.camera.project(transform_points(liver_view.pose, silhouette.points)) == pytest.approx(
        silhouette.pixels
    )


def test_the_pose_is_found_from_a_rough_one(liver_view):
    found = register_pose(liver_view.model, liver_view.camera, liver_view.lines, rough(liver_view))
    assert off_mm(liver_view, found).max() < 0.7
    assert found.reprojection_px < 0.5 and found.outliers == 0 and found.doubts == ()
    assert set(found.landmark_px) == {"ridge", "ligament", "silhouette"}
    # The lines fit, and what they do not show may have changed its shape all the same.
    assert 1 < found.error_mm(TARGETS[0]) < 8
    assert found.model_to_camera[:3, :3] @ found.model_to_camera[:3, :3].T == pytest.approx(np.eye(3), abs=1e-9)


def test_the_pose_is_found_without_one(liver_view):
    found = register_pose(liver_view.model, liver_view.camera, liver_view.lines)
    assert off_mm(liver_view, found).max() < 0.7


def test_false_lines_do_not_draw_it_away(liver_view):
    false = [
        Polyline("ridge", np.array([[60.0, 40], [160, 60]])),
        Polyline("silhouette", np.array([[200.0, 80], [260, 200]])),
    ]
    found = register_pose(liver_view.model, liver_view.camera, [*liver_view.lines, *false], rough(liver_view))
    assert off_mm(liver_view, found).max() < 1.5 and 0.02 < found.outliers < 0.3
    assert found.reprojection_px < 1.5


def test_an_error_is_stated_that_grows_with_what_is_missing(liver_view):
    whole, part = (
        register_pose(liver_view.model, liver_view.camera, liver_view.of(*names), rough(liver_view))
        for names in (("ridge", "ligament", "silhouette"), ("ridge", "ligament"))
    )
    assert part.error_mm(TARGETS[2]) > whole.error_mm(TARGETS[2])


@pytest.mark.parametrize("names, sentence", [
    (("ligament",), "no ridge and no silhouette"), ((), "no landmark in common"),
])  # fmt: skip
def test_landmarks_that_cannot_determine_it_are_refused(liver_view, names, sentence):
    with pytest.raises(LaparoscopeError, match=sentence):
        register_pose(liver_view.model, liver_view.camera, liver_view.of(*names), rough(liver_view))


def test_a_model_without_curves_is_told(liver_view):
    bare = ModelLandmarks(liver_view.model.liver)
    with pytest.raises(LaparoscopeError, match="ridge and ligament are not marked on the model"):
        register_pose(bare, liver_view.camera, liver_view.of("ridge", "ligament"), rough(liver_view))
    with pytest.raises(LaparoscopeError, match="--start"):
        register_pose(bare, liver_view.camera, liver_view.of("silhouette"))


def test_a_surface_with_fewer_triangles_is_the_same_surface(liver_view):
    fine = refined_mesh(liver_view.model.liver, 1.5)
    coarse = coarse_mesh(fine)
    assert len(coarse.triangles) <= 20_000 < len(fine.triangles)
    assert cKDTree(fine.points).query(coarse.points)[0].max() < 1.0


def test_what_is_made_of_the_model_is_made_once(liver_view):
    """Fewer triangles take seconds for a liver of a CT: several times as long as a registration."""
    parts = (ModelPart(LIVER, liver_view.model.liver),)
    opened = OpenedModel(parts, liver_view.curves)
    assert opened.landmarks() is opened.landmarks()
    first, second = (Matcher(opened.landmarks(), liver_view.camera, liver_view.lines) for _ in range(2))
    assert first.coarse_liver is second.coarse_liver and opened.landmarks().modes is opened.landmarks().modes


def test_a_pose_that_has_nothing_to_do_with_the_rough_one_is_refused(liver_view):
    """Lines that were found where none are can fit closely; a person who has aligned the model knows better."""
    start = moved(liver_view.pose, np.array([0.0, 0, 100, 0, 0, 0]), liver_view.model.liver.center)
    with pytest.raises(LaparoscopeError, match="mm from the rough one"):
        register_pose(liver_view.model, liver_view.camera, liver_view.lines, start)
    near = moved(liver_view.pose, np.array([0.0, 0, 50, 0, 0, 0]), liver_view.model.liver.center)
    assert off_mm(liver_view, register_pose(liver_view.model, liver_view.camera, liver_view.lines, near)).max() < 3
