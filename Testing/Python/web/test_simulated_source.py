"""The simulator as a source of the page."""

import asyncio

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.files import read_volume
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.sweep import read_sweep
from CRLMSegmentationLib.web.actions.simulator import TRUTH, simulate


def test_a_simulated_sweep_has_its_truth_and_a_stylus_that_comes_and_goes(tmp_path):
    reported = []
    path = asyncio.run(simulate(tmp_path, 25, "hypoechoic", 20.0, lambda done, text: reported.append(done)))
    assert reported == sorted(reported) and reported[-1] == 1.0
    sweep, truth = read_sweep(path), read_volume(tmp_path / TRUTH)
    volume_ml = np.count_nonzero(truth.voxels) * truth.voxel_volume_mm3 / 1000
    assert volume_ml == pytest.approx(4 / 3 * np.pi * 1.0**3, rel=0.05)
    center = transform_points(truth.ijk_to_ras, np.argwhere(truth.voxels)[:, ::-1].mean(axis=0))
    tips = np.array([frame.transforms["StylusToReference"].matrix[:3, 3] for frame in sweep.frames])
    distances_mm = np.linalg.norm(tips - center, axis=1)
    middle = len(tips) // 2
    assert distances_mm[0] == pytest.approx(70) and distances_mm.min() < 1
    assert distances_mm.argmin() in (middle, middle + 1)
    assert np.all(np.diff(distances_mm[:middle]) < 0)
    for frame in sweep.frames[:3]:
        rotation = frame.transforms["StylusToReference"].matrix[:3, :3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)
        assert np.linalg.det(rotation) == pytest.approx(1)


def test_what_cannot_be_simulated_is_a_sentence(tmp_path):
    with pytest.raises(ConfigurationError, match="diameter is 99 mm"):
        asyncio.run(simulate(tmp_path / "case", 1, "hypoechoic", 99.0))
    assert not (tmp_path / "case").exists()
