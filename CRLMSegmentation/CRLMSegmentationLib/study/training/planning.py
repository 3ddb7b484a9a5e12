"""Planning and preprocessing with nnU-Net's own classes, with small networks where the recipe says so.

Reference: Isensee et al., nnU-Net, Nature Methods 18 (2021) 203-211.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from ...errors import ConfigurationError
from ...inference.averaging import PREPROCESSOR
from ...inference.models.network_plan import preprocessor_of
from ...values.progress import Progress
from ..workers import for_each
from .nnunet_home import CONFIGURATIONS, PLANS_NAME, NnunetDataset
from .recipe import Recipe


def plan(dataset: NnunetDataset, recipe: Recipe) -> Path:
    """Fingerprint and plan the raw dataset with nnU-Net's own extractor and planner; returns the plans file."""
    folder = dataset.preprocessed
    folder.mkdir(parents=True, exist_ok=True)
    # nnU-Net's own copy of the split, which it refuses to replace when the data set has grown since.
    (folder / "splits_final.json").unlink(missing_ok=True)
    # The planner explains its choices at length: beside the plans, not in the middle of a progress bar.
    with dataset.home.active(), open(folder / "planning.log", "w", encoding="utf-8") as log, redirect_stdout(log):
        from nnunetv2.experiment_planning.dataset_fingerprint import fingerprint_extractor

        extractor = fingerprint_extractor.DatasetFingerprintExtractor(dataset.name, num_processes=1)
        # Its default draws 10^8 voxels, which is 400 MB for statistics that z-score normalisation does not use.
        extractor.num_foreground_voxels_for_intensitystats = 1e6
        extractor.show_progress_bar = False
        with _a_thread_for_its_process(fingerprint_extractor):
            extractor.run(overwrite_existing=True)
        options: dict[str, Any] = {"plans_name": PLANS_NAME}
        if recipe.gpu_memory_gb:
            options["gpu_memory_target_in_gb"] = recipe.gpu_memory_gb
        if recipe.spacing_mm:
            options["overwrite_target_spacing"] = [
                _spacing_across(dataset, recipe.spacing_mm),
                *[recipe.spacing_mm] * 2,
            ]
        planner = _planner_class(recipe)(dataset.name, **options)
        planner.plan_experiment()
        path = dataset.plans
        plans = json.loads(path.read_text(encoding="utf-8"))
        plans["configurations"][dataset.configuration]["batch_dice"] = recipe.batch_dice
        if recipe.averaging:
            plans["configurations"][dataset.configuration]["preprocessor_name"] = PREPROCESSOR
        if recipe.start_from:
            plans["configurations"][dataset.configuration] = _configuration_of(recipe.start_from, dataset)
        path.write_text(json.dumps(plans, indent=4) + "\n", encoding="utf-8")
        _write_stamp(dataset, "planned.json", _planning_inputs(dataset, recipe))
        return path


@contextmanager
def _a_thread_for_its_process(module: ModuleType) -> Iterator[None]:
    """Meanwhile a module of nnU-Net's that spawns a pool gets one of threads: its only process would import all of
    nnU-Net and torch first, which takes longer than most data sets.
    """
    original = module.multiprocessing
    context = SimpleNamespace(Pool=ThreadPool)
    module.multiprocessing = SimpleNamespace(get_context=lambda _method: context)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        module.multiprocessing = original  # type: ignore[attr-defined]


def _configuration_of(model: str, dataset: NnunetDataset) -> dict[str, Any]:
    """Patch, voxels, network and normalisation of that model, without which its weights would mean something else."""
    from ...inference.models.trained_model import load_model

    known = load_model(model).plans["configurations"]
    if dataset.configuration not in known:
        raise ConfigurationError(
            f"The model {model} knows no {dataset.configuration}: a training cannot start from its weights."
        )
    configuration: dict[str, Any] = known[dataset.configuration]
    return configuration


def _spacing_across(dataset: NnunetDataset, spacing_mm: float) -> float:
    """Along the first axis; across a single plane, for which nnU-Net makes a spacing up, it has to stay that one."""
    if dataset.configuration != CONFIGURATIONS[2]:
        return spacing_mm
    fingerprint = json.loads((dataset.preprocessed / "dataset_fingerprint.json").read_text(encoding="utf-8"))
    return float(np.median([spacing[0] for spacing in fingerprint["spacings"]]))


