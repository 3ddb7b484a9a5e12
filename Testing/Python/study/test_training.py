"""From cases to a model folder on a toy problem: nnU-Net's planner, preprocessor and trainer really run."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError, GeometryError
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.study.calibrate import calibrate, write_calibration
from CRLMSegmentationLib.study.cases.crop_sampling import CropSampling, sample_crops
from CRLMSegmentationLib.study.cases.dataset import Case, RawDataset
from CRLMSegmentationLib.study.segmenters import segmenter_of
from CRLMSegmentationLib.study.tasks import TASKS, task_named
from CRLMSegmentationLib.study.training.export import export_model
from CRLMSegmentationLib.study.training.nnunet_home import CONFIGURATIONS, NnunetDataset, NnunetHome
from CRLMSegmentationLib.study.training.planning import is_planned, is_preprocessed, plan, preprocess
from CRLMSegmentationLib.study.training.recipe import Recipe
from CRLMSegmentationLib.study.training.train import augmentation_processes, train
from CRLMSegmentationLib.study.training.trainer import study_trainer_class
from CRLMSegmentationLib.values import LabelSet, Volume


def toy_case(seed: int) -> Case:
    """A dark ball in noise, 1 mm voxels, on a grid that is turned against RAS."""
    random = np.random.default_rng(seed)
    matrix = np.array([[0, -1.0, 0, 12], [1.0, 0, 0, -7], [0, 0, 1.0, 3 + seed], [0, 0, 0, 1]])
    k, j, i = np.indices((34, 36, 38))
    radius, (x, y, z) = random.uniform(4, 6), random.uniform(15, 19, 3)
    ball = (i - x) ** 2 + (j - y) ** 2 + (k - z) ** 2 < radius**2
    voxels = np.clip(random.normal(130, 20, ball.shape) - 70 * ball, 1, 255).astype(np.uint8)
    return Case(f"toy{seed}", Volume(voxels, matrix), Volume(ball.astype(np.uint8), matrix))


def test_a_mask_on_another_grid_than_its_volume_is_refused():
    case = toy_case(1)
    with pytest.raises(GeometryError, match="toy"):
        Case("toy", case.volume, Volume(case.tumor.voxels, np.eye(4)))


def test_a_crop_is_read_back_in_its_place(tmp_path):
    dataset = RawDataset(tmp_path, "Dataset501_Toy")
    case = toy_case(2)
    dataset.add("one", [case.volume], case.tumor)
    (image,), mask = dataset.read("one")
    assert image.has_geometry_of(case.volume) and mask.has_geometry_of(case.volume)
    assert np.array_equal(image.voxels, case.volume.voxels) and np.array_equal(mask.voxels, case.tumor.voxels)


def test_the_files_of_a_dataset_are_named_so_that_no_process_is_forked_to_find_them(tmp_path, monkeypatch):
    from nnunetv2.utilities import utils

    def fork(**_):
        raise AssertionError("nnU-Net looks for the files in twelve processes")

    monkeypatch.setattr(utils, "Pool", fork)
    dataset = RawDataset(tmp_path, "Dataset501_Toy")
    for name in ("one", "two"):
        dataset.add(name, [toy_case(2).volume], toy_case(2).tumor)
    dataset.finish(["one"], ["two"])
    files = utils.get_filenames_of_train_images_and_targets(str(dataset.folder))
    assert list(files) == ["one", "two"]
    assert all(Path(path).is_file() for one in files.values() for path in (*one["images"], one["label"]))


def test_a_split_with_crops_that_are_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not written"):
        RawDataset(tmp_path, "Dataset501_Toy").finish(["one"], ["two"])


def _no_process(self):
    raise AssertionError("a process was started, which imports for seconds what is here already")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A dataset of toy crops, and a training that was stopped after its second epoch and taken up again."""
    home = NnunetHome(tmp_path_factory.mktemp("home"))
    raw = RawDataset(home.raw, "Dataset501_Toy")
    names = {seed: [f"toy{seed}_{part}" for part in range(2)] for seed in range(4)}
    for seed, parts in names.items():
        case, sampling = toy_case(seed), CropSampling(straying=1, shift_mm=2.5, edge_mm=(-2.5, 2.5))
        for name, crop in zip(parts, sample_crops(lambda fill, every, case=case: case, 6.0, sampling, seed)):
            raw.add(name, [crop.image], crop.mask)
    raw.finish(sum((names[seed] for seed in (0, 1, 2)), []), names[3])
    dataset = NnunetDataset(home, raw.name)
    recipe = Recipe(spacing_mm=1.0, base_features=4, epochs=4, iterations=10, learning_rate=5e-3, gpu_memory_gb=0.05)
    assert not is_planned(dataset, recipe)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("multiprocessing.context.SpawnProcess.start", _no_process)
        plan(dataset, recipe)
    assert is_planned(dataset, recipe) and not is_preprocessed(dataset)
    preprocess(dataset)
    assert is_preprocessed(dataset)

    class Stopped(Exception):
        pass

    def stop_in_the_third_epoch(fraction, text):
        if text.startswith("Training, epoch 3"):
            raise Stopped

    with pytest.raises(Stopped):
        train(dataset, recipe, threads=1, progress=stop_in_the_third_epoch)
    reported = []
    folder = train(dataset, recipe, threads=1, progress=lambda *report: reported.append(report))
    return raw, dataset, recipe, folder, reported


