"""Disturbances of known amount: boxes, poses and frames."""

from dataclasses import replace

import numpy as np
import pytest
from CRLMSegmentationLib.study.cases.dataset import Case
from CRLMSegmentationLib.study.cases.disturbances import (
    Disturbances,
    disturbed,
)
from CRLMSegmentationLib.study.cases.disturbed_sweeps import with_frames_dropped, with_tracking_noise
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame
from CRLMSegmentationLib.values import Box, Volume


@pytest.fixture(scope="module")
def sweep():
    frames = []
    for number in range(60):
        pose = np.diag([0.5, 0.5, 0.5, 1.0])
        pose[2, 3] = number * 0.5
        frames.append(TrackedFrame(np.full((40, 50), 80, np.uint8), pose, number / 10))
    frames[7] = replace(frames[7], image_to_reference=None, valid=False)
    return Sweep(frames, name="plain")


@pytest.fixture(scope="module")
def case():
    tumor = np.zeros((60, 40, 50), np.uint8)
    tumor[20:40, 10:30, 15:35] = 1
    grid = np.diag([0.5, 0.5, 0.5, 1.0])
    return Case("plain", Volume(np.full(tumor.shape, 80, np.uint8), grid), Volume(tumor, grid))


def test_poses_stray_by_as_much_as_was_asked_for(sweep):
    noisy = with_tracking_noise(sweep, 2.0, np.random.default_rng(0))
    middle = np.array([24.5, 19.5, 0, 1])
    apart = [
        (after.image_to_reference - before.image_to_reference) @ middle
        for before, after in zip(sweep.frames, noisy.frames) if before.valid
    ]  # fmt: skip
    assert np.array(apart)[:, :3].std() == pytest.approx(2.0, rel=0.15)
    assert noisy.frames[7].image_to_reference is None and len(noisy) == len(sweep)


def test_frames_are_dropped_but_not_the_first_and_the_last(sweep):
    half = with_frames_dropped(sweep, 0.5, np.random.default_rng(0))
    assert len(half) == 30
    times = [frame.timestamp for frame in half.frames]
    assert times == sorted(times) and times[0] == 0 and times[-1] == sweep.frames[-1].timestamp


def test_every_disturbance_is_made_by_its_amount(case, sweep):
    settings = Disturbances((5.0,), (1.5,), (1.0,), (0.25,), repeats=2)
    found = list(disturbed(case, sweep, settings, np.random.default_rng(2), 0.5))
    tight = Box.around_mask(case.tumor)
    assert [one.kind for one in found] == ["shift_mm", "shift_mm", "scale", "tracking_mm", "dropped"]
    for one in found[:2]:
        assert np.linalg.norm(one.box.center_ras - tight.center_ras) == pytest.approx(5.0)
    assert np.linalg.norm(found[0].box.center_ras - found[1].box.center_ras) > 0.5
    assert found[2].box.size_mm == pytest.approx(tight.size_mm * 1.5)
    for one in found[3:]:
        assert one.truth.has_geometry_of(one.volume)
        truth_mm3 = case.tumor.voxels.sum() * case.tumor.voxel_volume_mm3
        assert one.truth.voxels.sum() * one.truth.voxel_volume_mm3 == pytest.approx(truth_mm3, rel=0.1)


def test_a_case_without_a_recording_has_boxes_only(case):
    settings = Disturbances((5.0,), (1.5,), (1.0,), (0.25,), repeats=1)
    assert {one.kind for one in disturbed(case, None, settings, np.random.default_rng(2), 0.5)} == {"shift_mm", "scale"}