def _planner_class(recipe: Recipe) -> type[Any]:
    from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner

    base: Any = ExperimentPlanner
    if recipe.residual_encoder:
        from nnunetv2.experiment_planning.experiment_planners.residual_unets import residual_encoder_unet_planners

        base = residual_encoder_unet_planners.ResEncUNetPlanner

    class StudyPlanner(base):  # type: ignore[misc]  # nnU-Net has no types
        """nnU-Net's planner with fewer features, and a patch for the large images and not for the median one."""

        def __init__(self, *arguments: Any, **options: Any):
            super().__init__(*arguments, **options)
            if recipe.base_features:
                self.UNet_base_num_features = recipe.base_features
            if recipe.max_features:
                self.UNet_max_features_2d = self.UNet_max_features_3d = recipe.max_features

        def get_plans_for_configuration(
            self, spacing: np.ndarray, median_shape: np.ndarray, data_identifier: str, n_voxels: float, cache: Any
        ) -> Any:
            if recipe.patch_percentile is not None and len(spacing) == 3 and recipe.spacing_mm:
                edges = np.array(self.dataset_fingerprint["shapes_after_crop"]) * self.dataset_fingerprint["spacings"]
                typical = np.percentile(edges, recipe.patch_percentile) / recipe.spacing_mm
                # Whole voxels: the planner pads to what its strides divide, and a rounding error there is a voxel.
                median_shape = np.full(len(median_shape), np.ceil(typical))
            return super().get_plans_for_configuration(spacing, median_shape, data_identifier, n_voxels, cache)

    return StudyPlanner


@dataclass(frozen=True)
class _Job:
    dataset: NnunetDataset
    name: str
    files: dict[str, Any]


def preprocess(
    dataset: NnunetDataset,
    progress: Progress | None = None,
    workers: int = 1,
    scheduler: str | None = None,
) -> None:
    """Run nnU-Net's own preprocessor over every image. Raises ConfigurationError when one of them fails."""
    with dataset.home.active():
        from nnunetv2.utilities.utils import get_filenames_of_train_images_and_targets

        folder = dataset.preprocessed
        description = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        files = get_filenames_of_train_images_and_targets(str(dataset.raw), description)
    # What an earlier plan left may not belong to the dataset any more, and is never written over.
    plans = json.loads((dataset.plans).read_text(encoding="utf-8"))
    shutil.rmtree(folder / plans["configurations"][dataset.configuration]["data_identifier"], ignore_errors=True)
    jobs = [_Job(dataset, name, case) for name, case in files.items()]
    for outcome in for_each(_preprocess_one, jobs, workers, scheduler, progress, "Preprocessing, image"):
        if outcome.error:
            raise ConfigurationError(f"nnU-Net cannot preprocess {jobs[outcome.number].name}: {outcome.error}")
    stamp = _stamp(dataset, "planned.json")
    if stamp is not None:
        _write_stamp(dataset, "preprocessed.json", stamp)


def _preprocess_one(job: _Job) -> None:
    with job.dataset.home.active():
        from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

        folder = job.dataset.preprocessed
        plans = PlansManager(str(job.dataset.plans))
        configuration = plans.get_configuration(job.dataset.configuration)
        description = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        target = folder / configuration.data_identifier
        target.mkdir(parents=True, exist_ok=True)
        preprocessor_of(configuration).run_case_save(
            str(target / job.name), job.files["images"], job.files["label"], plans, configuration, description
        )


def is_planned(dataset: NnunetDataset, recipe: Recipe) -> bool:
    """True when the plans of an earlier run follow this recipe and are newer than the dataset."""
    return _stamp(dataset, "planned.json") == _planning_inputs(dataset, recipe)


def is_preprocessed(dataset: NnunetDataset) -> bool:
    """True when every image was preprocessed after the last planning."""
    return _stamp(dataset, "preprocessed.json") == _stamp(dataset, "planned.json") is not None


def planning_stamp(dataset: NnunetDataset) -> dict[str, Any] | None:
    """What the plans that are there were made from; None when there are none."""
    return _stamp(dataset, "planned.json")


def _planning_inputs(dataset: NnunetDataset, recipe: Recipe) -> dict[str, Any]:
    """What plans depend on: the images (their names, sizes and times) and the planning part of the recipe."""
    asked = {name: getattr(recipe, name) for name in (
        "spacing_mm", "base_features", "max_features", "patch_percentile", "gpu_memory_gb", "residual_encoder",
        "batch_dice", "averaging",
    )}  # fmt: skip
    if recipe.start_from:
        asked["start_from"] = recipe.start_from
    digest = hashlib.sha256((dataset.raw / "splits_final.json").read_bytes())
    for path in sorted((dataset.raw).glob("*Tr/*")):
        state = path.stat()
        digest.update(f"{path.name} {state.st_size} {state.st_mtime_ns}\n".encode())
    return {"recipe": asked, "dataset": digest.hexdigest()}


def _stamp(dataset: NnunetDataset, name: str) -> dict[str, Any] | None:
    path = dataset.preprocessed / name
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _write_stamp(dataset: NnunetDataset, name: str, content: dict[str, Any]) -> None:
    (dataset.preprocessed / name).write_text(json.dumps(content) + "\n", encoding="utf-8")
