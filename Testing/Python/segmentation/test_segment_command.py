"""`crlm segment` with the engine's options: folds, ensembles, mirroring."""

import json
import shutil

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import ModelError
from CRLMSegmentationLib.files import read_volume, write_volume
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.study.training.export import write_card


@pytest.fixture(scope="module")
def two_folds(exported_model, tmp_path_factory):
    """The small model, and beside it a second fold whose output layers answer the other way round."""
    import torch

    folder = tmp_path_factory.mktemp("folds") / "two"
    shutil.copytree(exported_model, folder)
    (folder / "fold_1").mkdir()
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    first = folder / card["weights"][0]
    second = folder / "fold_1" / "checkpoint_final.pth"
    weights = load_model(exported_model).read_weights()[0]
    torch.manual_seed(11)
    torch.save(
        {"network_weights": {key: value * 0.5 + 0.1 * torch.randn_like(value) for key, value in weights.items()}},
        second,
    )
    card["weights"] = [first.relative_to(folder).as_posix(), second.relative_to(folder).as_posix()]
    write_card(folder, card)
    return folder


@pytest.fixture
def segmented(tmp_path, speckled_volume, exported_model):
    """Runs the command on the whole volume; gives the probability it wrote."""
    write_volume(speckled_volume, tmp_path / "volume.nrrd")
    center = [str(value) for value in speckled_volume.center_ras]

    def run(model, *options):
        probability = tmp_path / "probability.nrrd"
        command = [
            "segment",
            str(tmp_path / "volume.nrrd"),
            "-o",
            str(tmp_path / "mask.nrrd"),
            "--box",
            *center,
            "20",
            "20",
            "20",
            "--model",
            str(model),
            "--device",
            "cpu",
            "--runtime",
            "torch",
            "--threads",
            "1",
            "--force",
            "--probability",
            str(probability),
            *map(str, options),
        ]
        assert main(command) == 0
        return read_volume(probability).voxels

    return run


def test_folds_are_chosen_and_averaged(segmented, two_folds):
    both, first, second = (segmented(two_folds, *options) for options in ((), ("--folds", 0), ("--folds", "fold_1")))
    assert np.abs(first - second).max() > 0.01
    assert np.abs(both - first).max() > 0.001 and np.abs(both - second).max() > 0.001


def test_an_ensemble_is_the_mean_of_its_models_probabilities(segmented, two_folds, exported_model):
    one, other = segmented(exported_model), segmented(two_folds)
    mean = segmented(exported_model, "--average-with", two_folds)
    assert np.abs(one - other).max() > 0.01
    assert np.allclose(mean, (one + other) / 2, atol=1e-6)


def test_mirroring_changes_the_probability(segmented, exported_model):
    assert np.abs(segmented(exported_model) - segmented(exported_model, "--mirroring")).max() > 1e-4


def test_a_fold_that_is_not_there_is_reported_in_a_sentence(two_folds):
    with pytest.raises(ModelError, match="has no fold_7: choose from fold_0, fold_1"):
        load_model(two_folds).with_folds(["7"])


def test_a_number_of_threads_that_makes_no_sense_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["segment", "volume.nrrd", "-o", "mask.nrrd", "--box", "0", "0", "0", "9", "9", "9", "--threads", "0"])
    assert "whole number" in capsys.readouterr().err


def test_what_the_model_learned_from_is_said_with_every_result(tmp_path, exported_model, speckled_volume, capsys):
    """Nothing found is no success, and nothing in a volume says that it is simulated."""
    folder = tmp_path / "simulated"
    shutil.copytree(exported_model, folder)
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    center = [str(value) for value in speckled_volume.center_ras]
    write_volume(speckled_volume, tmp_path / "volume.nrrd")
    for simulated, threshold in ((True, "0.999999"), (True, "0.01"), (False, "0.01")):
        card["training"] = {"data": "175 made-up livers", "simulated": simulated}
        write_card(folder, card)
        status = main(["segment", str(tmp_path / "volume.nrrd"), "-o", str(tmp_path / "mask.nrrd"), "--force", "--box",
                       *center, "20", "20", "20", "--model", str(folder), "--device", "cpu", "--runtime", "torch",
                       "--threads", "1", "--threshold", threshold])  # fmt: skip
        said = capsys.readouterr().out
        assert status == 0 and ("trained on 175 made-up livers" in said) == simulated
        assert ("no proof that there is no tumor" in said) == (threshold == "0.999999")


