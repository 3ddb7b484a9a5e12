"""The runtime that is kept: the fastest one that agrees; and what happens when a graphics card runs out of memory."""

import itertools

import numpy as np
import pytest
import torch
from CRLMSegmentationLib.errors import ModelError
from CRLMSegmentationLib.inference.models.network_plan import NetworkPlan
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.inference.predictor import NO_ROOM, OUT_OF_MEMORY, LocalPredictor
from CRLMSegmentationLib.inference.runtimes import openvino_runtime
from CRLMSegmentationLib.inference.runtimes.openvino_runtime import BFLOAT16_VARIABLE
from CRLMSegmentationLib.inference.runtimes.runtime import TorchRuntime
from CRLMSegmentationLib.inference.runtimes.runtime_cache import FOLDER_VARIABLE
from CRLMSegmentationLib.inference.runtimes.runtime_choice import Chosen, choose, differs, on_processor
from CRLMSegmentationLib.segmentation.segmenter import TumorSegmenter

needs_openvino = pytest.mark.skipif(not openvino_runtime.is_installed(), reason="OpenVINO is not installed")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def plan(exported_model) -> NetworkPlan:
    return NetworkPlan.of(load_model(exported_model), threads=1)


@pytest.fixture(scope="module")
def reference(exported_model, speckled_volume) -> np.ndarray:
    return (
        TumorSegmenter(LocalPredictor(load_model(exported_model), "cpu", threads=1)).probability(speckled_volume).voxels
    )


def chosen_name(plan, monkeypatch, stand_in, runtime="auto", bfloat16=True, **changes) -> Chosen:
    monkeypatch.setattr(openvino_runtime, "is_installed", lambda: True)
    monkeypatch.setattr(openvino_runtime, "computes_in_bfloat16", lambda: bfloat16)
    return choose(plan, plan.model.read_weights(), "cpu", runtime, 1, stand_in.make(**changes), stand_in.clock)


@needs_openvino
def test_the_fastest_that_agrees_is_kept(plan, monkeypatch, stand_in, tmp_path):
    same, slow, shifted = stand_in.same, stand_in.slow, stand_in.shifted

    def name(**options):
        monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / f"cache {len(list(tmp_path.iterdir()))}"))
        return chosen_name(plan, monkeypatch, stand_in, **options).runtimes[0].name

    assert name(f32=slow, bf16=same) == "stand-in bf16"
    assert name(f32=same, bf16=slow) == "stand-in f32"
    assert name(f32=same, bf16=shifted(2.0)) == "stand-in f32"
    assert name(f32=same, bf16=same, bfloat16=False) == "stand-in f32"


@needs_openvino
def test_the_next_start_prepares_and_checks_the_fastest_alone(plan, monkeypatch, stand_in):
    same, slow, shifted = stand_in.same, stand_in.slow, stand_in.shifted
    assert chosen_name(plan, monkeypatch, stand_in, f32=same, bf16=slow).runtimes[0].name == "stand-in f32"

    tried = []

    def noted(logits):
        tried.append("bf16")
        return same(logits)

    assert chosen_name(plan, monkeypatch, stand_in, f32=same, bf16=noted).runtimes[0].name == "stand-in f32"
    assert not tried
    # one that has stopped to agree is not used: all are looked at again
    again = chosen_name(plan, monkeypatch, stand_in, f32=shifted(2.0), bf16=same)
    assert again.runtimes[0].name == "stand-in bf16" and not again.notice


@needs_openvino
def test_where_passes_take_long_float32_is_not_tried_beside_a_bfloat16_that_agrees(plan, monkeypatch, stand_in):
    def untried(logits):
        raise AssertionError("float32 was tried")

    times = itertools.count(0.0, 30.0)
    monkeypatch.setattr(stand_in, "clock", lambda: next(times), raising=False)
    chosen = chosen_name(plan, monkeypatch, stand_in, f32=untried, bf16=stand_in.same)
    assert chosen.runtimes[0].name == "stand-in bf16" and not chosen.notice
    shifted = chosen_name(plan, monkeypatch, stand_in, f32=stand_in.same, bf16=stand_in.shifted(3.0))
    assert shifted.runtimes[0].name == "stand-in f32"


