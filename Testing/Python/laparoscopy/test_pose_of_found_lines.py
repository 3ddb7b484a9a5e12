"""The pose from lines that a network found: unsure ones draw it less, it is looked for from two poses, and another pose
that is as likely is stated.
"""

from dataclasses import replace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import LaparoscopeError
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.laparoscopy.pose import registration
from CRLMSegmentationLib.laparoscopy.pose.matching import Matcher
from CRLMSegmentationLib.laparoscopy.pose.model_landmarks import Curves
from CRLMSegmentationLib.laparoscopy.pose.registration import register_pose
from CRLMSegmentationLib.laparoscopy.pose.solver import fit_pose, moved

TARGETS = np.array([[0.0, 20, 0], [-30, 20, 5], [30, 0, -5]])


def off_mm(view, pose):
    return np.linalg.norm(transform_points(pose, TARGETS) - transform_points(view.pose, TARGETS), axis=1)


def test_a_line_that_the_network_is_unsure_of_draws_the_pose_less(liver_view):
    """The ridge 5 of 480 pixels too low, as a network has it that is unsure."""
    lines = liver_view.of("ligament", "silhouette")
    poses = []
    for confidence in (1.0, 0.8):
        low = [replace(line, points=line.points + [0, 5], confidence=confidence) for line in liver_view.of("ridge")]
        matcher = Matcher(liver_view.model, liver_view.camera, [*lines, *low])
        poses.append(fit_pose(matcher, liver_view.pose).model_to_camera)
    matches = matcher.match(liver_view.pose)
    assert matches.off_px[matches.kinds != 1] == pytest.approx(480 / 500)
    assert matches.off_px[matches.kinds == 1] == pytest.approx(480 * np.hypot(1 / 500, 0.2 / 16))
    assert matches.weights.mean() == pytest.approx(1)
    assert off_mm(liver_view, poses[1]).mean() < 0.5 * off_mm(liver_view, poses[0]).mean()


def test_the_shape_is_looked_for_from_the_rough_pose_and_from_the_rigid_one(liver_view, monkeypatch):
    """From a rough pose that is far off the liver may be bent toward it."""
    fit, starts = registration.fit_deformed, []

    def from_far_it_is_worse(matcher, modes, start):
        starts.append(start)
        found = fit(matcher, modes, start)
        if len(starts) > 1:
            return found
        return replace(found, model_to_camera=moved(found.model_to_camera, np.full(6, 20.0), found.center),
                       improbable=found.improbable + 20)  # fmt: skip

    monkeypatch.setattr(registration, "fit_deformed", from_far_it_is_worse)
    rough = moved(liver_view.pose, np.array([10.0, -8, 12, 8, -9, 7]), liver_view.model.liver.center)
    found = register_pose(liver_view.model, liver_view.camera, liver_view.lines, rough)
    assert len(starts) == 2 and starts[0] is rough and off_mm(liver_view, starts[1]).max() < 1
    assert off_mm(liver_view, found.model_to_camera).max() < 1 and found.others == ()


@pytest.mark.parametrize("away_mm, is_refused", [(20.0, False), (80.0, True)])
def test_another_pose_that_is_as_likely_is_stated_and_refused_where_it_is_far(
    liver_view, monkeypatch, away_mm, is_refused
):
    fit, found = registration.fit_deformed, []

    def two(matcher, modes, start):
        found.append(found[0] if found else fit(matcher, modes, start))
        step = np.array([0, 0, away_mm * (len(found) > 1), 0, 0, 0])
        there = moved(found[0].model_to_camera, step, found[0].center)
        return replace(found[0], model_to_camera=there, improbable=found[0].improbable + 0.01 * (len(found) > 1))

    monkeypatch.setattr(registration, "fit_deformed", two)
    arguments = liver_view.model, liver_view.camera, liver_view.lines, liver_view.pose
    if is_refused:
        with pytest.raises(
            LaparoscopeError, match=r"cannot determine the pose, the liver could still lie \d\d mm"
        ) as no:
            register_pose(*arguments)
        # All of them are seen, from end to end.
        assert "short" not in str(no.value) and "take a picture" in str(no.value)
        return
    registered = register_pose(*arguments)
    (share, other) = registered.others[0]
    assert share == pytest.approx(0.5, abs=0.01) and other.in_camera(TARGETS)[0, 2] > liver_view.pose[2, 3]
    likely = registered.deformed
    alone = np.hypot(
        np.linalg.norm(registered.in_camera(TARGETS)[0] - likely.in_camera(TARGETS)[0]), likely.error_mm(TARGETS[0])
    )
    assert registered.error_mm(TARGETS[0]) == pytest.approx(np.hypot(alone, np.sqrt(share) * away_mm), rel=1e-3)
    assert any("leave the pose open" in doubt for doubt in registered.doubts)


def test_a_curve_that_runs_behind_the_camera_is_matched_where_it_is_seen(liver_view):
    matcher = Matcher(liver_view.model, liver_view.camera, liver_view.lines)
    middle = np.array(liver_view.camera.intrinsics)[:2, 2]
    # Towards the camera along its axis, and past it: the next point but one cannot be seen.
    points = np.array([[0.0, 0.0, 60.0], [1.0, 0.0, 30.0], [2.0, 0.0, -1.0], [3.0, 0.0, -30.0]])
    curves = Curves(points, np.array([[0, 1], [0, 2], [1, 3], [2, 3]]))
    found = matcher._on_curves(middle + np.array([[30.0, 0.0], [60.0, 5.0]]), curves, np.eye(4))
    assert found is not None and all(np.isfinite(one).all() for one in found)
