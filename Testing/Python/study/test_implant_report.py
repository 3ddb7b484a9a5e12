"""What a report says of implanted tumors: figures by kind and place, doubts, false alarms, pictures, looks."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.study.cases.case_table import CaseRow, read_case_table, write_case_table
from CRLMSegmentationLib.study.implants.evaluation import (
    check_has_implants,
    evaluate_implants,
    failures_doubted,
    false_alarm_summary,
    summary,
)
from CRLMSegmentationLib.study.implants.test_set import case_name
from CRLMSegmentationLib.study.reporting.implant_report import LOOKS_HEADING, implant_report
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, write_sweep
from CRLMSegmentationLib.values import Volume


def tried(kind, place, dice, volume_ml=1.0, doubts=()):
    figures = {"dice": dice, "precision": dice, "recall": dice, "volume_ml": volume_ml}
    return {"parameters": {"tumor": {"kind": kind, "place": place}}, "figures": figures, "doubts": list(doubts)}


CASES = [
    tried("dark", "even", 0.9),
    tried("dark", "even", 0.8, doubts=["The tumor of 30 mL is larger."]),
    tried("dark", "walls", 0.2, doubts=["The tumor of 0.1 mL is larger.", "Unsure."]),
    tried("bright", "even", 0.0, 0.0, doubts=["Nothing was found."]),
    tried("bright", "edge", 0.3),
]


def test_figures_are_by_kind_and_place():
    found = summary(CASES)
    assert found["dark"]["cases"] == 3 and found["dark"]["dice"]["median"] == 0.8
    assert found["dark"]["found"] == pytest.approx(2 / 3) and found["bright"]["found"] == 0
    assert found["dark"]["by_place"]["even"]["found"] == 1 and "depth" not in found["dark"]["by_place"]
    assert found["faint"]["cases"] == 0 and found["faint"]["found"] is None


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
    tumor = {"kind": "dark", "place": "even", "middle_ras_mm": [15, 15, 10], "equivalent_diameter_mm": 10.0}
    (folder / name / "parameters.json").write_text(json.dumps({"seed": 1, "tumor": tumor}))
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
    found = {"implanted": summary(first), "real_without_tumor": false_alarm_summary({})}
    implant_report(found, first, rows, tmp_path / "kept", report)
    results = json.loads((report / "results.json").read_text())
    assert (
        results["test"] == 1
        and results["implanted"]["dark"]["cases"] == 1
        and results["real_without_tumor"]["boxes"] == 0
    )
    assert (report / "implants.png").stat().st_size > 5000
    page = report / "implants.md"
    page.write_text(page.read_text() + "| today | by hand | why |\n")
    implant_report(found, first, rows, tmp_path / "kept", report)
    again = page.read_text()
    assert again.count("by hand") == 1 and again.count(LOOKS_HEADING) == 1


def test_a_table_without_implants_is_refused(table):
    other = str(table.parent / "sweep.igs.mha")  # beside which there are no parameters
    with pytest.raises(ConfigurationError, match="--set"):
        check_has_implants([CaseRow("other", "p", "test", sweep=other)], "cases.csv")
