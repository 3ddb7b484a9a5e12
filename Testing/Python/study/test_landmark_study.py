"""The task `landmarks`: data sets as others lay them out, a training that ends, goes on and keeps its best weights, and
a whole study whose model inference/ loads.
"""

import json
from dataclasses import replace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError, FileFormatError
from CRLMSegmentationLib.files.laparoscope.landmark_mask_file import write_landmark_mask, write_picture
from CRLMSegmentationLib.files.laparoscope.polylines_file import write_polylines
from CRLMSegmentationLib.study.landmarks.recipe import RECIPES
from CRLMSegmentationLib.values.landmarks import LANDMARKS, Polyline

pytest.importorskip("cv2", reason="OpenCV is not installed (extra 'scope')")

from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.inference.image import Prediction
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.laparoscopy.network.network_picture import label_map_of
from CRLMSegmentationLib.study.cases.case_table import CaseRow, read_case_table, write_case_table
from CRLMSegmentationLib.study.landmarks import training
from CRLMSegmentationLib.study.landmarks.ablation import ALL, RAW, STEPS, THINNED, step_figures, variants
from CRLMSegmentationLib.study.landmarks.batches import Pictures, training_batches
from CRLMSegmentationLib.study.landmarks.figures import mean_figures, picture_figures
from CRLMSegmentationLib.study.landmarks.layouts import l3d_rows, p2ilf_rows
from CRLMSegmentationLib.study.landmarks.sweep import loss_weights
from CRLMSegmentationLib.study.landmarks.training import TrainingPlace, cosine_rate, train_network
from CRLMSegmentationLib.study.landmarks.truth import read_truth

SIZE = (192, 108)
RIDGE, LIGAMENT = ((20, 80), (170, 80)), ((96, 10), (96, 95))


def labelme(path, size=SIZE, first="rigde"):
    shapes = [{"label": first, "points": RIDGE}, {"label": "ligament", "points": LIGAMENT}]
    path.write_text(json.dumps({"imageWidth": size[0], "imageHeight": size[1], "shapes": shapes}), encoding="utf-8")


def contours_xml(path):
    def contour(kind, points):
        x, y = (", ".join(str(point[axis]) for point in points) for axis in (0, 1))
        return f"<contour><contourType>{kind}</contourType><imagePoints><x>{x}</x><y>{y}</y></imagePoints></contour>"

    text = contour("Ridge", RIDGE) + contour("Ligament", LIGAMENT) + contour("Silhouette", ())
    path.write_text(f"<contours>{text}</contours>", encoding="utf-8")


def test_the_same_lines_are_read_from_every_form(tmp_path):
    """L3D's with its misspelt label, P2ILF's, ours: ridge and ligament cross, and both stay whole."""
    labelme(tmp_path / "labelme.json")
    contours_xml(tmp_path / "contours.xml")
    lines = [Polyline("ridge", np.array(RIDGE)), Polyline("ligament", np.array(LIGAMENT))]
    write_polylines({"x": lines}, SIZE, tmp_path / "ours.json")
    first, *others = (read_truth(tmp_path / name, SIZE) for name in ("labelme.json", "contours.xml", "ours.json"))
    assert first[0, 80, 96] and first[1, 80, 96] and not first[2].any() and first[0].sum() > 100
    assert all(np.array_equal(first, other) for other in others)
    write_picture(label_map_of(first), tmp_path / "map.nrrd")
    assert np.array_equal(read_truth(tmp_path / "map.nrrd", SIZE), first)
    write_landmark_mask(np.where(first[0], 1, 0), tmp_path / "mask.png")
    assert np.array_equal(read_truth(tmp_path / "mask.png", SIZE)[0], first[0])


def test_a_truth_of_another_picture_is_refused(tmp_path):
    labelme(tmp_path / "other.json", (100, 100))
    write_landmark_mask(np.zeros((50, 60), np.uint8), tmp_path / "mask.png")
    labelme(tmp_path / "vein.json", first="vein")
    (tmp_path / "broken.xml").write_text("<contours>", encoding="utf-8")
    for name, says in (("other.json", "another size"), ("mask.png", "do not belong together"),
                       ("vein.json", "no line of a landmark"), ("broken.xml", "no contours")):  # fmt: skip
        with pytest.raises(FileFormatError, match=says):
            read_truth(tmp_path / name, SIZE)


