"""Networks of other libraries: built by names in a table, with safetensors weights; no code that a file names runs."""

import importlib
import json

import numpy as np
import pytest
import torch
from CRLMSegmentationLib.errors import ModelError
from CRLMSegmentationLib.inference.image import Image
from CRLMSegmentationLib.inference.models import builders
from CRLMSegmentationLib.inference.models.builders import BUILDERS, Builder, NamedNetwork, Shape
from CRLMSegmentationLib.inference.models.checkpoints import write_safetensors
from CRLMSegmentationLib.inference.models.model_files import write_card
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from small_model import plans_of_a_small_network

LABELS = {"background": 0, "ridge": 1, "ligament": 2}


@pytest.fixture
def tiny(monkeypatch):
    """The name of a network in the table that every machine has."""

    def fixed(shape):
        return {"axes": shape.axes, "inputs": shape.channels, "outputs": shape.heads}

    entry = Builder("tiny_network", "Tiny", "no package", frozenset({"width"}), fixed)
    monkeypatch.setitem(builders.BUILDERS, "tiny", entry)
    return "tiny"


def write_model(folder, builder, arguments, axes=2, channels=("R", "G", "B"), network=None, **more):
    """A model folder with random weights; returns the network too."""
    plans = plans_of_a_small_network(axes, len(channels))
    configuration = next(iter(plans["configurations"].values()))
    del configuration["architecture"]
    configuration.update(normalization_schemes=["NoNormalization"] * len(channels), patch_size=[32] * axes)
    folder.mkdir()
    (folder / "plans.json").write_text(json.dumps(plans))
    names = {str(number): name for number, name in enumerate(channels)}
    (folder / "dataset.json").write_text(json.dumps({"channel_names": names, "labels": LABELS, "file_ending": ".png"}))
    torch.manual_seed(3)
    network = network or NamedNetwork(builder, arguments).build(Shape(axes, len(channels), 3))
    write_safetensors(network.state_dict(), folder / "fold_0" / "w.safetensors")
    card = {
        "name": "foreign",
        "version": "1",
        "task": "landmarks",
        "margin_mm": 0,
        "threshold": 0.5,
        "configuration": "2d",
    }
    card.update(network={"builder": builder, "arguments": arguments}, weights=["fold_0/w.safetensors"], **more)
    if axes == 3:
        card["configuration"] = "3d_fullres"
    write_card(folder, card)
    return network.eval()


def frame(size=(32, 32)):
    return Image.of_frame(np.random.default_rng(8).normal(0, 1, (*size, 3)).astype(np.float32))


def test_the_answer_is_the_softmax_of_the_networks_own(tiny, tmp_path):
    network = write_model(tmp_path / "model", tiny, {"width": 5})
    predictor = LocalPredictor(load_model(tmp_path / "model"), "cpu", threads=1)
    image = frame()
    with torch.no_grad():
        expected = torch.softmax(network(torch.from_numpy(image.channels[:, 0])[None]), dim=1)[0].numpy()
    found = predictor.predict(image, list(LABELS))
    # nnU-Net sums in half precision, and weighs what lies in the corners of a window next to nothing.
    apart = np.abs(found.probabilities[:, 0] - expected)
    assert apart.mean() < 5e-4 and apart[:, 4:-4, 4:-4].max() < 2e-3
    assert expected.std() > 0.05 and predictor.predict(frame((70, 45))).of("ridge").shape == (1, 70, 45)


def test_weights_of_another_width_do_not_fit(tiny, tmp_path):
    write_model(tmp_path / "model", tiny, {"width": 5})
    card = json.loads((tmp_path / "model" / "model.json").read_text(encoding="utf-8"))
    write_card(tmp_path / "model", {**card, "network": {"builder": tiny, "arguments": {"width": 3}}})
    with pytest.raises(ModelError, match="do not fit its plans"):
        LocalPredictor(load_model(tmp_path / "model"), "cpu", threads=1)


