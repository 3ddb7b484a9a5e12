"""A row taken segment by segment gives the voxels that it gives pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from CRLMSegmentationLib.reconstruction.inserter import Inserter
from CRLMSegmentationLib.reconstruction.region import region_of_sweep
from CRLMSegmentationLib.reconstruction.settings import ReconstructionSettings
from scipy.spatial.transform import Rotation

SIZE = (61, 40)


def poses(seed: int) -> list[np.ndarray]:
    """Along the axes, forwards and backwards, then in all directions; 0.05 to 0.6 voxels from pixel to pixel."""
    random = np.random.default_rng(seed)
    turns = [np.eye(3), np.diag([-1.0, 1.0, -1.0]), np.eye(3)[[1, 2, 0]], np.eye(3)[[2, 0, 1]] * (1, -1, -1)]
    turns += list(Rotation.random(20, rng=random).as_matrix())
    made = []
    for turn in turns:
        pose = np.eye(4)
        pose[:3, :3] = turn * random.choice([0.05, 0.125, 0.25, 0.31, 0.6])
        pose[:3, 3] = random.choice([0.0, 0.5, random.uniform(-3, 3)], 3)
        made.append(pose)
    return made


def inserted(settings: ReconstructionSettings, dtype: type) -> tuple[Inserter, list[np.ndarray]]:
    random = np.random.default_rng(5)
    at = poses(3)
    frames = [(random.random(SIZE[::-1]) * 250).astype(dtype) for _ in at]
    inserter = Inserter(region_of_sweep(at, SIZE, settings), SIZE, dtype, settings)
    inserter.insert(frames, at)
    return inserter, at


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("compounding", ["latest", "maximum", "mean"])
@pytest.mark.parametrize("definition", ["igsio", "exact"])
def test_segments_give_what_single_pixels_give(definition, compounding, dtype):
    settings = ReconstructionSettings(1.0, "nearest", compounding, definition, threads=2)
    # a threshold that no pixel is below: every one is then looked at
    one_by_one = settings.with_changes(pixel_rejection_threshold=0)
    together, separate = inserted(settings, dtype)[0], inserted(one_by_one, dtype)[0]
    for name in ("values", "hits", "sums"):
        found, expected = getattr(together, name), getattr(separate, name)
        # a float sum depends on the order only in its last digits
        np.testing.assert_allclose(found, expected, rtol=1e-12 if found.dtype.kind == "f" else 0, err_msg=name)
    assert (together.sums if together.exact_mean else together.hits).any()


def test_every_pixel_goes_to_the_voxel_of_its_position():
    settings = ReconstructionSettings(1.0, "nearest", "mean", "exact")
    inserter, at = inserted(settings, np.uint8)
    counts = np.zeros(inserter.shape, dtype=int)
    v, u = np.mgrid[: SIZE[1], : SIZE[0]]
    on_border = np.zeros(inserter.shape, dtype=bool)
    for pose in at:
        places = np.stack([u, v, 0 * u, 0 * u + 1], axis=-1).reshape(-1, 4) @ pose.T[:, :3] - inserter.region.origin_mm
        i, j, k = np.floor(places + 0.5).astype(int).T
        near = (np.abs(places + 0.5 - np.rint(places + 0.5)) < 1e-8).any(axis=1)
        np.add.at(counts, (k, j, i), 1)
        for shift in np.ndindex(3, 3, 3):
            moved = [np.clip(n[near] + s - 1, 0, size - 1) for n, s, size in zip((k, j, i), shift, counts.shape)]
            on_border[tuple(moved)] = True
    found = (inserter.sums >> np.uint64(36)).astype(int).reshape(inserter.shape)
    assert (found == counts)[~on_border].all()
    assert found.sum() == len(at) * SIZE[0] * SIZE[1]
    assert (~on_border & (counts > 0)).sum() > 1000
