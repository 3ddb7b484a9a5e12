"""Training sweeps as they come from worse hands and other scanners, drawn per case and by the seed alone."""

from dataclasses import replace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.study.cases.case_files import CaseReader
from CRLMSegmentationLib.study.cases.case_table import CaseRow
from CRLMSegmentationLib.study.cases.crop_sampling import CropSampling
from CRLMSegmentationLib.study.cases.scanner_looks import with_reduced_speckle
from CRLMSegmentationLib.study.cases.sweep_variation import SweepVariation, varied
from CRLMSegmentationLib.study.recipes import recipes_for, with_overrides
from CRLMSegmentationLib.study.tasks import task_named
from CRLMSegmentationLib.study.tasks.crop import CropRecipe, crop_images
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, write_sweep
from CRLMSegmentationLib.values import Volume

SETTINGS = {
    "dropped": 0.6, "tracking_mm": 2.0, "display": 1.0, "persistence": 0.6, "speckle_reduction": 1.0, "marks": 1.0,
    "gas": 1.0,
}  # fmt: skip


def tissue(frames=24, height=80, width=90):
    random = np.random.default_rng(1)
    grey = np.zeros((frames, height, width), np.uint8)
    grey[:, 6:-6, 10:-10] = np.clip(100 + 15 * random.standard_normal((frames, height - 12, width - 20)), 1, 255)
    result = []
    for number in range(frames):
        pose = np.diag([0.5, 0.5, 0.5, 1.0])
        pose[2, 3] = number
        result.append(TrackedFrame(grey[number], pose, number / 10))
    return Sweep(result, name="tissue")


@pytest.fixture(scope="module")
def sweep():
    return tissue()


@pytest.mark.parametrize("name", SETTINGS)
def test_each_setting_changes_what_it_is_for_and_nothing_else(sweep, name):
    after = varied(sweep, SweepVariation(**{name: SETTINGS[name]}), np.random.default_rng(3))
    before = {frame.timestamp: frame for frame in sweep.frames}
    inside = (slice(6, -6), slice(10, -10))
    same_poses = all(
        np.array_equal(one.image_to_reference, before[one.timestamp].image_to_reference) for one in after.frames
    )
    same_inside = all(np.array_equal(one.pixels[inside], before[one.timestamp].pixels[inside]) for one in after.frames)
    beside = [one.pixels[:6].any() or one.pixels[:, :10].any() or one.pixels[:, -10:].any() for one in after.frames]
    assert (len(after) < len(sweep)) == (name == "dropped")
    assert same_poses == (name != "tracking_mm")
    assert same_inside == (name not in ("display", "persistence", "speckle_reduction", "gas"))
    assert all(beside) == any(beside) == (name == "marks")


def test_a_seed_gives_one_sweep_and_nothing_is_changed_by_nothing(sweep):
    all_of_it = SweepVariation(**SETTINGS)
    first, again, other = (varied(sweep, all_of_it, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert len(first) == len(again)
    assert all(np.array_equal(a.pixels, b.pixels) and np.array_equal(a.image_to_reference, b.image_to_reference)
               for a, b in zip(first.frames, again.frames))  # fmt: skip
    assert len(first) != len(other) or not np.array_equal(first.frames[0].pixels, other.frames[0].pixels)
    untouched = varied(sweep, SweepVariation(), np.random.default_rng(7))
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(untouched.frames, sweep.frames))


def test_gas_is_bright_with_a_shadow_and_lies_in_one_place(sweep):
    after = varied(sweep, SweepVariation(gas=1.0), np.random.default_rng(4))
    changes = np.array([two.pixels.astype(int) - one.pixels for one, two in zip(sweep.frames, after.frames)])
    cut = np.flatnonzero(np.abs(changes).max(axis=(1, 2)) > 40)
    assert 0 < len(cut) < len(sweep) and changes.max() > 80 and changes.min() < -30
    assert np.diff(cut).max(initial=1) <= 4


def test_reduced_speckle_leaves_edges():
    random = np.random.default_rng(2)
    picture = np.clip(90 + 12 * random.standard_normal((60, 60)), 1, 255).astype(np.uint8)
    picture[:, 30:] = np.clip(picture[:, 30:] + 100.0, 1, 255)
    smooth = with_reduced_speckle(picture, 1.0)
    assert smooth[:, :25].std() < 0.6 * picture[:, :25].std()
    step = smooth[:, 31:33].mean() - smooth[:, 27:29].mean()
    assert step > 80


@pytest.fixture(scope="module")
def row(sweep, tmp_path_factory):
    from CRLMSegmentationLib.files import write_volume

    folder = tmp_path_factory.mktemp("case")
    write_sweep(sweep, folder / "sweep.igs.mha")
    mask = np.zeros((24, 40, 45), np.uint8)
    mask[8:16, 14:24, 16:28] = 1
    write_volume(Volume(mask, np.diag([1.0, 1.0, 1.0, 1.0])), folder / "tumor.nrrd")
    return CaseRow("one", "one", "training", sweep=str(folder / "sweep.igs.mha"), mask=str(folder / "tumor.nrrd"))


def test_a_recipe_varies_training_boxes_but_the_tight_one(row):
    def images(variation, split="training"):
        recipe = CropRecipe(sampling=CropSampling(straying=2, variation=variation))
        return {one.name: one.channels[0].voxels for one in crop_images(CaseReader(replace(row, split=split)), recipe)}

    plain, after = images(SweepVariation()), images(SweepVariation(display=1.0))
    again = images(SweepVariation(display=1.0))
    assert np.array_equal(plain["tight"], after["tight"])
    strays = [name for name in plain if name != "tight"]
    assert len(strays) == 2
    for name in strays:
        assert not np.array_equal(plain[name], after[name]) and np.array_equal(after[name], again[name])
    assert list(images(SweepVariation(display=1.0), "validation")) == ["tight"]


def test_a_recipe_file_asks_for_it_and_images_are_cut_anew(tmp_path):
    file = tmp_path / "my.toml"
    file.write_text("[crop.sampling.variation]\ndropped = 0.6\ntracking_mm = 2\n")
    plain = recipes_for(["crop"])
    changed = with_overrides(plain, file)["crop"]
    assert changed.sampling.variation == SweepVariation(dropped=0.6, tracking_mm=2.0)
    assert "sampling" in task_named("crop").cut_by and changed != plain["crop"]
    file.write_text("[crop.sampling.variation]\ndropped = 2\n")
    with pytest.raises(ConfigurationError, match="dropped is 2"):
        with_overrides(plain, file)
