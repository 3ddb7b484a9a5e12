"""Coarser voxels are means of what was seen, in training as in use, and nnU-Net alone does not take such a model."""

import json
import shutil

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ModelError
from CRLMSegmentationLib.inference.averaging import (
    PREPROCESSOR,
    average_mask,
    average_seen,
    averaged_shape,
    averaging_preprocessor,
)
from CRLMSegmentationLib.inference.image import Image
from CRLMSegmentationLib.inference.models.network_plan import NetworkPlan
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from CRLMSegmentationLib.inference.preparation import prepare
from CRLMSegmentationLib.segmentation.segmenter import TumorSegmenter
from CRLMSegmentationLib.study.training.export import write_card
from CRLMSegmentationLib.values import Volume


def test_a_mean_leaves_out_what_was_not_seen():
    row = np.array([10, 20, 30, 0, 0, 60, 0, 0, 0], np.uint8).reshape(1, 1, 9)
    np.testing.assert_allclose(average_seen(row, (1, 1, 3)).ravel(), [20, 60, 0])
    known = np.array([1, 1, 1, 1, 0, 1, 1, 0, 0], bool).reshape(1, 1, 9)  # two black pixels came
    np.testing.assert_allclose(average_seen(row, (1, 1, 3), known).ravel(), [20, 30, 0])
    cube = np.arange(1, 9, dtype=np.uint8).reshape(2, 2, 2)
    assert average_seen(cube, (1, 1, 1)).item() == pytest.approx(4.5)


def test_what_a_voxel_covers_in_part_counts_in_part():
    random = np.random.default_rng(2)
    voxels = random.integers(0, 3, (5, 7, 4)) * random.integers(1, 80, (5, 7, 4))
    shape = (2, 3, 4)
    # Each voxel as `shape` equal parts along every axis: whole numbers of them make up a coarse one.
    parts = voxels.repeat(2, 0).repeat(3, 1).astype(float)
    blocks = parts.reshape(2, 5, 3, 7, 4)
    seen = (blocks > 0).sum(axis=(1, 3))
    expected = blocks.sum(axis=(1, 3)) / np.maximum(seen, 1)
    np.testing.assert_allclose(average_seen(voxels.astype(np.uint8), shape), expected, rtol=1e-5)


def test_a_mask_keeps_what_is_at_least_half_covered():
    row = np.array([1, 1, 0, 1, 0, 0, 1, 0], np.int8).reshape(1, 1, 8)
    assert average_mask(row, (1, 1, 4)).ravel().tolist() == [1, 1, 0, 1]
    thirds = np.array([1, 1, 0, 1, 0, 0], np.uint8).reshape(6, 1, 1)
    assert average_mask(thirds, (2, 1, 1)).ravel().tolist() == [1, 0]


def test_only_axes_that_become_coarser_are_averaged():
    assert averaged_shape((30, 31, 1), (0.5, 0.5, 0.5), (1.5, 1.5, 1.5)) == (10, 10, 1)
    assert averaged_shape((30, 30, 30), (1.5, 3.0, 0.75), (1.5, 1.5, 1.5)) == (30, 30, 15)


def test_speckle_becomes_fainter_and_a_hole_leaves_no_trace():
    random = np.random.default_rng(5)
    speckle = np.clip(random.rayleigh(60, (60, 60, 60)), 1, 255)
    holed = np.where(random.random(speckle.shape) < 0.3, 0, speckle)
    coarse, coarse_holed = average_seen(speckle, (20, 20, 20)), average_seen(holed, (20, 20, 20))
    assert coarse.std() < 0.25 * speckle.std()
    assert coarse_holed.mean() == pytest.approx(coarse.mean(), rel=0.01)
    assert coarse_holed.min() > 0


