"""Averaging slice by slice, and masks around what was found alone, against the same done with the whole CT at once."""

import tracemalloc

import numpy as np
import pytest
from CRLMSegmentationLib.inference.averaging import average_seen
from CRLMSegmentationLib.preoperative.network_grid import coarser, fine_masks
from CRLMSegmentationLib.preoperative.orientation import Orientation
from CRLMSegmentationLib.values import Volume
from scipy.ndimage import gaussian_filter
from skimage.transform import resize

# Along R, A, S; along S, P, L.
GRIDS = {
    "RAS": np.diag([1.0, 1.1, 1.3, 1.0]),
    "SPL": np.array([[0, 0, -1.3, 9], [0, -1.1, 0, 5], [1.0, 0, 0, 2], [0, 0, 0, 1]]),
}


@pytest.mark.parametrize("matrix", GRIDS.values(), ids=GRIDS)
def test_slices_averaged_one_after_the_other_are_those_averaged_at_once(matrix):
    hu = np.random.default_rng(1).integers(-3024, 900, (37, 21, 40)).astype(np.int16)
    ct = Volume(hu, matrix, frame="CT")
    coarse = coarser(ct, (2.0, 2.5, 1.2))
    laid = np.maximum(coarse.orientation.lay(hu), -1024)
    expected = average_seen(laid, coarse.hu.shape, np.ones(laid.shape, bool))
    assert coarse.hu.dtype == np.float32 and np.abs(coarse.hu - expected).max() < 0.01
    spacing = [ct.spacing_mm[::-1][axis] for axis in coarse.orientation.axes]
    assert np.allclose(np.multiply(coarse.spacing_mm, coarse.hu.shape), np.multiply(spacing, laid.shape))


@pytest.mark.parametrize("matrix", GRIDS.values(), ids=GRIDS)
def test_masks_around_what_was_found_are_those_of_the_whole_ct(matrix):
    ct = Volume(np.zeros((37, 21, 40), np.int16), matrix, frame="CT")
    orientation = Orientation.of(ct)
    shape = orientation.lay(ct.voxels).shape
    small = tuple(max(2, size * 2 // 3) for size in shape)
    noise = np.random.default_rng(2).normal(size=(2, *small))
    answers = {}
    for name, at, one in zip(("liver", "tumor"), ((6, 8, 9), (5, 7, 12)), noise):
        blob = np.exp(-sum(((n - m) / 4) ** 2 for n, m in zip(np.indices(small), at)))
        answers[name] = np.clip(blob + 0.1 * gaussian_filter(one, 1), 0, 1).astype(np.float32)
    found = fine_masks(answers, orientation, ct, 0.5)
    assert found is not None and found.masks["liver"].size < 0.6 * ct.voxels.size
    for name, answer in answers.items():
        whole = resize(answer, shape, 1, mode="edge", anti_aliasing=False)
        expected = orientation.lay_back(whole >= 0.5)
        mask = np.zeros(ct.voxels.shape, bool)
        mask[found.block] = found.masks[name]
        assert expected.any() and np.array_equal(mask, expected)
    assert fine_masks({"liver": answers["liver"] * 0.4}, orientation, ct, 0.5) is None


def test_no_array_as_large_as_the_ct_is_made_on_the_way():
    ct = Volume(np.zeros((40, 200, 200), np.int16), np.diag([0.5, 0.5, 0.5, 1.0]), frame="CT")
    tracemalloc.start()
    try:
        coarse = coarser(ct, (2.0, 2.0, 2.0))
        answer = np.zeros(coarse.hu.shape, np.float32)
        answer[4:6, 20:25, 20:25] = 1
        found = fine_masks({"liver": answer}, coarse.orientation, ct, 0.5)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found is not None and found.masks["liver"].any()
    assert peak < ct.voxels.nbytes / 2
