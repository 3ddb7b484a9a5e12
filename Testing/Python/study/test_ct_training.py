"""A network on toy CTs that were annotated in part: nnU-Net's planner, preprocessor and trainer really run."""

import json
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.study.cases.case_table import CaseRow
from CRLMSegmentationLib.study.cases.ct_population import QUICK
from CRLMSegmentationLib.study.pipeline import Study, build_step, calibrate_step, evaluate_step, train_step
from CRLMSegmentationLib.study.study_folder import StudyFolder
from CRLMSegmentationLib.study.tasks.lvt import RECIPES
from CRLMSegmentationLib.study.training import ct_trainer
from CRLMSegmentationLib.values import Volume

# The network of the recipes for a processor. It is not imported: that takes seconds, wherever tests are collected.
pytestmark = pytest.mark.skipif(find_spec("monai") is None, reason="monai is not installed")


def toy_row(folder, number, split, labelled="") -> CaseRow:
    """A bright liver in air with a dark tumor, 3 mm voxels."""
    random = np.random.default_rng(number)
    truth = np.zeros((20, 22, 24), np.uint8)
    truth[3:17, 3:19, 3:20], truth[8:10, 3:19, 9:12], truth[5:9, 6:10, 13:18] = 1, 2, 3
    hu = np.choose(truth, [-500, 100, 160, 40]) + random.normal(0, 5, truth.shape)
    grid = np.diag([3.0, 3.0, 3.0, 1.0])
    for name, voxels in (("ct", np.rint(hu).astype(np.int16)), ("truth", truth)):
        write_volume(Volume(voxels, grid, frame="CT"), folder / f"{name}{number}.nrrd")
    return CaseRow(
        f"toy{number}", f"toy{number}", split, volume=str(folder / f"ct{number}.nrrd"),
        mask=str(folder / f"truth{number}.nrrd"), labelled=labelled,
    )  # fmt: skip


def toy_study(folder, task: str, iterations: int, **changes) -> Study:
    """A study of a task on four toy CTs, one of them annotated in part: built and trained."""
    rows = [
        toy_row(folder, number, split, labelled)
        for number, (split, labelled) in enumerate(
            (("training", ""), ("training", "liver"), ("validation", ""), ("test", ""))
        )
    ]
    usual = replace(RECIPES["recommended"], base_features=4, epochs=1, iterations=iterations, gpu_memory_gb=0.05)
    recipe = replace(usual, **changes)
    study = Study(StudyFolder(folder / "work"), {task: recipe}, threads=1)
    build_step(study, rows)
    train_step(study, study.planned[0])
    return study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Of the task lvt, validated too."""
    study = toy_study(tmp_path_factory.mktemp("study"), "lvt", 5)
    calibrate_step(study, study.planned[0])
    return study


@pytest.mark.parametrize("task, has_regions", [("lvt-mlx", True), ("lvt-mc", False)])
def test_the_other_ways_to_learn_train_too(tmp_path, task, has_regions):
    study = toy_study(tmp_path, task, 1)
    model = load_model(study.folder.model(f"Model_{task}"))
    assert model.card.task == task and model.labels.has_regions == has_regions
    assert model.labels.foreground_heads == ("liver", "vessels", "tumor")
    raw = json.loads((study.folder.nnunet.raw / study.planned[0].task.dataset / "dataset.json").read_text("utf-8"))
    # One label a voxel has its unknown voxels in the map; sigmoids have a list.
    assert raw.get("labelled") == ({"toy1": ["liver"]} if has_regions else None)
    assert ("ignore" in raw["labels"]) != has_regions


def test_the_model_sees_a_ct_through_the_base_window_and_mirrors_nothing(study):
    model = load_model(study.folder.model("Model_lvt"))
    shown = model.plans["foreground_intensity_properties_per_channel"]["0"]
    assert (shown["percentile_00_5"], shown["percentile_99_5"]) == pytest.approx((-36.9, 161.9))
    assert model.card.task == "lvt" and model.card.mirror_axes == () and model.labels.has_regions
    assert model.spacing_mm == (2.0, 2.0, 2.0)
    # The images of the training are kept in a wider one, which holds every window that may be drawn.
    kept = json.loads((study.folder.nnunet.preprocessed / "Dataset504_LVT" / "nnUNetPlans.json").read_text("utf-8"))
    wide = kept["foreground_intensity_properties_per_channel"]["0"]
    assert wide["percentile_00_5"] < -100 and wide["percentile_99_5"] > 250


def test_the_card_names_a_network_that_is_not_nnunets_and_nnunet_knows_no_trainer_for_it(study):
    import torch

    model = load_model(study.folder.model("Model_lvt"))
    assert model.card.text["network"]["builder"] == "monai.UNet" and "monai" in model.card.text["made_with"]
    # All of its strides divide the patch.
    (configuration,) = (model.plans["configurations"][name] for name in ("3d_fullres",))
    assert all(length % 16 == 0 for length in configuration["patch_size"])
    kept = torch.load(model.folder / model.card.weights[0], weights_only=True)
    assert kept["trainer_name"] == "StudyTrainer"


def test_nnunets_own_plan_can_be_trained_by_its_own_transforms(tmp_path):
    study = toy_study(tmp_path, "lvt", 1, network="planned", transforms="nnunet")
    assert "network" not in load_model(study.folder.model("Model_lvt")).card.text


def test_the_card_says_how_well_it_did_on_the_validation_cases(study):
    card = load_model(study.folder.model("Model_lvt")).card.text
    assert card["validation"]["cases"] == 1 and 0 <= card["validation"]["mean"]["liver_dice"] <= 1
    assert card["training"]["recipe"]["annotations"] == "labelled"


def test_a_test_case_gets_a_figure_for_every_structure(study):
    results, failed = evaluate_step(study)
    # After five iterations a network may find no liver: that is an answer like any other.
    assert not failed
    figures = results[0]["methods"]["Model_lvt"]
    assert {"liver_dice", "vessels_nsd", "tumor_rvd", "lesions_found", "time_s"} <= set(figures)


def test_multi_class_labels_cannot_be_trained_with_the_loss_of_regions(study):
    trainer = ct_trainer.ct_trainer_class(RECIPES["recommended"], is_partial=True)
    plans = json.loads((study.folder.nnunet.preprocessed / "Dataset504_LVT" / "nnUNetPlans.json").read_text("utf-8"))
    plans["continue_training"] = False
    dataset = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1, "tumor": 2}, "numTraining": 1,
               "file_ending": ".nrrd"}  # fmt: skip
    import torch

    with study.folder.nnunet.active(0):
        made = trainer(plans, "3d_fullres", 0, dataset, torch.device("cpu"))
        with pytest.raises(ConfigurationError, match="regions"):
            made._build_loss()


def test_the_quick_cases_are_not_those_of_the_study():
    from CRLMSegmentationLib.study.cases.ct_population import SHIPPED

    seeds = [{*part.training, *part.validation, *part.test} for part in (QUICK, SHIPPED)]
    assert not seeds[0] & seeds[1]
    assert len(seeds[1]) == len(SHIPPED.training) + len(SHIPPED.validation) + len(SHIPPED.test)


def test_cases_of_two_kinds_are_not_simulated_into_one_study(tmp_path, capsys):
    from CRLMSegmentationLib.cli import main

    assert main(["study", "simulate", "--work", str(tmp_path), "--task", "lvt", "--task", "crop"]) == 1
    assert "different simulated cases" in capsys.readouterr().err and not (tmp_path / "cases.csv").exists()
