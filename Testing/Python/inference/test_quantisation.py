"""Layers in 8 bits: what one loses, when a model is offered so, and that OpenVINO computes what torch says."""

import json
from itertools import count

import numpy as np
import pytest
import torch
from CRLMSegmentationLib.errors import ModelError
from CRLMSegmentationLib.inference.models.card import CARD
from CRLMSegmentationLib.inference.models.network_plan import NetworkPlan
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.inference.runtimes import openvino_runtime
from CRLMSegmentationLib.inference.runtimes.openvino_runtime import OpenVinoRuntime
from CRLMSegmentationLib.inference.runtimes.quantisation import (
    EightBitLayer,
    NotInEightBits,
    convolutions,
    eight_bit_convolution,
    in_eight_bits,
    layers_of,
)
from CRLMSegmentationLib.inference.runtimes.quantise import Agreement, EightBits, agreement_of, write_eight_bits
from CRLMSegmentationLib.inference.runtimes.runtime_cache import FOLDER_VARIABLE
from CRLMSegmentationLib.inference.runtimes.runtime_choice import choose, differs

needs_openvino = pytest.mark.skipif(not openvino_runtime.is_installed(), reason="OpenVINO is not installed")
GOOD = Agreement(crops=10, median=0.998, worst=0.99, lesions_lost=0)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "cache"))


def layers_for(plan: NetworkPlan) -> dict[str, EightBitLayer]:
    """The network's layers in turns of one part and two."""
    names = convolutions(plan.network(plan.model.read_weights()[0]))
    return {name: EightBitLayer(-6.0, 6.0, 1 + number % 2) for number, name in enumerate(names)}


@pytest.fixture
def carded(model_copy):
    """A model whose card says that it may be computed in 8 bits."""
    model = load_model(model_copy)
    write_eight_bits(model, EightBits((layers_for(NetworkPlan.of(model, 1)),), GOOD))
    return load_model(model_copy)


def changed(model, **entries):
    path = model.folder / CARD
    card = json.loads(path.read_text(encoding="utf-8"))
    card["int8"] = {**card["int8"], **entries}
    path.write_text(json.dumps(card))
    return load_model(model.folder).card


def test_two_parts_lose_a_hundredth_of_what_one_part_loses():
    torch.manual_seed(0)
    convolution, values = torch.nn.Conv3d(8, 6, 3, padding=1), torch.randn(1, 8, 10, 10, 10).clamp(-4, 4)
    weight = convolution.weight.data
    scale = weight.abs().amax((1, 2, 3, 4), keepdim=True) / 127
    convolution.weight.data = torch.round(weight / scale) * scale  # so that only the rounding of the input is left
    with torch.inference_mode():
        expected = convolution(values)
        one, two = (
            float((eight_bit_convolution(convolution, EightBitLayer(-4.0, 4.0, parts))(values) - expected).abs().max())
            for parts in (1, 2)
        )
    # Half a step of 8 / 255 on each of 8 x 27 values, were all of them wrong the same way.
    bound = 4 / 255 * float(convolution.weight.abs().sum((1, 2, 3, 4)).max())
    assert 0 < one < bound and 0 < two < one / 100


@pytest.mark.parametrize("ends", [(1.0, 2.0), (-2.0, -1.0), (0.0, 0.0), (-1.0, float("inf")), (float("nan"), 1.0)])
def test_a_range_without_zero_is_refused(ends):
    with pytest.raises(ValueError):
        EightBitLayer(*ends)


def test_first_last_and_transposed_layers_stay_in_float32(exported_model):
    plan = NetworkPlan.of(load_model(exported_model), 1)
    network = plan.network(plan.model.read_weights()[0])
    named = convolutions(network)
    assert named and all(layer.in_channels > 1 for layer in named.values())
    assert not any("transpconvs" in name or "seg_layers" in name for name in named)
    with pytest.raises(NotInEightBits, match="no layer elsewhere"):
        in_eight_bits(network, {"elsewhere": EightBitLayer(-1.0, 1.0)})


def test_every_place_of_a_layer_is_changed(exported_model):
    plan = NetworkPlan.of(load_model(exported_model), 1)
    network = in_eight_bits(plan.network(plan.model.read_weights()[0]), layers_for(plan))
    assert not convolutions(network)
    assert not any(
        isinstance(module, torch.nn.Conv3d) and module.in_channels > 1 and module.kernel_size[0] > 1
        for module in network.modules()
    )


needs_vnni = pytest.mark.skipif(
    not openvino_runtime.is_installed() or not openvino_runtime.computes_in_eight_bits(),
    reason="OpenVINO is not installed, or this processor has no instructions for 8 bits (VNNI)",
)


