"""Model folders: what is good loads, everything else is refused in a sentence before it can do harm."""

import json
import os
import pickle
import zipfile

import pytest
from CRLMSegmentationLib.errors import ModelError
from CRLMSegmentationLib.inference.models.model_folders import available_models
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.study.training.export import WEIGHTS, write_card


def card_of(folder) -> dict:
    return json.loads((folder / "model.json").read_text(encoding="utf-8"))


def change_json(folder, name, change) -> None:
    """Edit a JSON file of the model and write fitting hashes: an author's mistake, not damage."""
    content = json.loads((folder / name).read_text(encoding="utf-8"))
    change(content)
    (folder / name).write_text(json.dumps(content))
    write_card(folder, card_of(folder))


def test_an_exported_model_loads_with_its_card(exported_model):
    model = load_model(exported_model)
    assert (model.name, model.card.task, model.card.margin_mm, model.card.threshold) == ("random", "crop", 10.0, 0.5)
    assert model.spacing_mm == (1.0, 1.0, 1.0)
    weights = model.read_weights()[0]
    assert weights and all(value.isfinite().all() for value in weights.values())


@pytest.mark.parametrize(
    "training, sentence, simulated",
    [
        (
            {"data": "simulated ultrasound, never a patient", "simulated": True},
            "The model 'random' was trained on simulated ultrasound, never a patient.",
            True,
        ),
        (
            {"data": "40 patients of one hospital."},
            "The model 'random' was trained on 40 patients of one hospital.",
            False,
        ),
        ({}, "The model 'random' was trained on data that its card does not name.", False),
        (None, "The model 'random' was trained on data that its card does not name.", False),
    ],
)
def test_a_card_says_in_one_sentence_what_the_model_was_trained_on(model_copy, training, sentence, simulated):
    change_json(model_copy, "model.json", lambda card: card.update(training=training))
    card = load_model(model_copy).card
    assert (card.trained_on, card.trained_on_simulated_only) == (sentence, simulated)


def test_the_exported_checkpoint_holds_nothing_but_plain_values(exported_model):
    import torch

    checkpoint = torch.load(exported_model / WEIGHTS, weights_only=True)
    assert set(checkpoint) == {"network_weights", "trainer_name", "init_args", "inference_allowed_mirroring_axes"}


@pytest.mark.parametrize("missing", ["model.json", "plans.json", "dataset.json", WEIGHTS])
def test_a_folder_without_one_of_its_files_is_reported(model_copy, missing):
    (model_copy / missing).unlink()
    with pytest.raises(ModelError, match=missing.replace(".", r"\.")):
        load_model(model_copy)


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(ModelError, match="no model 'nonsense'"):
        load_model("nonsense")
    with pytest.raises(ModelError, match="no model"):
        load_model("../../etc")


