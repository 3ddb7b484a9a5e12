"""How an image looks, in figures, and the doubt that a model never learned from such images."""

from dataclasses import replace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ModelError
from CRLMSegmentationLib.inference.models.card import card_of
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.segmentation.doubts import doubts_about
from CRLMSegmentationLib.segmentation.image_statistics import ImageStatistics, image_statistics, unlike
from CRLMSegmentationLib.values import Volume
from scipy import ndimage

GRID = np.diag([0.5, 0.5, 0.5, 1])


def speckled(width_mm: float, spread: float = 20.0, mean: float = 110.0) -> Volume:
    """Gaussian texture whose filter has that standard deviation; a quarter was not seen."""
    texture = np.random.default_rng(0).normal(size=(48, 56, 52))
    texture = ndimage.gaussian_filter(texture, width_mm / 0.5, mode="wrap") if width_mm else texture
    grey = np.clip(mean + spread * texture / texture.std(), 1, 255).astype(np.uint8)
    grey[:, :, :13] = 0
    return Volume(grey, GRID)


def test_the_figures_are_those_of_the_texture():
    fine, coarse = image_statistics(speckled(0.0)), image_statistics(speckled(1.5))
    assert fine.mean_grey == pytest.approx(110, abs=1) and coarse.mean_grey == pytest.approx(110, abs=2)
    # Means of 27 independent voxels; and of those that are much alike.
    assert fine.grain == pytest.approx(20 / 27**0.5, rel=0.1) and 9 < coarse.grain < 20
    # Half of the likeness is gone where exp(-d^2 / 4 s^2) = 1/2, that is at 1.67 s.
    assert fine.speckle_mm < 0.4 and coarse.speckle_mm == pytest.approx(1.67 * 1.5, rel=0.15)
    assert fine.saturated == 0 and image_statistics(speckled(0.0, 80.0)).saturated > 0.05


def test_walls_and_a_tumor_hardly_count_beside_the_speckle():
    plain = speckled(0.0)
    voxels = plain.voxels.copy()
    voxels[14:30, 14:30, 20:36] //= 3
    voxels[:, 40:42] = 250
    with_wall, without = image_statistics(plain.with_voxels(voxels)), image_statistics(plain)
    assert with_wall.grain == pytest.approx(without.grain, rel=0.25)
    assert with_wall.speckle_mm == pytest.approx(without.speckle_mm, abs=0.2)


def test_where_nothing_can_be_told_nothing_is_said():
    assert image_statistics(Volume(np.zeros((40, 40, 40), np.uint8), GRID)) is None
    assert image_statistics(Volume(np.full((5, 5, 5), 90, np.uint8), GRID)) is None


def test_only_what_lies_outside_is_named_and_both_ends_are_inside():
    ranges = {"mean_grey": (80.0, 120.0), "grain": (4.0, 9.0), "saturated": (0.0, 0.02)}
    assert unlike(ImageStatistics(120.0, 4.0, 99.0, 0.02), ranges) == ""
    assert unlike(ImageStatistics(40.0, 18.04, 1.0, 0.1), ranges) == (
        "mean grey level 40, there 80 to 120; grain of the speckle 18, there 4 to 9; "
        "percent nearly black or white 10, there 0 to 2"
    )


def test_a_model_that_learned_from_other_images_is_doubted_also_where_it_finds_nothing(exported_model):
    card = load_model(exported_model).card
    knows = replace(card, image_ranges={"grain": (2.0, 8.0)})
    ball = np.linalg.norm(np.indices((48, 56, 52)) - np.array([24, 28, 30])[:, None, None, None], axis=0) < 8
    for mask in (ball, np.zeros_like(ball)):
        found = [
            [text for text in doubts_about(image.with_voxels(mask.astype(np.uint8)), ultrasound=image, card=one)
             if text.startswith("These images look unlike those that the model learned from (grain of the speckle")]
            for image, one in ((speckled(1.5), knows), (speckled(0.0), knows), (speckled(1.5), card))
        ]  # fmt: skip
        assert [len(one) for one in found] == [1, 0, 0]


def test_a_card_with_ranges_that_make_no_sense_is_refused(exported_model):
    text = {**load_model(exported_model).card.text, "images": {"ranges": {"grain": [1, 8.5]}}}
    assert card_of(text, "here").image_ranges == {"grain": (1.0, 8.5)}
    for wrong in ({"grain": [8, 1]}, {"grain": "wide"}, [1, 2]):
        with pytest.raises(ModelError, match="wrong kind"):
            card_of({**text, "images": {"ranges": wrong}}, "here")
