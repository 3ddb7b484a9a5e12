"""Ways to learn from CTs that were annotated in part, side by side: toy networks are really trained and tried."""

import json
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.study.cases.case_table import CaseRow, write_case_table
from CRLMSegmentationLib.study.partial_sets import SETTINGS, compare_settings
from CRLMSegmentationLib.study.reporting.partial_sets_section import partial_sets
from CRLMSegmentationLib.study.tasks import task_named
from CRLMSegmentationLib.study.tasks.lvt import evaluate_lvt
from CRLMSegmentationLib.study.tasks.trial import EvaluationSettings, Trial, TrialResult
from CRLMSegmentationLib.values import Volume

needs_monai = pytest.mark.skipif(find_spec("monai") is None, reason="monai is not installed")


def toy_row(folder, number, split, labelled="") -> CaseRow:
    """A bright liver in air with a vessel and a dark tumor, 3 mm voxels."""
    truth = np.zeros((18, 20, 20), np.uint8)
    truth[3:15, 3:17, 3:17], truth[8:10, 3:17, 9:12], truth[5:9, 5:9, 5:9] = 1, 2, 3
    noise = np.random.default_rng(number).normal(0, 5, truth.shape)
    hu = np.rint(np.choose(truth, [-500, 100, 160, 40]) + noise).astype(np.int16)
    for name, voxels in (("ct", hu), ("truth", truth)):
        write_volume(Volume(voxels, np.diag([3.0, 3.0, 3.0, 1.0]), frame="CT"), folder / f"{name}{number}.nrrd")
    return CaseRow(
        f"toy{number}", f"toy{number}", split, volume=str(folder / f"ct{number}.nrrd"),
        mask=str(folder / f"truth{number}.nrrd"), labelled=labelled,
    )  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toys")
    parts = (("training", ""), ("training", "liver"), ("validation", ""), ("test", ""))
    write_case_table([toy_row(folder, number, *part) for number, part in enumerate(parts)], folder / "cases.csv")
    return folder / "cases.csv"


@needs_monai
def test_each_setting_learns_from_its_own_cases_and_is_tried_with_every_seed(table, tmp_path, capsys):
    override = tmp_path / "small.toml"
    override.write_text("epochs = 1\niterations = 2\nbase_features = 4\ngpu_memory_gb = 0.05\n", encoding="utf-8")
    work = tmp_path / "partial-sets"
    command = ["study", "partial-sets", str(table), "--work", str(work), "--override", str(override), "--json",
               "--settings", "ml-complete", "mc-partial", "--seeds", "0", "4"]  # fmt: skip
    assert main(command) == 0
    said = json.loads(capsys.readouterr().out)
    kept = json.loads((work / "partial_sets.json").read_text("utf-8"))
    assert kept["cases"] == {"training": 2, "complete": 1, "test": 1} and kept["seeds"] == [0, 4]
    dice = [one["settings"]["ml-complete"]["liver"]["dice"]["mean"] for one in (said, kept)]
    assert dice[0] == pytest.approx(dice[1], abs=1e-5)
    for name, training in (("ml-complete", 1), ("mc-partial", 2)):
        folders = [work / f"{name}-{seed}" for seed in (0, 4)]
        cards = [json.loads(next(folder.glob("models/*/model.json")).read_text("utf-8")) for folder in folders]
        assert [card["training"]["recipe"]["seed"] for card in cards] == [0, 4]
        assert len({card["task"] for card in cards}) == 1 and cards[0]["task"] == SETTINGS[name][0]
        split = json.loads(next(folders[0].glob("nnunet/raw/*/splits_final.json")).read_text("utf-8"))[0]
        assert len(split["train"]) == training
        of_seeds = kept["settings"][name]["by_seed"]
        mean = np.mean([one["liver"]["dice"]["mean"] for one in of_seeds])
        assert len(of_seeds) == 2 and kept["settings"][name]["liver"]["dice"]["mean"] == pytest.approx(mean)
    weights = [next((work / f"ml-complete-{seed}").glob("models/*/*/*.pth")) for seed in (0, 4)]
    assert weights[0].read_bytes() != weights[1].read_bytes()
    # Again nothing is trained anew.
    stamp = weights[0].stat().st_mtime_ns
    assert main(command) == 0 and weights[0].stat().st_mtime_ns == stamp


