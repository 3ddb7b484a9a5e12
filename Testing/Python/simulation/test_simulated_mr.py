"""An MR of a simulated patient: contrast, noise and bias field as asked for, labels and posture that are known."""

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.files import read_volume
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.simulation.mr import MR_FILES, MrSettings, acquire_mr, write_mr
from CRLMSegmentationLib.simulation.patient import LABELS
from CRLMSegmentationLib.simulation.patient.posture import draw_posture
from scipy import ndimage

COARSE = MrSettings(pixel_mm=3.0, thickness_mm=6.0)
COARSEST = replace(COARSE, pixel_mm=6.0, thickness_mm=10.0)


@pytest.fixture(scope="module")
def scanned(patient):
    return acquire_mr(patient, COARSE)


@pytest.fixture(scope="module")
def clean(patient):
    """The same without bias field, and all but without noise."""
    return acquire_mr(patient, replace(COARSE, bias=0.0, signal_to_noise=500))


def levels(scan, name, deep=1):
    found = scan.labels.voxels == LABELS[name]
    if deep:
        found = ndimage.binary_erosion(found, np.ones((1, 3, 3)), iterations=deep)
    return scan.mr.voxels[found].astype(float)


def test_the_liver_is_bright_and_what_is_looked_for_in_it_is_dark(scanned):
    mean = {name: levels(scanned, name, 0).mean() for name in LABELS if (scanned.labels.voxels == LABELS[name]).any()}
    for name in ("metastasis", "cyst", "portal vein", "hepatic vein", "vena cava", "muscle", "abdominal fat", "lung"):
        assert mean[name] < 0.85 * mean["liver"], name
    assert mean["cyst"] < mean["metastasis"] and mean["air"] < mean["lung"] + 20 < mean["abdominal fat"]
    assert mean["spleen"] < mean["kidney"]


def test_noise_is_rician(scanned):
    """In air it is the magnitude of two Gaussians, never 0 on average."""
    deviation = 600 / 30
    air = levels(scanned, "air", 2)
    assert air.mean() == pytest.approx(deviation * np.sqrt(np.pi / 2), rel=0.03)
    assert air.std() == pytest.approx(deviation * np.sqrt(2 - np.pi / 2), rel=0.04)


def test_the_bias_field_is_smooth_and_beside_it_there_is_the_noise_asked_for(scanned, clean):
    assert np.array_equal(scanned.labels.voxels, clean.labels.voxels)
    liver = ndimage.binary_erosion(clean.labels.voxels == LABELS["liver"], iterations=1)
    assert clean.mr.voxels[liver].mean() == pytest.approx(600, rel=0.05)
    ratio = scanned.mr.voxels[liver] / clean.mr.voxels[liver].astype(float)
    k, j, i = np.argwhere(liver).T
    terms = np.stack([np.ones(len(k)), i, j, k, i * i, j * j], axis=-1) / 100.0
    field = terms @ np.linalg.lstsq(terms, ratio, rcond=None)[0]
    assert 0.7 < field.min() < 0.95 * field.max() and field.max() < 1.3
    level = clean.mr.voxels[liver]
    assert ((ratio - field) * level)[level > 550].std() == pytest.approx(600 / 30, rel=0.07)


def test_partial_volume_lies_between_the_tissues(clean):
    inside = ndimage.binary_erosion(clean.labels.voxels == LABELS["liver"], iterations=1)
    border = (clean.labels.voxels == LABELS["liver"]) & ~inside
    between = clean.mr.voxels[border]
    assert ((between > 200) & (between < 550)).mean() > 0.2 > (levels(clean, "liver", 3) < 550).mean()


