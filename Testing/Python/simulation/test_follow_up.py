"""The same patient at a later date: what happened to each lesion, and how the patient lies on the table."""

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.simulation.ct.dicom import date_after
from CRLMSegmentationLib.simulation.patient import LABELS, at_date, draw_operation, patient_labels, write_patient
from CRLMSegmentationLib.simulation.patient.checks import faults_of
from CRLMSegmentationLib.simulation.patient.follow_up import Course, next_diameter_mm
from CRLMSegmentationLib.simulation.patient.patient import room_in_liver
from CRLMSegmentationLib.simulation.ultrasound.patient_sweep import tumors_in_reference


@pytest.fixture(scope="module")
def courses(patient):
    """How it went in twenty patients of the same liver: (before, after) of each of three dates."""
    room = room_in_liver(patient.grid_origin_ras, patient.outside_mm, patient.vessels)
    steps = []
    for seed in range(100, 120):
        course = Course(replace(patient, seed=seed), room)
        for date in (1, 2, 3):
            before = {lesion.identity: lesion for lesion in course.lesions}
            course.go_on(date)
            steps.append((before, {lesion.identity: lesion for lesion in course.lesions}, list(course.vanished), room))
    return steps


def doubling_days(diameter_mm):
    """Of two thousand metastases of that size that nothing holds up."""
    draws = np.random.default_rng(0).standard_normal((2000, 2))
    after = np.array([next_diameter_mm(diameter_mm, 77, "progression", draw, np.zeros(2)) for draw in draws])
    return 77 * np.log(2) / (3 * np.log(after / diameter_mm))


def test_metastases_double_in_the_published_time():
    """Finlay 1988: 155 (standard error 34) days of those that are seen, 86 (12) days of smaller ones, on average."""
    assert doubling_days(20.0).mean() == pytest.approx(155, abs=17)
    assert doubling_days(7.0).mean() == pytest.approx(86, abs=6)


def test_some_grow_some_shrink_some_vanish_and_new_ones_come(courses):
    grown = shrunk = new = 0
    for before, after, _, _ in courses:
        for identity, lesion in after.items():
            if identity not in before:
                new += 1
                assert 3 <= lesion.equivalent_diameter_mm <= 10.01
                continue
            assert (lesion.kind, lesion.first_date) == (before[identity].kind, before[identity].first_date)
            change = lesion.equivalent_diameter_mm - before[identity].equivalent_diameter_mm
            if lesion.kind != "metastasis":
                assert change == 0
            grown, shrunk = grown + (change > 0.2), shrunk + (change < -0.2)
    assert min(grown, shrunk, new) > 10
    how = [one.how for _, _, vanished, _ in courses[2::3] for one in vanished]
    assert how.count("regressed") > 3 and how.count("resected") > 3


def test_lesions_stay_in_the_liver_and_apart_and_one_metastasis_stays(courses):
    for _, after, vanished, room in courses:
        lesions = list(after.values())
        assert 1 <= sum(one.kind == "metastasis" for one in lesions) <= 8
        assert not set(after) & {one.identity for one in vanished}
        for number, lesion in enumerate(lesions):
            assert room.depth_at(lesion.center_ras) > 0 and lesion.equivalent_diameter_mm < 60.5
            for other in lesions[number + 1 :]:
                reach = lesion.shape.largest_radius_mm() + other.shape.largest_radius_mm()
                assert np.linalg.norm(lesion.center_ras - other.center_ras) > reach


def test_a_resected_metastasis_leaves_clips_where_it_was(patient):
    room = room_in_liver(patient.grid_origin_ras, patient.outside_mm, patient.vessels)
    for seed in range(100, 140):
        course = Course(replace(patient, seed=seed), room)
        course.go_on(1)
        resected = [one for one in course.vanished if one.how == "resected"]
        assert (len(course.clips) > 0) == bool(resected)
        if resected:
            middle = (course.clips[:, :3] + course.clips[:, 3:6]) / 2
            radius = next(one for one in patient.lesions if one.identity == resected[0].identity).shape
            assert np.linalg.norm(middle - resected[0].center_ras, axis=1).max() < 1.5 * radius.largest_radius_mm() + 4
            return
    raise AssertionError("nobody was operated on")


def test_the_first_date_is_the_patient_as_ever(patient):
    assert at_date(patient, 0) is patient
    with pytest.raises(ConfigurationError, match="from 0"):
        at_date(patient, 21)
    with pytest.raises(ConfigurationError, match="already"):
        at_date(replace(patient, date=1), 2)


def test_the_later_patient_has_no_faults(later):
    assert faults_of(later) == []
    assert later.days >= 56 and later.date == 1


def test_the_patient_lies_otherwise_and_how_is_known(patient, later):
    """What does not grow lies where the posture takes it."""
    for lesion in patient.lesions:
        same = next((one for one in later.lesions if one.identity == lesion.identity), None)
        if same is None or lesion.kind == "metastasis":
            continue
        assert same.center_ras == pytest.approx(later.posture.there(lesion.center_ras), abs=1e-3)
        assert np.linalg.norm(same.center_ras - lesion.center_ras) > 0.5
        assert same.shape.volume_ml() == pytest.approx(lesion.shape.volume_ml(), rel=1e-3)
    points = patient.grid_origin_ras + np.random.default_rng(1).uniform(0, 150, (500, 3))
    assert later.posture.back(later.posture.there(points)) == pytest.approx(points, abs=1e-4)
    assert later.shape.outside_mm(later.posture.there(points)) == pytest.approx(
        patient.shape.outside_mm(points), abs=1e-4
    )
    assert later.liver_ml == pytest.approx(patient.liver_ml, rel=0.03)


