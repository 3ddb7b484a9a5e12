"""Fast batches of planes: what they hold, that labels stay with the picture, and that they can be repeated."""

import numpy as np
import pytest
from CRLMSegmentationLib.study.training.plane_batches import (
    Plane,
    placed,
    training_batches,
    validation_batches,
    varied,
)
from CRLMSegmentationLib.study.training.plane_looks import other_look

PATCH = (48, 64)
SCALES = ([1, 1], [0.5, 0.5])


def plane(with_tumor=True, shape=(40, 56)):
    v, u = np.indices(shape)
    tumor = (np.hypot(v - 18, u - 30) < 6) & with_tumor
    grey = np.where(tumor, 0.9, 0.4).astype(np.float16)
    grey[:3] = 0
    return Plane(grey, tumor)


def test_a_batch_has_the_share_of_planes_with_tumor_and_targets_at_every_scale():
    planes = [plane(), *(plane(False) for _ in range(5))]
    batches = training_batches(planes, 6, PATCH, SCALES, 0.5, np.random.default_rng(1))
    batch = next(batches)
    assert batch["data"].shape == (6, 1, *PATCH)
    assert [tuple(one.shape) for one in batch["target"]] == [(6, 1, 48, 64), (6, 1, 24, 32)]
    assert [bool(one.any()) for one in batch["target"][0]] == [True] * 3 + [False] * 3
    again = next(training_batches(planes, 6, PATCH, SCALES, 0.5, np.random.default_rng(1)))
    assert (again["data"] == batch["data"]).all() and not (next(batches)["data"] == batch["data"]).all()


def test_labels_stay_on_what_they_label_however_the_plane_is_moved(monkeypatch):
    from CRLMSegmentationLib.study.training import plane_batches

    monkeypatch.setattr(plane_batches, "other_look", lambda grey, random: grey)
    for seed in range(8):
        data, labels = varied(plane(), PATCH, np.random.default_rng(seed))
        bright = data > 0.8 * data.max()
        both = (bright & (labels > 0)).sum() * 2 / (bright.sum() + (labels > 0).sum())
        assert both > 0.85, seed


def test_unvaried_the_middle_of_the_picture_lies_in_that_of_the_patch():
    one = plane()
    data, labels = placed(one.grey.astype(np.float32), one.tumor, PATCH)
    inside = data[0, 4:44, 4:60].numpy()
    np.testing.assert_array_equal(labels[0, 4:44, 4:60].numpy() > 0, one.tumor)
    assert inside.mean() == pytest.approx(0, abs=1e-4) and inside.std() == pytest.approx(1, abs=1e-3)
    assert not data[0, :3].any() and not data[0, :, -3:].any(), "beside the picture is nothing"


def test_validation_goes_through_all_planes_in_their_order():
    planes = [plane(number % 2 == 0) for number in range(4)]
    batches = validation_batches(planes, 3, PATCH, None)
    found = [bool(one.any()) for _ in range(4) for one in next(batches)["target"]]
    assert found == [True, False] * 6


def test_another_look_keeps_the_range_and_what_is_black():
    grey = plane().grey.astype(np.float32)
    looks = [other_look(grey, np.random.default_rng(seed)) for seed in range(12)]
    for look in looks:
        assert look.dtype == np.float32 and look.min() >= 0 and look.max() <= 1
    assert any(np.abs(look - grey).max() > 0.1 for look in looks)
    np.testing.assert_array_equal(other_look(grey, np.random.default_rng(3)), looks[3])