@needs_vnni
@pytest.mark.parametrize("parts", [1, 2])
def test_openvino_computes_a_layer_as_torch_does(parts):
    """But for values in the middle between two levels, which may be rounded either way; two parts even that out."""
    torch.manual_seed(1)
    layer = eight_bit_convolution(torch.nn.Conv3d(8, 6, 3, padding=1), EightBitLayer(-3.0, 5.0, parts))
    network = torch.nn.Sequential(torch.nn.Conv3d(1, 8, 1), layer).eval()
    windows = 3 * torch.randn(1, 1, 16, 16, 16)
    answer = OpenVinoRuntime(lambda: network, (16, 16, 16), 1, precision="int8").run(windows)
    with torch.inference_mode():
        apart = (answer - network(windows)).abs()
    assert float(apart.mean()) < 1e-4
    assert parts == 1 or float(apart.max()) < 1e-3


@needs_vnni
def test_openvino_computes_the_network_as_torch_does_also_from_its_file(exported_model, tmp_path):
    """Probability apart by 2e-3 on average: a value rounded the other way moves all that follow a little."""
    plan = NetworkPlan.of(load_model(exported_model), 1)
    network = in_eight_bits(plan.network(plan.model.read_weights()[0]), layers_for(plan))
    windows, file = torch.randn(1, 1, 16, 16, 16), tmp_path / "kept.xml"
    with torch.inference_mode():
        expected = torch.softmax(network(windows), 1)
    for make in (lambda: network, lambda: pytest.fail("converted twice")):
        runtime = OpenVinoRuntime(make, plan.patch_size, 1, file, "int8", plan.smallest_window)
        assert runtime.name == "OpenVINO int8"
        assert float((torch.softmax(runtime.run(windows), 1) - expected).abs().mean()) < 2e-3


def test_the_card_gives_back_what_was_found(carded):
    assert layers_of(carded.card) == [layers_for(NetworkPlan.of(carded, 1))]


def test_a_card_that_says_nothing_good_of_this_very_model_is_refused(exported_model, carded):
    def reason(card):
        with pytest.raises(NotInEightBits) as refused:
            layers_of(card)
        return str(refused.value)

    assert "no ranges" in reason(load_model(exported_model).card)
    entry = carded.card.text["int8"]
    assert "other weights" in reason(changed(carded, sha256={**entry["sha256"], "plans.json": "0" * 64}))
    assert "other weights" in reason(changed(carded, sha256=dict.fromkeys(entry["sha256"], "0" * 64)))
    more = {**entry["sha256"], "fold_1/checkpoint_final.pth": "0" * 64}
    assert "folds" in reason(changed(carded, sha256=more))  # measured for two folds, used with one
    changed(carded, sha256=entry["sha256"])
    assert "threshold" in reason(changed(carded, threshold=0.4))
    changed(carded, threshold=0.5)
    for poor in ({"median": 0.994}, {"worst": 0.979}, {"median": float("nan")}):
        assert "agree only" in reason(changed(carded, agreement={**entry["agreement"], **poor}))
    for broken in ({"agreement": None}, {"layers": {}}, {"layers": []}, {"sha256": 3}, {"agreement": {"median": "x"}}):
        assert "damaged" in reason(changed(carded, **{**entry, **broken}))
    bad = {name: {"layer": [1.0, 2.0, 1]} for name in entry["layers"]}
    assert "damaged" in reason(changed(carded, **{**entry, "layers": bad}))


def chosen(model, monkeypatch, stand_in, runtime="auto", vnni=True, **changes):
    monkeypatch.setattr(openvino_runtime, "is_installed", lambda: True)
    monkeypatch.setattr(openvino_runtime, "computes_in_bfloat16", lambda: False)
    monkeypatch.setattr(openvino_runtime, "computes_in_eight_bits", lambda: vnni)
    plan = NetworkPlan.of(model, 1)
    return choose(plan, model.read_weights(), "cpu", runtime, 1, stand_in.make(**changes), stand_in.clock)


@needs_openvino
def test_eight_bits_are_taken_where_they_are_faster_and_agree(carded, exported_model, monkeypatch, stand_in, tmp_path):
    same, slow, shifted = stand_in.same, stand_in.slow, stand_in.shifted
    machines = count()

    def outcome(model=carded, **options):
        # Another machine each time: what was chosen on one is kept there.
        monkeypatch.setenv("CRLM_CACHE", str(tmp_path / str(next(machines))))
        found = chosen(model, monkeypatch, stand_in, **options)
        assert not found.notice  # nothing that a user would have to know
        return found.runtimes[0].name, found.not_in_eight_bits

    assert outcome(f32=slow, int8=same) == ("stand-in int8", "")
    for options, sentence in (
        ({"f32": same, "int8": slow}, "not faster"),
        ({"f32": slow, "int8": shifted(2.0)}, "Dice"),
        ({"f32": slow, "int8": same, "vnni": False}, "VNNI"),
        ({"f32": slow, "int8": same, "model": load_model(exported_model)}, "no ranges"),
    ):
        name, reason = outcome(**options)
        assert name == "stand-in f32" and sentence in reason