def test_labels_surface_and_curves_of_the_date_agree(later):
    origin, step = later.grid_origin_ras + [31.3, 42.1, 53.7], 1.7
    field = later.shape.field_on_grid(origin, step, [40, 30, 20])
    k, j, i = np.indices(field.shape)
    exact = later.shape.outside_mm((origin + step * np.stack([i, j, k], axis=-1)).reshape(-1, 3))
    assert np.abs(field.ravel() - exact).max() < 0.05
    labels = patient_labels(later, origin, step, [40, 30, 20]).voxels
    first, last = LABELS["liver"], LABELS["surgical clip"]
    inside = [number for number in LABELS.values() if first <= number <= last]
    assert (np.isin(labels, inside) == (field < 0))[labels != LABELS["portal vein"]].mean() > 0.98
    for line in (later.ridge, later.falciform_ligament):
        assert np.abs(later.shape.outside_mm(line)).max() < 1.5
    lesion = max(later.metastases, key=lambda one: one.equivalent_diameter_mm)
    block = patient_labels(later, lesion.center_ras - 0.7, 0.5, [3, 3, 3]).voxels
    assert (block == LABELS["metastasis"]).all()


def test_the_operation_of_a_later_date_is_found_from_its_ct(later):
    operation = draw_operation(later)
    centers = np.array([lesion.center_ras for lesion in later.lesions])
    assert operation.reference_to_ct(operation.ct_to_reference(centers)) == pytest.approx(centers, abs=1e-3)


def test_tumors_in_reference_bear_their_identity(later):
    """As the labels of the CT of that date have them, through the operation of that date."""
    operation = draw_operation(later)
    lesion = max(later.metastases, key=lambda one: one.equivalent_diameter_mm)
    center = operation.ct_to_reference(lesion.center_ras)
    tumors = tumors_in_reference(operation, center + np.array([[-15.0] * 3, [15.0] * 3]))
    reach = lesion.shape.largest_radius_mm() + 1
    labels = patient_labels(later, lesion.center_ras - reach, 0.5, [int(4 * reach)] * 3)
    on_ct = transform_points(labels.ijk_to_ras, np.argwhere(labels.voxels == LABELS["metastasis"])[:, ::-1])
    found = transform_points(tumors.ijk_to_ras, np.argwhere(tumors.voxels == lesion.identity)[:, ::-1])
    assert found.mean(axis=0) == pytest.approx(operation.ct_to_reference(on_ct).mean(axis=0), abs=0.15)
    assert set(np.unique(tumors.voxels)) <= {0, *(one.identity for one in later.metastases)}
    # The second has vanished, so that the place in the list and the identity differ.
    assert [one.identity for one in later.metastases] != list(range(1, 1 + len(later.metastases)))


def test_the_same_date_gives_the_same_bytes(patient, later):
    again = at_date(patient, 1)
    assert np.array_equal(again.outside_mm, later.outside_mm) and again.days == later.days
    for one, other in zip(again.lesions, later.lesions, strict=True):
        assert np.array_equal(one.center_ras, other.center_ras)
        assert np.array_equal(one.shape.semi_axes_mm, other.shape.semi_axes_mm)
    assert np.array_equal(again.vessels.trees["portal"].points_ras, later.vessels.trees["portal"].points_ras)


def test_identity_new_and_vanished_ones_and_the_posture_are_written(patient, later, tmp_path):
    folder = write_patient(later, tmp_path, spacing_mm=4.0)
    text = json.loads((folder / "parameters.json").read_text(encoding="utf-8"))
    assert text["date"] == {"number": 1, "days": later.days}
    first, now = {one.identity for one in patient.lesions}, {one["identity"] for one in text["lesions"]}
    assert set(text["new"]) == now - first == {one["identity"] for one in text["lesions"] if one["new"]}
    assert {one["identity"] for one in text["vanished"]} == first - now
    assert text["vanished"], "this seed's second metastasis is gone"
    for one in text["lesions"]:
        assert one["equivalent_diameter_mm"] >= 2.9
        assert 0 < one["volume_in_liver_ml"] <= 1.03 * one["volume_ml"] + 0.01
        if one["place"] == "inside":
            assert one["volume_in_liver_ml"] == pytest.approx(one["volume_ml"], rel=0.05, abs=0.02)
    field = SimpleITK.DisplacementFieldTransform(
        SimpleITK.ReadImage(str(folder / "posture.nrrd"), SimpleITK.sitkVectorFloat64)
    )
    to_lps = np.array([-1, -1, 1])
    for lesion in patient.lesions:
        there = to_lps * field.TransformPoint((to_lps * lesion.center_ras).tolist())
        assert there == pytest.approx(later.posture.there(lesion.center_ras), abs=0.05)
    assert np.array(text["posture"]["rigid"]) == pytest.approx(later.posture.rigid)
    assert date_after(0) == "20200101" and date_after(later.days) > "20200225"
