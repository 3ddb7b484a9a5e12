"""What a report says of implanted tumors: figures by kind and place, doubts, false alarms, pictures, looks."""

import json
from dataclasses import replace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.study.cases.case_table import CaseRow, read_case_table, write_case_table
from CRLMSegmentationLib.study.implants.evaluation import (
    check_has_implants,
    evaluate_implants,
    failures_doubted,
    false_alarm_summary,
    summary,
)
from CRLMSegmentationLib.study.implants.test_set import case_name
from CRLMSegmentationLib.study.reporting.curves import VoxelCounts
from CRLMSegmentationLib.study.reporting.implant_report import LOOKS_HEADING, implant_report
from CRLMSegmentationLib.study.reporting.statistics import share_interval
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, write_sweep
from CRLMSegmentationLib.values import Volume


def tried(kind, place, dice, volume_ml=1.0, doubts=(), diameter=20.0, texture="new"):
    tumor = {"kind": kind, "place": place, "equivalent_diameter_mm": diameter, "texture": texture}
    probability, truth = np.full((1, 1, 4), 0.75, np.float32), np.array([[[1, 1, 1, 0]]], np.uint8)
    return {
        "parameters": {"tumor": tumor, "sweep": {"name": "liver"}}, "doubts": list(doubts),
        "figures": {"dice": dice, "precision": dice, "recall": dice, "volume_ml": volume_ml},
        "counts": VoxelCounts.of(Volume(probability, np.eye(4)), Volume(truth, np.eye(4))).as_plain(),
    }  # fmt: skip


CASES = [
    tried("dark", "even", 0.9),
    tried("dark", "even", 0.8, doubts=["The tumor of 30 mL is larger."]),
    tried(
        "dark", "walls", 0.2, diameter=40.0, texture="recorded", doubts=["The tumor of 0.1 mL is larger.", "Unsure."]
    ),
    tried("bright", "even", 0.0, 0.0, doubts=["Nothing was found."]),
    tried("bright", "edge", 0.3),
]


def test_figures_are_by_kind_and_place():
    found = summary(CASES)
    assert found["dark"]["cases"] == 3 and found["dark"]["dice"]["median"] == 0.8
    assert found["dark"]["found"] == pytest.approx(2 / 3) and found["bright"]["found"] == 0
    assert found["dark"]["by_place"]["even"]["found"] == 1 and "depth" not in found["dark"]["by_place"]
    assert found["faint"]["cases"] == 0 and found["faint"]["found"] is None and found["faint"]["found_interval"] is None
    assert {size: one["cases"] for size, one in found["dark"]["by_size_mm"].items()} == {"14-24": 2, "24-40": 1}
    assert {name: one["found"] for name, one in found["dark"]["by_texture"].items()} == {"new": 1.0, "recorded": 0.0}
    # Three of four voxels are tumor where the probability says 0.75: nothing is miscalibrated.
    assert found["reliability"]["expected_calibration_error"] == 0 and found["sweeps"] == ["liver"]


def test_what_was_marked_counts_also_where_it_was_too_faint_to_be_shown(exported_model):
    card = load_model(exported_model).card
    # All four voxels have 0.75, and three of them are tumor.
    dark = summary(CASES, replace(card, threshold=0.6))["dark"]
    assert dark["marked"]["dice"]["median"] == pytest.approx(6 / 7, abs=1e-4) and dark["marked"]["found"] == 1
    assert summary(CASES, replace(card, threshold=0.9))["dark"]["marked"]["found"] == 0


def test_a_share_has_the_interval_of_wilson():
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 and 0 of 20.
    assert share_interval(81, 263) == pytest.approx([0.2553, 0.3662], abs=1e-4)
    assert share_interval(0, 20) == pytest.approx([0, 0.1611], abs=1e-4)
    assert summary(CASES)["dark"]["found_interval"] == share_interval(2, 3)


