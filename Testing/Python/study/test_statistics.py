"""Tables of the report from results of cases, worked out by hand."""

import math

import pytest
from CRLMSegmentationLib.study.metrics import MASK_METRICS
from CRLMSegmentationLib.study.reporting.curves import VoxelCounts
from CRLMSegmentationLib.study.reporting.results import collect
from CRLMSegmentationLib.study.reporting.statistics import (
    WITHOUT_MISSED,
    paired_tests,
    quartiles,
    robustness,
    strata,
    summary,
)
from CRLMSegmentationLib.study.reporting.tumor_summaries import tumor_summaries
from scipy.stats import wilcoxon


def figures(dice: float, hd95: float | None = 2.0, recall: float | None = None) -> dict:
    return {
        "dice": dice, "precision": dice or None, "recall": dice if recall is None else recall, "rvd": 0.0,
        "hd95_mm": hd95, "hd_mm": hd95, "mean_surface_distance_mm": hd95, "found": dice > 0.5, "time_s": 1.0,
    }  # fmt: skip


def result(number, crop, full, semi, volume=2.0, kind="hypoechoic", contrast=-5.0, split="test", lost=0.1) -> dict:
    counts = VoxelCounts.from_plain({"steps": [0, 9], "tumor": [1, 9], "background": [80, 2], "sums": [0.1, 9.9]})
    return {
        "case": f"case{number}", "patient": f"patient{number}", "split": split, "echogenicity": kind,
        "contrast_db": contrast, "truth_volume_ml": volume,
        "methods": {
            "Model_crop": figures(crop), "Model_full": figures(full, None if full == 0 else 9.0),
            "Semi_automatic": figures(semi, 4.0),
        },
        "counts": {"Model_crop": counts.as_plain(), "Model_full": counts.as_plain()},
        "empty_boxes": {"Model_crop": [0.0], "Model_full": [0.4 * (number % 2)]},
        "robustness": [
            {"kind": "shift_mm", "amount": 5.0, "dice": crop - lost / 2},
            {"kind": "scale", "amount": 1.2, "dice": crop},
            {"kind": "shift_mm", "amount": 5.0, "dice": crop - 1.5 * lost},
        ],
    }  # fmt: skip


@pytest.fixture
def results():
    full = (0.0, 0.0, 0.3, 0.6, 0.7, 0.1, 0.2, 0.4)
    return [
        result(number, 0.7 + 0.02 * number, full[number], 0.6, 0.5 + number, ("hypoechoic", "hyperechoic")[number % 2],
               -3.0 - number, "test2" if number > 5 else "test")
        for number in range(8)
    ]  # fmt: skip


def test_quartiles_are_of_what_is_defined():
    found = quartiles([1.0, 2.0, None, 3.0, math.nan, 4.0, 5.0])
    assert (found["q25"], found["median"], found["q75"], found["cases"]) == (2.0, 3.0, 4.0, 5)
    assert quartiles([None])["median"] is None


def test_the_summary_counts_what_was_found_missed_and_falsely_found(results):
    table = summary(results)
    assert table["Model_crop"]["dice"]["median"] == pytest.approx(0.77)
    assert (table["Model_crop"]["sensitivity"], table["Model_full"]["sensitivity"]) == (1.0, 0.25)
    assert (table["Model_crop"]["specificity"], table["Model_full"]["specificity"]) == (1.0, 0.5)
    assert table["Model_full"]["missed"] == 2 and table[WITHOUT_MISSED]["cases"] == 6
    assert table[WITHOUT_MISSED]["dice"]["median"] == pytest.approx(0.35)
    assert table["Model_full"]["hd95_mm"]["cases"] == 6
    assert "specificity" in table["Semi_automatic"] and table["Semi_automatic"]["specificity"] is None
    # 8 times 10 tumor voxels (9 high) and 82 others (2 high): area by hand, ties count half
    assert table["Model_crop"]["roc_auc"] == pytest.approx((0.9 * 80 + 0.9 * 2 / 2 + 0.1 * 80 / 2) / 82)


def test_the_paired_tests_are_scipys_with_bonferronis_threshold(results):
    tests = {(one["figure"], one["first"], one["second"]): one for one in paired_tests(results)}
    assert len(tests) == 6
    one = tests["dice", "Model_crop", "Model_full"]
    pairs = [(result["methods"]["Model_crop"]["dice"], result["methods"]["Model_full"]["dice"]) for result in results]
    assert one["p"] == pytest.approx(wilcoxon([a - b for a, b in pairs]).pvalue) and one["significant"]
    # All 8 differences have one sign: 2 of the 2 to the 8 assignments of signs are as extreme.
    assert one["p"] == pytest.approx(2 / 2**8)
    assert tests["hd95_mm", "Model_crop", "Model_full"]["cases"] == 6


def test_methods_that_agree_in_every_case_have_no_p():
    same = [result(number, 0.6, 0.2, 0.6) for number in range(3)]
    test = next(one for one in paired_tests(same) if one["second"] == "Semi_automatic" and one["figure"] == "dice")
    assert test["p"] is None and not test["significant"]


def test_strata_hold_every_case_once(results):
    for classes in strata(results).values():
        assert sum(methods["Model_crop"]["cases"] for methods in classes.values()) == len(results)
    volumes = strata(results)["volume"]
    assert set(volumes) == {"0 to 1 mL", "1 to 5 mL", "5 mL and more"}
    assert volumes["0 to 1 mL"]["Model_crop"]["cases"] == 1


def test_robustness_is_the_mean_loss_with_every_case_weighing_the_same(results):
    lines = robustness(results)
    assert lines["shift_mm"][0]["lost"] == pytest.approx(0.1)
    assert lines["scale"][0]["lost"] == 0


def test_what_had_to_come_out_is_checked_in_the_right_direction(results):
    found = collect(results, [], True, MASK_METRICS, [tumor_summaries])
    must = {one["what"]: one for one in found["must"]}
    assert not must["Model_crop, median Dice"]["holds"], "0.77 is below 0.80"
    assert must["Model_crop, 25th percentile of Dice"]["holds"]
    assert must["Model_crop, median HD95 (mm)"]["holds"]
    assert not must["Dice lost when the box is shifted by 5 mm"]["holds"], "0.1 is above 0.05"
    # AUC is the same by construction, everything else is better.
    assert must["Model_crop better than Model_full on every figure"]["value"] == "not on roc_auc"
    assert found["test"]["Model_crop"]["dice"]["q25"] == pytest.approx(0.735)
    assert found["cases_by_split"] == {"test": 6, "test2": 2} and set(found["by_split"]) == {"test", "test2"}
