"""A model whose liver has changed its shape since: the deformation is found with the pose, and the error that is stated
knows of it, also for a pose that keeps the shape.
"""

import numpy as np
import pytest
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.laparoscopy.pose.model_landmarks import ModelLandmarks
from CRLMSegmentationLib.laparoscopy.pose.registration import register_pose
from CRLMSegmentationLib.laparoscopy.pose.shape_modes import shape_modes
from CRLMSegmentationLib.laparoscopy.pose.solver import moved
from CRLMSegmentationLib.laparoscopy.surface.mesh import Mesh

TARGETS = np.array([[0.0, 30, 0], [-35, 20, 5], [40, 10, -5]])


def before(points):
    """Where points of the operation lay before it: the left and the right end hung lower, by 5 mm at 60 mm."""
    return points - np.outer(5 * (points[:, 0] / 60) ** 2, [0, 0, 1])


@pytest.fixture(scope="module")
def bent(liver_view):
    """What is registered: (rigid, deformed)."""
    mesh, curves = liver_view.model.liver, liver_view.model.lines
    model = ModelLandmarks(
        Mesh(before(mesh.points), mesh.triangles),
        {name: [before(line) for line in lines] for name, lines in curves.items()},
    )
    start = moved(liver_view.pose, np.array([10.0, -8, 12, 8, -9, 7]), model.liver.center)
    return tuple(
        register_pose(model, liver_view.camera, liver_view.lines, start, deform=deform) for deform in (False, True)
    )


def off_mm(view, found):
    return np.linalg.norm(found.in_camera(before(TARGETS)) - transform_points(view.pose, TARGETS), axis=1)


def test_the_deformation_is_found_with_the_pose(liver_view, bent):
    rigid, deformed = bent
    assert deformed.is_deformed and not rigid.is_deformed
    off = [off_mm(liver_view, found) for found in bent]
    assert off[1].max() < 5 and off[1].mean() < off[0].mean() / 2
    assert deformed.reprojection_px < 1 and deformed.reprojection_px < rigid.reprojection_px / 2
    there = deformed.displaced(before(TARGETS))
    assert transform_points(deformed.model_to_camera, there) == pytest.approx(deformed.in_camera(before(TARGETS)))


def test_the_stated_error_knows_of_the_shape(liver_view, bent):
    """Lines that fit to a few pixels do not say that a rigid pose is good to a few millimetres."""
    rigid, deformed = bent
    stated = [np.array([found.error_mm(point) for point in before(TARGETS)]) for found in bent]
    assert (stated[0] > stated[1]).all()
    for found, error in zip(bent, stated):
        ratio = np.sqrt((off_mm(liver_view, found) ** 2).mean() / (error**2).mean())
        assert 0.3 < ratio < 1.2
    assert any("has not the model's shape" in doubt for doubt in rigid.doubts)
    assert not any("shape" in doubt for doubt in deformed.doubts)


def test_modes_are_smooth_and_hold_no_rigid_motion(liver_view):
    modes = shape_modes(liver_view.model.liver, 12)
    points = liver_view.model.liver.points
    displaced = modes.at(points)
    assert displaced.shape == (len(points), 3, 12)
    sizes = np.sqrt((displaced**2).sum(axis=1).mean(axis=0))
    assert (np.diff(sizes) < 0.3).all() and sizes[0] > 2 * sizes[-1]
    controls = modes.at(modes.controls)
    assert np.abs(controls.mean(axis=0)).max() < 0.05 * sizes[0]
    from_center = modes.controls - modes.controls.mean(axis=0)
    turned = np.cross(from_center[:, :, None], controls, axis=1).mean(axis=0)
    assert np.abs(turned).max() < 0.05 * sizes[0] * np.linalg.norm(from_center, axis=1).mean()
    coefficients = np.random.default_rng(1).normal(size=12)
    there = modes.moved(points, coefficients)
    assert there == pytest.approx(points + displaced @ coefficients)
    assert modes.moved_back(there, coefficients) == pytest.approx(points, abs=0.01)
