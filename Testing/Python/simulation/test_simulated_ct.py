"""The CT of a simulated patient: brightness by phase, noise and slices as they were asked for, and DICOM that others
open.
"""

import locale
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import SimpleITK
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.inference.models.catalogue import model_choices
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from CRLMSegmentationLib.preoperative.find_structures import find_structures
from CRLMSegmentationLib.simulation.ct import CtSettings, scan
from CRLMSegmentationLib.simulation.ct.dicom import write_dicom_series
from CRLMSegmentationLib.simulation.ct.tissues import brightness
from CRLMSegmentationLib.simulation.patient import LABELS
from CRLMSegmentationLib.values import Volume
from scipy import ndimage


@pytest.fixture(scope="module")
def portal(patient):
    return scan(patient, CtSettings("portal", 5.0, pixels=192))


def deep_in(labels, name, steps=2):
    return ndimage.binary_erosion(labels.voxels == LABELS[name], iterations=steps)


def mean_hu(ct, labels, name, steps=2):
    return float(ct.voxels[deep_in(labels, name, steps)].mean())


def test_tissues_are_as_bright_as_in_a_portal_venous_ct(portal):
    ct, labels = portal
    assert 100 < mean_hu(ct, labels, "liver") < 125
    assert 140 < mean_hu(ct, labels, "aorta", 1) < 165
    assert -110 < mean_hu(ct, labels, "abdominal fat") < -95
    assert mean_hu(ct, labels, "lung") < -750
    assert mean_hu(ct, labels, "bone", 1) > 200
    assert abs(ct.voxels[:, -20:, :20].mean() + 1000) < 5
    assert mean_hu(ct, labels, "kidney") > mean_hu(ct, labels, "liver") > mean_hu(ct, labels, "muscle") > 45


def test_the_shipped_model_finds_liver_and_vessels(portal):
    """In 50 mm of a CT, on the side of the liver, so that it takes seconds."""
    ct, labels = (Volume(one.voxels[24:34, 30:160, :125].copy(), one.ijk_to_ras) for one in portal)
    model = load_model(model_choices("lvt")[0].name)
    assert model.name == "ct-simulated-small" and model.card.trained_on_simulated_only
    assert sum(file.stat().st_size for file in model.folder.rglob("*") if file.is_file()) < 15_000_000
    found = find_structures(ct, LocalPredictor(model, "cpu", threads=1))
    whole = (labels.voxels >= LABELS["liver"]) & (labels.voxels <= LABELS["metastasis"])
    veins = np.isin(labels.voxels, [LABELS["portal vein"], LABELS["hepatic vein"]])
    liver, vessels = (found.mask(name).voxels > 0 for name in ("liver", "vessels"))
    assert 2 * (liver & whole).sum() > 0.95 * (liver.sum() + whole.sum())
    # Twigs of less than 3 mm are no vessels to it.
    assert veins[vessels].mean() > 0.6 and vessels.sum() > 500


def test_phases_differ_as_contrast_passes(patient):
    means = {}
    for phase in ("native", "arterial", "portal", "late"):
        ct, labels = scan(patient, CtSettings(phase, 5.0, noise_hu=0, pixels=96))
        means[phase] = {name: mean_hu(ct, labels, name, 1) for name in ("liver", "aorta")}
    assert means["native"]["liver"] < means["arterial"]["liver"] < means["late"]["liver"] < means["portal"]["liver"]
    assert means["arterial"]["aorta"] > means["portal"]["aorta"] > means["late"]["aorta"] > means["native"]["aorta"]


def test_a_patient_is_as_fatty_in_every_phase():
    """Dark before contrast, dark after it: the liver's brightness differs by as much in all patients."""
    liver, found = LABELS["liver"], []
    for seed in range(4):
        means = [brightness(np.random.default_rng(seed), phase)[liver] for phase in ("native", "portal")]
        assert 40 < means[0] < 70
        found.append(means)
    native, portal = np.transpose(found)
    assert np.ptp(native) > 3
    assert portal - native == pytest.approx(np.full(4, portal[0] - native[0]))


def test_noise_is_as_strong_as_asked_for_and_not_white(patient):
    quiet, labels = scan(patient, CtSettings("portal", 5.0, noise_hu=0, pixels=128, kernel_mm=1.5))
    noisy, _ = scan(patient, CtSettings("portal", 5.0, noise_hu=12, pixels=128, kernel_mm=1.5))
    inside = labels.voxels == LABELS["liver"]
    noise = noisy.voxels.astype(float) - quiet.voxels
    assert noise[inside].std() == pytest.approx(12, rel=0.05)
    beside = inside[:, :, 1:] & inside[:, :, :-1]
    correlation = np.corrcoef(noise[:, :, 1:][beside], noise[:, :, :-1][beside])[0, 1]
    assert 0.2 < correlation < 0.8
    below = inside[:, 1:] & inside[:, :-1]
    assert correlation > 0.15 + np.corrcoef(noise[:, 1:][below], noise[:, :-1][below])[0, 1]
    above = inside[1:] & inside[:-1]
    assert 0.3 < np.corrcoef(noise[1:][above], noise[:-1][above])[0, 1] < 0.6


