"""The tasks on CTs: what is learned from which case, through which window, and what the figures mean."""

import json
import pickle

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.preoperative.structures import structures_of_map
from CRLMSegmentationLib.study.cases.build import build
from CRLMSegmentationLib.study.cases.case_files import CaseReader
from CRLMSegmentationLib.study.cases.case_table import CaseRow
from CRLMSegmentationLib.study.cases.ct_population import labelled_in as drawn_labels
from CRLMSegmentationLib.study.cases.same_images import content_digest, refuse_same_images
from CRLMSegmentationLib.study.structure_metrics import (
    STRUCTURE_METRICS,
    compare_lesions,
    compare_structures,
    surface_dice,
)
from CRLMSegmentationLib.study.tasks import TASKS, PlannedTask
from CRLMSegmentationLib.study.tasks.lvt import IGNORED, RECIPES, labelled_in, labels_to_learn
from CRLMSegmentationLib.study.training.ct_trainer import small_structures_of
from CRLMSegmentationLib.study.training.windowing import WINDOWS, Window, set_window
from CRLMSegmentationLib.values import Volume

MAP = np.array([[[0, 1, 2, 3]]], dtype=np.uint8)


@pytest.mark.parametrize(
    "labelled, overlapping, multi_class",
    [
        (None, [0, 1, 2, 3], [0, 1, 2, 3]),
        (("liver",), [0, 1, 1, 1], [0, IGNORED, IGNORED, IGNORED]),
        (("liver", "tumor"), [0, 1, 1, 3], [0, IGNORED, IGNORED, 3]),
        (("vessels", "tumor"), [0, 0, 2, 3], [IGNORED, IGNORED, 2, 3]),
        (("tumor",), [0, 0, 0, 3], [IGNORED, IGNORED, IGNORED, 3]),
    ],
)
def test_what_is_left_of_a_map_when_only_some_structures_were_annotated(labelled, overlapping, multi_class):
    assert labels_to_learn(MAP, labelled, is_multi_class=False).ravel().tolist() == overlapping
    assert labels_to_learn(MAP, labelled, is_multi_class=True).ravel().tolist() == multi_class


def row(name, split="training", labelled="", **more):
    return CaseRow(name, name, split, labelled=labelled, **more)


def test_the_table_names_what_was_annotated():
    recipe = RECIPES["recommended"]
    assert labelled_in(row("a"), recipe) is None
    assert labelled_in(row("a", labelled="liver tumor vessels"), recipe) is None
    assert labelled_in(row("a", labelled="tumor, liver"), recipe) == ("tumor", "liver")
    assert labelled_in(row("a", labelled="liver"), RECIPES["everything"]) is None
    with pytest.raises(ConfigurationError, match="'spleen' was labelled in a"):
        labelled_in(row("a", labelled="spleen"), recipe)


@pytest.fixture
def cases(tmp_path):
    """A complete and a partial training case and a validation case, each of its own noise."""
    rows = []
    for number, (split, labelled) in enumerate((("training", ""), ("training", "tumor"), ("validation", ""))):
        random = np.random.default_rng(number)
        truth = np.zeros((6, 8, 8), np.uint8)
        truth[1:5, 1:7, 1:7], truth[2:4, 2:4, 2:4] = 1, 3
        for name, voxels in (("ct", random.integers(-200, 200, truth.shape).astype(np.int16)), ("truth", truth)):
            write_volume(Volume(voxels, np.diag([3.0, 3.0, 3.0, 1.0]), frame="CT"), tmp_path / f"{name}{number}.nrrd")
        files = {"volume": str(tmp_path / f"ct{number}.nrrd"), "mask": str(tmp_path / f"truth{number}.nrrd")}
        rows.append(row(f"case{number}", split, labelled, **files))
    return rows


@pytest.mark.parametrize("recipe, training, listed", [
    ("recommended", ["case0", "case1"], {"case1": ["tumor"]}),
    ("complete", ["case0"], None),
    ("everything", ["case0", "case1"], None),
])  # fmt: skip
def test_the_data_set_lists_cases_that_are_annotated_in_part(tmp_path, cases, recipe, training, listed):
    build(cases, tmp_path / "raw", [PlannedTask(TASKS["lvt"], RECIPES[recipe])])
    folder = tmp_path / "raw" / "Dataset504_LVT"
    description = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    split = json.loads((folder / "splits_final.json").read_text(encoding="utf-8"))[0]
    assert split == {"train": training, "val": ["case2"]} and description.get("labelled") == listed
    assert description["labels"]["liver"] == [1, 2, 3]