@pytest.mark.parametrize("spacing_kji", [[0.5, 0.5, 0.5], [0.45, 0.6, 2.0], [0.5, 0.5, 6.0], [3.0, 3.0, 3.0]])
def test_use_prepares_a_crop_as_training_does(averaging_model, spacing_kji):
    plan = NetworkPlan.of(load_model(averaging_model), 1)
    voxels = np.random.default_rng(1).integers(1, 255, (31, 40, 26)).astype(np.uint8)
    voxels[:4], voxels[:, :, 25:], voxels[12:14, 20:23, 5:9] = 0, 0, 0
    mask = np.zeros(voxels.shape, np.int8)
    mask[8:28, 6:36, 3:23] = 1
    expected, expected_mask, properties = averaging_preprocessor().run_case_npy(
        voxels[None], mask[None], {"spacing": spacing_kji}, plan.plans, plan.configuration, plan.model.dataset
    )
    found = prepare(Image(voxels[None], spacing_kji), plan)
    np.testing.assert_allclose(found.data.numpy(), expected, atol=2e-3)
    assert expected_mask.shape == expected.shape
    assert (expected_mask > 0).mean() == pytest.approx(mask[4:, :, :25].mean(), rel=0.2)
    for name in ("shape_before_cropping", "shape_after_cropping_and_before_resampling", "spacing"):
        assert tuple(found.properties[name]) == tuple(properties[name])
    assert [list(ends) for ends in properties["bbox_used_for_cropping"]] == [[4, 31], [0, 40], [0, 25]]


@pytest.mark.parametrize("spacing_mm", [(0.5, 0.6, 0.9), (0.5, 0.5, 6.0)])
def test_the_probability_is_that_of_nnunets_predictor_with_this_preprocessor(
    averaging_model, speckled_volume, monkeypatch, spacing_mm
):
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.utilities.plans_handling.plans_handler import ConfigurationManager

    volume = Volume(speckled_volume.voxels, np.diag([*spacing_mm, 1.0]))
    ours = TumorSegmenter(LocalPredictor(load_model(averaging_model), "cpu", threads=1)).probability(volume)
    theirs = nnUNetPredictor(
        use_mirroring=False, perform_everything_on_device=False, device=torch.device("cpu"), allow_tqdm=False
    )
    theirs.initialize_from_trained_model_folder(str(averaging_model), use_folds=(0,))
    monkeypatch.setattr(ConfigurationManager, "preprocessor_class", lambda self, verbose: averaging_preprocessor())
    _, probabilities = theirs.predict_single_npy_array(
        volume.voxels[None].astype(np.float32), {"spacing": list(spacing_mm[::-1])}, save_or_return_probabilities=True
    )
    assert ours.voxels.shape == volume.voxels.shape
    assert np.abs(ours.voxels - probabilities[1]).max() < 2e-3
    assert ours.voxels.std() > 0.01  # an answer worth comparing


def test_a_preprocessor_that_nobody_knows_is_reported(averaging_model, tmp_path):
    folder = shutil.copytree(averaging_model, tmp_path / "copy")
    plans = (folder / "plans.json").read_text(encoding="utf-8").replace(PREPROCESSOR, "MyOwnPreprocessor")
    (folder / "plans.json").write_text(plans)
    write_card(folder, json.loads((folder / "model.json").read_text(encoding="utf-8")))
    with pytest.raises(ModelError, match="MyOwnPreprocessor"):
        TumorSegmenter(LocalPredictor(load_model(folder), "cpu", threads=1))


def test_nnunet_alone_refuses_the_model(averaging_model, speckled_volume):
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    theirs = nnUNetPredictor(use_mirroring=False, device=torch.device("cpu"), allow_tqdm=False)
    theirs.initialize_from_trained_model_folder(str(averaging_model), use_folds=(0,))
    # It finds no class of that name, and says so badly.
    with pytest.raises(TypeError, match="not callable"):
        theirs.predict_single_npy_array(speckled_volume.voxels[None].astype(np.float32), {"spacing": [0.9, 0.6, 0.5]})
