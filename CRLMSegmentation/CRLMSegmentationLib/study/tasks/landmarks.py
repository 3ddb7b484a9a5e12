"""The task `landmarks`: ridge, ligament and silhouette of the liver in pictures of a laparoscope, after Borgars et al.
(SLiPPA). A row of the table is a picture (column `volume`) with its landmarks (column `mask`; see landmarks/truth.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ...inference.image import Image
from ...inference.models.card import CARD
from ...inference.models.trained_model import load_model
from ...inference.predictor import LocalPredictor
from ...laparoscopy.lines.landmark_lines import LineSettings, lines_of
from ...laparoscopy.network.landmark_finder import LandmarkFinder, drawn
from ...laparoscopy.network.network_picture import (
    CHANNELS,
    LABELS,
    NETWORK_SIZE,
    label_map_of,
    lines_in,
    network_label_map,
    network_picture,
)
from ...values import Volume
from ...values.landmarks import LANDMARKS
from ..cases.case_files import CaseReader
from ..cases.labelled_image import LabelledImage
from ..landmarks.figures import mask_overlap, mean_figures, picture_figures
from ..landmarks.population import QUICK, SHIPPED, simulate_pictures
from ..landmarks.recipe import BOOK, LandmarkRecipe
from ..landmarks.trainer import LandmarkTrainer
from ..landmarks.truth import read_case
from ..metrics import Metric
from ..reporting import landmark_comparisons, landmark_sections, sections
from ..reporting.report_page import ReportPlan
from .task import CalibrationJob, CalibrationResult, SimulationOf, Task
from .trial import Trial, TrialResult

NAME = "landmarks"
# Means of the landmarks of a picture; see landmarks/figures.py. 'raw' is what the network marks, before lines are made.
METRICS = (
    Metric("precision", "precision", 1, of_each_case=True),
    Metric("dice", "Dice", 1, of_each_case=True),
    Metric("symmetric_distance", "symmetric distance (d_max 20, divided)", -1, of_each_case=True),
    Metric("recall", "recall", 1),
    Metric("cldice", "clDice", 1),
    Metric("precision_raw", "precision without post-processing", 1),
    Metric("dice_raw", "Dice without post-processing", 1),
    Metric("network_ms", "network (ms)"),
    Metric("post_ms", "post-processing (ms)"),
)
_THRESHOLDS = np.round(np.arange(0.2, 0.81, 0.1), 2)


def landmark_images(reader: CaseReader, recipe: LandmarkRecipe) -> Iterator[LabelledImage]:
    """The picture at the network's size."""
    picture, truth = read_case(reader.row)
    channels = tuple(Volume(plane[None], np.eye(4)) for plane in np.moveaxis(network_picture(picture), -1, 0))
    labels = network_label_map(label_map_of(truth))
    yield LabelledImage("", channels, Volume(labels[None], np.eye(4)))


@lru_cache(maxsize=4)
def _predictor(folder: Path, device: str, threads: int) -> LocalPredictor:
    return LocalPredictor(load_model(folder), device=device, threads=threads)


def calibrate_landmarks(job: CalibrationJob) -> CalibrationResult:
    """The threshold at which the lines of the validation pictures have the highest mean Dice."""
    predictor = _predictor(job.model, job.device, job.threads or 1)
    dice = np.zeros((len(job.rows), len(_THRESHOLDS)))
    for number, row in enumerate(job.rows):
        picture, truth = read_case(row)
        wanted = lines_in(network_label_map(label_map_of(truth)))
        prediction = predictor.predict(Image.of_frame(network_picture(picture)), list(LANDMARKS))
        probabilities = np.stack([prediction.of(name)[0] for name in LANDMARKS])
        for at, threshold in enumerate(_THRESHOLDS):
            dice[number, at] = _dice_of_lines(probabilities, wanted, float(threshold))
        if job.progress:
            job.progress((number + 1) / len(job.rows), f"Calibrating on picture {number + 1} of {len(job.rows)}")
    means = np.nanmean(dice, axis=0)
    best = int(np.argmax(means))
    path = job.model / CARD
    card = json.loads(path.read_text(encoding="utf-8"))
    card["threshold"] = float(_THRESHOLDS[best])
    card["threshold_choice"] = "of 0.2 to 0.8, the one whose lines have the highest mean Dice on validation pictures"
    card["validation"] = {"cases": len(job.rows), "line_dice_at_416": round(float(means[best]), 4)}
    path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return CalibrationResult({"thresholds": _THRESHOLDS.tolist(), "dice": means.round(4).tolist()})


def _dice_of_lines(probabilities: np.ndarray, truth: np.ndarray, threshold: float) -> float:
    lines = lines_of(probabilities, None, LineSettings(threshold=threshold))
    values = []
    for name, wanted in zip(LANDMARKS, truth):
        found = drawn([line for line in lines if line.landmark == name], NETWORK_SIZE) > 0
        if found.any() or wanted.any():
            values.append(2 * (found & wanted).sum() / (found.sum() + wanted.sum()))
    return float(np.mean(values)) if values else float("nan")


def evaluate_landmarks(folder: Path, trial: Trial) -> TrialResult:
    """The picture as in use, and what the network marks before lines are made of it."""
    picture, truth = read_case(trial.row)
    predictor = _predictor(folder, trial.settings.device, trial.settings.threads)
    threshold = predictor.model.card.threshold
    found = LandmarkFinder(predictor, threshold).find(picture)
    each = picture_figures(found.lines, truth)
    precision_raw, dice_raw = mask_overlap(found.probabilities >= threshold, truth)
    figures: dict[str, Any] = {
        **mean_figures(each), "precision_raw": precision_raw, "dice_raw": dice_raw, "network_ms": found.network_ms,
        "post_ms": found.post_ms,
        **{f"{name}_{key}": value for name, one in each.items() for key, value in one.items()},
    }  # fmt: skip
    mask = drawn(found.lines, (picture.shape[1], picture.shape[0]))
    return TrialResult(figures, arrays={"picture": picture, "truth": label_map_of(truth), trial.method: mask})


TASK = Task(
    name=NAME,
    summary="ridge, ligament and silhouette of the liver in laparoscopic pictures",
    dataset="Dataset507_Landmarks",
    dimension=2,
    channels=CHANNELS,
    labels=LABELS,
    metrics=METRICS,
    recipes=BOOK,
    cut_by=(),
    images=landmark_images,
    trainer=LandmarkTrainer(),
    evaluate=evaluate_landmarks,
    report=ReportPlan(
        (landmark_sections.landmark_summaries,),
        (
            landmark_sections.introduction, landmark_sections.required_figures, sections.all_cases,
            landmark_sections.each_landmark, landmark_comparisons.steps, landmark_comparisons.recipes,
            sections.each_case,
        ),
    ),
    calibrate=calibrate_landmarks,
    data="pictures of a laparoscope",
    simulate=SimulationOf(simulate_pictures, SHIPPED, QUICK),
)  # fmt: skip
