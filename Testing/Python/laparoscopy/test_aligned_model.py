"""A model that a person lays before a camera: where he begins, and where each step takes it."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.laparoscopy.overlay.parts import LIVER, ModelPart
from CRLMSegmentationLib.session.laparoscope.aligned_model import Aligned, first_pose


def test_each_move_goes_where_its_name_says_and_the_first_pose_shows_the_whole_liver(liver_view):
    parts = (ModelPart(LIVER, liver_view.model.liver),)
    first = first_pose(parts, liver_view.camera)
    laid, points = Aligned(parts, liver_view.camera, first), parts[0].mesh.points

    def seen(one):
        in_camera = transform_points(one.model_to_camera, points)
        near = in_camera[:, 2] < np.quantile(in_camera[:, 2], 0.1)
        upper = points[:, 2] > np.quantile(points[:, 2], 0.9)
        pixels = one.camera.project(in_camera)
        extent = np.ptp(pixels, axis=0)
        return pixels.mean(axis=0), extent, pixels[near].mean(axis=0), upper, pixels

    middle, extent, front, upper, pixels = seen(laid)
    assert liver_view.camera.is_in_image(pixels).all()
    assert pixels[upper][:, 1].mean() < pixels[~upper][:, 1].mean()
    near = transform_points(first, points)[:, 2]
    near = near < np.quantile(near, 0.1)
    for move, axis, side in (("left", 0, -1), ("right", 0, 1), ("up", 1, -1), ("down", 1, 1)):
        assert side * (seen(laid.after(move))[0] - middle)[axis] > 5
    assert (seen(laid.after("nearer"))[1] > extent).all() and (seen(laid.after("farther"))[1] < extent).all()
    for move, axis, side in (("swing left", 0, -1), ("swing right", 0, 1), ("tilt up", 1, -1), ("tilt down", 1, 1)):
        moved_to = laid.camera.project(transform_points(laid.after(move).model_to_camera, points[near])).mean(axis=0)
        assert side * (moved_to - front)[axis] > 1
    right = points[:, 0] > np.quantile(points[:, 0], 0.9)
    # The patient's right is to the left in the picture, and goes up when the model is turned to the right.
    turned = laid.camera.project(transform_points(laid.after("turn right").model_to_camera, points[right]))
    assert pixels[right][:, 0].mean() < middle[0] and turned[:, 1].mean() < pixels[right][:, 1].mean() - 1
    near_by = laid
    with pytest.raises(ConfigurationError, match="no place for it"):
        for _ in range(200):
            near_by = near_by.after("nearer")
    with pytest.raises(ConfigurationError, match="no move 'sideways'"):
        laid.after("sideways")
