"""Makes the model that ships, from seeds to folder, with one command that can be stopped and started again:

    crlm train --work FOLDER --output Resources/Models/crop-simulated-small

Simulate -> reconstruct -> cut out -> plan, preprocess, train (nnU-Net) -> calibrate -> export. Everything follows from
the seeds; what a stopped run left in FOLDER is used again. Seeds 1 to 99 are for tests and demonstrations and are
never used here.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from ..geometry import Volume
from ..segmentation.models import load_model
from ..segmentation.predictor import Segmenter
from .calibrate import THRESHOLD_CHOICE, calibrate
from .dataset import BoxJitter, CropDataset, read_crop
from .export import export_model
from .nnunet_home import NnunetHome
from .simulated_crops import FILLS, SPACING_MM, crop_names, write_many
from .train import Recipe, plan, preprocess, train

TRAINING_SEEDS = range(1000, 1080)
VALIDATION_SEEDS = range(2000, 2010)
MARGIN_MM = 10.0
VERSION = "0.1.0"
INTENDED_USE = (
    "Research. Trained on simulated ultrasound only, never on a patient: not a medical device, not for diagnosis, "
    "treatment or navigation of patients."
)


def make_model(
    work: Path, output: Path, recipe: Recipe, training=TRAINING_SEEDS, validation=VALIDATION_SEEDS,
    workers: int = 1, threads: int | None = None, progress=None,
) -> Path:
    """Make the model folder `output` with everything intermediate below `work`; returns `output`."""
    home = NnunetHome(Path(work))
    say = progress or (lambda fraction, text: None)
    dataset = CropDataset(home.raw)
    write_many(home.raw, training, MARGIN_MM, BoxJitter(), workers, say)
    write_many(home.raw, validation, MARGIN_MM, None, workers, say)
    dataset.finish(_names(training), _names(validation))
    prepared = home.preprocessed / dataset.name / "prepared.json"
    wanted = {"recipe": asdict(recipe), "crops": dataset.names()}
    if not prepared.is_file() or json.loads(prepared.read_text(encoding="utf-8")) != wanted:
        plan(home, dataset.name, recipe)
        preprocess(home, dataset.name, say)
        prepared.write_text(json.dumps(wanted), encoding="utf-8")
    trained = train(home, dataset.name, recipe, threads=threads, progress=say)
    return calibrate_and_export(trained, dataset, output, recipe, training, validation, threads, say)


def calibrate_and_export(trained, dataset, output, recipe, training, validation, threads=None, say=None) -> Path:
    """Choose the threshold on the validation crops and write the model folder with its card."""
    card = {
        "name": output.name,
        "version": VERSION,
        "kind": "crop",
        "margin_mm": MARGIN_MM,
        "threshold": 0.5,
        "threshold_choice": "not calibrated yet",
        "intended_use": INTENDED_USE,
        "training": {
            "data": "simulated livers of this project (simulation/), one metastasis each",
            "seeds": [min(training), max(training)],
            "cases": len(training),
            "crops": len(training) * len(FILLS),
            "reconstruction": f"{SPACING_MM} mm, nearest neighbour, mean",
            "holes_of_the_crops_filled_by": list(FILLS),
            "box_jitter_mm": asdict(BoxJitter()),
            "recipe": asdict(recipe),
        },
    }
    with TemporaryDirectory() as scratch:
        draft = Path(scratch) / output.name
        export_model(trained, draft, card)
        segmenter = Segmenter(load_model(draft), device="cpu", threads=threads)
        crops: list[tuple[Volume, Volume]] = [read_crop(dataset, name) for name in _names(validation)]
        card["threshold"], figures = calibrate(segmenter, crops, say)
    card["threshold_choice"] = THRESHOLD_CHOICE
    card["validation"] = {"seeds": [min(validation), max(validation)], "cases": len(validation), **figures}
    export_model(trained, output, card)
    return output


def _names(seeds) -> list[str]:
    return [name for seed in seeds for name in crop_names(seed)]
