"""IGSIO's own reconstruction in Slicer: what is said where it is absent or cannot do what is asked.

Where the module is installed, the two volumes are compared as well.
"""

import numpy as np
import pytest

from CRLMSegmentationLib.errors import ReconstructionError
from CRLMSegmentationLib.reconstruction import Fan, ReconstructionSettings, reconstruct
from CRLMSegmentationLib.scene import igsio_reconstruction
from CRLMSegmentationLib.scene.igsio_reconstruction import igsio_available, igsio_reconstruct
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame

SETTINGS = ReconstructionSettings(0.5, definition="igsio", fill="stick")


@pytest.fixture
def a_sweep():
    random, frames = np.random.default_rng(0), []
    for number in range(6):
        pose = np.diag([0.4, 0.4, 0.4, 1.0])
        pose[:3, 3] = 3, 4, 0.7 * number
        frames.append(TrackedFrame(random.integers(1, 255, (30, 40), dtype=np.uint8), pose, 0.1 * number))
    return Sweep(frames)


@pytest.mark.skipif(igsio_available(), reason="the Volume Reconstruction module is installed here")
def test_where_it_is_absent_that_is_said(a_sweep):
    with pytest.raises(ReconstructionError, match="needs 3D Slicer with the extensions SlicerIGSIO and SlicerIGT"):
        igsio_reconstruct(a_sweep, SETTINGS)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"fill": "distance"}, "by distance"),
        ({"stick_length_voxels": 5}, "up to 9 voxels"),
        ({"fan": Fan((20, 0), (-30, 30))}, "neither a fan"),
    ],
)
def test_what_the_module_cannot_do_is_refused(a_sweep, monkeypatch, change, said):
    monkeypatch.setattr(igsio_reconstruction, "igsio_available", lambda: True)
    with pytest.raises(ReconstructionError, match=said):
        igsio_reconstruct(a_sweep, SETTINGS.with_changes(**change))


@pytest.mark.skipif(not igsio_available(), reason="needs 3D Slicer with SlicerIGSIO and SlicerIGT")
def test_both_agree(a_sweep):
    theirs, ours = igsio_reconstruct(a_sweep, SETTINGS), reconstruct(a_sweep, SETTINGS).volume
    assert (theirs.voxels == ours.voxels).mean() > 0.999
    np.testing.assert_allclose(theirs.ijk_to_ras, ours.ijk_to_ras)
