"""Surgical clips in a simulated CT: streaks as beam hardening, starvation and motion make them, and nothing without
metal.
"""

from dataclasses import replace

import numpy as np
import pytest
from CRLMSegmentationLib.simulation.ct import CtSettings, scan
from CRLMSegmentationLib.simulation.ct.metal import streaks
from CRLMSegmentationLib.simulation.patient import LABELS

SETTINGS = CtSettings("portal", 5.0, noise_hu=0.0, pixels=96)


def body(size=128, pixel_mm=2.5):
    """A disc of water of 280 mm in air."""
    axis = (np.arange(size) - (size - 1) / 2) * pixel_mm
    return np.where(axis[:, None] ** 2 + axis**2 < 140**2, 0.0, -1000.0).astype(np.float32), pixel_mm


def with_metal(*pixels, size=128):
    metal = np.zeros((3, size, size), dtype=np.float32)
    for j, i in pixels:
        metal[:, j, i] = 1.0
    return metal


def test_two_clips_darken_what_lies_between_them():
    """The classic sign of hardening: rays through both are hardened most."""
    water, pixel = body()
    clips = [(64 + d, i) for d in (-1, 0, 1) for i in (45, 46, 80, 81)]
    added = np.mean([streaks(np.random.default_rng(n), water, with_metal(*clips), pixel) for n in range(12)], axis=0)
    between, beside = added[64, 52:74].mean(), added[94:104, 52:74].mean()
    assert between < -10 and abs(beside) < 0.2 * abs(between)


def test_streaks_fade_away_from_the_clip_and_follow_its_rays():
    water, pixel = body()
    added = streaks(np.random.default_rng(0), water, with_metal((60, 60), (60, 61), (60, 62), (61, 60)), pixel)
    j, i = np.indices(added.shape)
    away = np.hypot(j - 60, i - 61)
    near, far = (added[(away > low) & (away < high)].std() for low, high in ((4, 10), (35, 50)))
    assert near > 2 * far and far > 0.5
    assert np.abs(added[away < 2]).max() > 300
    # On average they take nothing from the picture and add nothing to it.
    assert abs(added[(away > 4) & (away < 50)].mean()) < 0.3 * near


def test_without_metal_nothing_is_added():
    water, pixel = body()
    assert not streaks(np.random.default_rng(0), water, with_metal(), pixel).any()


@pytest.fixture(scope="module")
def clipped(patient):
    center = max(patient.metastases, key=lambda one: one.equivalent_diameter_mm).center_ras
    clips = [[*(center + [x, -4, 0]), *(center + [x, 4, 1]), 2.5, 2.5] for x in (-4, 4)]
    return replace(patient, clips=np.array(clips))


def test_a_clip_in_a_patient_streaks_its_own_slices_only(patient, clipped):
    plain, _ = scan(patient, SETTINGS)
    with_clip, labels = scan(clipped, SETTINGS)
    bright, _ = scan(clipped, replace(SETTINGS, streaks=False))
    slices = np.flatnonzero((labels.voxels == LABELS["surgical clip"]).any(axis=(1, 2)))
    changed = np.flatnonzero((with_clip.voxels != plain.voxels).any(axis=(1, 2)))
    assert set(slices) <= set(changed) and len(changed) <= len(slices) + 2
    k = slices[0]
    assert with_clip.voxels[k].max() > 1500
    away = (labels.voxels[k] == LABELS["liver"]) & (np.abs(bright.voxels[k] - plain.voxels[k]) < 1)
    assert (with_clip.voxels[k] - plain.voxels[k])[away].std() > 3, "streaks reach into the liver"
    assert (bright.voxels[k] - plain.voxels[k])[away].std() == 0
