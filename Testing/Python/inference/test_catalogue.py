"""The models to choose from, and nnU-Net's own result folders taken over."""

import json
import os
import shutil

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import ModelError
from CRLMSegmentationLib.inference.models.catalogue import CATALOGUE, model_choices
from CRLMSegmentationLib.inference.models.import_model import About, import_model
from CRLMSegmentationLib.inference.models.model_folders import FOLDER_VARIABLE, available_models, models_folder
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from CRLMSegmentationLib.segmentation.segmenter import TumorSegmenter


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
        torch.save(
            {
                **plain,
                "network_weights": {f"_orig_mod.{name}": value for name, value in plain["network_weights"].items()},
                "logging": {"ema": [np.float64(0.5), np.float32(0.25)]},
                "current_epoch": 3,
            },
            folder / f"fold_{fold}" / "checkpoint_final.pth",
        )
    return folder


def test_the_catalogue_fits_its_schema_and_names_the_default_model():
    jsonschema = pytest.importorskip("jsonschema")
    folder = models_folder()
    catalogue = json.loads((folder / CATALOGUE).read_text(encoding="utf-8"))
    jsonschema.validate(catalogue, json.loads((folder / "models.schema.json").read_text(encoding="utf-8")))
    names = [entry["name"] for entry in catalogue["models"]]
    assert len(set(names)) == len(names)
    assert set(available_models()) <= set(names)


def test_the_choices_are_the_shipped_models_with_titles():
    choices = model_choices()
    assert [choice.name for choice in choices] == [
        name for name in (entry.name for entry in choices) if name in available_models()
    ]
    for choice in choices:
        assert choice.problem == "" and choice.task in ("crop", "full", "frames", "landmarks", "lvt")
        assert "not for patients" in choice.description


def test_a_damaged_model_is_offered_with_its_problem(own_folder, exported_model):
    shutil.copytree(exported_model, own_folder / "broken")
    (own_folder / "broken" / "plans.json").write_text("{}")
    broken = next(choice for choice in model_choices() if choice.name == "broken")
    assert "altered" in broken.problem


def test_a_damaged_catalogue_hides_no_model(tmp_path, exported_model, monkeypatch):
    shutil.copytree(exported_model, tmp_path / "shipped" / "one")
    (tmp_path / "shipped" / CATALOGUE).write_text("{")
    monkeypatch.setattr(
        "CRLMSegmentationLib.inference.models.model_folders.models_folder", lambda: tmp_path / "shipped"
    )
    monkeypatch.setattr("CRLMSegmentationLib.inference.models.catalogue.models_folder", lambda: tmp_path / "shipped")
    (choice,) = model_choices()
    assert choice.name == "one" and choice.problem == "" and "was trained on" in choice.description


def test_a_training_result_becomes_a_model_with_the_same_answer(trained, exported_model, speckled_volume):
    model = import_model(trained, "mine", about=About(threshold=0.4))
    assert load_model("mine").folder == model.folder
    assert "mine" in [choice.name for choice in model_choices()]
    assert model.card.weights == ("fold_0/weights.safetensors", "fold_2/weights.safetensors")
    assert model.card.threshold == 0.4 and model.card.mirror_axes == (0, 1, 2)
    theirs = TumorSegmenter(LocalPredictor(load_model(exported_model), "cpu", threads=1)).probability(speckled_volume)
    ours = TumorSegmenter(LocalPredictor(model, "cpu", threads=1)).probability(speckled_volume)
    assert np.abs(ours.voxels - theirs.voxels).max() < 1e-3  # two equal folds, summed in half precision
    size = (model.folder / "fold_0" / "weights.safetensors").stat().st_size
    parameters = load_model(exported_model).read_weights()[0]
    assert size < 4 * sum(value.numel() for value in parameters.values()) + 20_000