def test_a_stopped_training_goes_on_where_it_was(trained):
    *_, reported = trained
    assert reported[0][1].startswith("Training, epoch 3 of 4") and reported[0][0] == pytest.approx(21 / 40)
    assert reported[-1][0] == 1 and "minutes left" in reported[-1][1]
    assert (trained[3] / "fold_0" / "progress.png").is_file()


def test_a_finished_training_is_not_done_again_and_another_recipe_is_refused(trained):
    _, dataset, recipe, folder, _ = trained
    reported = []
    assert train(dataset, recipe, progress=lambda *report: reported.append(report)) == folder
    assert reported == []
    with pytest.raises(ConfigurationError, match="another recipe"):
        train(dataset, Recipe(epochs=99))


def test_a_training_against_the_clock_ends_after_its_time_and_keeps_its_curve(trained, tmp_path, monkeypatch):
    """The campaign's: whole epochs, the rate of learning by the time that has gone; nnU-Net's own way afterwards."""
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "GPU"))
    from timed_training import train_for

    before = nnUNetTrainer.run_training
    _, dataset, recipe, _, _ = trained
    home = NnunetHome(tmp_path)
    shutil.copytree(dataset.home.preprocessed, home.preprocessed)
    with train_for(0.0) as curve:
        folder = train(NnunetDataset(home, dataset.name), replace(recipe, epochs=1000, iterations=2), threads=1)
    assert (folder / "fold_0" / "checkpoint_final.pth").is_file()
    assert {len(values) for values in curve().values()} == {1} and np.isfinite(curve()["train_losses"]).all()
    assert nnUNetTrainer.run_training is before


@pytest.mark.parametrize(
    "device, processors, expected",
    [("cpu", 16, 0), ("cuda", 16, 14), ("cuda:1", 4, 2), ("cuda", 1, 0), ("cuda", 64, 14)],
)
def test_a_graphics_card_does_not_wait_for_its_batches(device, processors, expected):
    assert augmentation_processes(device, processors) == expected


def test_a_training_does_not_go_on_with_other_images(trained):
    _, dataset, recipe, folder, _ = trained
    stamp = folder / "planned.json"
    before = stamp.read_text(encoding="utf-8")
    stamp.write_text('{"dataset": "other"}')
    with pytest.raises(ConfigurationError, match="other images"):
        train(dataset, recipe)
    stamp.write_text(before)


