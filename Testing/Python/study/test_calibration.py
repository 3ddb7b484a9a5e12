"""What validation images say about a model: how sure a mask has to be, so that a tumor is shown and a shadow is not."""

import numpy as np
import pytest
from CRLMSegmentationLib.study.calibrate import calibrate
from CRLMSegmentationLib.study.cases.case_table import CaseRow
from CRLMSegmentationLib.study.cases.dataset import Case
from CRLMSegmentationLib.study.tasks import crop
from CRLMSegmentationLib.values import Volume

SHAPE = (16, 16, 16)
BALL = np.linalg.norm(np.indices(SHAPE) - 7.5, axis=0) < 5


def image(sureness: float, has_tumor: bool) -> tuple[Volume, Volume, str]:
    """A picture in which a ball is marked so surely, and whether it is a tumor."""
    seen = Volume(np.where(BALL, round(255 * sureness), 10).astype(np.uint8), np.eye(4))
    return seen, seen.with_voxels((BALL & has_tumor).astype(np.uint8)), "tight" if has_tumor else "without tumor"


class AsBrightAsSure:
    """Takes the grey level for the probability."""

    def probability(self, volume: Volume) -> Volume:
        return volume.with_voxels(volume.voxels.astype(np.float32) / 255)


def test_of_boxes_without_a_tumor_no_more_than_two_in_a_hundred_show_one():
    tumors = [image(0.9, True), image(0.98, True), image(0.98, True)]
    alone = calibrate(AsBrightAsSure(), tumors)
    assert alone.uncertainty["least_mean"] == pytest.approx(1 - 1.25 * 0.1, abs=0.01)
    assert alone.validation["nothing_found"] == 0 and "without_tumor" not in alone.validation
    shadows = [image(0.93, False) for _ in range(49)] + [image(0.99, False)]
    found = calibrate(AsBrightAsSure(), [*tumors, *shadows])
    # One of fifty may stay; the faint tumor is the price, and the card says so.
    assert 0.929 < found.uncertainty["least_mean"] < 0.95
    assert found.validation["without_tumor"] == {"images": 50, "with_false_alarm": 1}
    assert found.validation["nothing_found"] == 1 and found.validation["images"] == 53
    # The threshold, and what a probability is worth, are those of the images with a tumor.
    assert found.threshold == alone.threshold and found.validation["reliability"] == alone.validation["reliability"]
    few = calibrate(AsBrightAsSure(), [*tumors, image(0.6, False)])
    assert few.uncertainty["least_mean"] == alone.uncertainty["least_mean"]


def test_a_model_for_other_looks_is_tried_with_them_beside_the_tumor_as_well(monkeypatch):
    k, j, i = np.indices((64, 64, 200))
    tumor = (k - 32) ** 2 + (j - 32) ** 2 + (i - 30) ** 2 < 12**2
    grid = np.diag([0.5, 0.5, 0.5, 1])
    case = Case("a", Volume(np.where(tumor, 40, 110).astype(np.uint8), grid), Volume(tumor.astype(np.uint8), grid))
    monkeypatch.setattr(crop, "load_case", lambda row: case)
    row = CaseRow("a", "a", "validation", volume="v", mask="m")
    usual = [group for _, _, group in crop.validation_boxes([row], 5.0)]
    assert usual == ["tight", "straying", "straying", "straying"]
    boxes = list(crop.validation_boxes([row], 5.0, looks=1))
    beside = [(image, truth) for image, truth, group in boxes if group == crop.WITHOUT_TUMOR]
    assert len(beside) == 2 * crop.EMPTY_OF_A_CASE and not any(truth.voxels.any() for _, truth in beside)
    # Each as it is, and once more with another look.
    assert (beside[0][0].voxels == 110).all() and not np.array_equal(beside[0][0].voxels, beside[1][0].voxels)
    assert sum(group == "other looks" for _, _, group in boxes) == 1 and len(boxes) == 4 + 1 + len(beside)