def test_an_image_is_the_ct_with_the_labels_of_its_case(cases):
    (image,) = TASKS["lvt"].images(CaseReader(cases[1]), RECIPES["recommended"])
    assert set(np.unique(image.labels.voxels)) == {0, 3} and (image.labels.voxels == 3).sum() == 8
    assert image.channels[0].voxels.min() < -150 and image.channels[0].voxels.dtype == np.int16


def test_the_same_image_in_two_splits_is_refused_whatever_it_is_called(tmp_path, cases):
    refuse_same_images(cases)
    ct = Volume(np.random.default_rng(0).integers(-200, 200, (6, 8, 8)).astype(np.int16), np.eye(4))
    # In another format, from front to back, in floating point and at another place.
    turned = np.array([[0.0, 0, 1, 5], [0, -1, 0, 6], [1, 0, 0, 7], [0, 0, 0, 1]])
    write_volume(Volume(ct.voxels.transpose(2, 1, 0)[:, ::-1].astype(np.float32), turned), tmp_path / "copy.nii.gz")
    copy = row("other", "test", volume=str(tmp_path / "copy.nii.gz"))
    with pytest.raises(ConfigurationError, match=r"case0 \(training\) and other \(test\) show the same image"):
        refuse_same_images([*cases, copy])
    refuse_same_images([*cases, row("other", "training", volume=copy.volume)])
    assert content_digest(ct) != content_digest(ct.with_voxels(ct.voxels[::-1]))


def test_windows_are_drawn_as_often_and_as_widely_as_published():
    random = np.random.default_rng(0)
    drawn = [WINDOWS.draw(random) for _ in range(20000)]
    other_levels = np.array([one.level_hu for one in drawn if one.level_hu != 62.5])
    other_widths = np.array([one.width_hu for one in drawn if one.width_hu != 198.8])
    assert len(other_levels) / 20000 == pytest.approx(0.163, abs=0.01)
    assert len(other_widths) / 20000 == pytest.approx(0.163, abs=0.01)
    assert 2.5 <= other_levels.min() < 4 and 121 < other_levels.max() <= 122.5
    assert 118.8 <= other_widths.min() < 120 and 277 < other_widths.max() <= 278.8
    wide = WINDOWS.wide_window
    assert all(wide.lower_hu <= one.lower_hu and one.upper_hu <= wide.upper_hu for one in drawn)


def test_nnunet_itself_shows_a_ct_through_the_window_of_the_plans():
    from nnunetv2.preprocessing.normalization.default_normalization_schemes import CTNormalization

    plans = {"foreground_intensity_properties_per_channel": {"0": {"mean": 7.0}},
             "configurations": {"3d_fullres": {"normalization_schemes": ["ZScoreNormalization"]}}}  # fmt: skip
    set_window(plans, Window(62.5, 198.8))
    assert plans["configurations"]["3d_fullres"]["normalization_schemes"] == ["CTNormalization"]
    shown = CTNormalization(False, plans["foreground_intensity_properties_per_channel"]["0"]).run(
        np.array([-1000.0, -36.9, 62.5, 161.9, 3000.0])
    )
    assert shown == pytest.approx([0, 0, 0.5, 1, 1], abs=1e-6)


