"""IGSIO's linear mean of uint8, done many voxels side by side, against the same written with Python's integers."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from CRLMSegmentationLib.reconstruction.inserter import Inserter
from CRLMSegmentationLib.reconstruction.kernels.corner_lanes import UPPER_I, UPPER_J, UPPER_K
from CRLMSegmentationLib.reconstruction.kernels.eight_lanes import GREY_OFFSET, igsio_means_of_pixels
from CRLMSegmentationLib.reconstruction.region import region_of_sweep
from CRLMSegmentationLib.reconstruction.settings import ReconstructionSettings
from scipy.spatial.transform import Rotation

SIZE = (61, 40)
ONE = 1 << 14


def weight_of_corner(part, corner) -> int:
    """Of a pixel at `part` (i, j, k) in 2^-14: products are rounded to 2^-14, along j and k first."""
    along = [x if corner >> axis & 1 else ONE - x for axis, x in enumerate(part)]
    weight_jk = (along[1] * along[2] + ONE // 2) >> 14
    return (weight_jk * along[0] + ONE // 2) >> 14


def after_pixel(value: int, known: int, weight: int, grey: int) -> tuple[int, int]:
    """A voxel's value and weight (1/256): the quotient is rounded to 2^-14, then to an integer, halves up."""
    if weight == 0:
        return value, known
    before = known << 6
    total, both = weight * grey + before * value, weight + before
    return (2 * ONE * total + both * (ONE + 1)) // (2 * ONE * both), min(known + ((weight + 32) >> 6), 65535)


def insert_with_integers(frames, poses, inserter, darkest):
    """Values and weights (k, j, i) after all pixels, one after the other."""
    values, weights = np.zeros((2, *inserter.shape), dtype=int)
    size = inserter.region.dimensions
    for pixels, pose in zip(frames, poses):
        matrix = inserter.coefficients(pose)
        v, u = np.indices(pixels.shape)
        places = matrix[:, 0, None, None] * u + matrix[:, 1, None, None] * v + matrix[:, 2, None, None]
        places, greys = places.reshape(3, -1).T.tolist(), pixels.ravel().tolist()
        for place, grey in zip(places, greys):
            if grey < darkest or any(not 0 <= x <= (n - 1) << 14 for x, n in zip(place, size)):
                continue
            lower, part = [x >> 14 for x in place], [x & (ONE - 1) for x in place]
            for corner in range(8):
                weight = weight_of_corner(part, corner)
                at = tuple(lower[axis] + (corner >> axis & 1) for axis in (2, 1, 0))
                if weight:
                    values[at], weights[at] = after_pixel(int(values[at]), int(weights[at]), weight, grey)
    return values, weights


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("threshold", [None, 90])
def test_every_voxel_is_that_of_integers(threshold, threads):
    settings = ReconstructionSettings(
        1.0, "linear", "mean", "igsio", threads=threads, pixel_rejection_threshold=threshold
    )
    random = np.random.default_rng(17)
    poses = []
    for turn in [np.eye(3), np.diag([-1.0, 1.0, -1.0]), *Rotation.random(5, rng=random).as_matrix()]:
        pose = np.eye(4)
        pose[:3, :3] = turn * random.choice([0.04, 0.125, 0.3, 0.6, 1.3])
        pose[:3, 3] = random.choice([0.0, 0.5, random.uniform(-3, 3)], 3)
        poses.append(pose)
    frames = [random.integers(0, 256, SIZE[::-1], dtype=np.uint8) for _ in poses]
    inserter = Inserter(region_of_sweep(poses, SIZE, settings), SIZE, np.uint8, settings)
    inserter.insert(frames, poses)
    values, weights = insert_with_integers(frames, poses, inserter, -1 if threshold is None else threshold)
    assert np.count_nonzero(weights) > 500
    np.testing.assert_array_equal(inserter.hits.reshape(inserter.shape), weights)
    np.testing.assert_array_equal(inserter.values.reshape(inserter.shape), values)


def test_cells_of_any_weight_take_pixels_anywhere():
    """Up to the heaviest weight, also where a mean lies in the middle between two grey levels."""

    @numba.njit
    def insert(values, known, parts, greys, first, end):
        return igsio_means_of_pixels(values, known[0], known[1], parts, greys, first, end)

    random = np.random.default_rng(5)
    assert [UPPER_I[3], UPPER_J[3], UPPER_K[3]] == [1, 1, 0]
    for number in range(1500):
        heaviest = (3, 300, 65535)[number % 3]
        known = random.integers(0, heaviest, 8, dtype=np.uint16, endpoint=True)
        known[random.random(8) < 0.3] = random.choice([0, 1, 256, 768, 65535])
        values = random.integers(0, 256, 8, dtype=np.uint8)
        parts = random.integers(0, ONE, (3, 9), dtype=np.int32)
        parts[random.random(parts.shape) < 0.3] = random.choice([0, 1, 100, ONE // 2, ONE - 1])
        greys = random.integers(0, 256, 9)
        first, end = sorted(random.integers(0, 10, 2).tolist())
        expected = list(zip(values.tolist(), known.tolist()))
        for pixel in range(first, end):
            for corner in range(8):
                weight = weight_of_corner(parts[:, pixel].tolist(), corner)
                expected[corner] = after_pixel(*expected[corner], weight, int(greys[pixel]))
        became, *weights = insert(
            values.view(np.uint64)[0], known.view(np.uint64), parts, greys + GREY_OFFSET, first, end
        )
        became = np.array([became], dtype=np.uint64).view(np.uint8).tolist()
        weights = np.array(weights, dtype=np.uint64).view(np.uint16).tolist()
        assert list(zip(became, weights)) == expected