@needs_openvino
def test_a_network_that_ran_to_be_chosen_does_not_run_again_to_be_warm(exported_model, monkeypatch, stand_in):
    passes = []

    def counted(logits):
        passes.append(logits.shape)
        return logits

    def choose_counted(plan, *options):
        return choose(plan, *options, stand_in.make(f32=counted), stand_in.clock)

    monkeypatch.setattr(openvino_runtime, "is_installed", lambda: True)
    predictor = LocalPredictor(
        load_model(exported_model), "cpu", threads=1, runtime="openvino", choose_runtimes=choose_counted
    )
    predictor.warm_up()
    assert len(passes) == 1 and predictor.runtime == "stand-in f32"


@needs_openvino
def test_one_that_disagrees_is_left_for_torch_and_reported(plan, monkeypatch, stand_in):
    shifted = stand_in.shifted
    chosen = chosen_name(plan, monkeypatch, stand_in, f32=shifted(0.1), bf16=shifted(3.0))
    assert chosen.runtimes[0].name == "torch float32" and "not used" in chosen.notice
    with pytest.raises(ModelError, match="differs from torch"):
        chosen_name(plan, monkeypatch, stand_in, runtime="openvino", f32=shifted(0.1))

    def fails(logits):
        raise RuntimeError("this layer is not known")

    chosen = chosen_name(plan, monkeypatch, stand_in, f32=fails, bf16=fails)
    assert chosen.runtimes[0].name == "torch float32" and "this layer is not known" in chosen.notice


@needs_openvino
def test_openvino_gives_torchs_probability_also_from_its_cache(exported_model, speckled_volume, reference, own_cache):
    for _ in range(2):
        segmenter = TumorSegmenter(LocalPredictor(load_model(exported_model), "cpu", threads=1, runtime="openvino"))
        assert segmenter.predictor.runtime == "OpenVINO float32"
        assert np.abs(segmenter.probability(speckled_volume).voxels - reference).max() < 1e-3
        assert sorted(path.suffix for path in own_cache.iterdir()) == [".bin", ".npy", ".xml"]
    for file in own_cache.iterdir():
        file.write_bytes(file.read_bytes()[:100])
    segmenter = TumorSegmenter(LocalPredictor(load_model(exported_model), "cpu", threads=1, runtime="openvino"))
    assert np.abs(segmenter.probability(speckled_volume).voxels - reference).max() < 1e-3


@needs_openvino
@pytest.mark.parametrize("bfloat16, precision", [("yes", "bf16"), ("no", "f32")])
def test_auto_gives_what_its_choice_promises(plan, bfloat16, precision, monkeypatch):
    """With OpenVINO itself, on processors with and without bfloat16; a clock that stands lets the first one win."""
    monkeypatch.setenv(BFLOAT16_VARIABLE, bfloat16)
    parameters = plan.model.read_weights()
    chosen = choose(plan, parameters, "cpu", "auto", 1, clock=lambda: 0.0)
    assert chosen.runtimes[0].name == {"bf16": "OpenVINO bfloat16", "f32": "OpenVINO float32"}[precision]
    torch.manual_seed(0)
    windows = torch.randn(1, 1, *plan.patch_size)
    runtimes = (*chosen.runtimes, *on_processor(plan, parameters))
    answer, expected = (torch.softmax(runtime.run(windows), 1)[0, 1].numpy() for runtime in runtimes)
    assert differs(answer, expected, plan.model.card.threshold, precision) == ""