def test_labels_lie_where_the_posture_takes_the_ct(patient, scanned):
    shift = np.linalg.norm(scanned.posture.there(patient.grid_origin_ras) - patient.grid_origin_ras)
    assert 1 < shift < 60
    assert scanned.posture.rotation != pytest.approx(np.eye(3), abs=0.01)
    liver = np.argwhere(scanned.labels.voxels == LABELS["liver"])[:, ::-1]
    on_ct = scanned.posture.back(transform_points(scanned.labels.ijk_to_ras, liver))
    assert patient.shape.outside_mm(on_ct).max() < 0.1
    lesion = max(patient.metastases, key=lambda one: one.equivalent_diameter_mm)
    found = np.argwhere(scanned.labels.voxels == LABELS["metastasis"])[:, ::-1]
    places = scanned.posture.back(transform_points(scanned.labels.ijk_to_ras, found))
    near = places[np.linalg.norm(places - lesion.center_ras, axis=1) < lesion.shape.largest_radius_mm() + 1]
    assert np.linalg.norm(near.mean(axis=0) - lesion.center_ras) < 1.5


def test_the_same_patient_and_settings_give_the_same_bytes_and_dates_differ(patient, later, monkeypatch):
    once = acquire_mr(patient, COARSEST)
    monkeypatch.setattr("os.cpu_count", lambda: 5)  # on other machines there are other numbers of threads
    again, other = acquire_mr(patient, COARSEST), acquire_mr(later, COARSEST)
    assert np.array_equal(once.mr.voxels, again.mr.voxels)
    assert np.array_equal(once.labels.voxels, again.labels.voxels)
    assert not np.array_equal(once.posture.rigid, other.posture.rigid)
    # Of a later date too, the MR's posture leads from that date's own CT.
    center = other.patient.lesions[0].center_ras
    assert center == pytest.approx(other.posture.there(later.lesions[0].center_ras), abs=1e-3)
    outside = later.shape.outside_mm(later.lesions[0].center_ras[None])
    assert other.patient.shape.outside_mm(center[None]) == pytest.approx(outside, abs=1e-2)


def test_a_posture_can_be_rigid():
    rng = np.random.default_rng(0)
    posture = draw_posture(rng, [-90, 0, -80], [110, 130, 90], shift_mm=15.0, turn_deg=10.0, breathing_mm=0.0)
    points = rng.uniform(-80, 80, (50, 3))
    assert posture.there(points) == pytest.approx(transform_points(posture.rigid, points), abs=1e-9)
    assert posture.rotation @ posture.rotation.T == pytest.approx(np.eye(3), abs=1e-9)
    turn_deg = np.degrees(np.arccos((np.trace(posture.rotation) - 1) / 2))
    assert 0.5 < turn_deg <= 10.1 and np.linalg.norm(posture.there([10, 65, 5]) - [10, 65, 5]) <= 15.01


def test_an_mr_is_written_as_files_that_open_again(patient, scanned, tmp_path):
    transforms = write_mr(scanned, tmp_path)
    assert all((tmp_path / name).is_file() for name in MR_FILES)
    assert np.array_equal(read_volume(tmp_path / "mr.nrrd").voxels, scanned.mr.voxels)
    assert np.array_equal(read_volume(tmp_path / "mr_labels.nrrd").voxels, scanned.labels.voxels)
    field = SimpleITK.DisplacementFieldTransform(
        SimpleITK.ReadImage(str(tmp_path / "mr_deformation.nrrd"), SimpleITK.sitkVectorFloat64)
    )
    to_lps = np.array([-1, -1, 1])
    for lesion in patient.lesions:
        there = to_lps * field.TransformPoint((to_lps * lesion.center_ras).tolist())
        assert there == pytest.approx(scanned.posture.there(lesion.center_ras), abs=0.05)
    assert json.dumps(transforms["PatientToMr"].tolist())


@pytest.mark.parametrize("settings", [
    {"pixel_mm": 0.1}, {"thickness_mm": 0.5}, {"signal_to_noise": 1}, {"bias": 0.9}, {"turn_deg": 90}, {"shift_mm": -1},
])  # fmt: skip
def test_settings_that_are_not_offered_are_refused(settings):
    with pytest.raises(ConfigurationError, match="must be from"):
        MrSettings(**settings)
