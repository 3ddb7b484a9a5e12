"""Each loss of landmarks against a value that was worked out by hand, and its gradient against differences."""

import math

import numpy as np
import pytest
import torch
from CRLMSegmentationLib.study.landmarks.losses import (
    LOGARITHMIC,
    MAX_LOG,
    PROPORTIONAL,
    LossWeights,
    dice,
    focal_tversky,
    huber,
    landmark_loss,
    weighted_cross_entropy,
)

# Two landmarks in one picture of 2 x 4: one pixel of the first, two of the second; probabilities as written.
TRUTH = torch.tensor([[[[1.0, 0, 0, 0], [0, 0, 0, 0]], [[0, 1.0, 1, 0], [0, 0, 0, 0]]]], dtype=torch.float64)
PROBABILITIES = np.full((1, 2, 2, 4), 0.25)
PROBABILITIES[0, 0, 0, 0], PROBABILITIES[0, 1, 0, 1] = 0.5, 0.75
LOGITS = torch.from_numpy(np.log(PROBABILITIES / (1 - PROBABILITIES)))


def by_hand(weight_of):
    """Sum over all pixels of weight times cross-entropy, divided by how many there are."""
    of_one = weight_of(8, 1) * -math.log(0.5) + weight_of(8, 7) * 7 * -math.log(0.75)
    of_other = weight_of(8, 2) * (-math.log(0.75) - math.log(0.25)) + weight_of(8, 6) * 6 * -math.log(0.75)
    return (of_one + of_other) / 16


@pytest.mark.parametrize(
    ("weighting", "weight_of"),
    [
        (MAX_LOG, lambda all_, of: max(1.0, math.log(all_ / of))),
        (LOGARITHMIC, lambda all_, of: math.log(all_ / of)),
        (PROPORTIONAL, lambda all_, of: all_ / of),
    ],
)
def test_the_cross_entropy_weighs_each_class(weighting, weight_of):
    assert float(weighted_cross_entropy(LOGITS, TRUTH, weighting)) == pytest.approx(by_hand(weight_of), rel=1e-6)


def test_a_landmark_that_is_not_there_has_a_finite_loss():
    nothing = torch.zeros_like(TRUTH)
    for weighting in (MAX_LOG, LOGARITHMIC, PROPORTIONAL):
        assert math.isfinite(float(weighted_cross_entropy(LOGITS, nothing, weighting)))


def test_dice_of_the_batch():
    pytest.importorskip("monai")
    # Sums of probabilities 0.5 + 7 / 4 and 0.75 + 7 / 4; in common with the truth 0.5 and 0.75 + 0.25.
    expected = 1 - (2 * 0.5 / (2.25 + 1) + 2 * 1.0 / (2.5 + 2)) / 2
    assert float(dice(LOGITS, TRUTH)) == pytest.approx(expected, abs=1e-4)


def test_focal_tversky_counts_a_missed_pixel_more_than_a_false_one():
    pytest.importorskip("monai")
    first = 0.5 / (0.5 + 0.7 * 0.5 + 0.3 * 1.75)
    second = 1.0 / (1.0 + 0.7 * 1.0 + 0.3 * 1.5)
    expected = ((1 - first) ** 0.75 + (1 - second) ** 0.75) / 2
    assert float(focal_tversky(LOGITS, TRUTH)) == pytest.approx(expected, abs=1e-4)
    perfect = torch.where(TRUTH > 0, 30.0, -30.0).requires_grad_()
    focal_tversky(perfect, TRUTH).backward()
    assert torch.isfinite(perfect.grad).all()


def test_huber_is_of_the_probabilities():
    # Squares halved up to an error of 0.5, from there on straight: the missed pixel of 0.25 is off by 0.75.
    errors = [0.5] + 7 * [0.25] + [0.25, 0.75] + 6 * [0.25]
    expected = sum(e * e / 2 if e <= 0.5 else 0.5 * (e - 0.25) for e in errors) / 16
    assert float(huber(LOGITS, TRUTH)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("part", ["cross_entropy", "dice", "focal_tversky", "huber"])
def test_every_loss_has_the_gradient_of_its_value(part):
    if part in ("dice", "focal_tversky"):
        pytest.importorskip("monai")
    loss = landmark_loss(LossWeights(**{**dict.fromkeys(("cross_entropy", "dice", "focal_tversky", "huber"), 0.0),
                                        part: 2.0}))  # fmt: skip
    logits = LOGITS.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda given: loss(given, TRUTH), (logits,), eps=1e-6, atol=1e-5)
    loss(logits, TRUTH).backward()
    # What is there is pushed up, what is not is pushed down.
    assert float(logits.grad[0, 1, 0, 2]) < 0 < float(logits.grad[0, 1, 1, 3])


def test_the_sum_is_weighted():
    both = float(landmark_loss(LossWeights(cross_entropy=0.75, huber=0.25))(LOGITS, TRUTH))
    expected = 0.75 * float(weighted_cross_entropy(LOGITS, TRUTH)) + 0.25 * float(huber(LOGITS, TRUTH))
    assert both == pytest.approx(expected, rel=1e-6)
