"""A sweep on a simulated patient: what the probe sees is what the CT holds, through transforms that are known."""

import json
from dataclasses import replace

import numpy as np
import pytest
from CRLMSegmentationLib.commands.demo.source import patient_source
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.files import read_surface, read_volume
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.simulation.patient import LABELS, patient_labels
from CRLMSegmentationLib.simulation.ultrasound.capsule import CapsuleMotion, capsule_under_probe
from CRLMSegmentationLib.simulation.ultrasound.liver import LESION
from CRLMSegmentationLib.simulation.ultrasound.motion import draw_motion
from CRLMSegmentationLib.simulation.ultrasound.patient_place import place_sweep
from CRLMSegmentationLib.simulation.ultrasound.patient_sweep import (
    SWEEP_FILES,
    simulate_patient_sweep,
    write_patient_sweep,
)
from CRLMSegmentationLib.simulation.ultrasound.probe import draw_probe
from CRLMSegmentationLib.simulation.ultrasound.settings import ProbeSettings, SweepSettings
from CRLMSegmentationLib.sweep import read_sweep
from CRLMSegmentationLib.values.triangles import surface_points
from CRLMSegmentationLib.web.actions import simulator

SETTINGS = dict(
    probe=ProbeSettings(lines=48, image_width_px=160, image_height_px=120),
    sweep=SweepSettings(frames=5, swept_volume_ml=170.0, tracking_noise_mm=0, tracking_noise_deg=0, latency_s=0),
)


@pytest.fixture(scope="module")
def recorded(operation):
    return simulate_patient_sweep(operation, **SETTINGS)


def centroid(volume, number):
    return transform_points(volume.ijk_to_ras, np.argwhere(volume.voxels == number)[:, ::-1]).mean(axis=0)


def target_on_ct(operation, recorded, spacing_mm=0.4):
    """(n, 3) RAS mm: the voxels of the target in the CT's labels, nothing of the sweep used."""
    lesion = operation.patient.metastases[recorded.parameters["target"] - 1]
    reach = lesion.shape.largest_radius_mm() + 1
    labels = patient_labels(operation.patient, lesion.center_ras - reach, spacing_mm, [int(2 * reach / spacing_mm)] * 3)
    found = np.argwhere(labels.voxels == LABELS["metastasis"])[:, ::-1]
    return transform_points(labels.ijk_to_ras, found)


def test_a_tumor_of_the_ct_lies_where_the_sweep_has_it(operation, recorded):
    points = target_on_ct(operation, recorded)
    expected = operation.ct_to_reference(points).mean(axis=0)
    assert centroid(recorded.tumors, recorded.parameters["target"]) == pytest.approx(expected, abs=0.1)
    # It is deformed, not only moved: without the field it would lie elsewhere.
    rigidly = transform_points(operation.patient_to_reference, points).mean(axis=0)
    assert np.linalg.norm(rigidly - expected) > 3


def test_what_is_painted_is_that_tumor(operation, recorded):
    """The painter's grid was filled through the inverse of the field; the CT's voxels come through the field."""
    points = transform_points(recorded.kinds.ras_to_ijk, operation.ct_to_reference(target_on_ct(operation, recorded)))
    i, j, k = np.floor(points + 0.5).astype(int).T
    is_lesion = recorded.kinds.voxels == 1 + LESION
    # A grain of calcium is a tissue of its own; the outermost voxels fall on either side.
    assert is_lesion[k, j, i].mean() > 0.93
    block = tuple(slice(n.min() - 2, n.max() + 3) for n in (k, j, i))
    found = np.argwhere(is_lesion[block])[:, ::-1] + [i.min() - 2, j.min() - 2, k.min() - 2]
    assert found.mean(axis=0) * 0.5 == pytest.approx(points.mean(axis=0) * 0.5, abs=0.1)


def test_a_point_of_the_ct_is_found_in_a_frame_and_back(operation, recorded):
    """Pixel to Reference by the recorded pose; without tracking error that is the truth."""
    true_poses = recorded.transforms["TrueImageToReference"]
    for frame, true_pose in zip(recorded.sweep.frames, true_poses, strict=True):
        if not frame.valid:
            continue
        assert frame.image_to_reference == pytest.approx(true_pose, abs=1e-3)
        pixels = np.array([[40.0, 60, 0], [80, 80, 0], [110, 50, 0]])
        on_ct = operation.reference_to_ct(transform_points(frame.image_to_reference, pixels))
        back = transform_points(np.linalg.inv(true_pose), operation.ct_to_reference(on_ct))
        millimetres = (back - pixels) * np.linalg.norm(true_pose[:3, 0])
        assert np.abs(millimetres).max() < 0.1


def test_the_probe_stands_on_the_capsule_and_the_target_is_swept(operation, recorded):
    assert recorded.parameters["target_covered"] > 0.9
    fan = recorded.parameters["probe"]["fan"]
    u, v = fan["center_px"][0], fan["center_px"][1] + fan["radius_start_px"]
    faces = np.array([transform_points(pose, [u, v, 0]) for pose in recorded.transforms["TrueImageToReference"]])
    outside = operation.patient.shape.outside_mm(operation.reference_to_ct(faces))
    # Pressed in by up to 5 mm, and never off the liver.
    assert (outside < 2.0).all() and (outside > -7.0).all()


