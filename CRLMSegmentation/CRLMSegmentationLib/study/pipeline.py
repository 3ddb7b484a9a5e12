"""The steps of a study, one after the other, each of which finds what an earlier run has already done.

simulate (or a table of one's own) > build > train > calibrate > evaluate > report
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ..errors import ConfigurationError
from ..inference.models.card import CARD
from ..inference.models.model_files import sha256_of
from ..inference.models.trained_model import load_model
from ..values.defaults import DEFAULT_BOX_MARGIN_MM
from .calibrate import add_eight_bits, calibrate, write_calibration
from .cases.build import CROPS, WHOLE, BuildSettings, build
from .cases.case_files import forget_sweeps, load_case
from .cases.case_table import VALIDATION, CaseRow, LeftOut, choose_cases, read_case_table, write_case_table
from .cases.crop_sampling import CropSampling, sample_crops
from .evaluate import CROP, FULL, EvaluationSettings, evaluate
from .study_folder import StudyFolder
from .training.cards import training_card
from .training.export import export_model
from .training.planning import is_planned, is_preprocessed, plan, preprocess
from .training.recipe import KINDS, Recipe, recipe_named
from .training.train import train

Progress = Callable[[float, str], None]
DATASETS = {"crop": CROPS, "full": WHOLE}
# A threshold has to serve boxes as they are drawn, not only tight ones.
VALIDATION_SAMPLING = CropSampling(straying=3)


@dataclass(frozen=True)
class Study:
    """Where a study lies and how it is done.

    recipes    by kind, 'crop' and 'full'; a kind that is not there is left out of the study
    simulated  seeds by part for the model cards, when the cases are simulated; None for cases of one's own
    """

    folder: StudyFolder
    recipes: dict[str, Recipe]
    workers: int = 1
    scheduler: str | None = None
    threads: int | None = None
    device: str = "cpu"
    gpus: int = 1
    margin_mm: float = DEFAULT_BOX_MARGIN_MM
    with_iso_echoic: bool = False
    simulated: dict | None = None
    version: str = "1"

    @property
    def build_settings(self) -> BuildSettings:
        sampling = self.recipes["crop"].sampling if "crop" in self.recipes else CropSampling()
        return BuildSettings(self.margin_mm, sampling, self.with_iso_echoic)

    @property
    def many(self) -> dict:
        return {"workers": self.workers, "scheduler": self.scheduler}


def recipes_for(name: str, network: str = "small", kinds: Sequence[str] = KINDS, **changes) -> dict[str, Recipe]:
    """The named recipe for each kind of model; changes are fields of Recipe, None for 'as the recipe says'."""
    return {kind: recipe_named(name, kind, network, **changes) for kind in kinds}


def quick_recipes(name: str = "recommended", kinds: Sequence[str] = KINDS) -> dict[str, Recipe]:
    """A few steps of tiny networks on coarse voxels: to see that everything runs, not to learn anything."""
    recipes = recipes_for(name, kinds=kinds, epochs=2, iterations=4, base_features=4)
    return {
        kind: replace(recipe, spacing_mm=3.0 * recipe.spacing_mm / 2, sampling=CropSampling(straying=1, empty=1))
        for kind, recipe in recipes.items()
    }


def cases_of(study: Study) -> list[CaseRow]:
    """The table in the study's folder. Raises ConfigurationError when there is none."""
    if not study.folder.table.is_file():
        raise ConfigurationError(f"{study.folder.root} holds no cases.csv yet: build the study first.")
    return read_case_table(study.folder.table)


def build_step(study: Study, rows: Sequence[CaseRow], progress: Progress | None = None) -> list[LeftOut]:
    """Both datasets, and inputs.csv with the hash of every file that went in; returns the cases left out, and why."""
    Path(study.folder.root).mkdir(parents=True, exist_ok=True)
    write_case_table(rows, study.folder.table)
    write_inputs(rows, study.folder.inputs)
    return build(rows, study.folder.nnunet.raw, study.build_settings, progress=progress, **study.many)


def train_step(study: Study, kind: str, progress: Progress | None = None) -> Path:
    """Plan, preprocess, train and export one model; returns its folder, not calibrated yet."""
    home, dataset, recipe = study.folder.nnunet, DATASETS[kind], study.recipes[kind]
    if not (home.raw / dataset / "dataset.json").is_file():
        raise ConfigurationError(f"{study.folder.root} holds no dataset to train on: build the study first.")
    if not is_planned(home, dataset, recipe):
        plan(home, dataset, recipe)
    if not is_preprocessed(home, dataset):
        preprocess(home, dataset, progress, **study.many)
    trained = train(home, dataset, recipe, study.device, study.threads, progress, study.gpus)
    target = study.folder.model(kind)
    weights = trained / "fold_0" / "checkpoint_final.pth"
    if not (target / CARD).is_file() or (target / CARD).stat().st_mtime < weights.stat().st_mtime:
        split = json.loads((home.raw / dataset / "splits_final.json").read_text(encoding="utf-8"))[0]
        used, _ = choose_cases(cases_of(study), study.with_iso_echoic)
        card = training_card(
            f"Model_{kind}", study.version, recipe, study.build_settings, used, len(split["train"]), study.simulated
        )
        export_model(trained, target, card)
    return target


