"""Another task is another row and its own few functions: a small one is registered here and a whole study done with it.

It learns something else, in another way, than the library's own tasks: discs and rings in pictures of two channels, by
the mean of each label's grey levels.
"""

import hashlib
import json
import pickle
import re
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.study.cases.case_table import CaseRow, write_case_table
from CRLMSegmentationLib.study.cases.dataset import RawDataset
from CRLMSegmentationLib.study.cases.labelled_image import LabelledImage
from CRLMSegmentationLib.study.checked_fields import limited
from CRLMSegmentationLib.study.metrics import Metric
from CRLMSegmentationLib.study.reporting import sections
from CRLMSegmentationLib.study.reporting.report_page import ReportPlan
from CRLMSegmentationLib.study.tasks import TASKS, Task
from CRLMSegmentationLib.study.tasks.trial import TrialResult
from CRLMSegmentationLib.study.training.recipe import Recipe, RecipeBook, quick_training, small_network
from CRLMSegmentationLib.values import LabelSet, Volume

LABELS = LabelSet.of_names("disc", "ring")
SIZE = 24


@dataclass(frozen=True)
class ShapesRecipe(Recipe):
    """quarters: how many quarters of each picture are learned from."""

    quarters: int = limited(4, least=1, most=4)


def picture(row) -> tuple[np.ndarray, np.ndarray]:
    """(2, SIZE, SIZE) grey levels and (SIZE, SIZE) labels."""
    return np.load(row.volume), np.load(row.mask)