@pytest.mark.parametrize(
    "name, change, says",
    [
        ("dataset.json", lambda content: content.update(channel_names={"0": "CT", "1": "PET"}), "do not fit its plans"),
        ("dataset.json", lambda content: content.update(labels={"background": 0, "a": 1, "b": 2}), "do not fit its"),
        (
            "dataset.json",
            lambda content: content.update(labels={"background": 0, "a": [1, 2], "b": 2}),
            "regions_class",
        ),
        ("plans.json", lambda content: content["configurations"]["3d_fullres"].update(patch_size=[64, 64]), "2 axes"),
    ],
)
def test_what_does_not_fit_is_reported_and_nothing_is_left(trained, tmp_path, own_folder, name, change, says):
    result = tmp_path / "result"
    shutil.copytree(trained, result)
    content = json.loads((result / name).read_text(encoding="utf-8"))
    change(content)
    (result / name).write_text(json.dumps(content))
    with pytest.raises(ModelError, match=says):
        import_model(result, "odd")
    assert not own_folder.exists() or list(own_folder.iterdir()) == []


def changed(trained, folder, **changes):
    """A copy of the result in which change(content) was done to plans.json or dataset.json."""
    result = folder / trained.name
    shutil.copytree(trained, result)
    for name, change in changes.items():
        path = result / f"{name}.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        change(content)
        path.write_text(json.dumps(content))
    return result


def as_nnunet_2_0(content):
    """The network as plans of nnU-Net 2.0 to 2.3 describe it."""
    configuration = content["configurations"]["3d_fullres"]
    kwargs = configuration.pop("architecture")["arch_kwargs"]
    configuration.update(
        UNet_class_name="PlainConvUNet",
        UNet_base_num_features=4,
        unet_max_num_features=16,
        n_conv_per_stage_encoder=kwargs["n_conv_per_stage"],
        n_conv_per_stage_decoder=kwargs["n_conv_per_stage_decoder"],
        pool_op_kernel_sizes=kwargs["strides"],
        conv_kernel_sizes=kwargs["kernel_sizes"],
        num_pool_per_axis=[2, 2, 2],
    )


def inheriting(content):
    """Two steps of nnU-Net's documented way to change a few numbers of a configuration."""
    content["configurations"]["between"] = content["configurations"].pop("3d_fullres")
    content["configurations"]["base"] = {"inherits_from": "between", "batch_size": 4}
    content["configurations"]["3d_fullres"] = {"inherits_from": "base", "batch_size": 3}


@pytest.mark.parametrize(
    "changes",
    [
        {"plans": as_nnunet_2_0},
        {"plans": inheriting},
        {"plans": lambda content: (as_nnunet_2_0(content), inheriting(content))},
        {"dataset": lambda content: content.update(labels={"background": 0, "tumor": 1, "ignore": 2})},
    ],
)
def test_every_form_of_plans_and_labels_that_nnunet_reads_gives_the_same_answer(
    trained, exported_model, speckled_volume, tmp_path, changes
):
    model = import_model(changed(trained, tmp_path, **changes), "mine", folds=[0])
    ours = TumorSegmenter(LocalPredictor(load_model("mine"), "cpu", threads=1)).probability(speckled_volume)
    theirs = TumorSegmenter(LocalPredictor(load_model(exported_model), "cpu", threads=1)).probability(speckled_volume)
    assert np.array_equal(ours.voxels, theirs.voxels) and model.card.configuration == "3d_fullres"


@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_checkpoints_of_either_numpy_are_read(trained, tmp_path, module):
    import zipfile

    result = changed(trained, tmp_path)
    path = result / "fold_0" / "checkpoint_final.pth"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "new", "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename.endswith("data.pkl"):
                for name in (b"numpy._core.multiarray", b"numpy.core.multiarray"):
                    content = content.replace(b"c" + name + b"\n", b"c" + module + b"\n")
                assert b"c" + module + b"\nscalar" in content
            new.writestr(entry.filename, content)
    (tmp_path / "new").replace(path)
    assert import_model(result, "mine", folds=[0]).folds == ("fold_0",)