@needs_openvino
def test_eight_bits_are_not_trusted_where_float32_differs(carded, monkeypatch, stand_in):
    found = chosen(carded, monkeypatch, stand_in, f32=stand_in.shifted(0.1), int8=stand_in.same)
    assert found.runtimes[0].name == "torch float32" and "not used" in found.notice
    assert "float32 OpenVINO differs" in found.not_in_eight_bits


@needs_openvino
def test_eight_bits_that_are_asked_for_and_cannot_be_had_are_an_error(carded, exported_model, monkeypatch, stand_in):
    same, slow, shifted = stand_in.same, stand_in.slow, stand_in.shifted
    found = chosen(carded, monkeypatch, stand_in, "openvino-int8", f32=same, int8=slow)
    assert found.runtimes[0].name == "stand-in int8"
    with pytest.raises(ModelError, match="VNNI"):
        chosen(carded, monkeypatch, stand_in, "openvino-int8", vnni=False, f32=same, int8=same)
    with pytest.raises(ModelError, match="no ranges"):
        chosen(load_model(exported_model), monkeypatch, stand_in, "openvino-int8", f32=same, int8=same)
    with pytest.raises(ModelError, match="Dice"):
        chosen(carded, monkeypatch, stand_in, "openvino-int8", f32=same, int8=shifted(2.0))


def test_a_mask_that_is_empty_in_float32_is_judged_by_the_probability():
    nothing = np.full((8, 8, 8), 1e-4, np.float32)
    assert differs(nothing * 3, nothing, 0.5, "int8") == ""
    assert "on average" in differs(nothing + 0.1, nothing, 0.5, "int8")


def test_agreement_counts_what_is_found_and_what_is_lost():
    empty, left, right = np.zeros((3, 2, 2, 2), bool)
    left[0], right[1] = True, True
    assert agreement_of([(empty, empty)]).crops == 0
    assert agreement_of([(left, left), (left, left), (empty, empty)]) == Agreement(2, 1.0, 1.0, 0)
    assert agreement_of([(left, left), (left, right)]) == Agreement(2, 0.5, 0.0, 1)
    assert agreement_of([(empty, left)]) == Agreement(1, 0.0, 0.0, 0)
    assert not agreement_of([]).reaches(0.0, 0.0)


def test_agreement_on_few_crops_is_not_enough():
    assert EightBits((), Agreement(4, 0.995, 0.98, 0)).good_enough
    for poor in ((3, 0.999, 0.99, 0), (4, 0.9949, 0.98, 0), (4, 0.995, 0.9799, 0), (4, 0.995, 0.98, 1)):
        assert not EightBits((), Agreement(*poor)).good_enough


@needs_openvino
def test_a_processor_without_vnni_does_not_compute_in_eight_bits(monkeypatch):
    known = "INT8" in openvino_runtime.import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    for has_vnni in (False, True):
        monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda has_vnni=has_vnni: has_vnni, raising=False)
        assert openvino_runtime.computes_in_eight_bits() == (has_vnni and known)
    monkeypatch.delattr(torch.cpu, "_is_vnni_supported")
    assert not openvino_runtime.computes_in_eight_bits()


@needs_openvino
def test_the_kept_network_is_of_these_ranges_and_no_others(carded, monkeypatch, stand_in):
    """Two cards of the same weights do not find each other's converted network."""
    seen = []

    def note(network, patch, threads, file, precision, smallest, channels):
        seen.append((precision, file))
        return stand_in.make(f32=stand_in.same, int8=stand_in.same)(
            network, patch, threads, file, precision, smallest, channels
        )

    monkeypatch.setattr(openvino_runtime, "computes_in_eight_bits", lambda: True)
    entry = carded.card.text["int8"]
    narrower = {
        fold: {name: [low / 2, high / 2, parts] for name, (low, high, parts) in layers.items()}
        for fold, layers in entry["layers"].items()
    }
    for layers in (entry["layers"], narrower):
        changed(carded, layers=layers)
        model = load_model(carded.folder)
        try:
            choose(NetworkPlan.of(model, 1), model.read_weights(), "cpu", "openvino-int8", 1, note)
        except ModelError:
            pass  # ranges that are too narrow may well disagree; which file is named is asked here
    choose(NetworkPlan.of(carded, 1), carded.read_weights(), "cpu", "openvino", 1, note)
    assert len({file for _, file in seen}) == 3 and [precision for precision, _ in seen] == ["int8", "int8", "f32"]
