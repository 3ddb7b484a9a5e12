"""What the report of a study of landmarks says of the steps of the post-processing and of recipes side by side."""

import json
from types import SimpleNamespace

import pytest
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.study.reporting import landmark_comparisons
from CRLMSegmentationLib.study.tasks import task_named


@pytest.fixture
def page(tmp_path):
    return SimpleNamespace(inputs=SimpleNamespace(evaluation=tmp_path / "evaluation"))


def test_the_report_shows_what_was_compared_in_the_studys_folder(page, tmp_path):
    sections = task_named("landmarks").report.sections
    assert landmark_comparisons.steps in sections and landmark_comparisons.recipes in sections
    assert landmark_comparisons.steps(page) == "" and landmark_comparisons.recipes(page) == ""
    figures = {"all steps": {"precision": 0.5, "dice": None}, "thinned": {"precision": 0.25, "dice": 1.0}}
    steps = {"model": "m", "part": "validation", "pictures": 7, "figures": figures}
    (tmp_path / "steps.json").write_text(json.dumps(steps))
    (tmp_path / "sweep").mkdir()
    sweep = {"pictures": 3, "training": {"epochs": 2, "batch": 4}, "figures": {"max-log": {"precision_raw": 0.125}}}
    (tmp_path / "sweep" / "sweep.json").write_text(json.dumps(sweep))
    said = landmark_comparisons.steps(page)
    assert "Of 7 validation pictures" in said and "| lines | precision | Dice |" in said
    assert "| all steps | 0.500 | - |" in said and "| thinned | 0.250 | 1.000 |" in said
    said = landmark_comparisons.recipes(page)
    assert "(epochs 2, batch 4) and measured in 3 validation" in said and "| max-log | 0.125 |" in said


@pytest.mark.parametrize("content", ["", "{}", '{"figures": {}}', "[]"])
def test_what_is_no_comparison_is_one_sentence(page, tmp_path, content):
    (tmp_path / "steps.json").write_text(content)
    with pytest.raises(FileFormatError, match=r"steps.json does not hold what was compared"):
        landmark_comparisons.steps(page)
