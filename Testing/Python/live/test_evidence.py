"""Frames together in 3D: the mean of what they say, what was seen, and the box that follows."""

import numpy as np
import pytest
from CRLMSegmentationLib.live.box_proposal import propose_box
from CRLMSegmentationLib.live.evidence import EVIDENCE_SPACING_MM, Evidence, evidence_settings
from CRLMSegmentationLib.reconstruction import Fan, ReconstructionSettings
from CRLMSegmentationLib.sweep import TrackedFrame
from CRLMSegmentationLib.values import Volume

PIXEL_MM, SHAPE = 0.5, (80, 100)
CENTER, RADIUS_MM = np.array([25.0, 20.0, 15.0]), 8.0
LONGEST_S = 600


def frame_at(z_mm, valid=True):
    pose = np.diag([PIXEL_MM, PIXEL_MM, 1.0, 1.0])
    pose[2, 3] = z_mm
    return TrackedFrame(np.full(SHAPE, 90, np.uint8), pose, z_mm / 10, valid)


def ball_in(frame, inside=0.9, outside=0.05):
    """The probability of a ball, (v, u)."""
    v, u = np.indices(SHAPE) * PIXEL_MM
    z_mm = frame.image_to_reference[2, 3]
    away = np.linalg.norm(np.stack([u, v, np.full(SHAPE, z_mm)], axis=-1) - CENTER, axis=-1)
    return np.where(away <= RADIUS_MM, inside, outside).astype(np.float32)


def gathered(frames, probability=ball_in, settings=None):
    with Evidence(settings) as evidence:
        for frame in frames:
            assert evidence.wait(LONGEST_S)
            evidence.add(frame, probability(frame))
        assert evidence.wait(LONGEST_S)
    return evidence


def test_a_voxel_is_the_mean_of_all_that_was_said_of_it():
    said = iter([0.2, 0.9, 0.4, 0.8])
    frames = [frame_at(0.0), frame_at(0.0), frame_at(0.0), frame_at(6.0)]
    volume = gathered(frames, lambda frame: np.full(SHAPE, next(said), np.float32)).volume()
    assert volume.voxels.dtype == np.float32
    assert volume.seen.any(axis=(1, 2)).tolist() == [True, *[False] * 5, True]
    np.testing.assert_allclose(volume.voxels[0][volume.seen[0]], 0.5, atol=1 / 255)
    np.testing.assert_allclose(volume.voxels[6][volume.seen[6]], 0.8, atol=1 / 255)
    assert (volume.voxels[~volume.seen] == 0).all()


def test_frames_without_a_pose_have_no_place():
    evidence = gathered([frame_at(3.0, valid=False), frame_at(0.0)])
    assert evidence.frames_left_out == 1 and evidence.volume().dimensions[2] == 1
    assert gathered([frame_at(0.0, valid=False)]).volume() is None


def test_it_is_inserted_from_the_part_of_the_image_that_the_grey_levels_are():
    fan = Fan((50.0, -10.0), (-20.0, 20.0), 20.0, 70.0)
    grey = ReconstructionSettings(fan=fan, spacing_mm=0.5, fill="stick", compounding="latest", memory_limit_bytes=1)
    settings = evidence_settings(grey)
    assert settings.fan is fan and settings.spacing_mm == (EVIDENCE_SPACING_MM,) * 3
    assert (settings.compounding, settings.fill) == ("mean", "none") and settings.memory_limit_bytes > 1
    whole, part = gathered([frame_at(0.0)]).volume(), gathered([frame_at(0.0)], settings=settings).volume()
    assert part.seen.sum() < 0.6 * whole.seen.sum()


def test_more_memory_than_is_allowed_ends_it_with_a_sentence():
    far = [frame_at(0.0), frame_at(0.0).with_changes(image_to_reference=frame_at(4000.0).image_to_reference)]
    settings = evidence_settings().with_changes(memory_limit_bytes=40 << 20, reject_jumps=False)
    evidence = gathered(far, settings=settings)
    assert "GiB" in evidence.problem and evidence.volume() is None


@pytest.fixture(scope="module")
def swept():
    """Every 1.7 mm a frame, so that there are gaps between them."""
    return gathered([frame_at(z) for z in np.arange(0, 30.5, 1.7)]).volume()


def test_the_box_holds_the_tumor_with_its_margin(swept):
    proposal = propose_box(swept, margin_mm=6.0)
    np.testing.assert_allclose(proposal.box.center_ras, CENTER, atol=1.0)
    np.testing.assert_allclose(proposal.box.size_mm, 2 * (RADIUS_MM + 6), atol=2.0)
    assert proposal.volume_ml == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=0.2)
    assert proposal.seen_share > 0.98 and 0.75 < proposal.confidence < 0.9
    assert proposal.margin_mm == 6.0


def test_of_a_tumor_that_is_half_swept_or_faint_the_box_is_less_sure(swept):
    whole = propose_box(swept)
    half = propose_box(gathered([frame_at(z) for z in np.arange(0, 15.1, 1.5)]).volume())
    assert half.seen_share < 0.8 and half.confidence < 0.8 * whole.confidence
    faint = gathered([frame_at(z) for z in np.arange(0, 30.5, 1.5)], lambda frame: ball_in(frame, 0.6)).volume()
    assert propose_box(faint).confidence < 0.75 * whole.confidence
    assert propose_box(faint, threshold=0.7) is None


def test_of_two_the_larger_is_proposed():
    voxels = np.zeros((30, 40, 60), np.float32)
    voxels[10:20, 10:20, 10:20] = 0.8
    voxels[10:14, 10:14, 40:44] = 0.95
    volume = Volume(voxels, np.eye(4), np.ones(voxels.shape, bool))
    np.testing.assert_allclose(propose_box(volume).box.center_ras, (14.5, 14.5, 14.5))


def test_where_little_was_found_no_box_is_proposed():
    voxels = np.zeros((20, 20, 20), np.float32)
    assert propose_box(Volume(voxels, np.eye(4))) is None
    voxels[4:6, 4:6, 4:6] = 1
    assert propose_box(Volume(voxels, np.eye(4))) is None


def test_a_box_lies_along_the_axes_of_a_turned_volume():
    voxels = np.zeros((30, 30, 30), np.float32)
    voxels[8:18, 10:20, 5:25] = 0.9
    turned = np.array([[0.6, -0.8, 0, 3], [0.8, 0.6, 0, -9], [0, 0, 1, 40], [0, 0, 0, 1.0]])
    proposal = propose_box(Volume(voxels, turned), margin_mm=5)
    np.testing.assert_allclose(proposal.box.axes_ras, turned[:3, :3])
    np.testing.assert_allclose(proposal.box.center_ras, (turned @ (14.5, 14.5, 12.5, 1))[:3], atol=0.01)
    assert (proposal.box.size_mm >= np.array([20, 10, 10]) + 8).all()