@needs_openvino
def test_the_processors_bfloat16_can_be_overruled_and_only_by_yes_or_no(monkeypatch):
    for setting in ("yes", "no"):
        monkeypatch.setenv(BFLOAT16_VARIABLE, setting)
        assert openvino_runtime.computes_in_bfloat16() == (setting == "yes")
    monkeypatch.setenv(BFLOAT16_VARIABLE, "perhaps")
    with pytest.raises(ModelError, match="CRLM_BFLOAT16 is 'perhaps': set it to yes or no"):
        openvino_runtime.computes_in_bfloat16()
    monkeypatch.delenv(BFLOAT16_VARIABLE)
    assert openvino_runtime.computes_in_bfloat16() in (True, False)


def test_an_unknown_runtime_is_reported(exported_model):
    with pytest.raises(ModelError, match="no runtime 'abacus'"):
        TumorSegmenter(LocalPredictor(load_model(exported_model), "cpu", runtime="abacus"))


def test_what_agrees_in_bfloat16_is_judged_by_the_mask():
    random = np.random.default_rng(0)
    expected = random.random((20, 20, 20)).astype(np.float32)
    assert differs(expected + 1e-4, expected, 0.5, "f32") == ""
    assert "differs" in differs(expected + 2e-3, expected, 0.5, "f32")
    assert differs(np.where(expected > 0.9, expected + 0.01, expected), expected, 0.5, "bf16") == ""
    assert "Dice" in differs(1 - expected, expected, 0.5, "bf16")
    assert "finite" in differs(expected * np.nan, expected, 0.5, "bf16")
    assert "Dice" in differs(1 - expected / 4, expected / 4, 0.9, "bf16")  # nothing at its own threshold


class CrampedCard(TorchRuntime):
    """A graphics card, played by the processor, on which `room` windows fit at once."""

    def __init__(self, network, patch_size, room):
        super().__init__(network, patch_size, "cpu")
        self.largest_batch, self._room, self.batches = 8, room, []

    def run(self, windows):
        self.batches.append(len(windows))
        if len(windows) > self._room:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory (simulated)")
        return super().run(windows)


@pytest.fixture(scope="module")
def mirrored(exported_model, speckled_volume) -> np.ndarray:
    return (
        TumorSegmenter(LocalPredictor(load_model(exported_model), "cpu", True, threads=1))
        .probability(speckled_volume)
        .voxels
    )


@pytest.mark.parametrize("room", [8, 3, 1, 0])
def test_a_card_that_runs_out_of_memory_gets_smaller_batches_and_then_the_processor_works(
    exported_model, speckled_volume, mirrored, room
):
    cards = []

    def choose_cramped(plan, parameters, device, runtime, threads):
        cards.append(CrampedCard(plan.network(parameters[0]), plan.patch_size, room))
        return Chosen((cards[-1],))

    segmenter = TumorSegmenter(
        LocalPredictor(load_model(exported_model), "cpu", True, threads=1, choose_runtimes=choose_cramped)
    )
    segmenter.predictor._members[
        0
    ]._parameters = segmenter.model.read_weights()  # kept where the device is a graphics card
    reported = []
    probability = segmenter.probability(speckled_volume, lambda fraction, text: reported.append(text))
    assert np.abs(probability.voxels - mirrored).max() < 1e-3
    assert cards[0].largest_batch == {8: 8, 3: 2, 1: 1, 0: 1}[room]
    fell_back = room == 0
    assert (segmenter.predictor.notice == OUT_OF_MEMORY) == fell_back and (OUT_OF_MEMORY in reported) == fell_back
    if room == 3:
        assert cards[0].batches[:2] == [8, 4] and cards[0].batches[-1] == 2  # what was learned is kept


def test_a_card_without_room_for_the_model_leaves_the_work_to_the_processor(
    exported_model, speckled_volume, reference, monkeypatch
):
    def no_room(plan, parameters, device, runtime, threads):
        if device == "cuda":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory (simulated)")
        return choose(plan, parameters, device, runtime, threads)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    segmenter = TumorSegmenter(LocalPredictor(load_model(exported_model), "cuda", threads=1, choose_runtimes=no_room))
    assert segmenter.predictor.device == "cpu" and segmenter.predictor.notice == NO_ROOM
    assert np.array_equal(segmenter.probability(speckled_volume).voxels, reference)
