"""Tracked tools beside a simulated patient: what was touched is what the recordings say, with the errors asked for."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.calibration.stylus.stylus_calibration import estimate_tip
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.simulation.laparoscope import draw_views
from CRLMSegmentationLib.simulation.tools import SCOPE_FILE, STYLUS_FILES, named_landmarks, record_tools, write_tools
from CRLMSegmentationLib.simulation.tools.recordings import LANDMARK_FIELD
from CRLMSegmentationLib.simulation.ultrasound.settings import SweepSettings
from CRLMSegmentationLib.sweep.sequence_files.sequence_formats import read_sequence_header
from CRLMSegmentationLib.sweep.sequence_files.tool_poses import read_tool_poses

NO_NOISE = SweepSettings(tracking_noise_mm=0.0, tracking_noise_deg=0.0)


@pytest.fixture(scope="module")
def views(operation):
    return draw_views(operation, 2)


@pytest.fixture(scope="module")
def folder(operation, views, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tools")
    recorded = record_tools(operation, views.camera_to_reference)
    (folder / "transforms.json").write_text(
        json.dumps({name: matrix.tolist() for name, matrix in write_tools(recorded, folder).items()})
    )
    return folder


def test_landmarks_lie_on_the_liver_and_apart(patient):
    named = named_landmarks(patient)
    assert len(named) >= 6
    points = np.array(list(named.values()))
    assert np.abs(patient.shape.outside_mm(points)).max() < 2
    apart = np.linalg.norm(points[:, None] - points[None], axis=2) + 99 * np.eye(len(points))
    assert apart.min() > 5 and np.linalg.matrix_rank(points - points.mean(axis=0), tol=20) == 3


def test_touched_points_are_what_the_recording_says(operation, folder):
    """From the files alone: mean place of the tip in Reference while it is held at a landmark."""
    text = json.loads((folder / "landmarks.json").read_text(encoding="utf-8"))
    tip = np.array(json.loads((folder / "transforms.json").read_text())["StylusTipToStylus"])[:3, 3]
    poses = read_tool_poses(folder / STYLUS_FILES[1], "Stylus")
    assert poses.reference == "Reference" and poses.valid.all() and (np.diff(poses.times_s) > 0).all()
    held = [fields[LANDMARK_FIELD] for fields in read_sequence_header(folder / STYLUS_FILES[1]).frame_fields]
    places = np.array([transform_points(pose, tip) for pose in poses.matrices])
    for landmark in text["landmarks"]:
        there = places[[name == landmark["name"] for name in held]]
        assert len(there) >= 20
        assert there.mean(axis=0) == pytest.approx(landmark["touched_reference_mm"], abs=2e-3)
        on_ct = operation.ct_to_reference(landmark["ct_ras_mm"])
        assert on_ct == pytest.approx(landmark["true_reference_mm"], abs=2e-3)


def test_the_touch_errs_as_a_hand_and_a_tracker_do(operation):
    errors = {}
    for name, settings in (("hand", NO_NOISE), ("both", SweepSettings())):
        landmarks = record_tools(operation, settings=settings).landmarks
        errors[name] = np.array([one.touched - one.true for one in landmarks])
    hand = np.sqrt((errors["hand"] ** 2).sum(axis=1).mean())
    assert 0.8 < hand < 2.6
    assert np.sqrt((errors["both"] ** 2).sum(axis=1).mean()) > hand
    # A finger's worth of pressure: the tip lies in the liver, never off it.
    touched = np.array([one.touched for one in record_tools(operation, settings=NO_NOISE).landmarks])
    outside = operation.patient.shape.outside_mm(operation.reference_to_ct(touched))
    assert (outside < 0.8).all() and (outside > -3.5).all()


def test_the_pivot_gives_the_tip(operation, folder):
    tip = np.array(json.loads((folder / "transforms.json").read_text())["StylusTipToStylus"])[:3, 3]
    poses = read_tool_poses(folder / STYLUS_FILES[0], "Stylus")
    found = estimate_tip(poses.matrices, poses.times_s)
    assert found.tilt_deg > 40 and np.linalg.norm(found.tip_mm - tip) < 2.0
    exact = record_tools(operation, settings=NO_NOISE).pivot.frames
    matrices = np.array([frame.transforms["StylusToTracker"].matrix for frame in exact])
    times = np.array([frame.timestamp for frame in exact])
    assert estimate_tip(matrices, times).tip_mm == pytest.approx(tip, abs=0.05)


def test_the_scope_is_where_its_views_are(operation, views):
    recorded = record_tools(operation, views.camera_to_reference, NO_NOISE)
    for frame, camera in zip(recorded.scope.frames, views.camera_to_reference, strict=True):
        reference, scope = (frame.transforms[name].matrix for name in ("ReferenceToTracker", "ScopeToTracker"))
        assert np.linalg.inv(reference) @ scope @ recorded.camera_to_scope == pytest.approx(camera, abs=1e-3)
    assert record_tools(operation).scope is None
    # The liver breathes, and its sensor with it.
    moved = np.array([frame.transforms["ReferenceToTracker"].matrix[:3, 3] for frame in recorded.touches.frames])
    assert 3 < np.linalg.norm(np.ptp(moved, axis=0)) < 10


def test_every_file_is_written_and_the_same_again(operation, views, folder, tmp_path):
    write_tools(record_tools(operation, views.camera_to_reference), tmp_path)
    for name in (*STYLUS_FILES, SCOPE_FILE):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name
    assert "simulated" in (folder / STYLUS_FILES[1]).read_bytes()[:2000].decode("latin1")
