"""The error of a distance: propagated to first order, checked against many random draws."""

import numpy as np
import pytest
from CRLMSegmentationLib.calibration.accuracy.budget import Budget
from CRLMSegmentationLib.calibration.accuracy.error_model import (
    SOURCES,
    ErrorModel,
    SeenPlace,
    distance_budget,
    surface_covariances,
    tip_covariances,
)
from CRLMSegmentationLib.calibration.probe.phantom_registration import image_covariance_of, register_phantom
from CRLMSegmentationLib.errors import CalibrationError
from CRLMSegmentationLib.geometry import transform_points
from scipy.spatial.transform import Rotation

TIP = np.array([1.0, -2.0, -140.0])
TIP_COVARIANCE = np.array([[0.3, 0.1, 0.0], [0.1, 0.2, 0.05], [0.0, 0.05, 0.1]])
IMAGE_COVARIANCE = np.diag([1e-6, 2e-6, 0.04] * 3)
DRAWS = 20_000


def placed(rotvec, at):
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = Rotation.from_rotvec(rotvec).as_matrix(), at
    return matrix


IMAGE_TO_PROBE = placed([0.2, 0.1, -0.4], [-20.0, 45.0, 8.0]) @ np.diag([0.2, 0.2, 0.2, 1.0])
PROBE = placed([0.5, -0.3, 1.0], [10.0, -60.0, 30.0])
PIXEL = np.array([160.0, 150.0])
VELOCITY = np.array([2.0, 9.0, -4.0])
MODEL = ErrorModel(0.4, 0.15, TIP_COVARIANCE, IMAGE_COVARIANCE, 0.02, 0.5, 0.8)


def scene():
    """(seen, tool, tip) of a tip 12 mm from a place on the surface."""
    seen = SeenPlace(PROBE @ IMAGE_TO_PROBE, PIXEL, PROBE, VELOCITY)
    turn = placed([0.3, 2.9, 0.2], [0, 0, 0])
    tip = seen.point_ras + 12.0 * np.array([0.6, 0.0, 0.8])
    tool = turn.copy()
    tool[:3, 3] = tip - turn[:3, :3] @ TIP
    return seen, tool, tip


def budget_of(model):
    seen, tool, tip = scene()
    return distance_budget(
        model, surface_covariances(model, seen), tip_covariances(model, tool, tip), seen.point_ras - tip
    )


def drawn_distances(model, random):
    """Of a plane through the place, square to the way to the tip, so that the distance is linear in its place."""
    seen, tool, tip = scene()
    normal = (tip - seen.point_ras) / 12.0

    def poses(true):
        turns = Rotation.from_rotvec(np.radians(model.tracking_deg or 0) * random.normal(size=(DRAWS, 3)))
        said = np.tile(true, (DRAWS, 1, 1))
        said[:, :3, :3] = turns.as_matrix() @ true[:3, :3]
        said[:, :3, 3] += (model.tracking_mm or 0) * random.normal(size=(DRAWS, 3))
        return said

    image = np.zeros((DRAWS, 3)) if model.image_covariance is None else np.einsum(
        "nab,b->na", random.multivariate_normal(np.zeros(9), model.image_covariance, DRAWS).reshape(-1, 3, 3),
        [*PIXEL, 1.0],
    )  # fmt: skip
    in_probe = transform_points(IMAGE_TO_PROBE, [*PIXEL, 0.0]) + image
    probe, stylus = poses(PROBE), poses(tool)
    places = np.einsum("nab,nb->na", probe[:, :3, :3], in_probe) + probe[:, :3, 3]
    places = places + VELOCITY * (model.delay_s or 0) * random.normal(size=(DRAWS, 1))
    tips = np.tile(TIP, (DRAWS, 1))
    if model.tip_covariance_mm2 is not None:
        tips = random.multivariate_normal(TIP, model.tip_covariance_mm2, DRAWS)
    tips = np.einsum("nab,nb->na", stylus[:, :3, :3], tips) + stylus[:, :3, 3]
    return (tips - places) @ normal + (model.outline_mm or 0) * random.normal(size=DRAWS)


@pytest.mark.parametrize(
    "known",
    [
        {"tracking_mm": 0.4, "tracking_deg": 0.15}, {"tip_covariance_mm2": TIP_COVARIANCE},
        {"image_covariance": IMAGE_COVARIANCE}, {"delay_s": 0.02}, {"outline_mm": 0.8},
        {"tracking_mm": 0.4, "tracking_deg": 0.15, "tip_covariance_mm2": TIP_COVARIANCE,
         "image_covariance": IMAGE_COVARIANCE, "delay_s": 0.02, "outline_mm": 0.8},
    ],
    ids=["tracking", "stylus", "image", "time", "outline", "all"],
)  # fmt: skip
def test_first_order_agrees_with_random_draws(known):
    model = ErrorModel(**known)
    drawn = drawn_distances(model, np.random.default_rng(4))
    assert drawn.mean() == pytest.approx(12.0, abs=0.05)
    assert budget_of(model).deviation_mm == pytest.approx(drawn.std(), rel=0.03)