@pytest.mark.parametrize("name", ["plans.json", "dataset.json", WEIGHTS])
def test_one_changed_byte_is_noticed_before_the_file_is_read(model_copy, name, monkeypatch):
    content = bytearray((model_copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (model_copy / name).write_bytes(content)
    import torch

    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("an altered file was read"))
    with pytest.raises(ModelError, match="altered"):
        load_model(model_copy)


def test_weights_swapped_after_loading_are_not_read(model_copy):
    model = load_model(model_copy)
    with open(model_copy / WEIGHTS, "ab") as file:
        file.write(b"more")
    with pytest.raises(ModelError, match="altered"):
        model.read_weights()


@pytest.mark.parametrize("keep", [0, 100, 5000])
def test_truncated_weights_with_a_fitting_hash_are_refused(model_copy, keep):
    content = (model_copy / WEIGHTS).read_bytes()
    (model_copy / WEIGHTS).write_bytes(content[:keep])
    write_card(model_copy, card_of(model_copy))
    with pytest.raises(ModelError, match="plain network weights"):
        load_model(model_copy).read_weights()


class WritesAFile:
    """Unpickling an object of this class runs code of its author's choice."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("container", ["plain", "zip"])
def test_code_hidden_in_a_checkpoint_does_not_run(model_copy, tmp_path, container):
    import torch

    proof = tmp_path / "code-ran"
    if container == "plain":
        (model_copy / WEIGHTS).write_bytes(pickle.dumps({"network_weights": WritesAFile(proof)}))
    else:
        torch.save({"network_weights": {"a": torch.zeros(1)}, "more": WritesAFile(proof)}, model_copy / WEIGHTS)
        assert zipfile.is_zipfile(model_copy / WEIGHTS)
    write_card(model_copy, card_of(model_copy))
    with pytest.raises(ModelError, match="refused"):
        load_model(model_copy).read_weights()
    assert not proof.exists()
    # The same file does run its code where it is trusted: the test above could have failed.
    if container == "zip":
        torch.load(model_copy / WEIGHTS, weights_only=False)
    else:
        pickle.loads((model_copy / WEIGHTS).read_bytes())
    assert proof.exists()


def set_path(*path):
    *parents, last, value = path

    def change(content):
        for key in parents:
            content = content[key]
        content[last] = value

    return change


FULLRES = ("configurations", "3d_fullres")
ARCHITECTURE = (*FULLRES, "architecture")


@pytest.mark.parametrize(
    "name, change, says",
    [
        ("plans.json", set_path(*ARCHITECTURE, "network_class_name", "subprocess.Popen"), "code that is not"),
        ("plans.json", set_path(*ARCHITECTURE, "arch_kwargs", "conv_op", "os.system"), "code that is not"),
        (
            "plans.json",
            set_path(*ARCHITECTURE, "arch_kwargs", "conv_op", "torch.nn.modules.conv.torch.load('x')"),
            "code that is not",
        ),
        ("plans.json", set_path(*FULLRES, "patch_size", [64, 64]), "2 axes and 3 spacings"),
        ("plans.json", set_path(*FULLRES, "patch_size", [64, 64, 64, 2]), "4 axes"),
        ("plans.json", set_path("transpose_forward", [0, 1, 1]), "two or three"),
        ("plans.json", set_path(*FULLRES, "previous_stage", "3d_lowres"), "cascade"),
        ("plans.json", set_path("configurations", {"2d": {}}), "no complete configuration"),
        ("dataset.json", set_path("channel_names", 2), "names no channels"),
        ("dataset.json", set_path("labels", {"liver": 1, "tumor": 2}), "need a background"),
        ("dataset.json", set_path("labels", {"background": 0, "liver": 1, "tumor": 3}), "0, 1, 2 and so on"),
        ("dataset.json", set_path("labels", {"background": 0, "liver": [1, 2], "tumor": 2}), "regions_class_order"),
        ("dataset.json", set_path("labels", ["background", "tumor"]), "not a table"),
        ("model.json", set_path("labels", {"labels": {"background": 0, "liver": 1}}), "card names other labels"),
    ],
)
def test_plans_that_do_not_fit_are_reported(model_copy, name, change, says):
    change_json(model_copy, name, change)
    with pytest.raises(ModelError, match=says):
        load_model(model_copy)


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda card: card.pop("threshold"), "'threshold'"),
        (lambda card: card.update(threshold="much"), "wrong kind"),
        (lambda card: card.update(threshold=1.5), "no sense"),
        (lambda card: card.update(task="other"), "no sense"),
        (lambda card: card.update(sha256={}), "lacks the hash"),
        (lambda card: card["sha256"].update({"../secret": "0" * 64}), "outside its folder"),
        (lambda card: card.update(weights=[]), "lacks the hash"),
    ],
)
def test_a_card_that_makes_no_sense_is_reported(model_copy, change, says):
    card = card_of(model_copy)
    change(card)
    (model_copy / "model.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match=says):
        load_model(model_copy)


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", "\x00\x01", "[" * 100_000])
def test_a_card_that_is_no_json_is_reported(model_copy, content):
    (model_copy / "model.json").write_text(content)
    with pytest.raises(ModelError, match="damaged"):
        load_model(model_copy)


def test_safetensors_weights_are_read_too(model_copy):
    from safetensors.torch import save_file

    weights = load_model(model_copy).read_weights()[0]
    save_file({name: value.half() for name, value in weights.items()}, model_copy / "fold_0" / "weights.safetensors")
    write_card(model_copy, {**card_of(model_copy), "weights": ["fold_0/weights.safetensors"]})
    again = load_model(model_copy).read_weights()[0]
    assert again.keys() == weights.keys()
    assert all((again[name] - weights[name]).abs().max() < 1e-3 for name in weights)


def test_every_shipped_model_loads():
    names = available_models()
    assert names
    for name in names:
        assert load_model(name).name == name
