"""The volume that grows while frames arrive."""

import threading

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ReconstructionError
from CRLMSegmentationLib.reconstruction import LiveReconstruction, ReconstructionSettings, reconstruct
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame

SETTINGS = ReconstructionSettings(spacing_mm=0.5, threads=2)


@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
@pytest.mark.parametrize("compounding", ["latest", "maximum", "mean"])
@pytest.mark.parametrize("fill", ["none", "distance"])
def test_the_same_as_all_at_once(make_sweep, interpolation, compounding, fill):
    sweep = make_sweep(4, frames=40, step_mm=2.0)  # leaves the first region several times
    settings = SETTINGS.with_changes(
        interpolation=interpolation, compounding=compounding, fill=fill, reject_jumps=False
    )
    with LiveReconstruction(settings) as live:
        for number, frame in enumerate(sweep.frames):
            live.add(frame)
            if number % 11 == 0:  # snapshots on the way must not leave a trace
                live.wait()
                live.snapshot()
        assert live.wait(600)
        shown = live.snapshot()
    region = {"origin_mm": tuple(shown.volume.origin_ras), "dimensions": shown.volume.dimensions}
    expected = reconstruct(sweep, settings.with_changes(**region))
    assert shown.report.frames_used == tuple(range(40))
    np.testing.assert_array_equal(shown.seen.voxels, expected.seen.voxels)
    np.testing.assert_array_equal(shown.volume.voxels, expected.volume.voxels)
    assert shown.volume.voxels.any()


@pytest.mark.parametrize("fill", ["none", "distance"])
@pytest.mark.parametrize("step_mm", [(0, 0, 2), (0, 0, -2), (-2, 0, 0), (0, -2, 0), (-1.2, -1.2, -1)])
def test_nothing_is_lost_at_any_end_of_a_sweep_that_leaves_the_grid_time_and_again(step_mm, fill):
    """The voxels of all at once, in the extent that that finds by itself."""
    random, frames = np.random.default_rng(0), []
    for number in range(110):  # 220 mm
        pose = np.eye(4)
        pose[:3, 3] = np.array(step_mm) * number
        pixels = random.integers(1, 255, (12, 14)).astype(np.uint8)
        frames.append(TrackedFrame(pixels, pose, number / 30))
    settings = ReconstructionSettings(spacing_mm=1.0, fill=fill, threads=2, device="cpu")
    with LiveReconstruction(settings) as live:
        for number, frame in enumerate(frames):
            live.add(frame)
            if number % 40 == 39:
                live.wait()
                live.snapshot()
    shown, whole = live.snapshot(), reconstruct(Sweep(frames), settings)
    if isinstance(step_mm[0], int):
        first = np.rint(whole.volume.origin_ras - shown.volume.origin_ras).astype(int)
        i, j, k = (slice(start, start + size) for start, size in zip(first, whole.volume.dimensions))
        np.testing.assert_array_equal(shown.volume.voxels[k, j, i], whole.volume.voxels)
        assert np.count_nonzero(shown.seen.voxels) == np.count_nonzero(whole.seen.voxels)
    for made in (shown, whole):  # the pixels' centres lie within half a voxel of the outermost voxels' centres
        lower, upper = made.volume.origin_ras, made.volume.origin_ras + np.array(made.volume.dimensions) - 1
        ends = np.minimum(0, 109 * np.array(step_mm)), np.maximum(0, 109 * np.array(step_mm)) + (13, 11, 0)
        assert (lower <= ends[0] + 0.5).all() and (upper >= ends[1] - 0.5).all()
        assert (lower >= ends[0] - 1.5).all() and (upper <= ends[1] + 1.5).all()  # and nothing empty around it


def test_a_snapshot_does_not_change_afterwards(make_sweep):
    sweep = make_sweep(7, frames=12)
    with LiveReconstruction(SETTINGS) as live:
        for frame in sweep.frames[:6]:
            live.add(frame)
        live.wait()
        early = live.snapshot()
        kept = early.volume.voxels.copy()
        for frame in sweep.frames[6:]:
            live.add(frame)
        live.wait()
        live.snapshot()
    np.testing.assert_array_equal(early.volume.voxels, kept)


def test_adding_does_not_wait_for_a_snapshot(make_sweep):
    """While another thread holds the voxels, frames are still taken."""
    sweep = make_sweep(8, frames=6)
    live = LiveReconstruction(SETTINGS)
    live.add(sweep.frames[0])
    live.wait()
    with live._lock:
        adder = threading.Thread(target=lambda: [live.add(frame) for frame in sweep.frames[1:]])
        adder.start()
        adder.join(600)
        assert not adder.is_alive()
    live.close()
    assert live.report["frames_used"] == 6


def test_invalid_frames_and_jumps_are_listed(make_sweep):
    frames = list(make_sweep(9, frames=10).frames)
    frames[2] = frames[2].with_changes(valid=False)
    far = frames[5].image_to_reference.copy()
    far[0, 3] += 500
    frames[5] = frames[5].with_changes(image_to_reference=far)
    with LiveReconstruction(SETTINGS) as live:
        for frame in frames:
            live.add(frame)
        live.wait()
        skipped = live.report["frames_skipped"]
        size = live.snapshot().volume.dimensions
    assert [frame.number for frame in skipped] == [2, 5]
    assert "not valid" in skipped[0].reason and "jump" in skipped[1].reason
    assert max(size) < 200


def test_nothing_yet():
    with (
        LiveReconstruction(SETTINGS) as live,
        pytest.raises(ReconstructionError, match="wait for the first tracked frame"),
    ):
        live.snapshot()


def test_a_region_that_no_longer_fits_is_told_with_the_next_snapshot(make_sweep):
    with LiveReconstruction(SETTINGS.with_changes(memory_limit_bytes=100_000)) as live:
        live.add(make_sweep(1).frames[0])
        live.wait()
        with pytest.raises(ReconstructionError, match="would fit"):
            live.snapshot()


def test_what_fails_while_closing_is_told_with_the_next_snapshot(make_sweep, monkeypatch):
    frames = list(make_sweep(9, frames=6).frames)
    beside = frames[5].image_to_reference.copy()
    beside[0, 3] += 15  # held back until it is clear whether it is a jump
    frames[5] = frames[5].with_changes(image_to_reference=beside)
    live = LiveReconstruction(SETTINGS)
    for frame in frames:
        live.add(frame)
    live.wait()
    assert live.report["frames_used"] == 5

    def no_room(*_):
        raise ReconstructionError("no room")

    monkeypatch.setattr(live, "_insert", no_room)
    live.close()
    assert live.problem == "no room"
    with pytest.raises(ReconstructionError, match="no room"):
        live.snapshot()


def test_closed_is_closed(a_sweep):
    live = LiveReconstruction(SETTINGS)
    live.close()
    with pytest.raises(ReconstructionError, match="closed"):
        live.add(a_sweep.frames[0])