def quarters(reader, recipe):
    pixels, labels = picture(reader.row)
    half = SIZE // 2
    for number in range(recipe.quarters):
        part = np.s_[half * (number // 2) : half * (number // 2 + 1), half * (number % 2) : half * (number % 2 + 1)]
        planes = [Volume(channel[part][None], np.eye(4)) for channel in pixels]
        yield LabelledImage(str(number), tuple(planes), Volume(labels[part][None].astype(np.uint8), np.eye(4)))


class MeanTrainer:
    """The mean of each label in both channels."""

    def train(self, job):
        split = json.loads((job.dataset.raw / "splits_final.json").read_text(encoding="utf-8"))[0]
        raw = RawDataset(job.dataset.home.raw, job.dataset.name, ("echo", "elasticity"), LABELS, 2)
        images = [raw.read(name) for name in split["train"]]
        pixels = np.concatenate([np.stack([c.voxels.ravel() for c in channels], 1) for channels, _ in images])
        labels = np.concatenate([labels.voxels.ravel() for _, labels in images])
        weights = job.dataset.home.results / "means.npy"
        weights.parent.mkdir(parents=True, exist_ok=True)
        np.save(weights, np.stack([pixels[labels == value].mean(axis=0) for value in range(3)]))
        return weights

    def export(self, job, weights, folder, card):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "means.npy").write_bytes(weights.read_bytes())
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        (folder / "model.json").write_text(json.dumps({**card, "sha256": {"means.npy": digest}}), encoding="utf-8")

    def read_card(self, folder):
        text = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        return SimpleNamespace(text=text, decides=text["sha256"], **{k: text[k] for k in (
            "name", "version", "threshold", "sha256")})  # fmt: skip


def dice_of(found, trial) -> dict:
    _, truth = picture(trial.row)
    return {
        f"dice_{label.name}": 2 * ((found == label.value) & (truth == label.value)).sum()
        / ((found == label.value).sum() + (truth == label.value).sum())
        for label in LABELS.foreground
    }  # fmt: skip


def nearest_mean(folder, trial):
    pixels, _ = picture(trial.row)
    away = np.abs(pixels[None] - np.load(folder / "means.npy")[:, :, None, None]).sum(axis=1)
    return TrialResult(dice_of(away.argmin(axis=0), trial))


def all_disc(trial):
    return TrialResult(dice_of(np.ones((SIZE, SIZE)), trial))


def own_section(page) -> str:
    return f"## Shapes\n\n{page.found['shapes']} pictures of shapes.\n"


def count_shapes(found, results) -> None:
    found["shapes"] = len(results)


SHAPES = Task(
    name="shapes",
    summary="discs and rings",
    dataset="Dataset901_Shapes",
    dimension=2,
    channels=("echo", "elasticity"),
    labels=LABELS,
    metrics=tuple(
        Metric(f"dice_{one.name}", f"Dice of {one.name}s", 1, of_each_case=True) for one in LABELS.foreground
    ),
    recipes=RecipeBook({"recommended": ShapesRecipe()}, {"small": small_network}, quick_training),
    cut_by=("quarters",),
    images=quarters,
    trainer=MeanTrainer(),
    evaluate=nearest_mean,
    report=ReportPlan((count_shapes,), (sections.all_cases, own_section, sections.each_case)),
    baselines={"All_disc": all_disc},
)


def write_picture(folder, seed: int, split: str) -> CaseRow:
    random = np.random.default_rng(seed)
    v, u = np.indices((SIZE, SIZE))
    away = np.hypot(v - random.uniform(10, 14), u - random.uniform(10, 14))
    labels = np.where(away < 4, 1, np.where((away > 6) & (away < 9), 2, 0))
    # Discs and background look alike in the first channel, rings and background in the second.
    pixels = np.stack([np.where(labels == 2, 200, 100), np.where(labels == 1, 30, 120)])
    np.save(folder / f"{seed}.npy", (pixels + random.normal(0, 5, pixels.shape)).astype(np.float32))
    np.save(folder / f"{seed}_labels.npy", labels)
    return CaseRow(f"picture{seed}", f"patient{seed}", split, volume=str(folder / f"{seed}.npy"),
                   mask=str(folder / f"{seed}_labels.npy"))  # fmt: skip


@pytest.fixture
def study(tmp_path, monkeypatch):
    """The folder of a finished study of the task `shapes`, and its command."""
    monkeypatch.setitem(TASKS, SHAPES.name, SHAPES)
    rows = [
        write_picture(tmp_path, seed, split) for seed, split in enumerate(["training", "validation", "test", "test"])
    ]
    table = write_case_table(rows, tmp_path / "table.csv")
    (tmp_path / "my.toml").write_text("[shapes]\nquarters = 3\n", encoding="utf-8")
    arguments = ["study", "run", str(table), "--work", str(tmp_path / "work"), "--task", "shapes",
                 "--override", str(tmp_path / "my.toml")]  # fmt: skip
    assert main(arguments) == 0
    return tmp_path / "work", arguments


def test_a_task_that_the_library_does_not_know_goes_all_the_way(study):
    work, _ = study
    found = json.loads((work / "report" / "results.json").read_text(encoding="utf-8"))
    assert set(found["test"]) == {"Model_shapes", "All_disc"}
    assert found["test"]["Model_shapes"]["dice_ring"]["median"] > 0.95
    assert found["test"]["All_disc"]["dice_disc"]["median"] < 0.3
    assert found["each_case"][0]["dice_disc"]["Model_shapes"] > 0.95 and found["shapes"] == 2
    text = (work / "report" / "report.md").read_text(encoding="utf-8")
    assert "2 pictures of shapes." in text and "| Dice of rings |" in text and "picture3" in text
    assert "tumor" not in text and "--task shapes --override my.toml" in text


def test_its_images_have_its_channels_and_labels(study):
    raw = study[0] / "nnunet" / "raw" / "Dataset901_Shapes"
    description = json.loads((raw / "dataset.json").read_text(encoding="utf-8"))
    assert description["channel_names"] == {"0": "echo", "1": "elasticity"}
    assert description["labels"] == {"background": 0, "disc": 1, "ring": 2}
    split = json.loads((raw / "splits_final.json").read_text(encoding="utf-8"))[0]
    assert split == {"train": [f"picture0_{n}" for n in range(3)], "val": [f"picture1_{n}" for n in range(3)]}
    channels, labels = RawDataset(raw.parent, raw.name, ("echo", "elasticity"), LABELS, 2).read("picture0_0")
    whole = np.load(study[0].parent / "0.npy")
    assert all(np.array_equal(channel.voxels[0], plane[:12, :12]) for channel, plane in zip(channels, whole))
    assert labels.voxels.shape == (1, 12, 12)


def test_what_was_used_stands_beside_the_model_and_in_the_results(study):
    work, _ = study
    card = json.loads((work / "models" / "Model_shapes" / "model.json").read_text(encoding="utf-8"))
    found = json.loads((work / "report" / "results.json").read_text(encoding="utf-8"))
    assert card["task"] == "shapes" and card["training"]["recipe"]["quarters"] == 3
    assert found["recipes"]["shapes"] == card["training"]["recipe"]
    # A report that is written later, without the file, still says what the model was trained with.
    assert main(["study", "report", "--work", str(work), "--task", "shapes"]) == 0
    found = json.loads((work / "report" / "results.json").read_text(encoding="utf-8"))
    assert found["recipes"]["shapes"]["quarters"] == 3


def test_only_what_depends_on_a_changed_setting_is_done_again(study):
    work, arguments = study
    image = work / "nnunet" / "raw" / "Dataset901_Shapes" / "imagesTr" / "picture0_0_0000.nrrd"
    result = work / "evaluation" / "picture2.Model_shapes.json"
    before = image.stat().st_mtime_ns, result.stat().st_mtime_ns
    assert main([*arguments, "--epochs", "5"]) == 0
    assert before == (image.stat().st_mtime_ns, result.stat().st_mtime_ns)
    assert main(arguments[:-2]) == 0
    assert before[0] != image.stat().st_mtime_ns


@pytest.mark.parametrize("name", ["crop", "full"])
def test_the_tasks_of_the_library_travel_to_other_processes(name):
    again = pickle.loads(pickle.dumps(TASKS[name]))
    assert again.recipes.named("paper") == TASKS[name].recipes.named("paper") and again.images is TASKS[name].images


def test_every_task_has_a_dataset_and_a_name_of_its_own():
    assert len({task.dataset for task in TASKS.values()}) == len(TASKS)
    assert all(name == task.name for name, task in TASKS.items())


def test_the_row_of_the_guide_is_one_that_works():
    guide = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "add-a-network-task.md"
    row = re.search(r"```python\n(\"\"\"The task.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL).group(1)
    found = {"__package__": "CRLMSegmentationLib.study.tasks", "__name__": "CRLMSegmentationLib.study.tasks.mine"}
    exec(compile(row, "mine.py", "exec"), found)
    task = found["TASK"]
    # Whoever follows the guide has it among them.
    numbers = {one.dataset[len("Dataset") :][:3] for one in TASKS.values() if one.name != task.name}
    assert task.dataset[len("Dataset") :][:3] not in numbers
    volume = Volume(np.zeros((4, 5, 6), np.uint8), np.eye(4))
    reader = SimpleNamespace(case=lambda: SimpleNamespace(volume=volume, tumor=volume))
    (image,) = task.images(reader, task.recipes.named("recommended"))
    assert image.channels == (volume,) and task.recipes.quick(task.recipes.named("recommended")).epochs == 2
