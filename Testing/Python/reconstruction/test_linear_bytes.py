"""Linear 'latest' and 'maximum' of uint8 give what they give of the same numbers as floats, done one by one."""

from __future__ import annotations

import numpy as np
import pytest
from CRLMSegmentationLib.reconstruction.inserter import Inserter
from CRLMSegmentationLib.reconstruction.region import region_of_sweep
from CRLMSegmentationLib.reconstruction.settings import ReconstructionSettings
from scipy.spatial.transform import Rotation

SIZE = (61, 40)


@pytest.mark.parametrize("threshold", [None, 90])
@pytest.mark.parametrize("compounding", ["latest", "maximum"])
@pytest.mark.parametrize("definition", ["igsio", "exact"])
def test_bytes_give_what_floats_give(definition, compounding, threshold):
    settings = ReconstructionSettings(
        1.0, "linear", compounding, definition, threads=3, pixel_rejection_threshold=threshold
    )
    random = np.random.default_rng(11)
    poses = []
    for turn in [np.eye(3), np.diag([-1.0, 1.0, -1.0]), *Rotation.random(12, rng=random).as_matrix()]:
        pose = np.eye(4)
        pose[:3, :3] = turn * random.choice([0.04, 0.125, 0.3, 0.6, 1.3])
        pose[:3, 3] = random.choice([0.0, 0.5, random.uniform(-3, 3)], 3)
        poses.append(pose)
    # some of a frame are 0: seen, and yet nothing brighter than an empty voxel
    frames = [random.integers(0, 256, SIZE[::-1], dtype=np.uint8) * (random.random(SIZE[::-1]) > 0.2) for _ in poses]
    region = region_of_sweep(poses, SIZE, settings)
    of_bytes = Inserter(region, SIZE, np.uint8, settings)
    of_bytes.insert(frames, poses)
    of_floats = Inserter(region, SIZE, np.float32, settings)
    of_floats.insert([frame.astype(np.float32) for frame in frames], poses)
    assert (of_bytes.hits == of_floats.hits).all()
    assert (of_bytes.values == of_floats.values).all()
    if threshold is None:  # IGSIO's maximum alone tells where a pixel came near from where it left its value
        assert len(np.unique(of_bytes.hits)) == (3 if (definition, compounding) == ("igsio", "maximum") else 2)
    assert of_bytes.values.any()
