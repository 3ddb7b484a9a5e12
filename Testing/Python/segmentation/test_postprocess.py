"""From probability to mask: threshold, components, cavities, doubts."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import SegmentationError
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.segmentation.crop import Crop
from CRLMSegmentationLib.segmentation.doubts import contrast, doubts_about, mean_entropy_bits
from CRLMSegmentationLib.segmentation.postprocess import (
    mask_by_card,
    mask_from_probability,
    unseen_voxels,
    with_guessed_seen,
)
from CRLMSegmentationLib.segmentation.segment import finish
from CRLMSegmentationLib.values import Volume


def probability_with(*blocks, shape=(20, 20, 20)) -> Volume:
    voxels = np.zeros(shape, dtype=np.float32)
    for lower, upper, value in blocks:
        voxels[tuple(slice(a, b) for a, b in zip(lower, upper))] = value
    return Volume(voxels, np.eye(4))


BIG = ((1, 1, 1), (6, 6, 6), 0.9)
MIDDLE = ((9, 9, 9), (11, 11, 11), 0.6)


def test_the_largest_component_is_kept():
    mask = mask_from_probability(probability_with(BIG, MIDDLE), 0.5)
    assert mask.voxels.dtype == np.uint8
    assert mask.voxels.sum() == 125 and mask.voxels[3, 3, 3] == 1


def test_the_component_at_the_middle_of_the_box_is_kept_when_asked_for():
    mask = mask_from_probability(probability_with(BIG, MIDDLE), 0.5, keep="middle")
    assert mask.voxels.sum() == 8 and mask.voxels[10, 10, 10] == 1


def test_all_components_and_the_threshold_itself_count():
    assert mask_from_probability(probability_with(BIG, MIDDLE), 0.5, keep="all").voxels.sum() == 133
    assert mask_from_probability(probability_with(BIG, MIDDLE), 0.7, keep="all").voxels.sum() == 125
    exactly = probability_with(((0, 0, 0), (2, 2, 2), 0.5))
    assert mask_from_probability(exactly, 0.5).voxels.sum() == 8


def test_cavities_are_filled():
    hollow = probability_with(((4, 4, 4), (12, 12, 12), 0.9), ((6, 6, 6), (9, 9, 9), 0.1))
    assert mask_from_probability(hollow, 0.5).voxels.sum() == 512


def test_nothing_found_is_an_empty_mask_and_a_sentence():
    mask = mask_from_probability(probability_with(), 0.5)
    assert mask.voxels.sum() == 0
    assert "Nothing was found" in doubts_about(mask)[0]


def test_a_mask_at_the_edge_of_the_box_is_doubted():
    mask = mask_from_probability(probability_with(((0, 4, 4), (6, 9, 9), 0.9)), 0.5)
    assert "enlarge the box" in doubts_about(mask)[0]
    assert "sweep farther" in doubts_about(mask, box_was_clipped=True)[0]
    assert doubts_about(mask_from_probability(probability_with(BIG), 0.5)) == ()


@pytest.mark.parametrize("threshold", [0.0, 1.0, -1.0, float("nan")])
def test_a_threshold_that_is_no_probability_is_refused(threshold):
    with pytest.raises(SegmentationError, match="between 0 and 1"):
        mask_from_probability(probability_with(BIG), threshold)


def test_what_the_probe_did_not_see_is_no_tumor_but_a_cyst_and_speckle_stay():
    ultrasound = np.full((40, 40, 40), 90, np.uint8)
    ultrasound[:, :, 30:] = 0  # outside the sweep
    ultrasound[15:20, 15:20, 10:15] = 0  # a cyst
    ultrasound[5, 5, 5] = 0  # speckle
    guessed = with_guessed_seen(Volume(ultrasound, np.eye(4)))
    unseen = unseen_voxels(guessed)
    assert unseen[:, :, 30:].all() and not unseen[:, :, :30].any()
    probability = probability_with(((10, 10, 8), (25, 25, 36), 0.9), shape=(40, 40, 40))
    mask = mask_from_probability(probability, 0.5, unseen=unseen)
    assert mask.voxels[17, 17, 12] == 1 and not mask.voxels[:, :, 30:].any()
    known = guessed.with_seen(guessed.seen)
    assert any("did not pass" in doubt for doubt in doubts_about(mask, False, known, probability, unseen))
    assert any("a guess" in doubt for doubt in doubts_about(mask, False, guessed, probability, unseen))
    assert unseen_voxels(with_guessed_seen(Volume(np.full((8, 8, 8), 3, np.uint8), np.eye(4)))) is None
    assert unseen_voxels(with_guessed_seen(Volume(np.zeros((8, 8, 8), np.uint8), np.eye(4)))).all()


def test_what_was_seen_is_known_and_not_read_off_a_grey_level():
    black = Volume(np.zeros((30, 30, 30), np.uint8), np.eye(4))
    assert unseen_voxels(black) is None  # nothing is known: all of it counts as seen
    seen = np.ones(black.voxels.shape, bool)
    assert unseen_voxels(black.with_seen(seen)) is None
    seen[:, :, 20:] = False  # not swept
    seen[10:12] = False  # a gap between two frames that hole filling left: no block of three voxels
    seen[20:26, 4:10, 4:10] = False  # not swept either, in the middle of what was
    unseen = unseen_voxels(black.with_seen(seen))
    assert unseen[:, :, 20:].all() and unseen[20:26, 4:10, 4:10].all()
    assert np.count_nonzero(unseen) == 30 * 30 * 10 + 6**3
    grey = black.with_voxels(np.full(black.voxels.shape, 80, np.uint8)).with_seen(seen)
    assert np.array_equal(unseen_voxels(grey), unseen)


def test_the_guess_is_made_once_and_not_where_something_is_known():
    volume = Volume(np.zeros((6, 6, 6), np.uint8), np.eye(4), np.ones((6, 6, 6), bool))
    assert with_guessed_seen(volume) is volume
    guessed = with_guessed_seen(volume.with_seen(None))
    assert guessed.seen_is_guessed and not guessed.seen.any() and with_guessed_seen(guessed) is guessed


def test_low_contrast_and_an_unsure_network_are_reported():
    random = np.random.default_rng(0)
    ball = np.linalg.norm(np.indices((40,) * 3) - 20, axis=0) < 9
    mask = Volume(ball.astype(np.uint8), np.diag([0.5, 0.5, 0.5, 1]))
    speckle = random.rayleigh(30.0, ball.shape)
    unlike, alike = (mask.with_voxels(speckle * np.where(ball, factor, 1.0)) for factor in (0.5, 1.0))
    sure, unsure = (mask.with_voxels(np.where(ball, p, 0.1).astype(np.float32)) for p in (0.98, 0.55))
    assert doubts_about(mask, False, unlike, sure) == ()
    assert "hardly differs" in doubts_about(mask, False, alike, sure)[0]
    assert "unsure" in doubts_about(mask, False, unlike, unsure)[0]
    assert mean_entropy_bits(np.array([0.5])) == pytest.approx(1.0)
    # A model's own habit, where it was measured: surer than its card says is usual is no doubt, less sure is one.
    surer, hesitant = (
        SimpleNamespace(tumor_volume_ml=None, usual_entropy_bits=limit, image_ranges=None) for limit in (0.1, 0.995)
    )
    assert "unsure" in doubts_about(mask, False, unlike, sure, card=surer)[0]
    assert doubts_about(mask, False, unlike, unsure, card=hesitant) == ()
    assert contrast(mask, unlike) > 4 * contrast(mask, alike)


def test_what_is_too_faint_for_a_tumor_is_not_shown_unless_a_person_moves_the_threshold(exported_model):
    card = replace(load_model(exported_model).card, threshold=0.5, least_mean_probability=0.8)
    sure, faint = probability_with(((2, 2, 2), (7, 7, 7), 0.9)), probability_with(((2, 2, 2), (7, 7, 7), 0.7))
    assert mask_by_card(sure, card).voxels.sum() == 125
    assert not mask_by_card(faint, card).voxels.any()
    assert mask_by_card(faint, replace(card, least_mean_probability=None)).voxels.sum() == 125
    result = finish(Crop(faint, (0, 0, 0)), faint, faint, 0.5, "largest", {}, card)
    assert not result.found and result.volume_ml == 0 and not result.mask.voxels.any()
    assert "less surely than it marks tumors" in result.doubts[0] and "0.12 mL" in result.doubts[0]
    moved = result.with_threshold(0.45)
    assert moved.found and moved.mask.voxels.sum() == 125
    assert not any("less surely" in doubt for doubt in moved.doubts)
    assert not moved.with_threshold(0.50001).found  # the slider back at the model's own threshold
