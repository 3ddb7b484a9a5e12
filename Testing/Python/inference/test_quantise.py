"""Choosing the layers of a model for 8 bits, on one half of the crops, and judging them on the other."""

import json

import numpy as np
import pytest
import torch
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import ModelError
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.inference.models.card import CARD
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from CRLMSegmentationLib.inference.runtimes import openvino_runtime, quantise
from CRLMSegmentationLib.inference.runtimes.quantisation import EightBitLayer, convolutions, in_eight_bits, layers_of
from CRLMSegmentationLib.inference.runtimes.quantise import Agreement, EightBits, agreement_of
from CRLMSegmentationLib.inference.runtimes.runtime import TorchRuntime
from CRLMSegmentationLib.inference.runtimes.runtime_choice import Chosen
from CRLMSegmentationLib.segmentation import eight_bits
from CRLMSegmentationLib.segmentation.eight_bits import _largest_component, quantise_for_tumors
from CRLMSegmentationLib.segmentation.postprocess import mask_from_probability
from CRLMSegmentationLib.segmentation.segmenter import TumorSegmenter, image_of
from CRLMSegmentationLib.values import Volume


@pytest.fixture(scope="module")
def crops() -> list[Volume]:
    """Eight of one window, speckle with a bright ball."""
    random, found = np.random.default_rng(5), []
    k, j, i = np.indices((16, 16, 16)) - 7.5
    for number in range(8):
        voxels = random.rayleigh(25, k.shape) + 120 * ((k - number / 4) ** 2 + j**2 + (i + 1) ** 2 < 25 + 2 * number)
        found.append(Volume(np.clip(voxels, 1, 255).astype(np.uint8), np.eye(4)))
    return found


@pytest.fixture
def model(model_copy, crops):
    """The random network, with a threshold at which it finds something in every crop."""
    found = TumorSegmenter(LocalPredictor(load_model(model_copy), "cpu", threads=1)).probability(crops[0]).voxels
    card = json.loads((model_copy / CARD).read_text(encoding="utf-8"))
    card["threshold"] = float(np.percentile(found, 70))
    (model_copy / CARD).write_text(json.dumps(card))
    return load_model(model_copy)


@pytest.fixture
def in_torch(monkeypatch):
    """A processor without VNNI: the layers are tried in torch, which makes the figures the same everywhere."""
    monkeypatch.setattr(openvino_runtime, "computes_in_eight_bits", lambda: False)


def masks(model, crops, folds=None):
    def runtimes(plan, parameters, device, runtime, threads):
        networks = [plan.network(weights) for weights in parameters]
        networks = [in_eight_bits(*pair) for pair in zip(networks, folds)] if folds else networks
        return Chosen(tuple(TorchRuntime(network, plan.patch_size, "cpu") for network in networks))

    segmenter = TumorSegmenter(LocalPredictor(model, "cpu", threads=1, choose_runtimes=runtimes))
    return [mask_from_probability(segmenter.probability(crop), model.card.threshold).voxels > 0 for crop in crops]


def test_the_agreement_is_of_the_crops_on_which_nothing_was_chosen(model, crops, in_torch):
    reported = []
    found = quantise_for_tumors(model, crops, 1, lambda fraction, text: reported.append(fraction))
    assert found.folds[0] and set(found.folds[0]) <= set(convolutions(_network(model)))
    later = crops[4:]
    assert found.agreement == agreement_of(list(zip(masks(model, later), masks(model, later, found.folds))))
    assert 0.8 < found.agreement.median <= 1.0
    assert reported == sorted(reported) and reported[-1] < 1
    quantise.write_eight_bits(model, found)
    card = load_model(model.folder).card
    assert card.text["int8"]["agreement"]["median"] == round(found.agreement.median, 4)
    if found.good_enough:
        assert layers_of(card) == list(found.folds)


def test_the_worst_layers_get_two_parts_until_the_masks_agree(model, crops, in_torch, monkeypatch):
    """What is asked for is put between what one part and what two parts everywhere reach."""
    half = range(4)
    trial = quantise._Trial(
        model, list(map(image_of, crops)), 4, "tumor", _largest_component(model), 1, lambda fraction, text: None
    )
    one, two = (trial.agreement(trial.layers(dict.fromkeys(trial.names, parts)), half) for parts in (1, 2))
    assert one.median < two.median and one.worst < two.worst
    monkeypatch.setattr(quantise, "WANTED_DICE", 0.0)
    monkeypatch.setattr(quantise, "WANTED_MEDIAN_DICE", (one.median + two.median) / 2)
    parts = {layer.parts for layer in quantise_for_tumors(model, crops, 1).folds[0].values()}
    assert 2 in parts
    monkeypatch.setattr(quantise, "WANTED_MEDIAN_DICE", one.median)
    assert {layer.parts for layer in quantise_for_tumors(model, crops, 1).folds[0].values()} == {1}


def test_too_few_crops_and_crops_without_a_find_are_reported(model, crops, in_torch):
    with pytest.raises(ModelError, match="8 crops are needed and 7"):
        quantise_for_tumors(model, crops[:7], 1)
    black = [crop.with_voxels(np.zeros_like(crop.voxels)) for crop in crops[4:]]
    with pytest.raises(ModelError, match="finds nothing in half"):
        quantise_for_tumors(model, crops[:4] + black, 1)


@pytest.mark.parametrize("median, status", [(0.999, 0), (0.9, 1)])
def test_the_command_writes_the_card_only_when_the_masks_agree(
    model, crops, tmp_path, monkeypatch, capsys, median, status
):
    name = next(iter(convolutions(_network(model))))
    judged = EightBits(({name: EightBitLayer(-1.0, 2.0, 2)},), Agreement(4, median, 0.99 * median, 0))
    monkeypatch.setattr(
        eight_bits, "quantise_for_tumors", lambda given, volumes, progress: judged if len(volumes) == 8 else None
    )
    files = []
    for number, crop in enumerate(crops):
        files.append(str(tmp_path / f"{number}.nrrd"))
        write_volume(crop, files[-1])
    assert main(["quantise", str(model.folder), *files]) == status
    said = capsys.readouterr()
    assert f"Dice {median:.4f} median" in said.out
    assert ("int8" in load_model(model.folder).card.text) == (status == 0)
    if status == 0:
        assert layers_of(load_model(model.folder).card) == [judged.folds[0]]
        assert "1 layers in 8 bits, 1 of them in two parts" in said.out


def test_a_calibrated_model_gets_its_layers_or_stays_as_it_is(model, crops, monkeypatch):
    from CRLMSegmentationLib.study import calibrate

    pairs = [(crop, crop) for crop in crops]
    assert "8 crops are needed" in calibrate.add_eight_bits(model.folder, pairs[:3])
    layers = ({next(iter(convolutions(_network(model)))): EightBitLayer(-1.0, 2.0)},)
    for median, said, kept in ((0.9, "Stays in float32: in 8 bits", False), (0.998, "In 8 bits", True)):
        judged = EightBits(layers, Agreement(4, median, 0.99 * median, 0))
        monkeypatch.setattr(calibrate, "quantise_for_tumors", lambda *given, judged=judged: judged)
        assert calibrate.add_eight_bits(model.folder, pairs).startswith(said)
        assert ("int8" in load_model(model.folder).card.text) == kept


def _network(model) -> torch.nn.Module:
    from CRLMSegmentationLib.inference.models.network_plan import NetworkPlan

    return NetworkPlan.of(model, 1).network(model.read_weights()[0])
