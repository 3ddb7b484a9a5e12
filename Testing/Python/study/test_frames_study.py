"""`crlm study --task frames` from a table to a report, on slices through balls that really train."""

import json

import numpy as np
import pytest
import torch
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.inference.image import Image
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from CRLMSegmentationLib.study.cases.case_table import CaseRow, write_case_table
from CRLMSegmentationLib.study.tasks import TASKS
from CRLMSegmentationLib.study.training.frames_trainer import FramesRecipe, epochs_without_improvement
from CRLMSegmentationLib.study.training.nnunet_home import NnunetHome
from CRLMSegmentationLib.values import Volume

ORIGINS = {"training": "us", "validation": "us", "test": "mr"}


def write_ball(folder, seed: int, split: str) -> CaseRow:
    random = np.random.default_rng(seed)
    k, j, i = np.indices((30, 32, 34))
    ball = (i - random.uniform(14, 20)) ** 2 + (j - 16) ** 2 + (k - 15) ** 2 < random.uniform(5, 8) ** 2
    voxels = np.clip(random.normal(130, 15, ball.shape) - 80 * ball, 1, 255).astype(np.uint8)
    paths = [str(folder / f"{seed}{part}.nrrd") for part in ("", "_mask")]
    for path, values in zip(paths, (voxels, ball.astype(np.uint8))):
        write_volume(Volume(values, np.eye(4)), path)
    return CaseRow(f"ball{seed}", f"p{seed}", split, volume=paths[0], mask=paths[1], label_origin=ORIGINS[split])


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """The folder of a finished study of three cases, and the command that made it."""
    folder = tmp_path_factory.mktemp("frames")
    rows = [write_ball(folder, seed, split) for seed, split in enumerate(ORIGINS)]
    table = write_case_table(rows, folder / "table.csv")
    (folder / "my.toml").write_text(
        "[frames]\nspacing_mm = 1.0\nbase_features = 4\nmax_features = 8\ngpu_memory_gb = 0.05\nevery = 3\n"
        "patience = 1\nepochs = 6\niterations = 8\nlearning_rate = 0.01\n",
        encoding="utf-8",
    )
    arguments = ["study", "run", str(table), "--work", str(folder / "work"), "--task", "frames", "--override",
                 str(folder / "my.toml"), "--threads", "1"]  # fmt: skip
    assert main(arguments) == 0
    return folder / "work"


def test_results_are_by_area_and_by_the_origin_of_the_labels(work):
    found = json.loads((work / "report" / "results.json").read_text(encoding="utf-8"))
    test = found["test"]
    assert set(test["by_area"]) == {"0-35", "35-200", "200+"} and set(found["by_label_origin"]) == {"mr"}
    assert sum(one["planes"] for one in test["by_area"].values()) == test["planes"] > 20
    assert 0 <= test["fnr"]["mean"] <= 1 and 0 <= test["pp"] <= 1 and test["empty_planes"] > 20
    assert test["Model_frames"]["cases"] == 1 and found["recipes"]["frames"]["patience"] == 1
    page = (work / "report" / "report.md").read_text(encoding="utf-8")
    assert "Faanes et al." in page and "labels drawn on mr" in page and "outlines.png" in page
    assert (work / "report" / "outlines.png").stat().st_size > 5000


def test_a_training_ends_when_nothing_is_learned_any_more_and_keeps_the_best(work):
    trained = TASKS["frames"].nnunet_dataset(NnunetHome(work / "nnunet")).trained / "fold_0"
    final, best = (
        torch.load(trained / f"checkpoint_{name}.pth", map_location="cpu", weights_only=False)
        for name in ("final", "best")
    )
    dice = final["logging"]["ema_fg_dice"]
    ends = [n for n in range(1, len(dice) + 1) if epochs_without_improvement(dice[:n]) >= 1]
    assert len(dice) == (ends[0] if ends else 6)
    assert all(torch.equal(value, best["network_weights"][name]) for name, value in final["network_weights"].items())


def test_patience_counts_from_the_best_epoch():
    assert epochs_without_improvement([]) == 0
    assert epochs_without_improvement([0.1, 0.5, 0.6]) == 0
    assert epochs_without_improvement([0.1, 0.6, 0.6, 0.5]) == 2


def test_the_model_outlines_a_frame_of_any_size(work):
    model = load_model(work / "models" / "Model_frames")
    assert (model.card.task, model.is_2d, model.labels.foreground_heads) == ("frames", True, ("tumor",))
    assert model.card.text["training"]["label_origins"] == ["us"] and "by_area" in model.card.text["validation"]
    predictor = LocalPredictor(model, device="cpu", threads=1)
    probability = predictor.predict(Image.of_frame(np.full((48, 64), 120, np.uint8), (0.5, 0.5)), ["tumor"]).of("tumor")
    assert probability.shape == (1, 48, 64) and 0 <= probability.min() and probability.max() <= 1


def test_the_papers_recipe_learns_from_frames_with_tumor_alone():
    paper = TASKS["frames"].recipes.named("paper", "default")
    assert isinstance(paper, FramesRecipe) and paper.frames == "tumor" and paper.patience == 30 and not paper.upright