@pytest.mark.parametrize("is_random", [False, True])
def test_training_sees_windows_cut_from_the_wide_one(is_random):
    import torch
    from CRLMSegmentationLib.study.training import windowing

    class Base:
        @staticmethod
        def get_training_transforms():
            return lambda **data: data

        get_validation_transforms = get_training_transforms

    trainer = windowing.with_windowing(Base, is_random)
    wide, hu = WINDOWS.wide_window, torch.tensor([-500.0, 0.0, 62.5, 100.0, 500.0])
    kept = ((hu - wide.lower_hu) / wide.width_hu).clamp(0, 1).reshape(1, 1, 1, 5)
    np.random.seed(1)  # noqa: NPY002  (what nnU-Net draws from)
    base = np.array([0, 36.9 / 198.8, 0.5, 136.9 / 198.8, 1])
    seen = np.stack([trainer.get_training_transforms()(image=kept)["image"].numpy().ravel() for _ in range(50)])
    is_base = np.abs(seen - base).max(axis=1) < 1e-5
    assert is_base.all() != is_random and is_base.mean() > 0.5
    checked = trainer.get_validation_transforms()(image=kept)["image"].numpy().ravel()
    assert checked == pytest.approx(base, abs=1e-5)


def test_simulated_annotations_are_drawn_by_seed():
    drawn = [drawn_labels(seed) for seed in range(10000, 10200)]
    assert [len(one) == 0 for one in drawn] == [seed % 4 == 0 for seed in range(200)]
    assert drawn == [drawn_labels(seed) for seed in range(10000, 10200)] and len(set(drawn)) == 4


# Figures


def test_surface_dice_of_two_slabs_a_known_way_apart():
    first, second = np.zeros((9, 9, 20), bool), np.zeros((9, 9, 20), bool)
    first[:, :, 2:5], second[:, :, 2:8] = True, True
    spacing = (1.0, 1.0, 2.0)
    assert surface_dice(first, first, 0.0, spacing) == 1.0
    assert surface_dice(first, second, 6.0, spacing) == 1.0
    # One face of each lies on the other, and the second ones are 3 voxels of 2 mm apart.
    faces = surface_dice(np.pad(first[3:6, 3:6], 0), second[3:6, 3:6], 5.0, spacing)
    assert 0 < faces < 1
    empty = np.zeros_like(first)
    assert np.isnan(surface_dice(empty, empty, 1.0, spacing)) and surface_dice(first, empty, 1.0, spacing) == 0.0


def noisy_blobs():
    """Three pairs of boolean masks, always the same ones."""
    from scipy import ndimage

    random = np.random.default_rng(3)
    for _ in range(3):
        pair = [ndimage.gaussian_filter(random.standard_normal((14, 15, 16)), 2) > 0.03 for _ in range(2)]
        yield [np.pad(mask, 1) for mask in pair]


def test_surface_dice_has_the_figures_of_monai():
    # compute_surface_dice of MONAI 1.6.1, class_thresholds 2.0, spacing (3.0, 1.5, 1.0).
    figures = [surface_dice(*pair, 2.0, (3.0, 1.5, 1.0)) for pair in noisy_blobs()]
    assert figures == pytest.approx([0.516457, 0.588468, 0.423823], abs=1e-6)


def test_surface_dice_is_that_of_monai():
    monai = pytest.importorskip("monai.metrics", reason="monai is not installed, with whose figures ours are compared")
    import torch

    for pair in noisy_blobs():
        tensors = [torch.tensor(np.stack([~mask, mask]))[None] for mask in pair]
        theirs = monai.compute_surface_dice(*tensors, class_thresholds=[2.0], spacing=(3.0, 1.5, 1.0))
        assert surface_dice(*pair, 2.0, (3.0, 1.5, 1.0)) == pytest.approx(float(theirs[0, 0]), abs=1e-6)


def test_lesions_count_as_found_from_a_tenth_of_overlap_on():
    truth, found = np.zeros((4, 20, 20), np.uint16), np.zeros((4, 20, 20), np.uint16)
    truth[0, :10, :10], truth[2, :5, :2], truth[3, 15, 15] = 1, 2, 3
    found[0, :10, :1] = 1  # exactly a tenth of the first
    found[2, :2, :1] = 2  # a fifth of the second
    found[1, 19, 19] = 3  # nothing there
    figures = compare_lesions(found, truth, 1000.0)
    assert (figures["lesions"], figures["lesions_found"]) == (3, 1)
    assert (figures["findings"], figures["findings_right"], figures["false_lesions"]) == (3, 2, 1)
    assert figures["large_lesions"] == 3 and figures["lesion_sensitivity"] == pytest.approx(1 / 3)
    found[0, :10, 1] = 1
    assert compare_lesions(found, truth, 1000.0)["lesions_found"] == 2
    # A voxel of 0.5 mL is a ball of 9.8 mm.
    assert compare_lesions(found, truth, 500.0)["large_lesions"] == 2
    nothing = compare_lesions(found * 0, truth * 0, 1.0)
    assert np.isnan(nothing["lesion_sensitivity"]) and nothing["false_lesions"] == 0