def test_a_training_can_begin_with_the_weights_of_another(trained, tmp_path):
    _, dataset, recipe, folder, _ = trained
    card = {"name": "toy", "version": "1", "task": "crop", "margin_mm": 6.0, "threshold": 0.5}
    start = export_model(folder, tmp_path / "start", card).parent
    further = replace(recipe, start_from=str(start), learning_rate=1e-9, epochs=1, iterations=1)
    other = replace(dataset, home=NnunetHome(tmp_path / "home"))
    for part in ("raw", "preprocessed"):
        shutil.copytree(getattr(dataset, part), getattr(other, part))
    known = load_model(start).read_weights()[0]
    again = train(other, further, threads=1)
    grown = load_model(export_model(again, tmp_path / "again", card).parent).read_weights()[0]
    assert max(float((grown[name] - known[name]).abs().max()) for name in known) < 1e-5
    with pytest.raises(ConfigurationError, match="built differently"):
        _start_elsewhere(other, further)


def test_what_is_kept_can_be_the_mean_of_the_start_and_of_what_was_learned(trained, tmp_path):
    _, dataset, recipe, folder, _ = trained
    card = {"name": "toy", "version": "1", "task": "crop", "margin_mm": 6.0, "threshold": 0.5}
    start = export_model(folder, tmp_path / "start", card).parent
    further = replace(recipe, start_from=str(start), learning_rate=1e-3, epochs=1, iterations=2)
    weights = {0.0: None, 0.75: None}
    for share in weights:
        other = replace(dataset, home=NnunetHome(tmp_path / f"home{share}"))
        for part in ("raw", "preprocessed"):
            shutil.copytree(getattr(dataset, part), getattr(other, part))
        again = train(other, replace(further, start_share=share), threads=1)
        model = load_model(export_model(again, tmp_path / f"again{share}", card).parent)
        weights[share] = model.read_weights()[0]
    known, learned = load_model(start).read_weights()[0], weights[0.0]
    assert max(float((learned[name] - known[name]).abs().max()) for name in known) > 1e-3
    for name, kept in weights[0.75].items():
        # Each of the three was rounded to half precision.
        beside = (kept - 0.75 * known[name] - 0.25 * learned[name]).abs()
        assert bool((beside < 1e-5 + 1e-3 * known[name].abs()).all())


def _start_elsewhere(dataset, recipe):
    """Planned as the model that it starts from, whatever the recipe says; and by a plan with other features."""
    wider = replace(recipe, base_features=6)
    plans = [
        json.loads(plan(dataset, one).read_text("utf-8"))["configurations"]["3d_fullres"]
        for one in (wider, replace(wider, start_from=""))
    ]
    assert [one["architecture"]["arch_kwargs"]["features_per_stage"][0] for one in plans] == [4, 6]
    preprocess(dataset)
    shutil.rmtree(dataset.home.results)
    train(dataset, wider, threads=1)


def test_images_of_a_single_plane_are_planned_in_two_dimensions(tmp_path):
    home, labels = NnunetHome(tmp_path), LabelSet.of_names("disc", "ring")
    raw = RawDataset(home.raw, "Dataset902_Flat", ("echo", "elasticity"), labels, dimension=2)
    random, plane = np.random.default_rng(0), np.diag([0.4, 0.4, 1, 1])
    for name in ("one", "two"):
        drawn = random.integers(0, 3, (1, 40, 44)).astype(np.uint8)
        channels = [Volume((drawn == value).astype(np.float32), plane) for value in (1, 2)]
        raw.add(name, channels, Volume(drawn, plane))
    with pytest.raises(GeometryError, match="1 channels, and 2 are needed"):
        raw.add("grey", channels[:1], Volume(drawn, plane))
    with pytest.raises(GeometryError, match="2 planes"):
        raw.add("thick", [Volume(np.zeros((2, 4, 4)), plane)] * 2, Volume(np.zeros((2, 4, 4), np.uint8), plane))
    raw.finish(["one"], ["two"])
    dataset = NnunetDataset(home, raw.name, CONFIGURATIONS[2])
    plans = json.loads(plan(dataset, Recipe(spacing_mm=0.8, base_features=4, averaging=False)).read_text("utf-8"))
    assert list(plans["configurations"]) == ["2d"]
    assert plans["configurations"]["2d"]["spacing"] == [0.8, 0.8]
    assert len(plans["configurations"]["2d"]["patch_size"]) == 2


