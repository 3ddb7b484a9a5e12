"""Every kind of nnU-Net result (2D, several channels, labels or regions): imported, it answers as nnU-Net does."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import ModelError
from CRLMSegmentationLib.inference.image import Image
from CRLMSegmentationLib.inference.models.catalogue import model_choices
from CRLMSegmentationLib.inference.models.import_model import About, import_model
from CRLMSegmentationLib.inference.models.model_folders import FOLDER_VARIABLE, available_models
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from CRLMSegmentationLib.segmentation.segmenter import TumorSegmenter, tumor_label
from small_model import RESULTS, write_result


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "own models"))


def image_for(model, shape=(6, 30, 23), spacing=(1.2, 0.7, 0.8)) -> Image:
    """Noise with a darker ball, other in each channel, black at one edge as where nothing was seen."""
    random = np.random.default_rng(11)
    k, j, i = (np.linspace(-1, 1, size).reshape(place) for size, place in zip(shape, ((-1, 1, 1), (-1, 1), -1)))
    ball = k**2 + j**2 + i**2 < 0.5
    channels = np.stack([random.normal(120 - 20 * n, 25, shape) - 60 * ball for n in range(len(model.channels))])
    channels = np.clip(channels, 1, 255).astype(np.uint8)
    channels[:, :, :3] = 0
    return Image(channels, spacing)


def same_to_rounding(one: np.ndarray, other: np.ndarray) -> None:
    """Of two passes of a network. torch rounds some values otherwise where their memory begins elsewhere: 2 of 4,140
    differed by 3e-8 in one of three runs on an AMD EPYC.
    """
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


def of_nnunet(result, image: Image, mirroring=False):
    """(label map, probabilities of all that nnU-Net's own predictor answers)."""
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    theirs = nnUNetPredictor(
        use_mirroring=mirroring, perform_everything_on_device=False, device=torch.device("cpu"), allow_tqdm=False
    )
    theirs.initialize_from_trained_model_folder(str(result), use_folds=(0,))
    return theirs.predict_single_npy_array(
        image.channels.astype(np.float32), {"spacing": list(image.spacing_mm)}, save_or_return_probabilities=True
    )


@pytest.mark.parametrize("mirroring", [False, True])
def test_the_probability_of_every_label_is_that_of_nnunets_own_predictor(nnunet_result, mirroring):
    model = import_model(nnunet_result, "mine")
    image = image_for(model)
    label_map, expected = of_nnunet(nnunet_result, image, mirroring)
    found = LocalPredictor(model, "cpu", mirroring, threads=1).predict(image, model.labels.heads)
    assert found.probabilities.dtype == np.float32 and found.labels == model.labels.heads
    assert found.probabilities.shape == expected.shape
    assert np.abs(found.probabilities - expected).max() < 2e-3
    # An answer worth comparing: no label is everywhere alike, and what is drawn differs too.
    assert (found.probabilities.std(axis=(1, 2, 3)) > 0.01).all() and len(np.unique(label_map)) > 1
    foreground = LocalPredictor(model, "cpu", mirroring, threads=1).predict(image)
    assert foreground.labels == model.labels.foreground_heads
    for label in foreground.labels:
        same_to_rounding(foreground.of(label), found.of(label))


def test_the_names_are_of_the_values_that_nnunet_draws(tmp_path):
    """With labels, the largest probability; with regions, one drawn over the other: by our names, nnU-Net's values."""
    for kind in ("three labels", "regions"):
        model = import_model(write_result(tmp_path / kind, **RESULTS[kind]), kind.replace(" ", "-"))
        image = image_for(model)
        label_map, _ = of_nnunet(tmp_path / kind, image)
        found = LocalPredictor(model, "cpu", threads=1).predict(image, model.labels.heads)
        if kind == "regions":
            drawn = np.zeros(image.shape, int)
            for name, value in zip(("liver", "lesion", "core"), (1, 2, 3)):
                drawn[found.of(name) > 0.5] = value
        else:
            ours = np.stack([found.of(name) for name in ("background", "liver", "vessel", "tumor")])
            drawn = ours.argmax(axis=0)
        assert (drawn == label_map).mean() > 0.999


def test_a_colour_frame_is_one_plane_and_all_of_it_is_known(tmp_path):
    model = import_model(write_result(tmp_path / "result", **RESULTS["colour frames"]), "colour", about=About("frames"))
    assert model.is_2d and model.spacing_mm == (None, 1.0, 1.0)
    pixels = np.random.default_rng(2).integers(0, 255, (40, 52, 3)).astype(np.uint8)
    pixels[:10] = 0
    image = Image.of_frame(pixels, (0.5, 0.5))
    assert image.channels.shape == (3, 1, 40, 52) and image.known.all()
    predictor = LocalPredictor(model, "cpu", threads=1)
    predictor.warm_up()
    found = predictor.predict(image)
    assert found.labels == ("ridge", "ligament") and found.of("ridge").shape == (1, 40, 52)
    assert (found.of("ridge")[:, :10] > 0).all()  # black is a colour here, and not what nobody saw
    assert Image.of_frame(pixels[..., 0]).channels.shape == (1, 1, 40, 52)


def test_what_does_not_fit_an_image_is_refused_with_the_names(tmp_path):
    model = import_model(write_result(tmp_path / "result", **RESULTS["two channels"]), "two")
    predictor = LocalPredictor(model, "cpu", threads=1)
    with pytest.raises(ModelError, match=r"takes 2 channels \(B-mode, Doppler\), and the image has 1"):
        predictor.predict(Image(np.ones((1, 5, 5, 5)), (1, 1, 1)))
    with pytest.raises(ModelError, match="no label 'liver': it answers background, tumor"):
        predictor.predict(Image(np.ones((2, 5, 5, 5)), (1, 1, 1)), ["liver"])
    with pytest.raises(ModelError, match="an ultrasound volume has one"):
        TumorSegmenter(predictor)


def test_the_tumor_is_the_label_of_that_name_or_the_only_one(tmp_path):
    for number, (labels, expected) in enumerate(
        [({"background": 0, "vessel": 1, "tumor": 2}, "tumor"), ({"background": 0, "metastasis": 1}, "metastasis")]
    ):
        model = import_model(write_result(tmp_path / str(number), labels=labels), f"m{number}")
        assert tumor_label(model) == expected
    model = import_model(write_result(tmp_path / "other", labels={"background": 0, "vessel": 1, "cyst": 2}), "other")
    with pytest.raises(ModelError, match="finds vessel, cyst, and none of these is called 'tumor'"):
        tumor_label(model)


def test_a_segmenter_takes_the_tumor_out_of_several_labels(tmp_path, speckled_volume):
    model = import_model(write_result(tmp_path / "result", **RESULTS["three labels"]), "three")
    predictor = LocalPredictor(model, "cpu", threads=1)
    probability = TumorSegmenter(predictor).probability(speckled_volume)
    image = Image(speckled_volume.voxels[None], speckled_volume.spacing_mm[::-1])
    same_to_rounding(probability.voxels, predictor.predict(image).of("tumor"))


def test_the_command_imports_every_kind_and_the_catalogue_lists_it_by_its_task(tmp_path, capsys):
    for kind, task in (("2d", "frames"), ("regions", "lvt"), ("colour frames", "landmarks")):
        result = write_result(tmp_path / kind, **RESULTS[kind])
        assert main(["import-model", str(result), task, "--task", task]) == 0
    assert "landmarks, 1 fold(s), 2d, any x 1 x 1 mm, 3 channel(s), labels ridge, ligament" in capsys.readouterr().out
    (lvt,) = [choice for choice in model_choices("lvt") if choice.name not in available_models()]
    assert (lvt.name, lvt.task, lvt.labels) == ("lvt", "lvt", ("liver", "lesion", "core"))
    assert {choice.name for choice in model_choices()} > {"lvt", "frames", "landmarks"}
    assert "lvt" not in [choice.name for choice in model_choices("frames")]
    assert all(choice.task in ("crop", "") for choice in model_choices("crop"))


def test_what_was_not_annotated_stands_in_the_card_and_old_cards_are_read(tmp_path):
    result = write_result(tmp_path / "result", **RESULTS["three labels"])
    model = import_model(result, "some", about=About("lvt", annotated=["liver", "tumor"]))
    again = load_model("some")
    assert [label.name for label in again.labels.foreground if not label.is_annotated] == ["vessel"]
    card = json.loads((model.folder / "model.json").read_text(encoding="utf-8"))
    del card["labels"], card["task"]
    (model.folder / "model.json").write_text(json.dumps({**card, "kind": "full"}))
    old = load_model("some")
    assert old.card.task == "full" and all(label.is_annotated for label in old.labels.labels)


@pytest.mark.parametrize("kind", ["colour frames", "regions"])
def test_openvino_runs_every_kind_and_is_compared_with_torch_on_it(tmp_path, monkeypatch, kind):
    pytest.importorskip("openvino")
    monkeypatch.setenv("CRLM_CACHE", str(tmp_path / "cache"))
    model = import_model(write_result(tmp_path / "result", **RESULTS[kind]), "mine")
    predictor = LocalPredictor(model, "cpu", threads=1, runtime="openvino")
    assert predictor.runtime == "OpenVINO float32"
    expected = LocalPredictor(model, "cpu", threads=1).predict(image_for(model))
    assert np.abs(predictor.predict(image_for(model)).probabilities - expected.probabilities).max() < 2e-3
