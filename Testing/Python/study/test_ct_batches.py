"""Patches of CTs for a training on a processor: labels move with what is seen, and windows are as windowing.py has
them.
"""

import numpy as np
import pytest
from CRLMSegmentationLib.study.training.ct_batches import (
    KnownCt,
    PatchMaker,
    _cut,
    _moved,
    by_lesion,
    cts_in_memory,
    other_grey,
    shown,
)
from CRLMSegmentationLib.study.training.windowing import WINDOWS, Window

PATCH = (16, 24, 20)
LIVER, VESSELS, TUMOR = (1, 2, 3), (2,), (3,)


def seen_of(hu: np.ndarray) -> np.ndarray:
    wide = WINDOWS.wide_window
    return ((hu - wide.lower_hu) / wide.width_hu).astype(np.float16)


@pytest.fixture
def ct() -> KnownCt:
    """A liver with a bright vessel along the slices and a dark tumor, and voxels that say where they are."""
    labels = np.zeros((40, 44, 48), np.int8)
    labels[8:32, 8:36, 8:40], labels[8:32, 20:22, 12:15], labels[16:24, 26:32, 28:34] = 1, 2, 3
    hu = np.choose(labels, [-60.0, 60.0, 150.0, 0.0])
    places = tuple(np.argwhere(labels == value) for value in (2, 3))
    return KnownCt("one", seen_of(hu), labels, places)


def maker(windows=WINDOWS, scales=None) -> PatchMaker:
    return PatchMaker(PATCH, (LIVER, VESSELS, TUMOR), scales, windows)


def test_a_batch_has_a_channel_for_every_structure_at_every_scale(ct):
    scales = [[1.0, 1.0, 1.0], [0.5, 0.5, 0.5]]
    batch = next(maker(scales=scales).training([ct], 3, 1.0, np.random.default_rng(0)))
    assert batch["data"].shape == (3, 1, *PATCH) and batch["keys"] == ["one"] * 3
    fine, coarse = batch["target"]
    assert fine.shape == (3, 3, *PATCH) and coarse.shape == (3, 3, 8, 12, 10)
    assert set(fine.unique().tolist()) == {0.0, 1.0}
    # The liver is whole: vessels and tumors lie in it.
    assert (fine[:, 0] >= fine[:, 1]).all() and (fine[:, 0] >= fine[:, 2]).all()
    assert all(float(one[1:].sum()) > 0 for one in fine)


def test_with_one_label_a_voxel_a_batch_has_the_labels_and_what_nobody_knows(ct):
    ct.labels[8:32, 8:12, 8:40] = 4
    batch = next(PatchMaker(PATCH, None, None).training([ct], 2, 1.0, np.random.default_rng(0)))
    assert batch["target"].shape == (2, 1, *PATCH) and set(batch["target"].unique().tolist()) <= {
        0.0,
        1.0,
        2.0,
        3.0,
        4.0,
    }
    assert (batch["target"] == 3).any() and (batch["target"] == 4).any()


def test_what_nnunet_marks_as_beside_the_body_is_background():
    labels = np.full((1, 4, 4, 4), -1, np.int8)
    labels[0, 1:3, 1:3, 1:3] = 1
    places = {1: np.argwhere(labels == 1)}

    class Preprocessed:
        identifiers = ("one",)

        def load_case(self, name):
            return np.zeros(labels.shape, np.float32), labels, None, {"class_locations": places}

    (known,) = cts_in_memory(Preprocessed())
    assert set(np.unique(known.labels).tolist()) == {0, 1} and len(known.places[0]) == 8


def test_a_small_lesion_is_in_the_middle_of_a_patch_as_often_as_a_large_one(ct):
    ct.labels[10:12, 10:12, 10:12] = 3
    tumors, vessels = (np.argwhere(ct.labels == value) for value in (3, 2))
    shared = by_lesion(tumors, ct.labels)
    is_small = (shared < 16).all(axis=1)
    assert is_small.sum() == len(shared) / 2 and (ct.labels[tuple(shared.T)] == 3).all()
    assert np.array_equal(by_lesion(vessels, ct.labels), vessels)


def test_labels_are_turned_and_zoomed_with_what_is_seen(ct):
    random = np.random.default_rng(3)
    for _ in range(6):
        seen, labels = _moved(ct, np.array([20, 28, 30]), PATCH, random)
        assert seen.shape == labels.shape == PATCH
        hu = seen.astype(np.float32) * WINDOWS.wide_window.width_hu + WINDOWS.wide_window.lower_hu
        nearest = np.abs(hu[..., None] - np.array([-60.0, 60.0, 150.0, 0.0])).argmin(axis=-1)
        # Between two tissues the interpolated value may be that of a third.
        assert (nearest == labels).mean() > 0.85 and (labels == 3).sum() > 100


def test_a_patch_beside_the_ct_is_air_and_one_within_is_as_it_was(ct):
    seen, labels = _cut(ct, np.array([20, 20, 20]), PATCH)
    assert np.array_equal(seen, ct.seen[12:28, 8:32, 10:30]) and np.array_equal(labels, ct.labels[12:28, 8:32, 10:30])
    large = (60, 44, 48)
    seen, labels = _cut(ct, np.array([0, 20, 20]), large)
    assert seen.shape == large and not seen[:20].any() and not labels[:20].any()
    assert np.array_equal(seen[20:], ct.seen) and np.array_equal(labels[20:], ct.labels)


def test_windows_are_in_hounsfield_units():
    hu = np.array([-60.0, 0.0, 62.5, 200.0])
    window = Window(62.5, 125.0)
    assert shown(seen_of(hu), window) == pytest.approx([0.0, 0.0, 0.5, 1.0], abs=2e-3)
    assert shown(seen_of(hu), Window(0.0, 240.0)) == pytest.approx([0.25, 0.5, 0.7604, 1.0], abs=2e-3)


def test_without_random_windows_a_tissue_keeps_its_level(ct):
    levels = set()
    for windows in (None, WINDOWS):
        batches = maker(windows).training([ct], 1, 1.0, np.random.default_rng(1))
        for _ in range(30):
            batch = next(batches)
            liver = (batch["target"][0, 0] - batch["target"][0, 1] - batch["target"][0, 2]).bool()
            if liver.any():
                levels.add((windows is None, round(float(batch["data"][0, 0][liver].median()), 2)))
    base = (60 - WINDOWS.base.lower_hu) / WINDOWS.base.width_hu
    usual = [level for is_fixed, level in levels if is_fixed]
    # Contrast, brightness and gamma vary now and then even so.
    assert min(abs(level - base) for level in usual) < 0.02 and len(levels) > len(usual)


def test_grey_levels_stay_between_0_and_1():
    grey = np.linspace(0, 1, 4096, dtype=np.float32).reshape(16, 16, 16)
    changed = [other_grey(grey, np.random.default_rng(seed)) for seed in range(40)]
    assert all(one.min() >= 0 and one.max() <= 1 and one.dtype == np.float32 for one in changed)
    assert sum(np.array_equal(one, grey) for one in changed) < 30


def test_every_epoch_is_judged_on_the_same_patches(ct):
    batches = maker().validation([ct], 2, 2, 0.5)
    first, second, again = next(batches), next(batches), next(batches)
    assert np.array_equal(first["data"], again["data"]) and not np.array_equal(first["data"], second["data"])
