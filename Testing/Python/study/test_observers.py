"""Several masks of one case: consensus, spread, and their way through table, evaluation and report."""

from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import GeometryError
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.study.cases.case_files import mask_of
from CRLMSegmentationLib.study.cases.case_table import CaseRow, choose_cases, read_case_table, write_case_table
from CRLMSegmentationLib.study.cases.observers import agreement, consensus
from CRLMSegmentationLib.study.reporting.tumor_sections import observers
from CRLMSegmentationLib.values import Volume

SHAPE, GRID = (30, 32, 34), np.diag([0.5, 0.5, 0.5, 1])


def ball(radius: float, middle=(15, 16, 17), shape=SHAPE, grid=GRID) -> Volume:
    k, j, i = np.indices(shape)
    away = np.sqrt((k - middle[0]) ** 2 + (j - middle[1]) ** 2 + (i - middle[2]) ** 2)
    return Volume((away < radius).astype(np.uint8), grid)


def dice(one: Volume, other: Volume) -> float:
    return 2 * float((one.voxels & other.voxels).sum()) / float(one.voxels.sum() + other.voxels.sum())


def test_the_consensus_follows_those_who_agree_and_not_the_one_who_strays():
    careful = [ball(8), ball(8.5), ball(7.5)]
    stray = ball(8, (15, 16, 25))
    agreed = consensus([*careful, stray])
    assert agreed.voxels.dtype == np.uint8 and dice(agreed, ball(8)) > 0.95
    union = np.any([one.voxels for one in (*careful, stray)], axis=0)
    assert not (agreed.voxels[~union]).any()


def test_the_consensus_lies_on_the_first_grid_whatever_the_others_lie_on():
    shifted = GRID.copy()
    shifted[:3, 3] = (2.0, -1.0, 0.5)  # 4, -2 and 1 voxels
    other = ball(8, (14, 18, 13), grid=shifted)
    agreed = consensus([ball(8), other])
    np.testing.assert_array_equal(agreed.ijk_to_ras, GRID)
    assert dice(agreed, ball(8)) == 1.0


def test_who_marked_nothing_there_is_told():
    with pytest.raises(GeometryError, match="Observer 2 of 2 marked nothing"):
        consensus([ball(8), ball(8).with_voxels(np.zeros(SHAPE, np.uint8))])


def test_the_spread_is_of_any_two_and_of_each_with_the_consensus():
    masks = [ball(8), ball(8), ball(4)]
    spread = agreement(masks, ball(8))
    small = dice(ball(8), ball(4))
    assert spread["observers"] == 3 and spread["dice_with_consensus"] == pytest.approx([1, 1, small])
    assert spread["pairwise_dice"] == pytest.approx({"mean": (1 + 2 * small) / 3, "least": small})
    assert spread["volumes_ml"][0] == pytest.approx(ball(8).voxels.sum() * 0.125 / 1000)


def test_a_table_names_several_masks_and_the_truth_is_their_consensus(tmp_path):
    for name, radius in (("anna", 8), ("ben", 8.5), ("carla", 7.5)):
        write_volume(ball(radius), tmp_path / f"{name}.nrrd")
    write_volume(ball(3), tmp_path / "volume.nrrd")
    table = tmp_path / "cases.csv"
    table.write_text("case,patient,split,volume,mask\na,p,test,volume.nrrd,anna.nrrd; ben.nrrd;carla.nrrd\n")
    (row,) = read_case_table(table)
    assert row.masks == tuple(str(tmp_path / f"{name}.nrrd") for name in ("anna", "ben", "carla"))
    assert read_case_table(write_case_table([row], tmp_path / "again.csv")) == [row]
    assert dice(mask_of(row), ball(8)) > 0.95
    (tmp_path / "ben.nrrd").unlink()
    assert "ben.nrrd is missing" in choose_cases([row])[1][0].reason
    assert CaseRow("b", "q", "training", volume="v").masks == ()


def test_the_report_shows_the_people_beside_the_models():
    spread = agreement([ball(8), ball(4)], ball(8))
    results = [
        {"case": "a", "observers": spread, "methods": {"Model_crop": {"dice": 0.5}}},
        {"case": "b", "observers": None, "methods": {"Model_crop": {"dice": 0.7}}},
    ]
    text = observers(SimpleNamespace(inputs=SimpleNamespace(results=results)))
    (line,) = [line for line in text.splitlines() if line.startswith("| a |")]
    assert (
        "| 2 |" in line and f"{dice(ball(8), ball(4)):.3f}" in line and line.endswith("0.500 |") and "| b |" not in text
    )
    assert observers(SimpleNamespace(inputs=SimpleNamespace(results=results[1:]))) == ""