def test_the_two_recipes_differ_as_the_paper_says():
    paper = task_named("crop").recipes.named("paper")
    ours = task_named("full").recipes.named("recommended", epochs=3, iterations=None)
    assert (paper.optimizer, paper.learning_rate, paper.augmentation) == ("adam", 0.01, False)
    assert paper.sampling.straying == paper.sampling.empty == 0
    assert ours.augmentation and ours.epochs == 3 and ours.iterations == 50 and ours.spacing_mm == 2.0
    default = task_named("crop").recipes.named("paper", network="default")
    assert default.spacing_mm is None and default.gpu_memory_gb is None
    with pytest.raises(ConfigurationError, match="no recipe 'best'"):
        task_named("crop").recipes.named("best")


def test_without_augmentation_patches_are_not_changed():
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    plain = study_trainer_class(TASKS["crop"].recipes.named("paper"))
    changed = plain.get_training_transforms((8, 8, 8), None, None, None, False)
    usual = nnUNetTrainer.get_validation_transforms(None)
    assert [type(one) for one in changed.transforms] == [type(one) for one in usual.transforms]


def test_the_trained_model_is_exported_calibrated_and_finds_an_unseen_ball(trained, tmp_path):
    raw, _, _, folder, _ = trained
    card = {"name": "toy", "version": "1", "task": "crop", "margin_mm": 6.0, "threshold": 0.5}
    export_model(folder, tmp_path / "toy", card)
    import torch

    # In half the bytes, and what the decoder shares with the encoder is written once.
    trained_file, file = (place / "fold_0" / "checkpoint_final.pth" for place in (folder, tmp_path / "toy"))
    learned = torch.load(trained_file, map_location="cpu", weights_only=False)["network_weights"]
    kept = torch.load(file, map_location="cpu", weights_only=True)["network_weights"]
    assert all(torch.allclose(value.float(), learned[name], rtol=1e-3, atol=1e-6) for name, value in kept.items())
    bytes_of = sum(one.nbytes for one in {value.data_ptr(): value for value in learned.values()}.values())
    assert file.stat().st_size < 0.5 * bytes_of + 60_000
    segmenter = segmenter_of(tmp_path / "toy", threads=1)
    found = calibrate(segmenter, [(image, mask) for (image,), mask in map(raw.read, ("toy3_0", "toy3_1"))])
    assert 0 < found.threshold < 1
    assert found.validation["images"] == 2 and found.validation["nothing_found"] == 0
    assert found.validation["dice"]["median"] > 0.6  # untrained, or scrambled in export: below 0.3
    write_calibration(tmp_path / "toy", found, cases=1)
    card = load_model(tmp_path / "toy").card
    assert card.threshold == found.threshold and card.text["validation"]["cases"] == 1
    assert 0 < card.text["uncertainty"]["outer"] <= card.threshold <= card.text["uncertainty"]["inner"] < 1


def test_nnunets_environment_is_left_as_it_was(trained, monkeypatch):
    import os

    monkeypatch.setenv("nnUNet_raw", "/mine")
    monkeypatch.delenv("nnUNet_results", raising=False)
    home = trained[1].home
    with home.active():
        assert os.environ["nnUNet_raw"] == str(home.raw)
    assert os.environ["nnUNet_raw"] == "/mine" and "nnUNet_results" not in os.environ
