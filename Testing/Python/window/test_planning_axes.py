"""The planning slices lie as the sweep lies, and show the patient the way round the live image does."""

import numpy as np
import pytest
from CRLMSegmentationLib.values import image_plane


@pytest.fixture
def axes_of(window_module):
    return window_module("view.planning_axes").planning_axes


def turn(axis, degrees):
    """(3, 3) rotation about a coordinate axis."""
    angle = np.radians(degrees)
    first, second = [number for number in range(3) if number != axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
    return matrix


def image(rotation, at=(0, 0, 0)):
    """(4, 4) of an image with pixels of 0.2 x 0.3 mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation @ np.diag([0.2, 0.3, 1.0])
    matrix[:3, 3] = at
    return matrix


@pytest.mark.parametrize("seed", range(4))
def test_the_first_slice_shows_the_image_as_the_live_view_does(axes_of, seed):
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    axes = axes_of([image(rotation, (0, 0, step)) for step in range(5)])
    live = image_plane(image(rotation), (100, 80)).slice_to_reference()
    np.testing.assert_allclose(axes["Red"], live[:3, :3], atol=1e-9)


def test_none_is_mirrored_and_all_are_square_to_each_other(axes_of):
    axes = axes_of([image(turn(0, 30) @ turn(2, 110))])
    for frame in axes.values():
        np.testing.assert_allclose(frame.T @ frame, np.eye(3), atol=1e-12)
        assert np.linalg.det(frame) == pytest.approx(1)
    normals = [axes[name][:, 2] for name in ("Red", "Yellow", "Green")]
    np.testing.assert_allclose(np.abs(np.array(normals) @ np.array(normals).T), np.eye(3), atol=1e-12)


def test_the_probe_is_above_in_both_upright_slices(axes_of):
    rotation = turn(1, 40)
    axes = axes_of([image(rotation)])
    towards_the_probe = -rotation[:, 1]
    for name in ("Red", "Yellow"):
        np.testing.assert_allclose(axes[name][:, 1], towards_the_probe, atol=1e-9)
    np.testing.assert_allclose(axes["Green"][:, 2], towards_the_probe, atol=1e-9)


def test_a_tilted_sweep_lies_as_its_middle(axes_of):
    tilts = [image(turn(0, degrees)) for degrees in range(-30, 31, 5)]
    np.testing.assert_allclose(axes_of(tilts)["Red"], axes_of([image(np.eye(3))])["Red"], atol=1e-9)


def test_a_sweep_that_turns_round_lies_as_the_image_in_its_middle(axes_of):
    round_and_round = [image(turn(1, degrees) @ turn(0, degrees)) for degrees in range(0, 360, 10)]
    middle = axes_of([round_and_round[18]])["Red"]
    np.testing.assert_allclose(axes_of(round_and_round)["Red"], middle, atol=1e-9)


def test_images_without_a_plane_say_nothing(axes_of):
    flat = np.eye(4)
    flat[:3, 1] = flat[:3, 0]
    assert axes_of([]) is None
    assert axes_of([np.zeros((4, 4)), flat, np.full((4, 4), np.nan)]) is None
    assert axes_of([flat, image(np.eye(3))]) is not None
