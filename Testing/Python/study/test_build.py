"""From a table of cases to nnU-Net datasets: every format, split by patient, with reasons for what is left out."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK
from CRLMSegmentationLib.errors import ConfigurationError, FileFormatError, GeometryError
from CRLMSegmentationLib.files import read_mask, write_volume
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.study.cases.build import build
from CRLMSegmentationLib.study.cases.case_files import load_case
from CRLMSegmentationLib.study.cases.case_table import CaseRow
from CRLMSegmentationLib.study.cases.crop_sampling import CropSampling, empty_box, sample_crops
from CRLMSegmentationLib.study.cases.dataset import Case, RawDataset
from CRLMSegmentationLib.study.tasks import TASKS, PlannedTask
from CRLMSegmentationLib.study.tasks.crop import CropRecipe
from CRLMSegmentationLib.study.training.recipe import Recipe
from CRLMSegmentationLib.values import Box, Volume

CROPS, WHOLE = "Dataset501_TumorCrops", "Dataset502_WholeVolumes"
TURNED = np.array([[0, -0.8, 0, 12], [0.8, 0, 0, -7], [0, 0, 1.0, 3], [0, 0, 0, 1]], dtype=float)


def ball_case(seed: int = 0) -> Case:
    k, j, i = np.indices((40, 44, 48))
    ball = (i - 20 - seed) ** 2 + (j - 22) ** 2 + (k - 18) ** 2 < 7**2
    voxels = np.clip(np.random.default_rng(seed).normal(120, 20, ball.shape) - 60 * ball, 1, 255).astype(np.uint8)
    return Case(f"ball{seed}", Volume(voxels, TURNED), Volume(ball.astype(np.uint8), TURNED))


def row_of(case: Case, folder, split="training", mask_ending=".nrrd", **more) -> CaseRow:
    volume, mask = folder / f"{case.name}.nrrd", folder / f"{case.name}_mask{mask_ending}"
    write_volume(case.volume, volume)
    write_volume(case.tumor, mask)
    return CaseRow(case.name, f"patient of {case.name}", split, volume=str(volume), mask=str(mask), **more)


@pytest.mark.parametrize("ending", [".nrrd", ".nii.gz", ".mha"])
def test_a_case_is_the_same_in_every_format(tmp_path, ending):
    case = ball_case()
    loaded = load_case(row_of(case, tmp_path, mask_ending=ending))
    assert np.array_equal(loaded.tumor.voxels, case.tumor.voxels)
    assert np.array_equal(loaded.volume.voxels, case.volume.voxels)
    assert loaded.volume.has_geometry_of(case.volume)


def test_a_slicer_segmentation_may_hold_layers_and_a_part_of_the_grid(tmp_path):
    case = ball_case()
    lower, upper = (8, 10, 8), (30, 34, 32)  # [k, j, i] of the part that is stored
    part = case.tumor.voxels[tuple(slice(a, b) for a, b in zip(lower, upper))]
    layers = np.stack([part * (np.indices(part.shape)[0] < 10), part * (np.indices(part.shape)[0] >= 10)], axis=-1)
    image = SimpleITK.GetImageFromArray(layers.astype(np.uint8), isVector=True)
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ TURNED
    image.SetSpacing(case.tumor.spacing_mm.tolist())
    image.SetDirection((lps[:3, :3] / case.tumor.spacing_mm).ravel().tolist())
    image.SetOrigin((lps @ [lower[2], lower[1], lower[0], 1])[:3].tolist())
    path = tmp_path / "tumor.seg.nrrd"
    SimpleITK.WriteImage(image, str(path))
    found = read_mask(path, "all")
    assert np.array_equal(found.voxels, part)
    row = row_of(case, tmp_path)
    with pytest.raises(FileFormatError, match=r"2 labels.*'label' of the table"):
        load_case(CaseRow(row.case, row.patient, row.split, volume=row.volume, mask=str(path)))
    whole = load_case(CaseRow(row.case, row.patient, row.split, volume=row.volume, mask=str(path), label="all"))
    assert np.array_equal(whole.tumor.voxels, case.tumor.voxels)


def test_a_mask_of_another_place_an_empty_one_and_other_values_are_refused(tmp_path):
    case = ball_case()
    row = row_of(case, tmp_path)
    far = TURNED.copy()
    far[0, 3] += 500
    write_volume(Volume(case.tumor.voxels, far), row.mask)
    with pytest.raises(GeometryError, match="does not lie in its volume"):
        load_case(row)
    write_volume(case.tumor.with_voxels(case.tumor.voxels * 0), row.mask)
    with pytest.raises(GeometryError, match="is empty"):
        load_case(row)
    write_volume(case.volume.with_voxels(case.volume.voxels.astype(np.float32) * 100), row.volume)
    with pytest.raises(FileFormatError, match="outside 0 to 255"):
        load_case(row)


def test_crops_are_tight_straying_and_empty():
    case, sampling = ball_case(), CropSampling(straying=4, empty=3, shift_mm=3, edge_mm=(-2, 2), appearance=True)
    asked = []

    def load(fill, every):
        asked.append((fill, every))
        return case

    crops = list(sample_crops(load, 5.0, sampling, seed=8))
    assert [crop.has_tumor for crop in crops].count(True) == 5
    assert len(set(asked)) == 3, "the further crops take turns in the reconstructions"
    tight = crops[0]
    expected = Box.around_mask(case.tumor).expanded(5.0).size_mm
    assert np.abs(np.array(tight.mask.dimensions) * tight.mask.spacing_mm - expected).max() <= 1.0
    for crop in crops:
        assert crop.image.has_geometry_of(crop.mask)
        assert crop.mask.voxels.any() == crop.has_tumor
        assert crop.image.voxels.dtype == np.uint8
    again = list(sample_crops(load, 5.0, sampling, seed=8))
    assert all(np.array_equal(a.image.voxels, b.image.voxels) for a, b in zip(crops, again))
    assert len({crop.name for crop in crops}) == len(crops)


def test_an_empty_box_touches_no_tumor_and_is_given_up_where_there_is_no_room():
    random, case = np.random.default_rng(1), ball_case()
    wide = TURNED @ np.diag([2.5, 2.5, 2.5, 1.0])
    case = Case("wide", Volume(case.volume.voxels, wide), Volume(case.tumor.voxels, wide))
    box = empty_box(case, random)
    points = transform_points(wide, np.argwhere(case.tumor.voxels)[:, ::-1])
    assert not box.contains(points).any()
    full = Case("full", case.volume, case.tumor.with_voxels(np.ones_like(case.tumor.voxels)))
    assert empty_box(full, random) is None


def test_a_dataset_is_built_split_by_the_table_and_found_again(tmp_path):
    cases = [ball_case(seed) for seed in range(4)]
    splits = ("training", "training", "validation", "test")
    rows = [row_of(case, tmp_path, split) for case, split in zip(cases, splits)]
    rows.append(row_of(ball_case(5), tmp_path, "training", iso_echoic=True))
    rows.append(CaseRow("broken", "someone", "training", volume=str(tmp_path / "broken.nrrd")))
    (tmp_path / "broken.nrrd").write_text("this is no volume")
    recipe = CropRecipe(margin_mm=5.0, sampling=CropSampling(straying=1, empty=1))
    planned = [PlannedTask(TASKS["crop"], recipe), PlannedTask(TASKS["full"], Recipe())]
    left_out = build(rows, tmp_path / "raw", planned)
    assert {one.case for one in left_out} == {"ball5", "broken"}
    with open(tmp_path / "raw" / "left_out.csv", encoding="utf-8", newline="") as file:
        assert {line["case"]: line["reason"] for line in csv.DictReader(file)}["ball5"] == "the lesion is iso-echoic"
    split = json.loads((tmp_path / "raw" / CROPS / "splits_final.json").read_text(encoding="utf-8"))[0]
    assert {name.split("_")[0] for name in split["train"]} == {"ball0", "ball1"}
    assert split["val"] == ["ball2_tight"], "validation crops neither stray nor change"
    assert RawDataset(tmp_path / "raw", WHOLE).names() == ["ball0", "ball1", "ball2"]
    written = RawDataset(tmp_path / "raw", CROPS).names()
    assert not any(name.startswith("ball3") for name in written), "test cases are never in a dataset"
    (image,), mask = RawDataset(tmp_path / "raw", CROPS).read("ball0_tight")
    assert mask.voxels.sum() == cases[0].tumor.voxels.sum() and image.has_geometry_of(mask)

    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "raw" / CROPS).glob("*Tr/*")}
    planned[0] = PlannedTask(TASKS["crop"], replace(recipe, epochs=99))
    build(rows, tmp_path / "raw", planned)
    assert times == {path: path.stat().st_mtime_ns for path in (tmp_path / "raw" / CROPS).glob("*Tr/*")}


def test_a_table_without_validation_cases_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="No validation case"):
        build([row_of(ball_case(), tmp_path)], tmp_path / "raw", [PlannedTask(TASKS["full"], Recipe())])
