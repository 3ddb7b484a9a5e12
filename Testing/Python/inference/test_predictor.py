"""Our way through nnU-Net's predictor gives what nnU-Net itself gives, and nothing is printed."""

import contextlib
import io
import json
import threading

import numpy as np
import pytest
from CRLMSegmentationLib.errors import Cancelled, ModelError, SegmentationError
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from CRLMSegmentationLib.segmentation.segment import segment
from CRLMSegmentationLib.segmentation.segmenter import TumorSegmenter
from CRLMSegmentationLib.study.training.export import WEIGHTS, write_card
from CRLMSegmentationLib.values import Box, Volume


@pytest.fixture(scope="module")
def segmenter(exported_model) -> TumorSegmenter:
    return TumorSegmenter(LocalPredictor(load_model(exported_model), device="cpu", threads=1))


@pytest.mark.parametrize("mirroring", [False, True])
def test_probability_and_mask_are_those_of_nnunets_own_predictor(exported_model, speckled_volume, mirroring):
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    theirs = nnUNetPredictor(
        use_mirroring=mirroring, perform_everything_on_device=False, device=torch.device("cpu"), allow_tqdm=False
    )
    theirs.initialize_from_trained_model_folder(str(exported_model), use_folds=(0,))
    spacing = [float(value) for value in speckled_volume.spacing_mm[::-1]]
    mask, probabilities = theirs.predict_single_npy_array(
        speckled_volume.voxels[None].astype(np.float32), {"spacing": spacing}, save_or_return_probabilities=True
    )
    ours = TumorSegmenter(LocalPredictor(load_model(exported_model), "cpu", mirroring, threads=1)).probability(
        speckled_volume
    )
    assert ours.voxels.dtype == np.float32
    assert np.abs(ours.voxels - probabilities[1]).max() < 1e-3
    # Theirs is rounded to half precision on the way, and ours is not: what lies within that of 0.5 may fall either way.
    clear = np.abs(probabilities[1] - 0.5) > 1e-3
    assert np.array_equal(ours.voxels[clear] > 0.5, mask[clear] == 1)
    assert 100 < (mask == 1).sum() < mask.size - 100  # an answer worth comparing


def test_the_probability_lies_on_the_grid_of_the_crop(segmenter, speckled_volume):
    assert segmenter.probability(speckled_volume).has_geometry_of(speckled_volume)


def test_progress_counts_the_windows_and_nothing_goes_to_stdout(exported_model, speckled_volume):
    reported, printed = [], io.StringIO()
    with contextlib.redirect_stdout(printed):
        TumorSegmenter(LocalPredictor(load_model(exported_model), threads=1)).probability(
            speckled_volume, progress=lambda fraction, text: reported.append((fraction, text))
        )
    fractions = [fraction for fraction, _ in reported]
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1
    windows = [text for _, text in reported if "window" in text]
    assert len(windows) > 1 and windows[-1].endswith(f"window {len(windows)} of {len(windows)}")
    assert printed.getvalue() == ""


def test_twenty_cancels_in_a_row_leave_no_thread_and_a_working_segmenter(segmenter, speckled_volume):
    before = segmenter.probability(speckled_volume)
    threads = threading.active_count()
    for after in range(20):
        windows = []

        def progress(_, text):
            windows.append("window" in text)

        with pytest.raises(Cancelled):
            segmenter.probability(speckled_volume, progress, should_cancel=lambda: sum(windows) >= after % 3)
        assert sum(windows) == after % 3
    assert threading.active_count() <= threads
    assert np.array_equal(segmenter.probability(speckled_volume).voxels, before.voxels)


