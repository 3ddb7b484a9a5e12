"""Spreading pixels over eight voxels as sums of integers, against the same sums written with numpy."""

from __future__ import annotations

import numpy as np
import pytest
from CRLMSegmentationLib.reconstruction import ReconstructionSettings
from CRLMSegmentationLib.reconstruction.inserter import Inserter
from CRLMSegmentationLib.reconstruction.kernels.linear_sums import WEIGHT_BITS
from CRLMSegmentationLib.reconstruction.kernels.nearest import SUM_BITS
from CRLMSegmentationLib.reconstruction.kernels.pages import touch_pages
from CRLMSegmentationLib.reconstruction.region import Region


def sums_with_numpy(pixels, pose, region, kind, darkest):
    """Weight and weighted sum (k, j, i), int64, in units of 2^-WEIGHT_BITS; spacing 1 mm, origin 0."""
    v, u = np.indices(pixels.shape)
    place = pose[:3, 0, None] * u.ravel() + pose[:3, 1, None] * v.ravel() + pose[:3, 3, None]
    size = np.array(region.dimensions)[:, None]
    used = ((place >= -0.5) & (place < size - 0.5)).all(axis=0) & (pixels.ravel() >= darkest)
    place, grey = place[:, used], pixels.ravel()[used].astype(np.int64)
    lower = np.floor(place).astype(int)
    part = place - lower
    weights, sums = np.zeros((2, *region.dimensions[::-1]), dtype=np.int64)
    for corner in np.ndindex(2, 2, 2):
        up = np.array(corner)[:, None]
        units = np.rint(np.where(up, part, 1 - part).prod(axis=0) * (1 << WEIGHT_BITS[kind])).astype(np.int64)
        at = lower + up
        inside = ((at >= 0) & (at < size)).all(axis=0)
        index = tuple(at[::-1, inside])
        np.add.at(weights, index, units[inside])
        np.add.at(sums, index, (units * grey)[inside])
    return weights, sums


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("threshold", [None, 60.0])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_sums_of_weights_and_pixels(dtype, threshold, threads):
    random = np.random.default_rng(3)
    pixels = random.integers(0, np.iinfo(dtype).max, (40, 300), dtype=dtype, endpoint=True)
    pose = np.eye(4)  # steps of 2^-7 voxels and less: everything is exact in fixed point and in doubles
    pose[:3, :3] = np.array([[11, -6, 0], [7, 20, 0], [2, 9, 0]]) / 128
    pose[:3, 3] = -1.25, -1.5, 0.375  # the frame leaves the region on several sides
    region = Region((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (24, 20, 6))
    settings = ReconstructionSettings(1.0, interpolation="linear", threads=threads, pixel_rejection_threshold=threshold)
    inserter = Inserter(region, (300, 40), dtype, settings)
    inserter.insert([pixels], [pose])
    inserter.touch_slices(0, 5)  # changes nothing
    weights, sums = sums_with_numpy(pixels, pose, region, inserter.kind, -np.inf if threshold is None else threshold)
    bits = np.uint64(SUM_BITS[inserter.kind])
    ours = inserter.sums.reshape(inserter.shape)
    assert weights.any()
    np.testing.assert_array_equal(ours >> bits, weights.astype(np.uint64))
    np.testing.assert_array_equal(ours & ((np.uint64(1) << bits) - np.uint64(1)), sums.astype(np.uint64))


def test_touching_memory_leaves_what_is_there():
    values = np.arange(5000, dtype=np.uint16)
    touch_pages(values, 0, values.size)
    np.testing.assert_array_equal(values, np.arange(5000))


@pytest.mark.parametrize("dtype, most_off", [(np.uint8, 1.0), (np.uint16, 650.0)])
def test_the_mean_is_that_of_weights_in_double_precision(dtype, most_off):
    """To a grey level of uint8, half of which is rounding, and to a hundredth of the range of uint16."""
    random = np.random.default_rng(3)
    pixels = random.integers(0, np.iinfo(dtype).max, (40, 40), dtype=dtype, endpoint=True)
    pose = np.eye(4)
    pose[:3, :2] = np.array([[0.71, -0.13], [0.05, 0.83], [0.11, 0.07]])
    pose[:3, 3] = 6.2, 1.3, 1.4
    region = Region((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (40, 40, 14))
    inserter = Inserter(region, (40, 40), dtype, ReconstructionSettings(1.0, interpolation="linear", threads=1))
    inserter.insert([pixels], [pose])

    weights, sums = np.zeros((2, *inserter.shape))
    v, u = np.indices(pixels.shape).reshape(2, -1)
    lower = np.floor(pose[:3, [0]] * u + pose[:3, [1]] * v + pose[:3, [3]]).astype(int)
    part = pose[:3, [0]] * u + pose[:3, [1]] * v + pose[:3, [3]] - lower
    for corner in np.ndindex(2, 2, 2):
        up = np.array(corner)[:, None]
        weight = np.where(up, part, 1 - part).prod(axis=0)
        np.add.at(weights, tuple((lower + up)[::-1]), weight)
        np.add.at(sums, tuple((lower + up)[::-1]), weight * pixels.ravel())
    well_seen = weights > 0.25
    assert np.count_nonzero(well_seen) > 1500
    assert np.abs(inserter.result()[0] - sums / np.maximum(weights, 1e-9))[well_seen].max() <= most_off