@pytest.mark.parametrize(
    "entry, says",
    [
        (
            {"builder": "os.system", "arguments": {"command": "true"}},
            "names the network 'os.system': known are .*monai",
        ),
        ({"builder": "tiny", "arguments": {"axes": 3}}, "has no argument 'axes': it has width"),
        ({"builder": "tiny", "arguments": {"width": {"a": 1}}}, "not plain values"),
        ({"builder": "tiny", "arguments": [3]}, "not plain values"),
        (["tiny"], "names the network 'None'"),
    ],
)
def test_a_card_that_names_anything_else_is_refused_before_anything_is_imported(
    tiny, tmp_path, monkeypatch, entry, says
):
    write_model(tmp_path / "model", tiny, {})
    card = json.loads((tmp_path / "model" / "model.json").read_text(encoding="utf-8"))
    write_card(tmp_path / "model", {**card, "network": entry})
    monkeypatch.setattr(builders, "import_module", lambda name: pytest.fail(f"{name} was imported"))
    with pytest.raises(ModelError, match=says):
        load_model(tmp_path / "model")


def test_a_library_that_is_missing_and_arguments_that_it_refuses_are_reported(tiny, monkeypatch):
    monkeypatch.setitem(
        BUILDERS, "gone", Builder("no_such_module", "Net", "the package", frozenset(), lambda shape: {})
    )
    with pytest.raises(ModelError, match="comes from the package, which cannot be loaded"):
        NamedNetwork("gone", {}).build(Shape(2, 1, 2))
    with pytest.raises(ModelError, match="'tiny' cannot be built as the card says"):
        NamedNetwork(tiny, {"width": "wide"}).build(Shape(2, 1, 2))
    with pytest.raises(ModelError, match="are 2D"):
        NamedNetwork("segmentation_models_pytorch.Unet", {}).build(Shape(3, 1, 2))


def test_a_model_of_nnunet_names_no_network_and_keeps_its_own(exported_model):
    assert load_model(exported_model).network is None
    assert NamedNetwork.from_card(None) is None


OF_LIBRARIES = [
    ("monai.UNet", 3, {"channels": [4, 8, 16], "strides": [2, 2], "num_res_units": 1}),
    ("monai.SegResNet", 2, {"init_filters": 8, "blocks_down": [1, 1], "blocks_up": [1]}),
    (
        "monai.DynUNet",
        2,
        {"kernel_size": [3, 3, 3], "strides": [1, 2, 2], "upsample_kernel_size": [2, 2], "filters": [4, 8, 16]},
    ),
    ("monai.FlexibleUNet", 2, {"backbone": "resnet10", "decoder_channels": [16, 8, 8, 8, 8]}),
    ("segmentation_models_pytorch.Unet", 2, {"encoder_name": "resnet18"}),
    ("segmentation_models_pytorch.UnetPlusPlus", 2, {"encoder_name": "resnet18"}),
    ("segmentation_models_pytorch.FPN", 2, {"encoder_name": "resnet18"}),
    ("segmentation_models_pytorch.DeepLabV3Plus", 2, {"encoder_name": "resnet18"}),
]


def test_the_table_is_tried_as_a_whole():
    assert set(BUILDERS) == {builder for builder, *_ in OF_LIBRARIES}


@pytest.mark.parametrize("builder, axes, arguments", OF_LIBRARIES, ids=[row[0] for row in OF_LIBRARIES])
def test_networks_of_monai_and_segmentation_models_answer(builder, axes, arguments, tmp_path):
    try:
        importlib.import_module(BUILDERS[builder].module)
    except (ImportError, RuntimeError) as missing:
        pytest.skip(f"{BUILDERS[builder].package} cannot be loaded ({missing})")
    write_model(tmp_path / "model", builder, arguments, axes)
    predictor = LocalPredictor(load_model(tmp_path / "model"), "cpu", threads=1)
    image = Image(np.random.default_rng(8).normal(0, 1, (3, 32, 33, 34)).astype(np.float32), (1, 1, 1))
    if axes == 2:
        image = frame()
    found = predictor.predict(image)
    assert found.labels == ("ridge", "ligament") and found.probabilities.shape[1:] == image.shape
    assert found.probabilities.std() > 0
