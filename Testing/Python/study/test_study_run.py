"""`crlm study` from a table of cases to a report, on a toy problem that really trains."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.study.cases.case_table import CaseRow, read_case_table, write_case_table
from CRLMSegmentationLib.values import Volume

SPLITS = ("training", "training", "validation", "test", "test", "test2")


def write_ball(folder, seed: int, split: str) -> CaseRow:
    random = np.random.default_rng(seed)
    k, j, i = np.indices((44, 46, 48))
    ball = (i - random.uniform(18, 28)) ** 2 + (j - 23) ** 2 + (k - 22) ** 2 < random.uniform(5, 8) ** 2
    voxels = np.clip(random.normal(130, 15, ball.shape) - 80 * ball, 1, 255).astype(np.uint8)
    paths = str(folder / f"ball{seed}.nrrd"), str(folder / f"ball{seed}_mask.nrrd")
    write_volume(Volume(voxels, np.eye(4)), paths[0])
    write_volume(Volume(ball.astype(np.uint8), np.eye(4)), paths[1])
    return CaseRow(f"ball{seed}", f"patient{seed}", split, volume=paths[0], mask=paths[1], echogenicity="hypoechoic")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A finished study and the arguments of its command."""
    folder = tmp_path_factory.mktemp("study")
    rows = [write_ball(folder, seed, split) for seed, split in enumerate(SPLITS)]
    # A test case whose mask belongs to another recording: reported, and fatal for nobody.
    stray = write_ball(folder, 6, "test")
    write_volume(Volume(np.ones((4, 4, 4), np.uint8), np.diag([1.0, 1, 1, 1]) + np.eye(4, k=3) * 900), stray.mask)
    table = write_case_table([*rows, stray], folder / "table.csv")
    arguments = ["study", "run", str(table), "--work", str(folder / "work"), "--epochs", "2", "--iterations", "6",
             "--threads", "1", "--learning-rate", "0.01", "--margin", "6"]  # fmt: skip
    assert main(arguments) == 0
    return folder / "work", arguments


def test_the_report_says_what_came_out(study):
    work, _ = study
    found = json.loads((work / "report" / "results.json").read_text(encoding="utf-8"))
    assert found["cases_by_split"] == {"test": 2, "test2": 1}
    for method in ("Model_crop", "Model_full", "Semi_automatic"):
        assert 0 <= found["test"][method]["dice"]["median"] <= 1
        assert found["test"][method]["cases"] == 3
    assert {one["what"] for one in found["must"]} >= {"Model_crop, median Dice"}
    assert [one["case"] for one in found["left_out"]] == ["ball6"]
    assert "does not lie in its volume" in found["left_out"][0]["reason"]
    page = (work / "report" / "index.html").read_text(encoding="utf-8")
    assert "<table>" in page and "ball6" in page and "simulated" not in page
    assert "--epochs 2 --iterations 6 --learning-rate 0.01" in page  # the command that does it again
    for figure in ("curves", "violins", "reliability", "cases", "robustness"):
        assert (work / "report" / f"{figure}.png").stat().st_size > 5000
    inputs = (work / "inputs.csv").read_text(encoding="utf-8").splitlines()
    assert len(inputs) == 1 + 2 * 7 and len(inputs[1].split(",")[-1]) == 64


def test_the_models_are_calibrated_on_validation_cases_and_load(study):
    for task, margin in (("crop", 6.0), ("full", 0.0)):
        card = load_model(study[0] / "models" / f"Model_{task}").card
        assert (card.task, card.margin_mm) == (task, margin)
        assert card.text["validation"]["cases"] == 1 and "F1" in card.text["threshold_choice"]
        assert 0 < card.usual_entropy_bits <= 1
        assert card.text["training"]["cases"] == 2 and "seeds" not in card.text["training"]


def test_a_second_run_finds_everything_done(study, capsys):
    work, arguments = study
    weights = work / "models" / "Model_crop" / "fold_0" / "checkpoint_final.pth"
    before = weights.stat().st_mtime_ns, (work / "evaluation" / "ball3.Model_crop.json").stat().st_mtime_ns
    assert main(arguments) == 0
    assert before == (weights.stat().st_mtime_ns, (work / "evaluation" / "ball3.Model_crop.json").stat().st_mtime_ns)
    assert "Model_crop, median Dice" in capsys.readouterr().out


def test_a_model_from_elsewhere_is_tried_without_a_training(study, tmp_path):
    (result,) = (study[0] / "nnunet" / "results").glob("*_TumorCrops/*")
    assert main(["import-model", str(result), "mine", "-o", str(tmp_path / "mine"), "--margin", "6"]) == 0
    rows = [row for row in read_case_table(study[0] / "cases.csv") if row.case in ("ball0", "ball3")]
    table, work = str(write_case_table(rows, tmp_path / "table.csv")), ["--work", str(tmp_path / "tried")]
    model = ["--model", f"mine={tmp_path / 'mine'}", "--no-robustness"]
    assert main(["study", "evaluate", table, *work, *model]) == 0
    assert main(["study", "report", *work, *model]) == 0
    found = json.loads((tmp_path / "tried" / "report" / "results.json").read_text(encoding="utf-8"))
    (case,) = found["each_case"]
    dice = found["test"]["mine"]["dice"]["median"]
    assert case["case"] == "ball3" and case["dice"]["mine"] == pytest.approx(dice, abs=1e-4)
    page = (tmp_path / "tried" / "report" / "report.md").read_text(encoding="utf-8")
    for line in ("| case | ", "|  | cases | "):
        assert "mine" in page.partition(line)[2].partition("\n")[0], line
    assert "Model_crop |" not in page and "mine: threshold 0.5" in page and "--model mine" in page


def test_a_step_that_comes_too_early_says_what_is_missing(tmp_path, capsys):
    assert main(["study", "train", "--work", str(tmp_path / "none")]) == 1
    assert "build the study first" in capsys.readouterr().err
    assert main(["study", "evaluate", "--work", str(tmp_path / "none")]) == 1
    assert "train one first" in capsys.readouterr().err
    assert main(["study", "calibrate", "--work", str(tmp_path / "none"), "--kind", "crop"]) == 1
    assert "train it first" in capsys.readouterr().err
    assert main(["study", "train", "--work", str(tmp_path), "--epochs", "0"]) == 1
    assert "--epochs is 0" in capsys.readouterr().err
    for wrong, said in (("=x", "not of the form --model NAME"), ("none", "There is no model 'none'")):
        assert main(["study", "evaluate", "--work", str(tmp_path), "--model", wrong]) == 1
        assert said in capsys.readouterr().err