@pytest.mark.parametrize(
    ("edge_mm", "options", "is_warned"), [("6", (), True), ("6", ("--tight",), False), ("20", (), False)]
)
def test_a_box_without_room_for_the_model_is_told(
    tmp_path, exported_model, speckled_volume, capsys, edge_mm, options, is_warned
):
    write_volume(speckled_volume, tmp_path / "volume.nrrd")
    center = [str(value) for value in speckled_volume.center_ras]
    status = main(["segment", str(tmp_path / "volume.nrrd"), "-o", str(tmp_path / "mask.nrrd"), "--json", "--box",
                   *center, *3 * [edge_mm], "--model", str(exported_model), "--device", "cpu", "--runtime", "torch",
                   "--threads", "1", *options])  # fmt: skip
    assert status == 0
    doubts = json.loads(capsys.readouterr().out)["doubts"]
    assert any("enlarge it, or say that it is tight" in doubt for doubt in doubts) == is_warned


def test_info_of_a_model_is_for_people(exported_model, capsys):
    assert main(["info", str(exported_model)]) == 0
    said = capsys.readouterr().out
    assert "trained on" in said and "sha256" not in said and "{" not in said
    assert main(["info", str(exported_model), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["kind"] == "model" and report["trained_for"] == "crop" and "sha256" in report


def test_a_surface_of_an_earlier_run_does_not_stay_beside_a_mask_without_one(
    tmp_path, exported_model, speckled_volume, capsys
):
    write_volume(speckled_volume, tmp_path / "volume.nrrd")
    center = [str(value) for value in speckled_volume.center_ras]
    (tmp_path / "tumor.stl").write_text("of an earlier run")
    line = ["segment", str(tmp_path / "volume.nrrd"), "-o", str(tmp_path / "mask.nrrd"), "--box", *center, "20", "20",
             "20", "--model", str(exported_model), "--device", "cpu", "--runtime", "torch", "--threads", "1",
             "--threshold", "0.999999", "--surface", str(tmp_path / "tumor.stl"), "--force", "--json"]  # fmt: skip
    assert main(line) == 0
    report = json.loads(capsys.readouterr().out)
    assert (
        not report["found"] and report["volume_ml"] == 0 and report["doubts"] and not (tmp_path / "tumor.stl").exists()
    )


@pytest.mark.parametrize("knows", [False, True])
def test_a_guess_of_what_was_seen_is_reported_as_one(tmp_path, speckled_volume, exported_model, capsys, knows):
    voxels = speckled_volume.voxels.copy()
    voxels[:, :, :6] = 0  # black at the edge: not swept, or without an echo
    seen = np.ones(voxels.shape, bool) if knows else None
    write_volume(speckled_volume.with_voxels(voxels).with_seen(seen), tmp_path / "volume.nrrd")
    center = [str(value) for value in speckled_volume.center_ras]
    assert main(["segment", str(tmp_path / "volume.nrrd"), "-o", str(tmp_path / "mask.nrrd"), "--box", *center, "20",
                 "20", "20", "--model", str(exported_model), "--device", "cpu", "--runtime", "torch"]) == 0  # fmt: skip
    said = capsys.readouterr()
    assert ("does not say what was seen" in said.out + said.err) != knows
    assert [path.name for path in tmp_path.glob("*.seen.nrrd")] == (["volume.seen.nrrd"] if knows else [])
