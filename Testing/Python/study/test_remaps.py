"""Crops as other scanners would show them, by known amounts."""

import numpy as np
import pytest
from CRLMSegmentationLib.study.cases.remaps import REMAPS, Remap, drawn_remap, remapped, speckle_db
from CRLMSegmentationLib.values import Volume


def crop():
    grey = 110 + np.random.default_rng(0).normal(0, 20, (40, 40, 40))
    grey[:, :, :5] = 0
    return Volume(np.clip(grey, 0, 255).astype(np.uint8), np.diag([0.5, 0.5, 0.5, 1]))


def changed(**amounts):
    found = remapped(crop(), Remap(**amounts), np.random.default_rng(1)).voxels
    np.testing.assert_array_equal(found > 0, crop().voxels > 0)
    return found[:, :, 5:].astype(float)


def test_nothing_is_changed_where_nothing_is_asked_for():
    np.testing.assert_array_equal(remapped(crop(), REMAPS["as simulated"], np.random.default_rng(1)).voxels,
                                  crop().voxels)  # fmt: skip


def test_gain_range_and_smoothing_are_what_they_say():
    assert np.median(changed(tissue_grey=40)) == pytest.approx(40, abs=1)
    assert changed(range_db=40).std() == pytest.approx(1.5 * 20, rel=0.05)
    assert changed(smooth_mm=1.0).std() < 0.2 * 20
    slope = changed(slope_grey=30).mean(axis=(0, 1))
    assert slope[-1] - slope[0] == pytest.approx(60 * 34 / 39, rel=0.15)


@pytest.mark.parametrize("width", [4.0, 8.0])
def test_speckle_is_fully_developed_and_as_wide_as_asked(width):
    """5.6 dB about 0, and an intensity whose autocorrelation falls to a half at half the width."""
    decibels = speckle_db((96, 96, 96), np.array([width] * 3), np.random.default_rng(2))
    assert decibels.mean() == pytest.approx(0, abs=0.6) and decibels.std() == pytest.approx(5.57, rel=0.1)
    power = 10 ** (decibels / 10)
    power -= power.mean()
    half = int(width / 2)
    assert (power[half:] * power[:-half]).mean() / power.var() == pytest.approx(0.5, abs=0.12)


def test_drawn_looks_cover_dark_and_bright_tissue_and_can_be_repeated():
    drawn = [drawn_remap(np.random.default_rng(seed)) for seed in range(60)]
    assert drawn[3] == drawn_remap(np.random.default_rng(3))
    greys = [one.tissue_grey for one in drawn]
    assert min(greys) < 35 and max(greys) > 150 and {one.speckle_mm > 3 for one in drawn} == {True, False}
