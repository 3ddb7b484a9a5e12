"""A model tried on boxes that look as from other scanners."""

from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.study import other_looks
from CRLMSegmentationLib.study.cases.case_table import CaseRow
from CRLMSegmentationLib.study.cases.dataset import Case
from CRLMSegmentationLib.study.other_looks import DRAWN, EMPTY, kind_of, looks_summary, tried_looks
from CRLMSegmentationLib.values import Volume

SHAPE, GRID = (64, 64, 200), np.diag([0.5, 0.5, 0.5, 1])


@pytest.mark.parametrize(
    "contrast_db, kind",
    [
        (-9, "dark"),
        (-5, "dark"),
        (-4.9, "faint"),
        (-2.5, "faint"),
        (-2, "iso"),
        (2.4, "iso"),
        (3, "faint"),
        (4, "bright"),
    ],
)
def test_kinds_are_told_by_contrast(contrast_db, kind):
    assert kind_of(contrast_db) == kind


class Darkness:
    """Takes for tumor what is darker than 60 in the picture, where it was seen."""

    def __init__(self):
        card = SimpleNamespace(margin_mm=5.0, threshold=0.5, least_mean_probability=None)
        self.model = SimpleNamespace(card=card)

    def probability(self, volume, progress=None, should_cancel=None):
        dark = (volume.voxels > 0) & (volume.voxels < 60)
        return volume.with_voxels(dark.astype(np.float32))


def test_every_look_is_tried_in_the_tight_box_and_in_one_beside(monkeypatch):
    k, j, i = np.indices(SHAPE)
    tumor = (k - 32) ** 2 + (j - 32) ** 2 + (i - 30) ** 2 < 12**2
    case = Case("a", Volume(np.where(tumor, 40, 110).astype(np.uint8), GRID), Volume(tumor.astype(np.uint8), GRID))
    monkeypatch.setattr(other_looks, "load_case", lambda row: case)
    monkeypatch.setattr(other_looks, "segmenter_of", lambda model, threads: Darkness())
    row = CaseRow("a", "a", "validation", volume="v", mask="m", contrast_db=-8.0)
    found = tried_looks([row], "model", drawn=1, single=("as simulated", "tissue at 25"))
    assert [(one["kind"], one["look"]) for one in found] == [
        (kind, look) for kind in ("dark", EMPTY) for look in ("as simulated", "tissue at 25", DRAWN)
    ]
    assert found[0]["dice"] == found[0]["marked"] == 1.0 and found[3]["shown_ml"] == 0 and "dice" not in found[3]
    # Tissue at 25 is all darker than 60.
    assert found[1]["dice"] < 0.5 and found[4]["shown_ml"] > 1
    assert tried_looks([row], "model", drawn=1, single=("as simulated", "tissue at 25")) == found
    lines = looks_summary(found).splitlines()
    assert lines[2] == "| as simulated | 1 of 1, 1.00 | - | - | - | 0 of 1 |"
    assert lines[3].startswith("| tissue at 25 | 0 of 1,") and lines[3].endswith("| 1 of 1 |")