def calibrate_step(study: Study, kind: str, progress: Progress | None = None) -> str:
    """Threshold, uncertainty and curves of a trained model from the validation cases, into its card.

    For the crop model also the layers that can be computed in 8 bits; returns a sentence about them, or ''.
    """
    from ..inference.predictor import LocalPredictor
    from ..segmentation.segmenter import TumorSegmenter

    target = study.folder.model(kind)
    if not (target / CARD).is_file():
        raise ConfigurationError(f"{study.folder.root} holds no trained {kind} model: train it first.")
    model = load_model(target)
    rows = [row for row in choose_cases(cases_of(study), study.with_iso_echoic)[0] if row.split == VALIDATION]
    kept = study.folder.calibration / f"calibration_{kind}.json"
    wanted = {"model": model.card.sha256, "cases": [row.case for row in rows]}
    made_from = json.loads(kept.read_text(encoding="utf-8"))["made_from"] if kept.is_file() else None
    if made_from == wanted and model.card.text["validation"]:
        return ""
    segmenter = TumorSegmenter(LocalPredictor(model, device=study.device, threads=study.threads))
    images = validation_images(rows, kind, study.margin_mm)
    total = len(rows) * (1 + VALIDATION_SAMPLING.straying if kind == "crop" else 1)
    found = calibrate(segmenter, images, progress, total)
    write_calibration(target, found, cases=len(rows))
    told = ""
    if kind == "crop":
        told = add_eight_bits(target, validation_images(rows, kind, study.margin_mm), study.threads, progress)
    kept.write_text(json.dumps({"made_from": wanted, "counts": found.counts.as_plain()}) + "\n", encoding="utf-8")
    return told


def validation_images(rows: Sequence[CaseRow], kind: str, margin_mm: float):
    """(ultrasound, truth, group): the tight and three straying boxes of each case, or its whole volume.

    All of them reconstructed as in use, and not in the ways that training takes turns in.
    """
    for number, row in enumerate(rows):
        case = load_case(row)
        if kind == "full":
            yield case.volume, case.tumor, "whole"
        else:

            def load(fill: str, every: int, case=case):
                return case

            for sampled in sample_crops(load, margin_mm, VALIDATION_SAMPLING, seed=number):
                yield sampled.image, sampled.mask, "tight" if sampled.name == "tight" else "straying"
        forget_sweeps()


def evaluate_step(
    study: Study,
    settings: EvaluationSettings = EvaluationSettings(),
    further: dict[str, Path] | None = None,
    progress: Progress | None = None,
) -> tuple[list[dict], list[LeftOut]]:
    """The results of all test cases; `further` are more models to be tried on them, by name."""
    models = {name: study.folder.model(kind) for kind, name in (("crop", CROP), ("full", FULL))}
    models = {name: folder for name, folder in models.items() if (folder / CARD).is_file()}
    if not models:
        raise ConfigurationError(f"{study.folder.root} holds no trained model: train one first.")
    uncalibrated = [name for name, folder in models.items() if not load_model(folder).card.text["validation"]]
    if uncalibrated:
        raise ConfigurationError(f"{uncalibrated[0]} has no threshold yet: calibrate it first.")
    used, _ = choose_cases(cases_of(study), study.with_iso_echoic)
    models.update({name: Path(folder) for name, folder in (further or {}).items()})
    settings = replace(settings, device=study.device, threads=study.threads or 1)
    return evaluate(used, models, study.folder.evaluation, settings, progress=progress, **study.many)


def write_inputs(rows: Sequence[CaseRow], path: Path) -> None:
    """case, file, bytes and SHA-256 of everything that the table names; what is missing has no hash."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "split", "file", "bytes", "sha256"])
        for row in rows:
            for name in row.files:
                there = os.path.isfile(name)
                size, digest = (os.path.getsize(name), sha256_of(Path(name))) if there else ("", "")
                writer.writerow([row.case, row.split, Path(name).name, size, digest])


def describe(study: Study) -> dict:
    """The recipes as plain values, for the report."""
    return {kind: json.loads(json.dumps(asdict(recipe))) for kind, recipe in study.recipes.items()}
