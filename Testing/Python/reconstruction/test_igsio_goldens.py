"""IGSIO's own reference volumes, voxel by voxel."""

import numpy as np
import pytest
import SimpleITK
from CRLMSegmentationLib.reconstruction import ClipRectangle, Fan, ReconstructionSettings, reconstruct

IGSIO = ReconstructionSettings(spacing_mm=0.5, definition="igsio", optimization="full")
GOLDENS = {
    "NN_MEAN": IGSIO.with_changes(fill="stick", stick_length_voxels=9, sticks_used=1),
    "LN_MAXIMUM": IGSIO.with_changes(interpolation="linear", compounding="maximum"),
    "NN_LATEST_fan": IGSIO.with_changes(
        compounding="latest",
        clip_rectangle=ClipRectangle(192, 16, 420, 580),
        fan=Fan(origin_px=(380, 20), angles_deg=(-45, 45), radius_start_px=120, radius_stop_px=360),
    ),
}


@pytest.mark.parametrize("name", GOLDENS)
@pytest.mark.parametrize("threads", [1, 3])
def test_every_voxel_is_the_same_as_igsios(shared_data, spine_sweep, name, threads):
    reference = SimpleITK.ReadImage(str(shared_data / f"SpinePhantom_{name}_reference.mha"))
    made = reconstruct(spine_sweep, GOLDENS[name].with_changes(threads=threads))
    expected = SimpleITK.GetArrayFromImage(reference)
    assert made.volume.voxels.shape == expected.shape
    assert np.count_nonzero(made.volume.voxels != expected) == 0
    np.testing.assert_allclose(made.volume.origin_ras, reference.GetOrigin(), atol=1e-3)
    np.testing.assert_allclose(made.volume.spacing_mm, reference.GetSpacing())


def test_the_exact_volume_is_close_but_not_the_same(spine_sweep):
    """IGSIO's truncated running mean is darker by a few grey levels; the true mean is not."""
    igsio = reconstruct(spine_sweep, IGSIO)
    exact = reconstruct(spine_sweep, IGSIO.with_changes(definition="exact"))
    both = (igsio.seen.voxels != 0) & (exact.seen.voxels != 0)
    difference = exact.volume.voxels[both].astype(float) - igsio.volume.voxels[both]
    assert 1 < difference.mean() < 6
