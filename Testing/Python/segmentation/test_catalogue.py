"""The models to choose from, and nnU-Net's own result folders taken over."""

import json
import os
import shutil

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ModelError
from CRLMSegmentationLib.segmentation.catalogue import CATALOGUE, model_choices
from CRLMSegmentationLib.segmentation.import_model import import_model
from CRLMSegmentationLib.segmentation.models import FOLDER_VARIABLE, available_models, load_model, models_folder
from CRLMSegmentationLib.segmentation.predictor import Segmenter


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "own models"))
    return tmp_path / "own models"


@pytest.fixture(scope="module")
def trained(exported_model, tmp_path_factory):
    """As nnU-Net's training leaves it: two folds, a log of NumPy numbers, wrapped names, shared tensors."""
    import torch

    folder = tmp_path_factory.mktemp("results") / "BoxTrainer__nnUNetPlans__3d_fullres"
    folder.mkdir()
    for name in ("plans.json", "dataset.json"):
        shutil.copyfile(exported_model / name, folder / name)
    plain = torch.load(exported_model / "fold_0" / "checkpoint_final.pth", weights_only=True)
    for fold in (0, 2):
        (folder / f"fold_{fold}").mkdir()
        torch.save({
            **plain,
            "network_weights": {f"_orig_mod.{name}": value for name, value in plain["network_weights"].items()},
            "logging": {"ema": [np.float64(0.5), np.float32(0.25)]},
            "current_epoch": 3,
        }, folder / f"fold_{fold}" / "checkpoint_final.pth")
    return folder


def test_the_catalogue_fits_its_schema_and_names_the_default_model():
    jsonschema = pytest.importorskip("jsonschema")
    folder = models_folder()
    catalogue = json.loads((folder / CATALOGUE).read_text())
    jsonschema.validate(catalogue, json.loads((folder / "models.schema.json").read_text()))
    names = [entry["name"] for entry in catalogue["models"]]
    assert len(set(names)) == len(names)
    assert set(available_models()) <= set(names)


def test_the_choices_are_the_shipped_models_in_words():
    choices = model_choices()
    assert [choice.name for choice in choices] == [
        name for name in (entry.name for entry in choices) if name in available_models()
    ]
    for choice in choices:
        assert choice.problem == "" and choice.kind in ("crop", "full") and "not for patients" in choice.description


def test_a_damaged_model_is_offered_with_its_problem(own_folder, exported_model):
    shutil.copytree(exported_model, own_folder / "broken")
    (own_folder / "broken" / "plans.json").write_text("{}")
    broken = next(choice for choice in model_choices() if choice.name == "broken")
    assert "altered" in broken.problem


def test_a_training_result_becomes_a_model_with_the_same_answer(trained, exported_model, speckled_volume):
    model = import_model(trained, "mine", threshold=0.4)
    assert load_model("mine").folder == model.folder
    assert "mine" in [choice.name for choice in model_choices()]
    assert model.card.weights == ("fold_0/weights.safetensors", "fold_2/weights.safetensors")
    assert model.card.threshold == 0.4 and model.card.mirror_axes == (0, 1, 2)
    theirs = Segmenter(load_model(exported_model), "cpu", threads=1).probability(speckled_volume)
    ours = Segmenter(model, "cpu", threads=1).probability(speckled_volume)
    assert np.abs(ours.voxels - theirs.voxels).max() < 1e-3  # two equal folds, summed in half precision
    size = (model.folder / "fold_0" / "weights.safetensors").stat().st_size
    parameters = load_model(exported_model).read_weights()[0]
    assert size < 4 * sum(value.numel() for value in parameters.values()) + 20_000


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("dataset.json", lambda content: content.update(channel_names={"0": "CT", "1": "PET"}), "2 channels"),
        ("dataset.json", lambda content: content.update(labels={"background": 0, "a": 1, "b": 2}), "labels"),
        ("plans.json", lambda content: content["configurations"]["3d_fullres"].update(patch_size=[64, 64]), "2D"),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_is_left(trained, tmp_path, own_folder, name, change, says):
    result = tmp_path / "result"
    shutil.copytree(trained, result)
    content = json.loads((result / name).read_text())
    change(content)
    (result / name).write_text(json.dumps(content))
    with pytest.raises(ModelError, match=says):
        import_model(result, "odd")
    assert not own_folder.exists() or list(own_folder.iterdir()) == []


class MakesAFolder:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_code_in_a_training_checkpoint_does_not_run(trained, tmp_path, own_folder):
    import torch

    result, proof = tmp_path / "result", tmp_path / "code-ran"
    shutil.copytree(trained, result)
    torch.save({"network_weights": {"a": torch.zeros(1)}, "more": MakesAFolder(proof)},
               result / "fold_0" / "checkpoint_final.pth")
    with pytest.raises(ModelError, match="refused"):
        import_model(result, "evil")
    assert not proof.exists()
    assert not own_folder.exists() or list(own_folder.iterdir()) == []


def test_a_folder_that_is_no_result_and_a_name_that_is_taken_are_told(trained, tmp_path):
    with pytest.raises(ModelError, match="not a result folder"):
        import_model(tmp_path, "mine")
    with pytest.raises(ModelError, match="no checkpoint of fold 4"):
        import_model(trained, "mine", folds=[4])
    with pytest.raises(ModelError, match="cannot be the name"):
        import_model(trained, "../mine")
    import_model(trained, "mine", folds=[0])
    with pytest.raises(ModelError, match="there already"):
        import_model(trained, "mine", folds=[0])