def test_there_are_three_ways_with_three_kinds_of_cases_and_one_fixed_window():
    assert len(SETTINGS) == 10
    assert {name.partition("-")[0] for name in SETTINGS} == {"mc", "mlx", "ml"}
    assert SETTINGS["ml-partial-fixed-window"] == ("lvt", "without-windowing")


@pytest.mark.parametrize("more, what", [
    (["--settings", "ml-half"], "There is no setting 'ml-half': choose from mc-complete"),
    (["--seeds", "1", "1"], "--seeds are different whole numbers"),
])  # fmt: skip
def test_a_wrong_option_is_one_sentence(table, tmp_path, capsys, more, what):
    assert main(["study", "partial-sets", str(table), "--work", str(tmp_path / "w"), *more]) == 1
    assert what in capsys.readouterr().err and not (tmp_path / "w").exists()


def test_a_model_that_marks_no_liver_has_found_nothing_and_is_not_left_out(table, tmp_path, monkeypatch):
    from CRLMSegmentationLib.preoperative.find_structures import NoLiverError
    from CRLMSegmentationLib.study.tasks import lvt

    def find_nothing(ct, predictor):
        raise NoLiverError("No liver was found.")

    monkeypatch.setattr(lvt, "find_structures", find_nothing)
    monkeypatch.setattr(lvt, "_predictor", lambda folder, device, threads: None)
    reader = SimpleNamespace(row=toy_row(tmp_path, 9, "test"))
    tried = evaluate_lvt(tmp_path, Trial("model", reader, EvaluationSettings(disturbances=None)))
    assert isinstance(tried, TrialResult) and tried.figures["liver_dice"] == tried.figures["tumor_dice"] == 0
    assert tried.figures["lesions"] == 1 and tried.figures["lesions_found"] == 0


def figures(liver, vessel, tumor, sensitivity=0.5) -> dict:
    found = {name: {what: {"mean": value, "cases": 2} for what in ("dice", "nsd", "rvd")}
             for name, value in (("liver", liver), ("vessel", vessel), ("tumor", tumor))}  # fmt: skip
    found["tumor"].update(sensitivity=sensitivity, false_a_case=1.0)
    return found


@pytest.fixture
def page(tmp_path):
    return SimpleNamespace(
        inputs=SimpleNamespace(evaluation=tmp_path / "evaluation"), found={"test": {}}, kind="simulated"
    )


def write_comparison(tmp_path, settings) -> None:
    (tmp_path / "partial-sets").mkdir()
    content = {"cases": {"training": 8, "complete": 2, "test": 2}, "seeds": [0, 1], "training": {"epochs": 3},
               "settings": settings}  # fmt: skip
    (tmp_path / "partial-sets" / "partial_sets.json").write_text(json.dumps(content), encoding="utf-8")


def test_the_report_says_what_partial_sets_gain(page, tmp_path):
    assert partial_sets in task_named("lvt").report.sections and partial_sets(page) == ""
    pair = [figures(0.9, 0.5, 0.25), figures(0.9, 0.5, 0.75)]
    settings = {"ml-complete": {**figures(0.95, 0.5, 0.25), "by_seed": pair},
                "ml-partial": {**figures(0.9, 0.5, 0.5, None), "by_seed": pair}}  # fmt: skip
    write_comparison(tmp_path, settings)
    said = partial_sets(page)
    assert "4 networks (epochs 3)" in said and "Of 8 CTs for training 2" in said
    assert "| overlapping sigmoids (ML) | partial | 0.900 (0.900 to 0.900) |" in said
    assert "0.500 (0.250 to 0.750)" in said
    assert page.found["test"]["ml-partial"]["tumor"]["dice"]["mean"] == 0.5
    assert page.found["partial_sets"]["gain"] == pytest.approx({"liver": -0.05, "vessel": 0.0, "tumor": 0.25})
    assert [line["holds"] for line in page.found["must"]] == [False, True, True]
    assert "| partial sets: Dice gained, liver | -0.050 | at least 0 | at least 0.025 | **no** |" in said


def test_what_is_no_comparison_is_one_sentence(page, tmp_path):
    write_comparison(tmp_path, {})
    with pytest.raises(FileFormatError, match=r"partial_sets.json does not hold what was compared"):
        partial_sets(page)


def test_a_table_without_test_cases_is_refused(tmp_path):
    from CRLMSegmentationLib.errors import ConfigurationError

    with pytest.raises(ConfigurationError, match="no test case"):
        compare_settings(tmp_path, {}, [0], [CaseRow("a", "a", "training")])
