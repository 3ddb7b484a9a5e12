"""Poses that shake are evened out over time; what a hand does is not."""

import numpy as np
import pytest
from CRLMSegmentationLib.reconstruction import ReconstructionSettings, reconstruct
from CRLMSegmentationLib.session.recordings.live_volume import LiveVolume
from CRLMSegmentationLib.study.cases.disturbed_sweeps import with_tracking_noise
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame
from CRLMSegmentationLib.sweep.steadying import jitter_mm, shaking_mm, steadied
from scipy.spatial.transform import Rotation

SIZE, RATE = (120, 100), 15.0


def hand_held(frames=90, rate=RATE, step_mm=0.7, turn_deg=8.0) -> Sweep:
    """A sweep that speeds up, slows down and turns, over a picture of blocks that lie still in space."""
    made = []
    for number in range(frames):
        t = number / rate
        pose = np.eye(4)
        angles = [turn_deg * np.sin(0.9 * t), turn_deg * np.sin(0.5 * t + 1), 3 * t]
        turn = Rotation.from_euler("xyz", angles, degrees=True)
        pose[:3, :3] = turn.as_matrix() * [0.4, 0.5, 1.0]
        pose[:3, 3] = [3 * np.sin(0.7 * t), 2 * np.cos(0.8 * t), step_mm * number + 4 * np.sin(1.1 * t)]
        v, u = np.indices((SIZE[1], SIZE[0]))
        places = np.stack([u, v, 0 * u], axis=-1) @ pose[:3, :3].T + pose[:3, 3]
        blocks = np.floor(places / 8).astype(int).sum(axis=-1) % 2
        made.append(TrackedFrame((60 + 120 * blocks).astype(np.uint8), pose, 100 + t))
    return Sweep(made, name="a hand")


def poses_of(sweep):
    return [frame.image_to_reference for frame in sweep.frames]


def corners_off_mm(poses, true) -> float:
    corners = np.array([(u, v, 0, 1) for u in (0, SIZE[0] - 1) for v in (0, SIZE[1] - 1)]).T
    off = [(one @ corners - other @ corners)[:3] for one, other in zip(poses, true)]
    return float(np.sqrt((np.array(off) ** 2).mean()))


def _shook(made):
    return [note for note in made.report.notes if "shook" in note]


def even(sweep, most_mm=0.5):
    return steadied(poses_of(sweep), [frame.timestamp for frame in sweep.frames], SIZE, most_mm)


@pytest.mark.parametrize("sd_mm", [0.7, 1.0, 2.0, 4.0])
def test_shaking_is_measured_and_mostly_taken_off(sd_mm):
    still = hand_held()
    shaken = with_tracking_noise(still, sd_mm, np.random.default_rng(3))
    steady = even(shaken)
    assert steady.jitter_mm == pytest.approx(sd_mm, rel=0.25)
    before, after = (corners_off_mm(poses, poses_of(still)) for poses in (poses_of(shaken), steady.poses))
    assert after < 0.62 * before and after < 1.2
    for pose, was in zip(steady.poses, poses_of(still)):
        np.testing.assert_allclose(np.linalg.norm(pose[:3, :3], axis=0), np.linalg.norm(was[:3, :3], axis=0), rtol=1e-9)


def test_a_steady_sweep_keeps_its_poses_to_the_bit():
    sweep = with_tracking_noise(hand_held(), 0.2, np.random.default_rng(4))
    steady = even(sweep)
    assert steady.width_s == 0 and all(pose is was for pose, was in zip(steady.poses, poses_of(sweep)))


@pytest.mark.parametrize("rate", [3.0, 5.0, 8.0])
def test_a_quick_hand_is_no_shaking(rate):
    sweep = hand_held(frames=40, rate=rate, step_mm=4.0, turn_deg=25.0)
    assert shaking_mm(poses_of(sweep), SIZE) == 0 and even(sweep).width_s == 0


def test_what_shakes_and_moves_quickly_loses_none_of_its_way():
    still = hand_held(frames=60, rate=6.0, step_mm=3.0, turn_deg=20.0)
    shaken = with_tracking_noise(still, 2.0, np.random.default_rng(5))
    assert corners_off_mm(even(shaken).poses, poses_of(still)) <= corners_off_mm(poses_of(shaken), poses_of(still))


def test_frames_that_never_arrived_and_clocks_that_stand_still():
    still = hand_held()
    shaken = with_tracking_noise(still, 2.0, np.random.default_rng(6))
    kept = [number for number in range(90) if number % 7 not in (2, 3)]
    times = [shaken.frames[number].timestamp for number in kept]
    poses, true = ([poses_of(sweep)[number] for number in kept] for sweep in (shaken, still))
    for given in (times, [0.0] * len(kept), [np.nan] * len(kept)):
        assert corners_off_mm(steadied(poses, given, SIZE, 0.5).poses, true) < 0.6 * corners_off_mm(poses, true)


def test_few_frames_say_nothing():
    sweep = with_tracking_noise(hand_held(frames=8), 3.0, np.random.default_rng(7))
    assert even(sweep).width_s == 0 and jitter_mm(np.zeros((0, 4, 3))) == 0


def test_a_volume_of_a_shaken_sweep_is_told_of_and_nearer_to_the_truth():
    still = hand_held()
    shaken = with_tracking_noise(still, 2.0, np.random.default_rng(8))
    settings = ReconstructionSettings(spacing_mm=1.0, fill="distance", threads=1, reject_jumps=False)
    true = reconstruct(still, settings)
    assert not true.report.notes
    region = {"origin_mm": tuple(true.volume.ijk_to_ras[:3, 3]), "dimensions": true.volume.voxels.shape[::-1]}
    settings = settings.with_changes(**region)
    made, as_it_was = (reconstruct(shaken, settings.with_changes(most_jitter_mm=most)) for most in (0.5, np.inf))
    [note] = _shook(made)
    assert "shook by 2." in note or "shook by 1.9" in note
    assert not _shook(as_it_was)
    seen = true.seen.voxels > 0

    def off(one):
        return np.abs(one.volume.voxels[seen].astype(float) - true.volume.voxels[seen]).mean()

    assert off(made) < 0.7 * off(as_it_was)
    igsio = settings.with_changes(definition="igsio", fill="none")
    assert not _shook(reconstruct(shaken, igsio)), "IGSIO's volume is of the poses as they are"


def test_the_volume_that_grew_while_it_was_swept_is_made_anew_of_a_shaken_sweep():
    settings = ReconstructionSettings(spacing_mm=1.0, fill="distance", threads=1, reject_jumps=False)
    for sd_mm, is_told in ((0.1, False), (2.0, True)):
        sweep = with_tracking_noise(hand_held(frames=40), sd_mm, np.random.default_rng(9))
        live = LiveVolume(settings, lambda made: None)
        for frame in sweep.frames:
            live.engine.add(frame)
        made = live.finish(sweep)
        live.close()
        assert bool(_shook(made)) == is_told
        if is_told:
            np.testing.assert_array_equal(made.volume.voxels, reconstruct(sweep, settings).volume.voxels)
