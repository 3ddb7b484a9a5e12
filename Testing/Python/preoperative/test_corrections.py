"""Corrections by hand: what they change, and what they leave as it was."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.preoperative.corrections import with_ball, with_masks, without_lesion
from CRLMSegmentationLib.preoperative.structures import structures_of_map
from CRLMSegmentationLib.values import Volume

MATRIX = np.array([[-1.0, 0, 0, 30], [0, -1.0, 0, 40], [0, 0, 2.0, -50], [0, 0, 0, 1]])


@pytest.fixture(scope="module")
def found():
    """A liver with a portal vein and two tumors, the larger one beside the vein."""
    labels = np.zeros((20, 40, 60), np.uint8)
    labels[2:18, 5:35, 10:50] = 1
    labels[8:10, 5:35, 24:26] = 2
    labels[4:8, 10:20, 12:22] = 3
    labels[10:14, 10:14, 28:32] = 3
    return structures_of_map(Volume(labels, MATRIX, frame="CT"), np.where(labels == 2, 2, 0).astype(np.uint8))


def test_a_lesion_that_is_none_becomes_liver_and_the_others_are_numbered_anew(found):
    corrected = without_lesion(found, 1)
    assert corrected.lesion_count == 1 and (corrected.lesions.voxels > 0).sum() == 4 * 4 * 4
    assert (corrected.mask("liver").voxels == found.mask("liver").voxels).all()
    assert found.lesion_count == 2, "what was there before stays"
    assert (corrected.mask("portal").voxels == found.mask("portal").voxels).all()
    with pytest.raises(ConfigurationError, match="no lesion 3"):
        without_lesion(found, 3)


def test_a_ball_of_tumor_is_drawn_in_mm_and_erased_again(found):
    center = np.array([-10.0, 20.0, -24.0])
    drawn = with_ball(found, "tumor", center, 6.0)
    voxels = int((drawn.label_map.voxels == 3).sum() - (found.label_map.voxels == 3).sum())
    assert voxels * 2 == pytest.approx(4 / 3 * np.pi * 6**3, rel=0.05) and drawn.lesion_count == 3
    erased = with_ball(drawn, "tumor", center, 7.0, erases=True)
    assert (erased.label_map.voxels == found.label_map.voxels).all()


def test_a_vessel_lies_over_the_liver_and_below_a_tumor(found):
    center = np.array([30.0 - 17, 40.0 - 15, -50 + 2 * 6.0])
    with pytest.raises(ConfigurationError, match="All of this is 'liver' already"):
        with_ball(found, "liver", center, 3.0)
    drawn = with_ball(found, "vessels", center, 9.0)
    assert (drawn.label_map.voxels[found.label_map.voxels == 3] == 3).all()
    assert (drawn.label_map.voxels == 2).sum() > (found.label_map.voxels == 2).sum()
    # A new vessel is of no kind that is known; the portal vein stays one.
    assert (drawn.mask("portal").voxels == found.mask("portal").voxels).all()
    erased = with_ball(found, "liver", center, 3.0, erases=True)
    assert (erased.label_map.voxels == 0).sum() > (found.label_map.voxels == 0).sum()


def test_what_was_drawn_elsewhere_is_taken_with_the_kinds_of_its_vessels(found):
    masks = {name: found.mask(name).voxels > 0 for name in ("liver", "vessels", "tumor")}
    masks["tumor"] = masks["tumor"] & (found.lesions.voxels == 2)
    taken = with_masks(found, masks)
    assert taken.lesion_count == 1 and taken.tells_vessels_apart
    with pytest.raises(ConfigurationError, match="Nothing is left"):
        with_masks(found, {name: np.zeros_like(mask) for name, mask in masks.items()})


@pytest.mark.parametrize(
    "name, center, radius, sentence",
    [
        ("spleen", (0, 20, -30), 5, "cannot be drawn"),
        ("tumor", (0, 20, -30), 500, "radius of 1 to 50 mm"),
        ("tumor", (0, 20, -30), float("nan"), "radius of 1 to 50 mm"),
        ("tumor", (200, 0, 0), 5, "outside of the CT"),
    ],
)
def test_what_cannot_be_drawn_is_refused(found, name, center, radius, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        with_ball(found, name, np.array(center, dtype=float), radius)