def test_sources_add_as_independent_errors_do():
    budget = budget_of(MODEL)
    assert list(budget.deviations_mm) == list(SOURCES) and budget.is_complete and budget.reason == ""
    assert budget.deviation_mm == pytest.approx(np.sqrt(sum(value**2 for value in budget.deviations_mm.values())))
    assert budget.within_mm == pytest.approx(1.96 * budget.deviation_mm)


def test_at_the_surface_the_worst_direction_counts():
    model = ErrorModel(tip_covariance_mm2=TIP_COVARIANCE)
    _, tool, tip = scene()
    budget = distance_budget(model, {}, tip_covariances(model, tool, tip), np.zeros(3))
    assert budget.deviations_mm["stylus"] == pytest.approx(np.sqrt(np.linalg.eigvalsh(TIP_COVARIANCE)[-1]))


def test_what_is_not_known_is_said():
    budget = budget_of(ErrorModel(voxel_mm=0.5, unknown={"stylus": "the stylus was calibrated on another day"}))
    assert set(budget.unknown) == {"tracking", "stylus", "image", "time", "outline"} and not budget.is_complete
    assert (
        "the stylus was calibrated on another day" in budget.reason
        and "the image was not calibrated here" in budget.reason
    )


def test_a_place_that_no_frame_shows_is_not_taken_for_exact():
    _, tool, tip = scene()
    budget = distance_budget(MODEL, {}, tip_covariances(MODEL, tool, tip), np.array([1.0, 0, 0]))
    assert {"image", "time"} <= set(budget.unknown) and "no frame of the sweep" in budget.reason


def test_nothing_known_is_no_error_of_zero_that_looks_complete():
    assert not budget_of(ErrorModel()).is_complete
    assert Budget({}, {"stylus": "x"}).within_mm == 0


LANDMARKS = np.array([[x, y, z] for x in (0.0, 80.0) for y in (0.0, 50.0) for z in (0.0, 30.0)])


def test_the_phantoms_place_is_known_as_well_as_it_says():
    """Fitzpatrick's expected error at the middle of N landmarks is FLE / sqrt(N) along each axis."""
    truth = placed([0.2, -1.4, 0.6], [10, 36, 88])
    at, off, stated = np.array([120.0, 20.0, -60.0]), [], []
    for seed in range(300):
        touched = transform_points(truth, LANDMARKS) + np.random.default_rng(seed).normal(0, 0.5, LANDMARKS.shape)
        found = register_phantom(LANDMARKS, touched)
        off.append(transform_points(found.phantom_to_reference, at) - transform_points(truth, at))
        stated.append(found.covariance_at(transform_points(found.phantom_to_reference, at)))
    assert np.trace(np.mean(stated, axis=0)) == pytest.approx((np.array(off) ** 2).sum(axis=1).mean(), rel=0.12)
    assert np.trace(found.covariance_at(found.middle_mm)) == pytest.approx(3 * 0.25 / 8, rel=0.9)


def test_a_phantom_with_three_landmarks_tells_nothing_of_its_own_error():
    with pytest.raises(CalibrationError, match="four and more"):
        register_phantom(LANDMARKS[:3], LANDMARKS[:3])
    line = np.outer(np.arange(5.0), [10.0, 0, 0])
    with pytest.raises(CalibrationError, match="one line"):
        register_phantom(line, line)


def test_the_phantoms_error_is_carried_on_to_the_image():
    truth = placed([0.2, -1.4, 0.6], [10, 36, 88])
    touched = transform_points(truth, LANDMARKS) + np.random.default_rng(0).normal(0, 0.5, LANDMARKS.shape)
    found = register_phantom(LANDMARKS, touched)
    covariance = image_covariance_of(found, IMAGE_TO_PROBE, PROBE[np.newaxis])
    at_pixel = np.kron(np.eye(3), [*PIXEL, 1.0])
    expected = found.covariance_at(transform_points(PROBE @ IMAGE_TO_PROBE, [*PIXEL, 0.0]))
    turn = PROBE[:3, :3]
    np.testing.assert_allclose(turn @ at_pixel @ covariance @ at_pixel.T @ turn.T, expected, rtol=1e-9, atol=1e-12)