def test_a_crop_that_the_probe_never_saw_has_no_tumor_and_says_so(segmenter, speckled_volume):
    dark = speckled_volume.with_voxels(np.zeros_like(speckled_volume.voxels))
    result = segment(dark, Box.around_volume(dark), segmenter)
    assert not result.found and result.surface is None
    assert result.volume_ml == 0 and result.largest_diameter_mm == 0
    assert "no ultrasound" in result.doubts[0]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_voxels_that_are_not_numbers_are_refused(segmenter, speckled_volume, value):
    voxels = speckled_volume.voxels.astype(np.float32)
    voxels[3, 4, 5] = value
    with pytest.raises(SegmentationError, match="not finite"):
        segmenter.probability(speckled_volume.with_voxels(voxels))


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 30, 30), (2, 3, 50)])
def test_odd_crops_give_a_probability_of_their_own_shape(segmenter, shape):
    voxels = np.random.default_rng(1).integers(1, 255, shape).astype(np.uint8)
    probability = segmenter.probability(Volume(voxels, np.diag([0.5, 0.5, 0.5, 1])))
    assert probability.voxels.shape == shape
    assert np.isfinite(probability.voxels).all() and probability.voxels.min() >= 0 and probability.voxels.max() <= 1


def test_a_constant_crop_and_one_of_far_coarser_voxels_are_survived(segmenter):
    flat = Volume(np.full((3, 4, 3), 80, np.uint8), np.diag([10.0, 10.0, 10.0, 1.0]))
    probability = segmenter.probability(flat)
    assert np.isfinite(probability.voxels).all()


def test_weights_that_do_not_fit_the_plans_are_reported(model_copy):
    import torch

    checkpoint = torch.load(model_copy / WEIGHTS, weights_only=True)
    checkpoint["network_weights"].popitem()
    torch.save(checkpoint, model_copy / WEIGHTS)
    write_card(model_copy, json.loads((model_copy / "model.json").read_text(encoding="utf-8")))
    with pytest.raises(ModelError, match="do not fit its plans"):
        TumorSegmenter(LocalPredictor(load_model(model_copy), threads=1))


def test_a_device_that_does_not_exist_is_reported(exported_model):
    with pytest.raises(ModelError, match="no device 'tpu'"):
        TumorSegmenter(LocalPredictor(load_model(exported_model), device="tpu"))


def test_the_result_lies_on_the_grid_of_the_volume_and_can_be_cut_again(segmenter, speckled_volume):
    box = Box(speckled_volume.center_ras, (14, 14, 14))
    result = segment(speckled_volume, box, segmenter, threshold=0.5)
    assert result.mask.has_geometry_of(speckled_volume)
    assert result.found
    assert result.volume_ml == pytest.approx(result.mask.voxels.sum() * speckled_volume.voxel_volume_mm3 / 1000)
    assert set(result.timings_s) == {"crop", "network", "mask", "surface"}
    stricter = result.with_threshold(0.6)
    assert stricter.threshold == 0.6
    assert 0 <= stricter.volume_ml <= result.volume_ml
    assert np.array_equal(stricter.mask.voxels, segment(speckled_volume, box, segmenter, threshold=0.6).mask.voxels)
    with pytest.raises(SegmentationError, match="between 0 and 1"):
        segment(speckled_volume, box, segmenter, threshold=0.0)


def test_a_tight_box_gets_the_margin_of_the_model(segmenter, speckled_volume):
    box = Box(speckled_volume.center_ras, (4, 4, 4))
    drawn = segment(speckled_volume, box.expanded(10.0), segmenter)
    tight = segment(speckled_volume, box, segmenter, tight=True)
    assert tight.probability.has_geometry_of(drawn.probability)


def test_the_uncertainty_shell_encloses_the_tumor(segmenter, speckled_volume):
    from CRLMSegmentationLib.segmentation.surface import surface_volume_mm3

    result = segment(speckled_volume, Box.around_volume(speckled_volume), segmenter, threshold=0.5)
    assert result.shell_probabilities == pytest.approx((0.2, 0.8))
    outer, inner = result.uncertainty_shell()
    middle = surface_volume_mm3(result.surface)
    assert surface_volume_mm3(outer) >= middle
    assert inner is None or surface_volume_mm3(inner) <= middle