def test_the_fold_of_all_cases_is_taken_where_it_is_alone_or_asked_for(trained, tmp_path, capsys):
    result = changed(trained, tmp_path)
    shutil.copytree(result / "fold_2", result / "fold_all")
    assert import_model(result, "both").folds == ("fold_0", "fold_2")
    assert main(["import-model", str(result), "asked", "--folds", "all"]) == 0
    assert load_model("asked").with_folds(["all"]).folds == ("fold_all",)
    for fold in (0, 2):
        shutil.rmtree(result / f"fold_{fold}")
    assert import_model(result, "alone").folds == ("fold_all",)
    with pytest.raises(ModelError, match=r"no checkpoint of fold 3 \(there are: all\)"):
        import_model(result, "three", folds=[3])


def second_stage(content):
    configurations = content["configurations"]
    configurations["3d_lowres"] = {**configurations["3d_fullres"], "next_stage": "3d_cascade_fullres"}
    configurations["3d_cascade_fullres"] = {"inherits_from": "3d_fullres", "previous_stage": "3d_lowres"}


def in_a_circle(content):
    content["configurations"]["3d_fullres"] = {"inherits_from": "b"}
    content["configurations"]["b"] = {"inherits_from": "3d_fullres"}


@pytest.mark.parametrize(
    "configuration, change, says",
    [
        ("3d_cascade_fullres", second_stage, "second stage of a cascade"),
        ("3d_fullres", in_a_circle, "cannot read the configuration '3d_fullres'.*[Cc]ircular"),
        ("3d_fullres", lambda content: content["configurations"]["3d_fullres"].update(inherits_from="gone"), "gone"),
        ("3d_lowres", lambda content: None, "no configuration '3d_lowres': choose one of 3d_fullres"),
        ("3d_fullres", lambda content: content["configurations"]["3d_fullres"].pop("architecture"), "UNet_class_name"),
    ],
)
def test_a_configuration_that_cannot_be_used_has_its_true_reason(
    trained, tmp_path, own_folder, configuration, change, says
):
    with pytest.raises(ModelError, match=says):
        import_model(changed(trained, tmp_path, plans=change), "odd", configuration=configuration)
    assert not own_folder.exists() or list(own_folder.iterdir()) == []


def test_an_import_touches_no_folder_that_it_did_not_make(trained, own_folder):
    drafts = own_folder / ".mine.draft"
    drafts.mkdir(parents=True)
    (drafts / "notes.txt").write_text("the user's")
    import_model(trained, "mine", about=About(trained_on="40 patients of one hospital"), folds=[0])
    assert (drafts / "notes.txt").exists() and sorted(path.name for path in own_folder.iterdir()) == [
        ".mine.draft",
        "mine",
    ]
    assert load_model("mine").card.trained_on == "The model 'mine' was trained on 40 patients of one hospital."


def test_a_name_means_the_model_and_not_a_folder_that_happens_to_lie_here(trained, tmp_path, monkeypatch):
    model = import_model(trained, "mine", folds=[0])
    (tmp_path / "here" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert load_model("mine").folder == model.folder
    with pytest.raises(ModelError, match=r"holds no model.json"):
        load_model("./mine")


class MakesAFolder:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_code_in_a_training_checkpoint_does_not_run(trained, tmp_path, own_folder):
    import torch

    result, proof = tmp_path / "result", tmp_path / "code-ran"
    shutil.copytree(trained, result)
    torch.save(
        {"network_weights": {"a": torch.zeros(1)}, "more": MakesAFolder(proof)},
        result / "fold_0" / "checkpoint_final.pth",
    )
    with pytest.raises(ModelError, match="refused"):
        import_model(result, "evil")
    assert not proof.exists()
    assert not own_folder.exists() or list(own_folder.iterdir()) == []


def test_a_folder_that_is_no_result_and_a_name_that_is_taken_are_reported(trained, tmp_path):
    with pytest.raises(ModelError, match="not a result folder"):
        import_model(tmp_path, "mine")
    with pytest.raises(ModelError, match="no checkpoint of fold 4"):
        import_model(trained, "mine", folds=[4])
    with pytest.raises(ModelError, match="a model that ships"):
        import_model(trained, available_models()[0])
    with pytest.raises(ModelError, match="cannot be the name"):
        import_model(trained, "../mine")
    import_model(trained, "mine", folds=[0])
    with pytest.raises(ModelError, match="there already"):
        import_model(trained, "mine", folds=[0])