def test_doubts_are_counted_over_failures_and_others():
    found = failures_doubted(CASES)
    assert found["failures"] == 3 and found["doubted"] == pytest.approx(2 / 3)
    assert found["failures_with_a_mask"] == 2 and found["doubted_with_a_mask"] == 0.5
    assert found["false_doubts"] == 0.5
    # Sentences are one where only their numbers differ.
    assert found["by_sentence"]["The tumor of mL is larger."] == {"failures": 1, "others": 1}


def test_false_alarms_are_counted_over_all_recordings():
    one = {"tried": 30, "with_anything": 2, "largest_ml": 0.4}
    other = {"tried": 10, "with_anything": 0, "largest_ml": 0.0}
    found = false_alarm_summary({"liver": one, "spine": other})
    assert (found["boxes"], found["with_false_alarm"], found["share"]) == (40, 2, 0.05)
    assert found["interval"] == share_interval(2, 40)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """One case: a dark ball in even grey, with the parameters that an implant has."""
    folder = tmp_path_factory.mktemp("set")
    name, random = case_name(1), np.random.default_rng(0)
    k, j, i = np.mgrid[:40, :60, :60]
    inside = (k - 20) ** 2 + (j - 30) ** 2 + (i - 30) ** 2 < 100
    grey = np.where(inside, 40, 100) + random.integers(-10, 10, inside.shape)
    frames = []
    for number in range(40):
        pose = np.diag([0.5, 0.5, 0.5, 1.0])
        pose[2, 3] = 0.5 * number
        frames.append(TrackedFrame(grey[number].astype(np.uint8), pose, number / 10))
    (folder / name).mkdir()
    write_sweep(Sweep(frames, name="ball"), folder / name / "sweep.igs.mha")
    write_volume(Volume(inside.astype(np.uint8), np.diag([0.5, 0.5, 0.5, 1.0])), folder / name / "tumor.nrrd")
    tumor = {
        "kind": "dark", "place": "even", "texture": "new", "middle_ras_mm": [15, 15, 10],
        "equivalent_diameter_mm": 10.0,
    }  # fmt: skip
    parameters = {"seed": 1, "tumor": tumor, "sweep": {"name": "ball"}}
    (folder / name / "parameters.json").write_text(json.dumps(parameters))
    row = CaseRow(name, "ball", "test", sweep=f"{name}/sweep.igs.mha", mask=f"{name}/tumor.nrrd")
    write_case_table([row], folder / "cases.csv")
    return folder / "cases.csv"


def test_a_model_is_tried_once_and_its_page_keeps_looks_and_other_results(table, exported_model, tmp_path, monkeypatch):
    rows = read_case_table(table)
    check_has_implants(rows, "the table")
    first = evaluate_implants(rows, exported_model, tmp_path / "kept")
    assert [one["case"] for one in first] == ["implant0001"] and 0 <= first[0]["figures"]["dice"] <= 1
    monkeypatch.setattr("CRLMSegmentationLib.study.implants.evaluation.segment", None)
    assert evaluate_implants(rows, exported_model, tmp_path / "kept") == first
    report = tmp_path / "report"
    report.mkdir()
    (report / "results.json").write_text('{"test": 1}')
    card = load_model(exported_model).card
    found = {"implanted": summary(first, card), "real_without_tumor": false_alarm_summary({})}
    implant_report(found, first, rows, tmp_path / "kept", report)
    results = json.loads((report / "results.json").read_text())
    assert (
        results["test"] == 1
        and results["implanted"]["dark"]["cases"] == 1
        and results["real_without_tumor"]["boxes"] == 0
    )
    assert (report / "implants.png").stat().st_size > 5000
    page = report / "implants.md"
    assert card.trained_on in page.read_text() and "sweep ball" in page.read_text()
    page.write_text(page.read_text() + "| today | by hand | why |\n")
    implant_report(found, first, rows, tmp_path / "kept", report)
    again = page.read_text()
    assert again.count("by hand") == 1 and again.count(LOOKS_HEADING) == 1


def test_a_table_without_implants_is_refused(table):
    other = str(table.parent / "sweep.igs.mha")  # beside which there are no parameters
    with pytest.raises(ConfigurationError, match="--set"):
        check_has_implants([CaseRow("other", "p", "test", sweep=other)], "cases.csv")