def test_the_face_follows_a_ball():
    rng = np.random.default_rng(4)
    flat = draw_motion(rng, draw_probe(rng, ProbeSettings(), 60), 250.0, 40.0)
    capsule = capsule_under_probe(lambda points: np.linalg.norm(points - [0, 0, 100], axis=1) - 100, 30.0)
    assert capsule.missing == 0
    motion = CapsuleMotion.laid_on(flat, capsule)
    pose = motion.face_to_liver(np.linspace(0, 1, 9))
    away = 100 - np.linalg.norm(pose[:, :3, 3] - [0, 0, 100], axis=1)
    assert away == pytest.approx(motion.push_mm(np.linspace(0, 1, 9)), abs=1.0)
    assert pose[:, :3, :3] @ pose[:, :3, :3].swapaxes(1, 2) == pytest.approx(np.tile(np.eye(3), (9, 1, 1)), abs=1e-6)
    # Its depth axis points at the middle of the ball, but for the hand's own tilt.
    to_middle = ([0, 0, 100] - pose[:, :3, 3]) / np.linalg.norm([0, 0, 100] - pose[:, :3, 3], axis=1)[:, None]
    assert (to_middle * pose[:, :3, 1]).sum(axis=1).min() > np.cos(np.radians(12))


def test_the_same_patient_gives_the_same_pictures(operation, recorded):
    again = simulate_patient_sweep(operation, **SETTINGS)
    for one, other in zip(recorded.sweep.frames, again.sweep.frames, strict=True):
        assert np.array_equal(one.pixels, other.pixels)
    assert np.array_equal(recorded.tumors.voxels, again.tumors.voxels)


def test_a_picture_that_is_too_shallow_is_refused(operation):
    deep = max(operation.patient.metastases, key=lambda one: -operation.patient.shape.outside_mm(one.center_ras)[0])
    alone = replace(operation, patient=replace(operation.patient, lesions=[deep]))
    with pytest.raises(ConfigurationError, match="too deep for this probe"):
        simulate_patient_sweep(alone, probe=ProbeSettings(depth_mm=30.0), sweep=SweepSettings(frames=5))


@pytest.fixture
def drawn_before(operation, recorded, monkeypatch):
    """Whoever draws patient 3 and sweeps over it gets those of this module."""
    monkeypatch.setattr("CRLMSegmentationLib.simulation.patient.draw_patient", lambda seed: operation.patient)
    monkeypatch.setattr(
        "CRLMSegmentationLib.simulation.ultrasound.patient_sweep.simulate_patient_sweep", lambda *_, **__: recorded
    )


def test_the_page_takes_a_patient_with_a_stylus_that_comes_and_goes(drawn_before, recorded, tmp_path, capsys):
    assert simulator.main([str(tmp_path), "3", simulator.PATIENT, "20.0"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1] == {"sweep": str(tmp_path / "sweep.igs.mha")}
    truth, sweep = read_volume(tmp_path / simulator.TRUTH), read_sweep(tmp_path / "sweep.igs.mha")
    tips = np.array([frame.transforms["StylusToReference"].matrix[:3, 3] for frame in sweep.frames])
    away = np.linalg.norm(tips - centroid(truth, 1), axis=1)
    assert away[0] == pytest.approx(70, abs=0.01) and away.min() < 10
    assert centroid(truth, 1) == pytest.approx(centroid(recorded.tumors, recorded.parameters["target"]))


def test_the_demo_takes_a_patient_with_the_swept_metastasis_as_its_truth(drawn_before, recorded, tmp_path):
    source = patient_source(3, tmp_path / "case")
    truth = read_volume(source.truth)
    assert source.origin == "simulated" and len(read_sweep(source.sweep)) == 5
    assert np.array_equal(truth.voxels == 1, recorded.tumors.voxels == recorded.parameters["target"])
    assert truth.frame == "Reference" and set(np.unique(truth.voxels)) == {0, 1}


def test_what_cannot_be_swept_from_the_nearest_place_is_swept_from_another(operation):
    """A metastasis at the back on the right: from the nearest place that a probe reaches, it is hardly passed."""
    small = min(operation.patient.metastases, key=lambda one: one.equivalent_diameter_mm)

    def swept(place, *others):
        alone = replace(small, center_ras=np.array(place, dtype=float) * operation.patient.shape.scale)
        patient = replace(operation.patient, lesions=[alone, *others])
        streams = [np.random.default_rng([7, n]) for n in range(2)]
        return place_sweep(replace(operation, patient=patient), streams, *SETTINGS.values())

    assert swept((78, -12, 8)).covered > 0.6
    behind = (88, -14, 12)
    with pytest.raises(ConfigurationError, match="No metastasis of this patient can be swept"):
        swept(behind)
    deep_enough = max(operation.patient.metastases, key=lambda one: one.equivalent_diameter_mm)
    assert swept(behind, replace(deep_enough, identity=77)).covered > 0.9


def test_a_sweep_is_written_as_files_that_open_again(operation, recorded, tmp_path):
    write_patient_sweep(recorded, tmp_path)
    assert all((tmp_path / name).is_file() for name in SWEEP_FILES)
    sweep = read_sweep(tmp_path / "sweep.igs.mha")
    assert len(sweep) == 5
    text = json.loads((tmp_path / "transforms.json").read_text(encoding="utf-8"))
    assert np.array_equal(text["PatientToReference"], operation.patient_to_reference)
    # What PLUS would do with it: image to probe, probe to Reference.
    frame = next(frame for frame in sweep.frames if frame.valid)
    chained = frame.transforms["ProbeToReference"].matrix @ np.array(text["ImageToProbe"])
    assert chained == pytest.approx(frame.image_to_reference, abs=1e-5)
    tumors = read_volume(tmp_path / "tumors.nrrd")
    assert tumors.frame == "Reference" and np.array_equal(tumors.voxels, recorded.tumors.voxels)
    on_ct = operation.reference_to_ct(surface_points(read_surface(tmp_path / "operation" / "liver.vtp"))[::50])
    assert np.abs(operation.patient.shape.outside_mm(on_ct)).max() < 1.5
