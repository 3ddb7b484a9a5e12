"""However many pixels meet in a voxel, its grey level is their mean."""

import numpy as np
import pytest
from CRLMSegmentationLib.reconstruction import LiveReconstruction, ReconstructionSettings, reconstruct
from CRLMSegmentationLib.reconstruction.inserter import Inserter
from CRLMSegmentationLib.reconstruction.kernels.finishing import finish_packed_mean
from CRLMSegmentationLib.reconstruction.kernels.nearest import BYTES, SUM_BITS, WORDS
from CRLMSegmentationLib.reconstruction.kernels.torch_insertion import insert_with_torch
from CRLMSegmentationLib.reconstruction.region import Region
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame

# In one voxel: 2^28 / 2^10 pixels of uint8 and 2^24 / 2^8 of uint16 with linear interpolation, 2^24 of uint16 else.


def held_still(greys, dtype, size, pixel_mm=1e-4, place=(0.0, 0.0, 0.0)) -> list[TrackedFrame]:
    """Frames of one grey level each, all of whose pixels lie in the middle of one voxel of 1 mm."""
    pose = np.diag([pixel_mm, pixel_mm, 1.0, 1.0])
    pose[:3, 3] = place
    return [TrackedFrame(np.full(size, grey, dtype), pose, number / 30) for number, grey in enumerate(greys)]


@pytest.mark.parametrize(
    "dtype, interpolation, size, greys",
    [
        (np.uint8, "linear", (200, 200), [250] * 9 + [10] * 4),
        (np.uint16, "linear", (200, 200), [65535] * 3 + [1000] * 2),
        (np.uint16, "nearest", (1500, 1500), [65535] * 9 + [3] * 3),
        (np.uint8, "linear", (700, 700), [90, 200]),  # one frame alone is more than a voxel holds
    ],
)
@pytest.mark.parametrize("how", ["numba", "torch", "live"])
def test_a_probe_that_is_held_still_gives_the_mean_of_all_its_frames(dtype, interpolation, size, greys, how):
    settings = ReconstructionSettings(
        1.0, interpolation=interpolation, threads=2, device="cpu", reject_jumps=False, measure_holes=False,
        origin_mm=(0.0, 0.0, 0.0), dimensions=(2, 2, 2),
    )  # fmt: skip
    frames = held_still(greys, dtype, size)
    if how == "numba":
        values = reconstruct(Sweep(frames), settings).volume.voxels
    elif how == "live":
        with LiveReconstruction(settings) as live:
            for number, frame in enumerate(frames):
                live.add(frame)
                if number == len(frames) // 2:
                    live.wait()
                    live.snapshot()
        values = live.snapshot().volume.voxels
    else:
        inserter = Inserter(Region((0, 0, 0), (1, 1, 1), (2, 2, 2)), size[::-1], dtype, settings)
        insert_with_torch(
            inserter, [frame.pixels for frame in frames], [frame.image_to_reference for frame in frames], "cpu"
        )
        values = inserter.result()[0]
    # linear: the far pixels of the frame reach the neighbours as well, with the same mean
    assert abs(float(values[0, 0, 0]) - np.mean(greys)) <= 0.5 + 1e-3 * (interpolation == "linear")


def test_what_was_emptied_moves_with_a_volume_that_grows():
    settings = ReconstructionSettings(
        1.0, interpolation="linear", threads=1, device="cpu", reject_jumps=False, measure_holes=False
    )
    inserter = Inserter(Region((0, 0, 0), (1, 1, 1), (3, 2, 2)), (600, 500), np.uint8, settings)
    still, elsewhere = (
        held_still([240, 60], np.uint8, (500, 600)),
        held_still([7], np.uint8, (500, 600), 1e-4, (2, 1, 0)),
    )
    poses = [frame.image_to_reference for frame in still]
    inserter.insert([frame.pixels for frame in still], poses)
    inserter.grow((2, 3, 1), (1, 0, 0))
    inserter.insert([still[1].pixels, elsewhere[0].pixels], [poses[1], elsewhere[0].image_to_reference])
    values, seen, _ = inserter.result()
    assert values[1, 3, 2] == 120 and values[1, 4, 4] == 7 and seen[1, 3, 2] == 1
    assert np.count_nonzero(values) == np.count_nonzero(seen)


def test_a_sweep_as_usual_is_one_part_a_frame_and_never_empties_anything(monkeypatch):
    from CRLMSegmentationLib.reconstruction.kernels.packed_sums import PackedSums

    monkeypatch.setattr(PackedSums, "_empty", lambda *_: pytest.fail("emptied"))
    random, frames = np.random.default_rng(0), []
    for number in range(60):
        pose = np.diag([0.1, 0.1, 1.0, 1.0])
        pose[2, 3] = 0.2 * number
        frames.append(TrackedFrame(random.integers(0, 256, (60, 80), dtype=np.uint8), pose, number / 30))
    settings = ReconstructionSettings(0.5, interpolation="linear", threads=2, device="cpu", measure_holes=False)
    assert reconstruct(Sweep(frames), settings).volume.voxels.any()


@pytest.mark.parametrize("kind, greatest", [(BYTES, 255), (WORDS, 65535)])
def test_means_are_those_of_integers_up_to_the_last_weight(kind, greatest):
    random = np.random.default_rng(1)
    bits = SUM_BITS[kind]
    weights = np.concatenate([[0, 1, 2, 3, (1 << (64 - bits)) - 1], random.integers(1, 1 << (64 - bits), 300)])
    greys = random.integers(0, greatest, weights.size)
    # as near to the border between two grey levels as a sum of integers comes
    borders = (2 * greys + 1) * weights // 2
    for sums in (greys * weights, greatest * weights, borders, np.maximum(borders - 1, 0)):
        sums = np.where(weights == 0, 0, sums)
        packed = (weights.astype(np.uint64) << np.uint64(bits)) | sums.astype(np.uint64)
        values, seen = np.zeros(weights.size, (np.uint8, np.uint16)[kind]), np.zeros(weights.size, np.uint8)
        finish_packed_mean(packed, np.uint64(bits), values, seen, 0, weights.size)
        assert seen.tolist() == (weights > 0).tolist()
        expected = [(s + (w >> 1)) // w if w else 0 for s, w in zip(sums.tolist(), weights.tolist())]
        assert values.tolist() == expected