def l3d(folder, names):
    for part, stems in names.items():
        for kind, ending in (("images", "jpg"), ("labels", "json")):
            (folder / part / kind).mkdir(parents=True)
            for stem in stems:
                (folder / part / kind / f"{stem}.{ending}").write_text("x", encoding="utf-8")


def test_l3d_keeps_its_parts_and_its_patients(tmp_path):
    l3d(tmp_path / "l3d", {"train": ["P01_0010", "P01_0020", "loose"], "val": ["P02_0010"], "Test": ["P03_7"]})
    rows = {row.case: row for row in l3d_rows(tmp_path / "l3d")}
    assert {name: (row.split, row.patient) for name, row in rows.items()} == {
        "training_P01_0010": ("training", "l3d_P01"), "training_P01_0020": ("training", "l3d_P01"),
        "training_loose": ("training", "l3d_training"), "validation_P02_0010": ("validation", "l3d_P02"),
        "test_P03_7": ("test", "l3d_P03"),
    }  # fmt: skip
    l3d(tmp_path / "crossing", {"train": ["P01_0010"], "val": ["P01_0020"]})
    with pytest.raises(ConfigurationError, match="the patient l3d_P01 in training and validation"):
        l3d_rows(tmp_path / "crossing")
    with pytest.raises(ConfigurationError, match="as L3D has them"):
        l3d_rows(tmp_path)


