"""What we read off a model's plans is what nnU-Net reads there; its managers are made only where they are needed."""

import itertools
import sys

import numpy as np
import pytest
from CRLMSegmentationLib.inference.models.network_plan import NetworkPlan, separates_slices
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from CRLMSegmentationLib.segmentation.segmenter import TumorSegmenter

# With them come nnU-Net's readers of every image format, pandas, scikit-image and blosc2.
SLOW_TO_IMPORT = (
    "nnunetv2.utilities.plans_handling.plans_handler",
    "nnunetv2.preprocessing.preprocessors.default_preprocessor",
    "nnunetv2.preprocessing.resampling.default_resampling",
)


@pytest.fixture
def plan(exported_model):
    return NetworkPlan.of(load_model(exported_model), 1)


def test_a_usual_model_needs_nothing_that_is_slow_to_import(exported_model, speckled_volume, monkeypatch):
    for name in SLOW_TO_IMPORT:
        monkeypatch.setitem(sys.modules, name, None)
    predictor = LocalPredictor(load_model(exported_model), "cpu", threads=1)
    assert TumorSegmenter(predictor).probability(speckled_volume).voxels.max() > 0.5
    with pytest.raises(ImportError):
        _ = predictor._members[0].plan.label_manager


def test_slices_are_resampled_separately_when_nnunet_does(plan):
    from nnunetv2.preprocessing.resampling.default_resampling import determine_do_sep_z_and_axis

    spacings = [*itertools.product((0.5, 1.0, 1.6), repeat=3), [1.0, 1.0, 3.0], [5.0, 1.0, 1.0], [0.24, 1.25, 1.25]]
    answers = set()
    for force, old, new in itertools.product((None, True, False), spacings, spacings):
        found = separates_slices(force, old, new)
        assert found == bool(determine_do_sep_z_and_axis(force, old, new)[0]), (force, old, new)
        answers.add((force, found))
    assert answers >= {(None, True), (None, False), (True, True), (False, False)}


@pytest.mark.parametrize("scheme", ["ZScoreNormalization", "CTNormalization", "RescaleTo01Normalization"])
def test_channels_are_normalised_as_nnunet_does(plan, scheme):
    plan.settings["normalization_schemes"] = [scheme]
    statistics = {"mean": 90.0, "std": 30.0, "percentile_00_5": 5.0, "percentile_99_5": 200.0}
    plan.model.plans["foreground_intensity_properties_per_channel"] = {"0": statistics}
    image = np.random.default_rng(0).uniform(0, 255, (1, 5, 6, 7)).astype(np.float32)
    expected = plan.preprocessor()._normalize(
        image.copy(), np.zeros((1, 1), np.int8), plan.configuration, {"0": statistics}
    )
    found = plan.normalise(image.copy())
    np.testing.assert_array_equal(found, expected)
    assert np.abs(found - image).max() > 1


def test_logits_become_probabilities_as_nnunet_does_it(plan):
    import torch

    logits = torch.from_numpy(np.random.default_rng(0).normal(0, 3, (plan.heads, 4, 5, 6))).half()
    np.testing.assert_array_equal(plan.probabilities(logits), plan.label_manager.apply_inference_nonlin(logits))
