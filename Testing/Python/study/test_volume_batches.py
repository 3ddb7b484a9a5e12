"""Boxes with the looks of other scanners: what they keep, what they change, and a training on them."""

import copy

import numpy as np
import pytest
from CRLMSegmentationLib.study.training.half_precision import channels_last
from CRLMSegmentationLib.study.training.volumes import batches, looks
from CRLMSegmentationLib.study.training.volumes.batches import placed, training_batches, validation_batches, varied
from CRLMSegmentationLib.study.training.volumes.looks import GreyBox, other_look
from CRLMSegmentationLib.study.training.volumes.neighbours import with_neighbours
from CRLMSegmentationLib.study.training.volumes.tumors import with_new_tumor, with_other_contrast

PATCH, SCALES = (16, 16, 16), ([1, 1, 1], [0.5, 0.5, 0.5])


def box(with_tumor=True, shape=(20, 22, 18)):
    k, j, i = np.indices(shape)
    tumor = (np.sqrt((k - 10) ** 2 + (j - 11) ** 2 + (i - 8) ** 2) < 5) & with_tumor
    grey = 110 + np.random.default_rng(0).normal(0, 4, shape)
    grey = np.where(tumor, grey - 40, grey)
    grey[:, :, :2] = 0
    return GreyBox(grey.astype(np.float32), tumor)


def test_what_was_not_seen_stays_black_and_all_else_lies_on_the_screen():
    one = box()
    found = [other_look(one, np.random.default_rng(seed)) for seed in range(20)]
    for look in found:
        assert look.grey.dtype == np.float32 and look.grey.max() <= 255
        np.testing.assert_array_equal(look.grey > 0, one.grey > 0)
        np.testing.assert_array_equal(look.tumor, one.tumor)
    np.testing.assert_array_equal(other_look(one, np.random.default_rng(3)).grey, found[3].grey)


def test_looks_reach_dark_and_bright_tissue_and_coarse_speckle():
    """The median of the tissue from about 25 to 160, and neighbours that are alike where speckle is coarse."""
    plain = box(False)
    medians, alike = [], []
    for seed in range(40):
        grey = looks.displayed(plain.grey, plain.grey > 0, np.random.default_rng(seed))[:, :, 3:]
        medians.append(float(np.median(grey)))
        alike.append(float(np.corrcoef(grey[1:].ravel(), grey[:-1].ravel())[0, 1]))
    assert min(medians) < 45 and max(medians) > 140
    assert min(alike) < 0.2 and max(alike) > 0.7


def test_a_tumor_gets_any_contrast_and_the_tissue_around_it_stays():
    one = box()
    found = []
    for seed in range(30):
        grey = with_other_contrast(one.grey, one.tumor, np.random.default_rng(seed))
        k, j, i = np.indices(grey.shape)
        far = np.sqrt((k - 10) ** 2 + (j - 11) ** 2 + (i - 8) ** 2) > 9
        np.testing.assert_allclose(grey[far], one.grey[far], atol=0.5)
        found.append(float(grey[one.tumor].mean()) - 110)
    assert min(found) < -35 and max(found) > 25 and any(abs(contrast) < 12 for contrast in found)


def test_a_new_tumor_is_one_piece_that_was_seen_and_differs_from_the_tissue():
    from scipy import ndimage

    plain, made = box(False), 0
    for seed in range(12):
        grey, tumor = with_new_tumor(plain.grey, plain.grey > 0, np.random.default_rng(seed))
        if tumor.any():
            made += 1
            assert ndimage.label(tumor, np.ones((3, 3, 3)))[1] == 1 and not (tumor & (plain.grey == 0)).any()
            assert abs(grey[tumor].mean() - plain.grey[tumor].mean()) > 2
        else:
            assert grey is plain.grey
    assert made > 4


def test_walls_and_vessels_lie_beside_the_tumor():
    one = box()
    inner = np.zeros_like(one.tumor)
    inner[8:13, 9:14, 6:11] = True
    changes = [
        np.abs(with_neighbours(one.grey, one.tumor, np.random.default_rng(seed)) - one.grey) for seed in range(9)
    ]
    assert all(change[inner].max() < 1 for change in changes)
    assert all(change[~one.tumor].max() > 15 for change in changes)


def test_a_batch_has_its_share_of_tumors_and_targets_at_every_scale():
    boxes = [box(), *(box(False) for _ in range(3))]
    batch = next(training_batches(boxes, 4, PATCH, SCALES, 0.5, np.random.default_rng(1)))
    assert batch["data"].shape == (4, 1, *PATCH)
    assert [tuple(one.shape) for one in batch["target"]] == [(4, 1, *PATCH), (4, 1, 8, 8, 8)]
    assert all(bool(one.any()) for one in batch["target"][0][:2])
    again = next(training_batches(boxes, 4, PATCH, SCALES, 0.5, np.random.default_rng(1)))
    assert (again["data"] == batch["data"]).all()


def test_labels_stay_on_what_they_label_however_the_box_is_moved(monkeypatch):
    monkeypatch.setattr(batches, "other_look", lambda one, random: one)
    for seed in range(8):
        data, labels = varied(box(), (24, 24, 24), np.random.default_rng(seed))
        middle = data[labels > 0].mean()
        beside = data[(labels == 0) & (data > data.min() + 1)].mean()
        assert middle < beside - 0.5, seed
        assert 0.3 < float(labels.sum()) / box().tumor.sum() < 2.8, seed


def test_unvaried_the_middle_of_the_box_lies_in_that_of_the_patch():
    one = box()
    data, labels = placed(one, (24, 24, 24))
    np.testing.assert_array_equal(labels[0, 2:22, 1:23, 3:21].numpy() > 0, one.tumor)
    inside = data[0, 2:22, 1:23, 3:21]
    assert float(inside.mean()) == pytest.approx(0, abs=1e-4) and float(inside.std()) == pytest.approx(1, abs=1e-2)
    assert float(data[0, :2].abs().max()) < 1e-3 and float(data[0, :, :, -3:].abs().max()) < 1e-3


def test_validation_sees_every_box_as_it_is_and_with_a_look_of_its_own():
    stream = validation_batches([box(), box(False)], 2, (24, 24, 24), None)
    first, second, third = (next(stream)["data"] for _ in range(3))
    assert (third == first).all() and not (second == first).all()


def test_with_channels_last_a_network_computes_the_same_and_turns_nothing_around():
    import torch

    torch.manual_seed(0)
    plain = torch.nn.Sequential(
        torch.nn.Conv3d(1, 4, 3, padding=1), torch.nn.InstanceNorm3d(4, affine=True), torch.nn.LeakyReLU(),
        torch.nn.Conv3d(4, 2, 3, padding=1), torch.nn.InstanceNorm3d(2, affine=True),
    )  # fmt: skip
    laid_out = copy.deepcopy(plain)
    channels_last(laid_out)
    images = torch.randn(3, 1, 8, 9, 10)
    found, expected = laid_out(images), plain(images)
    assert found.is_contiguous(memory_format=torch.channels_last_3d)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    weights = torch.randn(expected.shape)
    for answer in (expected, found):
        (answer * weights).sum().backward()
    for one, other in zip(plain.parameters(), laid_out.parameters()):
        torch.testing.assert_close(other.grad, one.grad, rtol=1e-3, atol=1e-3)
    assert laid_out.state_dict().keys() == plain.state_dict().keys()
    planes = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.InstanceNorm2d(2))
    images = torch.randn(2, 1, 8, 8)
    expected = planes(images)
    channels_last(planes)
    assert torch.equal(planes(images), expected)
