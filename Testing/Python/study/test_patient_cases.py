"""Sweeps over simulated patients as cases: one tumor each, others beside it, and seeds that nothing else has."""

import json

import numpy as np
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.study.cases import patient_cases, population
from CRLMSegmentationLib.study.cases.case_files import load_case
from CRLMSegmentationLib.study.cases.case_table import CaseRow, read_case_table
from CRLMSegmentationLib.study.cases.crop_sampling import empty_box
from CRLMSegmentationLib.study.cases.patient_cases import PatientPopulation, simulate_patient_cases
from CRLMSegmentationLib.study.study_folder import StudyFolder
from CRLMSegmentationLib.values import Box, Volume


def test_no_patient_is_in_two_parts_or_was_looked_at_before():
    parts = [patient_cases.TEST_PATIENTS, patient_cases.TRAINING_PATIENTS, patient_cases.VALIDATION_PATIENTS]
    seeds = [seed for part in parts for seed in part]
    assert len(seeds) == len(set(seeds))
    assert min(seeds) > max(*population.PHANTOM_SEEDS, 10_000)


def test_the_tumor_of_a_case_is_the_one_that_was_swept(tmp_path):
    folder = StudyFolder(tmp_path)
    here = folder.cases / "patient5"
    here.mkdir(parents=True)
    tumors = [
        {"number": 1, "echogenicity": "hypoechoic", "contrast_db": -6.4, "near_isoechoic": False},
        {"number": 3, "echogenicity": "hyperechoic", "contrast_db": 3.216, "near_isoechoic": False},
    ]
    (here / "sweep.json").write_text(json.dumps({"target": 3, "tumors": tumors}), encoding="utf-8")
    rows = simulate_patient_cases(folder, PatientPopulation(training=(), validation=(), test=(5,)))
    assert rows == read_case_table(folder.table)
    (row,) = rows
    assert (row.label, row.echogenicity, row.contrast_db, row.split) == ("3", "hyperechoic", 3.22, "test")
    assert row.mask == str(here.resolve() / "tumors.nrrd")


def test_another_tumor_beside_is_neither_the_case_nor_a_box_without_one(tmp_path):
    tumors = np.zeros((120, 120, 120), np.uint8)
    tumors[10:30, 10:30, 10:30] = 3
    tumors[:, :, 90:] = 7
    grid = np.diag([1.0, 1, 1, 1])
    write_volume(Volume(tumors, grid), tmp_path / "tumors.nrrd")
    write_volume(Volume(np.full(tumors.shape, 90, np.uint8), grid), tmp_path / "volume.nrrd")
    paths = dict(volume=str(tmp_path / "volume.nrrd"), mask=str(tmp_path / "tumors.nrrd"))
    case = load_case(CaseRow("a", "p", "test", label="3", **paths))
    assert Box.around_mask(case.tumor).size_mm.max() == 20
    assert np.array_equal(case.others.voxels > 0, tumors == 7)
    boxes = [empty_box(case, np.random.default_rng(seed)) for seed in range(8)]
    found = [box for box in boxes if box is not None]
    assert found and all(box.center_ras[0] + box.size_mm[0] / 2 < 91 for box in found)
    assert load_case(CaseRow("b", "p", "test", label="all", **paths)).others is None