def test_the_same_patient_gives_the_same_ct_with_its_clips(patient):
    center = max(patient.metastases, key=lambda one: one.equivalent_diameter_mm).center_ras
    clipped = replace(patient, clips=np.array([[*(center + [4, -4, 0]), *(center + [4, 4, 1]), 2.5, 2.5]]))
    portal, (again, labels) = (scan(clipped, CtSettings("portal", 5.0, pixels=64)) for _ in range(2))
    assert np.array_equal(again.voxels, portal[0].voxels) and np.array_equal(labels.voxels, portal[1].voxels)


def test_a_metastasis_lies_where_the_patient_has_it(patient, portal):
    ct, labels = portal
    lesion = max(patient.metastases, key=lambda one: one.equivalent_diameter_mm)
    found = np.argwhere(labels.voxels == LABELS["metastasis"])[:, ::-1]
    places = found @ np.diag(ct.spacing_mm) + ct.origin_ras
    near = places[np.linalg.norm(places - lesion.center_ras, axis=1) < lesion.shape.largest_radius_mm() + 3]
    assert np.linalg.norm(near.mean(axis=0) - lesion.center_ras) < 3
    assert len(near) * ct.voxel_volume_mm3 / 1000 == pytest.approx(lesion.shape.volume_ml(), rel=0.35)


def test_dicom_opens_with_the_same_place_and_brightness(portal, tmp_path):
    ct, _ = portal
    before = locale.setlocale(locale.LC_ALL)
    folder = write_dicom_series(ct, tmp_path / "portal", 5, "portal")
    assert locale.setlocale(locale.LC_ALL) == before, "else this process reads files and children as ASCII from now on"
    reader = SimpleITK.ImageSeriesReader()
    reader.MetaDataDictionaryArrayUpdateOn()
    names = reader.GetGDCMSeriesFileNames(str(folder))
    assert len(names) == len(ct.voxels) and len(reader.GetGDCMSeriesIDs(str(folder))) == 1
    reader.SetFileNames(names)
    image = reader.Execute()
    assert image.GetSpacing() == pytest.approx(tuple(ct.spacing_mm), abs=1e-3)
    for ijk in ((20, 30, 4), (100, 90, 20)):
        ras = ct.ijk_to_ras @ [*ijk, 1]
        index = image.TransformPhysicalPointToIndex((-ras[0], -ras[1], ras[2]))
        assert image[index] == ct.voxels[ijk[2], ijk[1], ijk[0]]
    assert "imulated" in reader.GetMetaData(0, "0010|0010") and reader.GetMetaData(0, "0028|1052").strip() == "-1024"


@pytest.mark.parametrize("settings", [
    {"phase": "venous"}, {"thickness_mm": 0.2}, {"thickness_mm": 7}, {"noise_hu": -1}, {"pixels": 4},
])  # fmt: skip
def test_settings_that_no_scanner_has_are_refused(settings):
    with pytest.raises(ConfigurationError):
        CtSettings(**settings)


def test_the_command_writes_a_patient_with_its_ct(patient, tmp_path, monkeypatch):
    from CRLMSegmentationLib import cli

    # The patient of that seed is drawn already.
    monkeypatch.setattr("CRLMSegmentationLib.simulation.patient_folder.draw_patient", {3: patient}.__getitem__)
    small = partial(CtSettings, pixels=48)
    monkeypatch.setattr("CRLMSegmentationLib.simulation.ct.CtSettings", small)
    arguments = ["simulate", "--patient", "3", "--phases", "portal", "--slice-mm", "5", "-o", str(tmp_path / "p")]
    assert cli.main(arguments) == 0
    assert {"0001.dcm", "0010.dcm"} <= {path.name for path in (tmp_path / "p" / "ct" / "portal").iterdir()}
    for name in ("labels.nrrd", "curves.json", "surfaces/portal.vtp", "ct/portal.nrrd", "ct/labels.nrrd"):
        assert (tmp_path / "p" / name).stat().st_size > 0, name
    for name in ("posture.nrrd", "mr.nrrd", "sweep.igs.mha", "landmarks.json", "camera"):  # nobody asked for these
        assert not (tmp_path / "p" / name).exists()
    assert cli.main(["simulate", "--seed", "5", "--phases", "portal", "-o", str(tmp_path / "q")]) != 0
    assert not (tmp_path / "q").exists()
