"""What a task of a study is: a row of data, and the few functions that are its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from ...values import LabelSet
from ...values.progress import Progress
from ..card import Card
from ..cases.case_files import CaseReader
from ..cases.case_table import CaseRow
from ..cases.dataset import RawDataset
from ..cases.labelled_image import LabelledImage
from ..metrics import Metric
from ..reporting.report_page import ReportPlan
from ..study_folder import StudyFolder
from ..training.nnunet_home import CONFIGURATIONS, NnunetDataset, NnunetHome
from ..training.recipe import Recipe, RecipeBook
from .trial import Trial, TrialResult


@dataclass(frozen=True)
class TrainingJob:
    """What a trainer is asked for; `dataset` was built, `gpus` cards work together, `workers` processes prepare."""

    dataset: NnunetDataset
    recipe: Recipe
    device: str = "cpu"
    threads: int | None = None
    gpus: int = 1
    workers: int = 1
    scheduler: str | None = None
    progress: Progress | None = None


class Trainer(Protocol):
    """How a task's network is trained, and how its models lie on disk. training.nnunet_trainer has nnU-Net's."""

    def train(self, job: TrainingJob) -> Path:
        """Train, or go on where an earlier run of the same recipe stopped; returns the file of the weights."""

    def export(self, job: TrainingJob, weights: Path, folder: Path, card: dict[str, Any]) -> None:
        """Write the model that is to be kept into `folder`, with `card` and what the trainer adds as its model.json."""

    def read_card(self, folder: Path) -> Card:
        """The card of a model in `folder`, every file checked against it. Raises ModelError."""


@dataclass(frozen=True)
class CalibrationJob:
    """A trained model, the validation cases, and the recipe by which it was trained."""

    model: Path
    rows: Sequence[CaseRow]
    recipe: Recipe
    device: str = "cpu"
    threads: int | None = None
    progress: Progress | None = None


@dataclass(frozen=True)
class CalibrationResult:
    """counts: what the report draws, as plain values; sentence: for people, '' when there is nothing more to say."""

    counts: dict[str, Any]
    sentence: str = ""


def nothing_more(rows: Sequence[CaseRow]) -> dict[str, Any]:
    """Of cases about which there is nothing to say."""
    return {}


class Simulate(Protocol):
    """Simulates what is not there yet and writes the table of cases; returns its rows."""

    def __call__(
        self,
        folder: StudyFolder,
        quick: bool = False,
        workers: int = 1,
        scheduler: str | None = None,
        progress: Progress | None = None,
    ) -> list[CaseRow]: ...


Population = TypeVar("Population")
# Simulates a population in a study's folder with so many processes here, or those of a Dask scheduler.
Draw = Callable[[StudyFolder, Population, int, str | None, Progress | None], list[CaseRow]]


@dataclass(frozen=True)
class SimulationOf(Generic[Population]):
    """Simulates `shipped`, or `few` cases to see that everything runs. A class, as tasks go to other processes."""

    draw: Draw[Population]
    shipped: Population
    few: Population

    def __call__(
        self,
        folder: StudyFolder,
        quick: bool = False,
        workers: int = 1,
        scheduler: str | None = None,
        progress: Progress | None = None,
    ) -> list[CaseRow]:
        return self.draw(folder, self.few if quick else self.shipped, workers, scheduler, progress)


def everything_labelled(row: CaseRow, recipe: Any) -> tuple[str, ...] | None:
    """None: in every case all structures were annotated."""
    return None


@dataclass(frozen=True)
class Task:
    """Something that a network of a study learns.

    name         in commands, and in the names of model and results ('crop': Model_crop)
    summary      for people, one sentence
    dataset      name of the nnU-Net dataset: 'DatasetNNN_Something', NNN being no other task's
    dimension    3, or 2 for images of a single plane
    channels     names of what the network sees
    labels       what it finds
    metrics      figures of each case
    recipes      how it can be trained, by name
    cut_by       fields of the recipe on which the images depend; images of another recipe are cut anew
    images       the images of a training or validation case (reader.row says which) to learn from
    trainer      what trains the network and keeps its models
    evaluate     the model in a folder, tried on a case: a figure for each of the metrics, and arrays for pictures
    report       what the report shows
    calibrate    learns from validation cases what the model's answers mean, and writes it into its card; None without
    baselines    other methods that are tried on the same cases, by name
    about_cases  what the model's card says of the training cases, beside how many they are
    labelled     names of the structures that were annotated in a case; None where all were
    data         what its images are of, for the model's card
    simulate     simulates cases of its own, few and small ones when `quick`; None for the sweeps that most tasks share

    Its functions are importable by name: tasks travel to other processes.
    """

    name: str
    summary: str
    dataset: str
    dimension: int
    channels: tuple[str, ...]
    labels: LabelSet
    metrics: tuple[Metric, ...]
    recipes: RecipeBook
    cut_by: tuple[str, ...]
    images: Callable[[CaseReader, Any], Iterator[LabelledImage]]
    trainer: Trainer
    evaluate: Callable[[Path, Trial], TrialResult]
    report: ReportPlan
    calibrate: Callable[[CalibrationJob], CalibrationResult] | None = None
    baselines: Mapping[str, Callable[[Trial], TrialResult]] = field(default_factory=dict)
    about_cases: Callable[[Sequence[CaseRow]], dict[str, Any]] = nothing_more
    labelled: Callable[[CaseRow, Any], tuple[str, ...] | None] = everything_labelled
    data: str = "ultrasound of livers and phantoms"
    simulate: Simulate | None = None

    @property
    def model_name(self) -> str:
        """Of its model in tables, pictures and folders."""
        return f"Model_{self.name}"

    def raw_dataset(self, raw: Path) -> RawDataset:
        """The dataset below `raw` into which its images are written."""
        return RawDataset(raw, self.dataset, self.channels, self.labels, self.dimension)

    def nnunet_dataset(self, home: NnunetHome) -> NnunetDataset:
        """The same dataset as nnU-Net sees it."""
        return NnunetDataset(home, self.dataset, CONFIGURATIONS[self.dimension])


@dataclass(frozen=True)
class PlannedTask:
    """A task and the recipe by which this study does it."""

    task: Task
    recipe: Recipe

    @property
    def cut_settings(self) -> dict[str, Any]:
        """The part of the recipe on which the images depend, as plain values."""
        recipe = asdict(self.recipe)
        return {name: recipe[name] for name in self.task.cut_by}
