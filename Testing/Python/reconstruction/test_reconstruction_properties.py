"""What must hold for any sweep."""

import numpy as np
import pytest
from CRLMSegmentationLib.reconstruction import ReconstructionSettings, reconstruct
from CRLMSegmentationLib.sweep import Sweep
from hypothesis import given
from hypothesis import settings as run_settings
from hypothesis import strategies as st

FEW = run_settings(max_examples=12, deadline=None)
EXACT = ReconstructionSettings(spacing_mm=0.5, definition="exact", threads=2, measure_holes=False)
seeds = st.integers(0, 10_000)
interpolations = st.sampled_from(["nearest", "linear"])


@FEW
@given(
    seed=seeds,
    interpolation=interpolations,
    compounding=st.sampled_from(["maximum", "mean"]),
    dtype=st.sampled_from([np.uint8, np.uint16]),
)
def test_the_order_of_frames_does_not_matter(make_sweep, seed, interpolation, compounding, dtype):
    sweep = make_sweep(seed, dtype=dtype)
    settings = EXACT.with_changes(interpolation=interpolation, compounding=compounding)
    shuffled = [sweep.frames[n] for n in np.random.default_rng(seed).permutation(len(sweep))]
    np.testing.assert_array_equal(
        reconstruct(sweep, settings).volume.voxels, reconstruct(Sweep(shuffled), settings).volume.voxels
    )


@FEW
@given(seed=seeds, interpolation=interpolations)
def test_a_frame_twice_does_not_change_the_maximum(make_sweep, seed, interpolation):
    sweep = make_sweep(seed)
    settings = EXACT.with_changes(interpolation=interpolation, compounding="maximum")
    twice = Sweep([*sweep.frames, sweep.frames[seed % len(sweep)]])
    np.testing.assert_array_equal(
        reconstruct(sweep, settings).volume.voxels, reconstruct(twice, settings).volume.voxels
    )


@FEW
@given(seed=seeds, interpolation=interpolations)
def test_every_frame_twice_does_not_change_the_exact_mean(make_sweep, seed, interpolation):
    sweep = make_sweep(seed)
    settings = EXACT.with_changes(interpolation=interpolation, compounding="mean")
    twice = Sweep([frame for frame in sweep.frames for _ in range(2)])
    np.testing.assert_array_equal(
        reconstruct(sweep, settings).volume.voxels, reconstruct(twice, settings).volume.voxels
    )


@FEW
@given(
    seed=seeds,
    interpolation=interpolations,
    compounding=st.sampled_from(["latest", "maximum", "mean"]),
    definition=st.sampled_from(["exact", "igsio"]),
    threads=st.integers(2, 6),
    fill=st.sampled_from(["none", "stick", "distance"]),
)
def test_the_number_of_threads_does_not_matter(make_sweep, seed, interpolation, compounding, definition, threads, fill):
    sweep = make_sweep(seed)
    settings = EXACT.with_changes(
        interpolation=interpolation, compounding=compounding, definition=definition, fill=fill
    )
    one = reconstruct(sweep, settings.with_changes(threads=1))
    many = reconstruct(sweep, settings.with_changes(threads=threads))
    np.testing.assert_array_equal(one.volume.voxels, many.volume.voxels)
    np.testing.assert_array_equal(one.seen.voxels, many.seen.voxels)


@FEW
@given(seed=seeds, shift=st.tuples(*[st.floats(-200, 200)] * 3))
def test_moving_all_poses_moves_the_volume_and_nothing_else(make_sweep, seed, shift):
    """By whole multiples of 2^-10 mm, so that the sums stay exact and no rounding differs."""
    shift = np.round(np.array(shift) * 1024) / 1024
    sweep = make_sweep(seed)
    motion = np.eye(4)
    motion[:3, 3] = shift

    def rounded(frame, motion):
        pose = frame.image_to_reference.copy()
        pose[:3] = np.round(pose[:3] * 2**20) / 2**20
        return frame.with_changes(image_to_reference=motion @ pose)

    still = reconstruct(Sweep([rounded(frame, np.eye(4)) for frame in sweep.frames]), EXACT)
    moved = reconstruct(Sweep([rounded(frame, motion) for frame in sweep.frames]), EXACT)
    np.testing.assert_array_equal(still.volume.voxels, moved.volume.voxels)
    np.testing.assert_allclose(moved.volume.ijk_to_ras, motion @ still.volume.ijk_to_ras, atol=1e-9)


@pytest.mark.parametrize("quarter_turn", [(np.pi / 2, 0, 0), (0, np.pi / 2, 0), (0, 0, np.pi / 2)])
def test_turning_all_poses_turns_the_volume_and_nothing_else(make_sweep, make_rotation, quarter_turn):
    """By quarter turns, after which the grid still lies along Reference's axes."""
    sweep = make_sweep(3)
    motion = np.eye(4)
    motion[:3, :3] = np.round(make_rotation(quarter_turn))
    turned = Sweep([f.with_changes(image_to_reference=motion @ f.image_to_reference) for f in sweep.frames])
    # a region both agree on: a cube of an odd number of voxels around a centre that is turned with it
    center = np.array([8.0, 8.0, 2.0])
    half = 40
    for settings in (EXACT.with_changes(compounding="maximum"), EXACT.with_changes(compounding="mean")):
        still, moved = (
            reconstruct(
                s, settings.with_changes(origin_mm=tuple(c - half * 0.5), dimensions=(2 * half + 1,) * 3)
            ).volume
            for s, c in ((sweep, center), (turned, motion[:3, :3] @ center))
        )
        index = np.argwhere(still.voxels)[:, ::-1]
        there = np.round((index - half) @ motion[:3, :3].T + half).astype(int)
        np.testing.assert_array_equal(still.voxels[tuple(index.T[::-1])], moved.voxels[tuple(there.T[::-1])])
        assert np.count_nonzero(still.voxels) == np.count_nonzero(moved.voxels) > 1000


@FEW
@given(seed=seeds)
def test_the_exact_mean_is_the_mean(make_sweep, seed):
    """Against a plain sum over all pixels."""
    sweep = make_sweep(seed)
    made = reconstruct(sweep, EXACT)
    sums, counts = np.zeros(made.volume.voxels.shape), np.zeros(made.volume.voxels.shape)
    v, u = np.indices(sweep.frames[0].pixels.shape)
    pixels = np.stack([u.ravel(), v.ravel(), np.zeros(u.size), np.ones(u.size)])
    for frame in sweep.frames:
        index = np.floor((made.volume.ras_to_ijk @ frame.image_to_reference @ pixels)[:3] + 0.5).astype(int)
        inside = ((index >= 0) & (index < np.array(made.volume.dimensions)[:, None])).all(axis=0)
        np.add.at(sums, tuple(index[::-1, inside]), frame.pixels.ravel()[inside])
        np.add.at(counts, tuple(index[::-1, inside]), 1)
    expected = np.floor(sums / np.maximum(counts, 1) + 0.5)
    assert (made.volume.voxels != expected).mean() < 1e-4  # a pixel on the border of two voxels may go either way
    assert np.count_nonzero((made.seen.voxels != 0) != (counts != 0)) < 10
