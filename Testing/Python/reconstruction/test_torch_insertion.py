"""Insertion with torch, on torch's CPU device: the same code that runs on a GPU, the same voxels as numba's."""

from functools import partial

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ReconstructionError
from CRLMSegmentationLib.reconstruction import ClipRectangle, ReconstructionSettings
from CRLMSegmentationLib.reconstruction.inserter import Inserter
from CRLMSegmentationLib.reconstruction.kernels.torch_insertion import insert_with_torch, torch_device
from CRLMSegmentationLib.reconstruction.region import region_of_sweep
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame

pytest.importorskip("torch")
SETTINGS = ReconstructionSettings(0.5, threads=2)


def both(sweep, settings, pixels_at_once=None):
    """What numba and what torch make of a sweep: (voxels, seen) each."""
    poses = [frame.image_to_reference for frame in sweep.frames]
    images = [frame.pixels for frame in sweep.frames]
    region = region_of_sweep(poses, sweep.image_size, settings)
    made = []
    with_torch = partial(insert_with_torch, device="cpu", pixels_at_once=pixels_at_once)
    for insert in (Inserter.insert, with_torch):
        inserter = Inserter(region, sweep.image_size, images[0].dtype, settings)
        insert(inserter, images, poses)
        made.append(inserter.result()[:2])
    return made


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
@pytest.mark.parametrize("compounding", ["latest", "maximum", "mean"])
@pytest.mark.parametrize(
    "change",
    [{}, {"pixel_rejection_threshold": 40.0}, {"clip_rectangle": ClipRectangle(5, 3, 20, 30)}, "a smaller region"],
)
def test_every_voxel_is_the_same(make_sweep, dtype, interpolation, compounding, change):
    sweep = make_sweep(3, frames=10, dtype=dtype, pixel_mm=0.2, step_mm=0.2)
    settings = SETTINGS.with_changes(interpolation=interpolation, compounding=compounding)
    if change == "a smaller region":
        whole = region_of_sweep([frame.image_to_reference for frame in sweep.frames], sweep.image_size, settings)
        inner = tuple(max(1, count - 6) for count in whole.dimensions)
        change = {"origin_mm": tuple(value + 1.3 for value in whole.origin_mm), "dimensions": inner}
    settings = settings.with_changes(**change)
    (voxels, seen), (torch_voxels, torch_seen) = both(sweep, settings)
    assert voxels.any() and 0 < seen.mean() <= 1
    np.testing.assert_array_equal(torch_voxels, voxels)
    np.testing.assert_array_equal(torch_seen != 0, seen != 0)


@pytest.mark.parametrize("compounding", ["latest", "maximum", "mean"])
@pytest.mark.parametrize("pixels_at_once", [1, 5000, 10**9])
def test_however_many_frames_are_inserted_together(make_sweep, compounding, pixels_at_once):
    sweep = make_sweep(4, frames=7, pixel_mm=0.2, step_mm=0.2)
    (voxels, seen), (torch_voxels, torch_seen) = both(
        sweep, SETTINGS.with_changes(compounding=compounding), pixels_at_once
    )
    assert voxels.any()
    np.testing.assert_array_equal(torch_voxels, voxels)
    np.testing.assert_array_equal(torch_seen != 0, seen != 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_probe_that_is_held_still_until_voxels_are_full(make_sweep, dtype):
    """More weight than a packed sum has room for: it is emptied on the way, between the frames that come together."""
    first = make_sweep(5, frames=1, dtype=dtype, pixel_mm=0.2).frames[0]
    sweep = Sweep([TrackedFrame(first.pixels, first.image_to_reference, 0.1 * n) for n in range(160)], name="still")
    settings = SETTINGS.with_changes(interpolation="linear", spacing_mm=(40.0,) * 3)
    (voxels, seen), (torch_voxels, torch_seen) = both(sweep, settings, 10**9)
    assert voxels.any()
    np.testing.assert_array_equal(torch_voxels, voxels)
    np.testing.assert_array_equal(torch_seen != 0, seen != 0)


def test_the_processor_is_used_when_asked_for_or_when_a_gpu_could_not_do_it():
    assert torch_device(SETTINGS.with_changes(device="cpu"), np.uint8) is None
    assert torch_device(SETTINGS.with_changes(definition="igsio", device="cuda"), np.uint8) is None
    assert torch_device(SETTINGS.with_changes(device="cuda"), np.float32) is None
    with pytest.raises(ReconstructionError, match=r"device is 'gpu'.*one of"):
        SETTINGS.with_changes(device="gpu")