def test_every_structure_is_compared_with_its_own_truth():
    truth = np.zeros((8, 8, 8), np.uint8)
    truth[1:7, 1:7, 1:7], truth[2:4, 2:4, 2:4] = 1, 3
    found = truth.copy()
    found[2, 2:4, 2:4] = 1
    figures = compare_structures(
        structures_of_map(Volume(found, np.eye(4))), structures_of_map(Volume(truth, np.eye(4)))
    )
    assert figures["liver_dice"] == 1.0 and figures["tumor_dice"] == pytest.approx(2 * 4 / 12)
    assert figures["tumor_rvd"] == -0.5 and np.isnan(figures["vessels_dice"]) and figures["lesion_sensitivity"] == 1.0


@pytest.mark.parametrize("name", ["lvt", "lvt-mlx", "lvt-mc"])
def test_the_tasks_travel_to_other_processes(name):
    again = pickle.loads(pickle.dumps(TASKS[name]))
    assert again.recipes.named("complete") == RECIPES["complete"] and again.trainer == TASKS[name].trainer


def test_patches_are_centred_on_vessels_and_tumors_where_there_are_any():
    places = {(1, 2, 3): [1, 2], 2: [3], 3: []}
    assert small_structures_of(places) == {2: [3]}
    # A case in which the liver alone was annotated, and nnU-Net's own entry beside an ignore label.
    assert small_structures_of({(1, 2, 3): [1, 2], 2: [], 3: []}) == {(1, 2, 3): [1, 2]}
    assert small_structures_of({1: [1], 2: [3], (-1, 1, 2, 3): [5]}) == {2: [3], (-1, 1, 2, 3): [5]}
    assert small_structures_of({1: [1], (-1, 1, 2, 3): [5]}) == {1: [1], (-1, 1, 2, 3): [5]}


def test_the_report_holds_what_scripts_ask_of_each_structure():
    """test.<setting>.{liver,vessel,tumor}.dice.mean, .nsd, .tumor.sensitivity, and what had to come out."""
    from types import SimpleNamespace

    from CRLMSegmentationLib.study.reporting.lvt_sections import (
        lvt_summaries,
        means_of_structures,
        required_structures,
    )
    from CRLMSegmentationLib.study.reporting.results import collect
    from CRLMSegmentationLib.study.structure_metrics import LESION_COUNTS

    def result(number, liver, large_found):
        figures = dict.fromkeys([metric.key for metric in STRUCTURE_METRICS], 0.5)
        counts = dict.fromkeys(LESION_COUNTS, 0)
        counts.update(lesions=3, lesions_found=1, large_lesions=2, large_lesions_found=large_found, false_lesions=1)
        return {"case": f"ct{number}", "patient": f"ct{number}", "split": "test", "left_out": "",
                "methods": {"Model_lvt": {**figures, **counts, "liver_dice": liver}}}  # fmt: skip

    found = collect([result(0, 0.9, 2), result(1, 1.0, 1)], [], True, list(STRUCTURE_METRICS), (lvt_summaries,))
    of_model = found["test"]["Model_lvt"]
    assert of_model["liver"]["dice"]["mean"] == pytest.approx(0.95) and of_model["vessel"]["nsd"]["mean"] == 0.5
    assert of_model["tumor"]["sensitivity"] == 0.75 and of_model["tumor"]["false_a_case"] == 1.0
    holds = {line["what"].partition(": ")[2]: line["holds"] for line in found["must"]}
    assert holds["Dice of the liver, mean"] and not holds["Dice of the vessels, mean"]
    assert not holds["lesions over 10 mm that are found"] and holds["false lesions a case"]
    page = SimpleNamespace(found=found, kind="simulated")
    assert "| Model_lvt | liver | 0.95" in means_of_structures(page) and "**no**" in required_structures(page)