def test_p2ilf_is_parted_by_patients(tmp_path, capsys):
    for stem in ("patient1_1", "patient1_2", "patient4_1", "patient11_3"):
        (tmp_path / f"{stem}.jpg").write_text("x", encoding="utf-8")
        (tmp_path / "labels").mkdir(exist_ok=True)
        contours_xml(tmp_path / "labels" / f"{stem}.xml")
    rows = p2ilf_rows(tmp_path, {"4"}, {"11"})
    assert {row.case: row.split for row in rows} == {
        "patient1_1": "training", "patient1_2": "training", "patient4_1": "validation", "patient11_3": "test",
    }  # fmt: skip
    with pytest.raises(ConfigurationError, match=r"no patient 9: it has 1, 11, 4"):
        p2ilf_rows(tmp_path, {"4"}, {"9"})
    words = [
        "study",
        "landmark-cases",
        str(tmp_path),
        "--layout",
        "p2ilf",
        "--validation-patients",
        "4",
        "--test-patients",
        "11",
    ]
    assert main([*words, "-o", str(tmp_path / "cases.csv"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["cases"] == {"training": 2, "test": 1, "validation": 1}
    assert len(read_case_table(tmp_path / "cases.csv")) == 4


def test_figures_are_of_pictures_1920_wide():
    truth = np.zeros((3, 540, 960), bool)
    truth[0, 297:303, 100:800] = True
    found = [Polyline("ridge", np.array([[100.0, 299.5], [799, 299.5]]))]
    figures = picture_figures(found, truth)
    assert figures["ridge"]["dice"] > 0.95 and figures["ridge"]["symmetric_distance"] < 0.02
    assert all(np.isnan(value) for value in figures["ligament"].values())
    assert mean_figures(figures)["dice"] == figures["ridge"]["dice"]
    beside = [Polyline("ridge", found[0].points + [0, 5])]
    # 10 pixels of 1920 beside it, a line of 12 lies on two of its rows, and the others are 1 to 10 away: of d_max 20.
    assert picture_figures(beside, truth)["ridge"]["symmetric_distance"] == pytest.approx(55 / 12 / 20, abs=0.04)


@pytest.fixture
def small_pictures():
    rng = np.random.default_rng(4)
    pictures = rng.integers(0, 255, (4, 64, 64, 3)).astype(np.uint8)
    label_maps = np.zeros((4, 64, 64), np.uint8)
    label_maps[:, 30:33], label_maps[:, :, 20:23] = 1, 2
    return Pictures(pictures, label_maps)


RECIPE = replace(RECIPES["huber"], network="residual-unet", epochs=3, iterations=2, batch=2)


def test_a_training_that_was_cut_off_goes_on_as_if_it_had_not_been(small_pictures, tmp_path):
    pytest.importorskip("monai")
    import torch

    for folder, parts in (("whole", [3]), ("cut off", [1, 3])):
        for epochs in parts:
            place = TrainingPlace(tmp_path / folder, threads=1)
            train_network(small_pictures, small_pictures, replace(RECIPE, epochs=epochs), place)
    whole, cut = (
        json.loads((tmp_path / folder / "history.json").read_text(encoding="utf-8")) for folder in ("whole", "cut off")
    )
    assert len(whole) == 3
    assert [one["validation_loss"] for one in whole] == [one["validation_loss"] for one in cut]
    one, other = (torch.load(tmp_path / folder / "latest.pt", weights_only=True) for folder in ("whole", "cut off"))
    assert all(torch.equal(value, other["network"][name]) for name, value in one["network"].items())


@pytest.mark.parametrize("computes, wanted, expected", [(True, True, "bfloat16"), (True, False, "float32"),
                                                        (False, True, "float32")])  # fmt: skip
def test_the_network_learns_in_bfloat16_where_the_processor_computes_in_it(
    small_pictures, tmp_path, monkeypatch, computes, wanted, expected
):
    pytest.importorskip("monai")
    kinds = set()
    build = training.build_network

    def build_watched(recipe):
        network = build(recipe)
        network.register_forward_hook(lambda module, seen, answer: kinds.add(str(answer.dtype)))
        return network

    monkeypatch.setattr(training, "computes_in_bfloat16", lambda: computes)
    monkeypatch.setattr(training, "build_network", build_watched)
    recipe = replace(RECIPE, epochs=1, half_precision=wanted)
    train_network(small_pictures, small_pictures, recipe, TrainingPlace(tmp_path, threads=1))
    assert kinds == {f"torch.{expected}"}
    (epoch,) = json.loads((tmp_path / "history.json").read_text(encoding="utf-8"))
    assert np.isfinite(epoch["loss"]) and np.isfinite(epoch["validation_loss"])


def test_the_rate_falls_and_the_training_ends_when_the_loss_does_not_fall(small_pictures, tmp_path, monkeypatch):
    pytest.importorskip("monai")
    import torch

    losses = iter([1.0, 0.5, *[0.6] * 20])
    kept = {}

    def loss_of(run, pictures):
        loss = next(losses)
        kept[loss] = {name: value.clone() for name, value in run.network.state_dict().items()}
        return loss

    monkeypatch.setattr(training._Run, "loss_of", loss_of)
    recipe = replace(RECIPE, epochs=50, iterations=1, rate_patience=3, stop_after=7, rate_factor=0.2)
    best = train_network(small_pictures, small_pictures, recipe, TrainingPlace(tmp_path))
    history = json.loads((tmp_path / "history.json").read_text(encoding="utf-8"))
    # Two epochs that were better, seven that were not; the rate falls after three and after six of these.
    rates = [one["learning_rate"] for one in history]
    assert rates == pytest.approx([1e-3] * 5 + [2e-4] * 3 + [4e-5])
    weights = torch.load(best, weights_only=True)
    assert all(torch.equal(value, weights[name]) for name, value in kept[0.5].items())


def test_a_rate_that_follows_a_cosine_rises_in_the_first_epoch_and_ends_at_nothing():
    recipe = replace(RECIPE, epochs=4, iterations=10, learning_rate=1e-2, rate_schedule="cosine")
    rates = [cosine_rate(recipe, step) for step in range(40)]
    assert rates[:2] == pytest.approx([1e-3, 2e-3], rel=0.01)
    assert max(rates) == rates[9] == pytest.approx(1e-2 * 0.8802, rel=1e-3)
    assert rates[20] == pytest.approx(5e-3) and rates[30] == pytest.approx(1e-2 * 0.14645, rel=1e-3)
    assert (np.diff(rates[9:]) < 0).all() and rates[-1] < 3e-5


def test_a_training_takes_each_steps_rate_from_the_cosine_and_none_from_the_loss(small_pictures, tmp_path):
    pytest.importorskip("monai")
    recipe = replace(RECIPE, epochs=2, iterations=2, rate_schedule="cosine", rate_patience=1)
    train_network(small_pictures, small_pictures, recipe, TrainingPlace(tmp_path, threads=1))
    history = json.loads((tmp_path / "history.json").read_text(encoding="utf-8"))
    # Of the last step of each epoch: the second and the fourth of four.
    assert [one["learning_rate"] for one in history] == pytest.approx([1e-3 * 0.853553, 1e-3 * 0.146447], rel=1e-4)


def test_every_picture_is_seen_before_one_comes_again_and_lines_are_mirrored_with_it(small_pictures):
    recipe = replace(RECIPE, iterations=2, batch=2, flips=0.0, looks=0.0, moves=0.0)
    seen = [picture for pictures, _ in training_batches(small_pictures, recipe, 0) for picture in pictures.numpy()]
    assert sorted(one.sum() for one in seen) == pytest.approx(
        sorted(small_pictures.pictures.reshape(4, -1).sum(axis=1) / 255), rel=1e-5
    )
    _, lines = next(training_batches(small_pictures, replace(recipe, flips=1.0), 0))
    assert lines.shape == (2, 3, 64, 64)
    assert (lines[:, 1, :, 64 - 23 : 64 - 20] == 1).all() and lines[:, 1].sum() == 2 * 64 * 3


def test_lines_are_turned_scaled_and_shifted_with_their_picture():
    lines = np.zeros((320, 416), dtype=np.uint8)
    lines[100:140, 120:300], lines[100:250, 120:150] = 1, 4
    picture = np.repeat(lines[..., None] * 60, 3, axis=-1)
    recipe = replace(RECIPE, iterations=4, batch=1, flips=0.0, looks=0.0, moves=1.0)
    many = list(training_batches(Pictures(picture[None], lines[None]), recipe, 0))
    for seen, found in many:
        both = (found.numpy() * np.array([1, 2, 4])[:, None, None]).sum(axis=1)
        # Grey levels between the two at borders only.
        assert (np.abs(seen[:, 0].numpy() * 255 / 60 - both) > 0.6).mean() < 0.02
    shapes = {int(found.sum()) for _, found in many}
    assert len(shapes) == 4 and max(shapes) < 1.7 * (lines > 0).sum()


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A study on four drawn pictures, done as a whole."""
    pytest.importorskip("monai")
    folder = tmp_path_factory.mktemp("landmark study")
    rows = []
    for number, split in enumerate(("training", "training", "validation", "test")):
        rng = np.random.default_rng(number)
        write_picture(rng.integers(0, 255, (108, 192, 3)).astype(np.uint8), folder / f"{number}.png")
        labelme(folder / f"{number}.json")
        rows.append(CaseRow(f"picture{number}", f"patient{number}", split, volume=str(folder / f"{number}.png"),
                            mask=str(folder / f"{number}.json")))  # fmt: skip
    table = write_case_table(rows, folder / "cases.csv")
    (folder / "my.toml").write_text("[landmarks]\nbatch = 2\nepochs = 1\niterations = 4\n", encoding="utf-8")
    words = ["study", "run", str(table), "--work", str(folder / "work"), "--task", "landmarks", "--threads", "1",
             "--override", str(folder / "my.toml")]  # fmt: skip
    assert main(words) == 0
    return folder / "work"


def test_a_study_is_trained_measured_and_reported(work):
    results = json.loads((work / "report" / "results.json").read_text(encoding="utf-8"))
    each = [one["dice"]["Model_landmarks"] for one in results["each_case"]]
    assert results["test"]["dice"]["mean"] == pytest.approx(np.mean(each), abs=1e-4)
    assert {"precision", "symmetric_distance"} <= set(results["test"]) and len(results["must"]) == 3
    assert set(results["landmarks"]["Model_landmarks"]) == set(LANDMARKS)
    assert "Each landmark" in (work / "report" / "report.md").read_text(encoding="utf-8")


def _weights_of(model):
    [weights] = model.read_weights()
    return sum(one.numel() for one in weights.values())


def test_its_model_is_loaded_as_any_other(work):
    model = load_model(work / "models" / "Model_landmarks")
    assert model.card.task == "landmarks" and model.network.builder == "monai.UNet"
    assert model.labels.foreground_heads == tuple(LANDMARKS) and model.card.weights == ("fold_0/weights.safetensors",)
    assert model.card.text["training"]["recipe"]["epochs"] == 1 and 0.2 <= model.card.threshold <= 0.8
    # In half precision: two bytes for a weight.
    assert (model.folder / "fold_0" / "weights.safetensors").stat().st_size < 2.2 * _weights_of(model)


def test_recipes_are_compared_on_the_validation_pictures(work, capsys):
    """Each by itself; the picture for the test is not looked at."""
    sweep = ["study", "landmark-sweep", str(work / "cases.csv"), "--work", str(work / "sweep"), "--recipes"]
    (work / "tiny.toml").write_text("batch = 2\nnetwork = 'residual-unet'\n", encoding="utf-8")
    short = ["--override", str(work / "tiny.toml"), "--epochs", "1", "--iterations", "1", "--json"]
    assert main([*sweep, "max-log", "proportional", *short]) == 0
    recipes = json.loads(capsys.readouterr().out)["recipes"]
    assert list(recipes) == ["max-log", "proportional"] and all("symmetric_distance" in one for one in recipes.values())
    cards = {name: load_model(work / "sweep" / name / "models" / "Model_landmarks").card.text for name in recipes}
    assert cards["proportional"]["training"]["recipe"]["weighting"] == "proportional"
    assert "picture3" not in (work / "sweep" / "max-log" / "cases.csv").read_text(encoding="utf-8")
    kept = json.loads((work / "sweep" / "sweep.json").read_text(encoding="utf-8"))
    assert kept["figures"] == recipes and kept["pictures"] == 1
    assert kept["training"] == {"network": "residual-unet", "epochs": 1, "iterations": 1, "batch": 2,
                                "learning rate": 0.001}  # fmt: skip
    assert main([*sweep, "guess"]) == 1
    assert "There is no recipe 'guess' for landmarks" in capsys.readouterr().err


def test_loss_weights_add_up():
    for recipe in loss_weights().values():
        losses = recipe.losses
        assert losses.cross_entropy + losses.dice + losses.focal_tversky + losses.huber == pytest.approx(1)


class Drawn:
    """Answers with given probabilities (3, v, u)."""

    def __init__(self, probabilities):
        self._probabilities = probabilities

    def predict(self, image, labels=None):
        return Prediction(self._probabilities[:, None], tuple(LANDMARKS))


def test_each_step_of_the_post_processing_is_measured_by_itself(tmp_path):
    """A ridge with a gap and specks beside it: closing the gap finds more, without specks less is false."""
    write_picture(np.full((320, 416, 3), 120, np.uint8), tmp_path / "0.png")
    labelme_lines = [{"label": "ridge", "points": [[40, 160], [380, 160]]}]
    text = json.dumps({"imageWidth": 416, "imageHeight": 320, "shapes": labelme_lines})
    (tmp_path / "0.json").write_text(text, encoding="utf-8")
    probabilities = np.zeros((3, 320, 416), np.float32)
    probabilities[0, 159:162, 40:380] = 1
    probabilities[0, 159:162, 200:214] = 0
    for left in range(50, 300, 50):
        probabilities[0, 60:63, left : left + 11] = 1
    row = CaseRow("a", "a", "validation", volume=str(tmp_path / "0.png"), mask=str(tmp_path / "0.json"))
    every = variants()
    assert len(every) == 2 + 2 * len(STEPS) and (every[0].name, every[-1].name) == (THINNED, ALL)
    wanted = {THINNED, ALL, *(one.name for one in every if "gaps" in one.name), f"{THINNED}, short lines left out"}
    compared = [one for one in every if one.name in wanted]
    found = step_figures(Drawn(probabilities), 0.5, [row], compared=compared)
    assert next(iter(found)) == RAW and len(found) == 6
    assert found[f"{THINNED}, gaps closed"]["recall"] > found[THINNED]["recall"] + 0.02
    assert found[f"{THINNED}, short lines left out"]["precision"] > found[THINNED]["precision"] + 0.02
    assert found[ALL]["precision"] == 1 and found[ALL]["dice"] > found[RAW]["dice"]
    assert found[f"{ALL} but: gaps closed"]["recall"] < found[ALL]["recall"]
