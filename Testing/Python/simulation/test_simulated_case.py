"""Simulated cases as a whole: reproducible, within the published ranges, and truth that agrees with the pictures."""

import json
import sys

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.files import read_surface, read_volume
from CRLMSegmentationLib.geometry import invert_affine, transform_points
from CRLMSegmentationLib.segmentation.surface import surface_volume_mm3
from CRLMSegmentationLib.simulation import (
    LesionSettings,
    ProbeSettings,
    SweepSettings,
    contact_sheet,
    simulate_case,
    write_case,
)
from CRLMSegmentationLib.simulation.phantoms import PHANTOMS, simulate_phantom
from CRLMSegmentationLib.simulation.ultrasound.case import CASE_FILES
from CRLMSegmentationLib.simulation.ultrasound.truth import TISSUES
from CRLMSegmentationLib.study.metrics import compare, on_grid_of
from CRLMSegmentationLib.sweep import read_sweep

SMALL_PROBE = ProbeSettings(image_width_px=240, image_height_px=180, lines=96)
SHORT_SWEEP = SweepSettings(frames=12)


def small_case(seed, **settings):
    return simulate_case(seed, **{"probe": SMALL_PROBE, "sweep": SHORT_SWEEP, **settings})


@pytest.fixture(scope="module")
def case():
    return small_case(7, sweep=SweepSettings(frames=12, lost_poses=3))


def everything_in(case) -> bytes:
    frames = b"".join(
        frame.pixels.tobytes() + frame.image_to_reference.tobytes() + repr((frame.timestamp, frame.valid)).encode()
        for frame in case.sweep.frames
    )
    return frames + case.tumor.voxels.tobytes() + json.dumps(case.parameters).encode()


def in_fan(case) -> np.ndarray:
    """(v, u) boolean, worked out from the fan in the parameters."""
    fan = case.parameters["probe"]["fan"]
    width, height = case.sweep.image_size
    u, v = np.meshgrid(np.arange(width) - fan["center_px"][0], np.arange(height) - fan["center_px"][1])
    radius, angle = np.hypot(u, v), np.degrees(np.arctan2(u, v))
    return (
        (radius >= fan["radius_start_px"])
        & (radius <= fan["radius_stop_px"])
        & (angle >= fan["angle_start_deg"])
        & (angle <= fan["angle_stop_deg"])
    )


def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others(case):
    again = small_case(7, sweep=SweepSettings(frames=12, lost_poses=3))
    assert everything_in(again) == everything_in(case)
    other = small_case(8)
    assert not np.array_equal(other.sweep.frames[5].pixels, case.sweep.frames[5].pixels)
    assert other.parameters["lesion"]["volume_ml"] != case.parameters["lesion"]["volume_ml"]


def test_a_seed_gives_the_same_case_on_every_machine(case):
    # Written down once. Other machines differ in the last bit of a logarithm, hence one grey level here and there.
    assert [float(frame.pixels.mean()) for frame in case.sweep.frames][::4] == pytest.approx(
        [54.221, 54.441, 49.763], abs=0.01
    )
    assert int(case.tumor.voxels.sum()) == pytest.approx(10166, abs=2)
    assert np.bincount(case.tissue.voxels.ravel())[[1, 2, 4]] == pytest.approx([4392748, 45301, 10183], abs=20)
    assert case.sweep.frames[-1].image_to_reference[:3, 3] == pytest.approx([12.71688, -52.3628, 53.58042], abs=1e-4)


@pytest.mark.parametrize("kind", PHANTOMS)
def test_a_phantom_has_pictures_and_no_tumor(kind):
    phantom = simulate_phantom(4000, kind=kind)
    assert not phantom.tumor.voxels.any() and phantom.parameters["phantom"]["kind"] == kind
    assert 20 <= len(phantom.sweep) <= 95
    middle = phantom.sweep.frames[len(phantom.sweep) // 2].pixels
    assert (middle > 20).mean() > 0.02 and middle.std() > 5


def test_fixing_the_lesion_leaves_the_motion_and_the_probe_as_they_were(case):
    changed = small_case(7, lesion=LesionSettings(contrast_db=-5.0), sweep=SweepSettings(frames=12, lost_poses=3))
    assert changed.parameters["sweep"] == case.parameters["sweep"]
    assert changed.parameters["probe"] == case.parameters["probe"]
    assert changed.parameters["lesion"]["contrast_db"] == -5.0


def test_frames_look_like_a_fan_on_black(case):
    inside = in_fan(case)
    for frame in case.sweep.frames:
        assert frame.pixels.dtype == np.uint8 and frame.image_size == (240, 180)
        assert 40 < frame.pixels[inside].mean() < 160
        assert (frame.pixels[~inside] == 0).mean() > 0.97  # the rest are the burned-in marks


def test_marks_can_be_left_out():
    bare = ProbeSettings(image_width_px=240, image_height_px=180, lines=96, burned_in_marks=False)
    case = small_case(7, probe=bare, sweep=SweepSettings(frames=5))
    fan = in_fan(case)
    edge = fan.copy()
    edge[1:] |= fan[:-1]
    edge[:-1] |= fan[1:]
    edge[:, 1:] |= fan[:, :-1]
    edge[:, :-1] |= fan[:, 1:]
    assert max(frame.pixels[~edge].max() for frame in case.sweep.frames) == 0


def test_poses_are_finite_and_hold_the_pixel_size(case):
    for frame in case.sweep.valid_frames:
        assert np.isfinite(frame.image_to_reference).all()
        spacing = np.linalg.norm(frame.image_to_reference[:3, :3], axis=0)
        np.testing.assert_allclose(spacing, case.parameters["probe"]["pixel_size_mm"], rtol=1e-4)
        chain = frame.transforms["ProbeToReference"].matrix @ np.array(case.parameters["image_to_probe"])
        np.testing.assert_allclose(chain, frame.image_to_reference, atol=1e-7)
    times = [frame.timestamp for frame in case.sweep.frames]
    assert (np.diff(times) > 0).all()


def test_lost_poses_are_marked_invalid_and_repeat_the_last_one(case):
    lost = [number for number, frame in enumerate(case.sweep.frames) if not frame.valid]
    assert len(lost) == 3 and lost == case.parameters["sweep"]["lost_frames"]
    for number in lost:
        frame, before = case.sweep.frames[number], case.sweep.frames[number - 1]
        pose = frame.transforms["ProbeToReference"]
        assert not pose.valid and pose.status == "INVALID"
        np.testing.assert_array_equal(frame.image_to_reference, before.image_to_reference)
    assert len(case.sweep.valid_frames) == 9


def test_without_noise_and_latency_the_measured_poses_are_the_true_ones():
    exact = SweepSettings(frames=8, tracking_noise_mm=0, tracking_noise_deg=0, latency_s=0, lost_poses=0)
    case = small_case(3, sweep=exact)
    np.testing.assert_allclose(
        case.sweep.image_to_reference(), np.array(case.parameters["true_image_to_reference"]), atol=2e-4
    )


def test_the_mask_has_the_stated_volume_and_place(case):
    lesion = case.parameters["lesion"]
    volume_ml = case.tumor.voxels.sum() * case.tumor.voxel_volume_mm3 / 1000
    assert case.tumor.voxels.dtype == np.uint8 and set(np.unique(case.tumor.voxels)) == {0, 1}
    assert volume_ml == pytest.approx(lesion["volume_ml"], rel=0.03)
    np.testing.assert_allclose(case.tumor.spacing_mm, 0.5)
    occupied = np.argwhere(case.tumor.voxels)[:, ::-1]
    middle = transform_points(case.tumor.ijk_to_ras, occupied.mean(axis=0))
    assert np.linalg.norm(middle - lesion["center_ras_mm"]) < 0.15 * lesion["equivalent_diameter_mm"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_tumor_is_swept_in_full(seed):
    """Every voxel of the tumor lies in the fan of the interpolated sweep: between two frames, inside both pictures."""
    case = small_case(seed)
    inside = in_fan(case)
    points = transform_points(case.tumor.ijk_to_ras, np.argwhere(case.tumor.voxels)[:, ::-1])
    reference_to_image = [invert_affine(pose) for pose in np.array(case.parameters["true_image_to_reference"])]
    local = np.array([transform_points(matrix, points) for matrix in reference_to_image])
    assert ((local[..., 2].min(axis=0) < 0) & (local[..., 2].max(axis=0) > 0)).all()
    nearest = local[np.abs(local[..., 2]).argmin(axis=0), np.arange(len(points))]
    u, v = np.round(nearest[:, :2]).astype(int).T
    assert inside[v, u].all()


def test_the_truth_covers_the_swept_region(case):
    index = np.array(case.tumor.dimensions) - 1
    for pose in case.parameters["true_image_to_reference"]:
        v, u = np.argwhere(in_fan(case)).T
        at = transform_points(case.tumor.ras_to_ijk @ np.array(pose), np.stack([u, v, 0 * u], axis=1))
        assert (at >= 0).all() and (at <= index).all()


@pytest.mark.parametrize("contrast_db", [-7.0, 6.0])
def test_the_tumor_differs_from_its_surroundings_by_its_contrast(contrast_db):
    """Pixels are put into the truth through the measured poses, so that image, pose and truth must all agree."""
    kind = "hypoechoic" if contrast_db < 0 else "hyperechoic"
    plain = LesionSettings(echogenicity=kind, contrast_db=contrast_db, halo=False, equivalent_diameter_mm=20)
    case = small_case(14, lesion=plain, sweep=SweepSettings(frames=25))
    assert case.parameters["lesion"]["attenuation_excess_db_cm_mhz"] == 0  # its own shadow would add to the contrast
    center = np.array(case.parameters["lesion"]["center_ras_mm"])
    inside, outside = [], []
    fan = in_fan(case)
    for frame in case.sweep.valid_frames:
        v, u = np.argwhere(fan).T
        points = transform_points(frame.image_to_reference, np.stack([u, v, 0 * u], axis=1))
        index = np.round(transform_points(case.tumor.ras_to_ijk, points)).astype(int)
        grey = frame.pixels[v, u]
        within = ((index >= 0) & (index < case.tumor.dimensions)).all(axis=1)
        tumor = np.zeros(len(u), dtype=bool)
        tumor[within] = case.tumor.voxels[tuple(index[within, ::-1].T)] > 0
        away = np.linalg.norm(points - center, axis=1)
        inside.append(grey[tumor])
        outside.append(grey[~tumor & (away > 13) & (away < 18)])
    difference = np.concatenate(inside).mean() - np.median(np.concatenate(outside))
    level_db = case.parameters["lesion"]["mean_level_db"]
    assert np.sign(difference) == np.sign(contrast_db) == np.sign(level_db)
    assert difference / 255 * case.parameters["probe"]["dynamic_range_db"] == pytest.approx(level_db, abs=2.5)


def test_parameters_are_plain_json(case):
    assert json.loads(json.dumps(case.parameters, allow_nan=False)) == case.parameters
    assert case.parameters["seed"] == 7


def test_written_files_read_back(case, tmp_path):
    write_case(case, tmp_path / "new" / "folder")
    folder = tmp_path / "new" / "folder"
    sweep, tumor = read_sweep(folder / "sweep.igs.mha"), read_volume(folder / "tumor.nrrd")
    assert [frame.valid for frame in sweep.frames] == [frame.valid for frame in case.sweep.frames]
    for read, made in zip(sweep.frames, case.sweep.frames):
        np.testing.assert_array_equal(read.pixels, made.pixels)
        if made.valid:
            np.testing.assert_allclose(read.image_to_reference, made.image_to_reference, atol=1e-5)
    np.testing.assert_array_equal(tumor.voxels, case.tumor.voxels)
    assert tumor.has_geometry_of(case.tumor)
    tissue = read_volume(folder / "liver.nrrd")
    np.testing.assert_array_equal(tissue.voxels, case.tissue.voxels)
    assert tissue.has_geometry_of(case.tissue)
    surface = read_surface(folder / "tumor.vtp")
    assert surface_volume_mm3(surface) == pytest.approx(case.tumor.voxels.sum() * case.tumor.voxel_volume_mm3, rel=0.02)
    assert json.loads((folder / "parameters.json").read_text(encoding="utf-8")) == case.parameters


def test_a_case_is_written_without_its_surface_where_nobody_asks_for_it(case, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "vtkmodules", None)
    write_case(case, tmp_path, with_surface=False)
    assert {file.name for file in tmp_path.iterdir()} == set(CASE_FILES) - {"tumor.vtp"}


def test_the_tissue_labels_hold_the_tumor_where_the_mask_has_it(case):
    labels = set(np.unique(case.tissue.voxels).tolist())
    assert {1, 2, 4} <= labels <= set(range(1, len(TISSUES) + 1))
    tumor = case.tissue.with_voxels(np.isin(case.tissue.voxels, (4, 5)).astype(np.uint8))
    figures = compare(on_grid_of(tumor, case.tumor), case.tumor)
    assert figures["dice"] > 0.95


def test_progress_goes_from_0_to_1():
    seen = []
    small_case(0, sweep=SweepSettings(frames=5), progress=lambda fraction, text: seen.append((fraction, text)))
    fractions = [fraction for fraction, _ in seen]
    assert fractions[0] == 0 and fractions[-1] == 1 and fractions == sorted(fractions)
    assert all(text for _, text in seen)


def test_a_contact_sheet_shows_frames_and_the_outline(case):
    sheet, outlined = contact_sheet(case, columns=3, rows=2), contact_sheet(case, columns=3, rows=2, outline=True)
    assert sheet.shape == (360, 720) and sheet.dtype == np.uint8
    changed = sheet != outlined
    assert changed.any() and (outlined[changed] == 255).all()


@pytest.mark.parametrize("seed", [-1, 1.5, True, "7"])
def test_a_seed_that_is_not_a_whole_number_is_refused(seed):
    with pytest.raises(ConfigurationError, match="The seed is"):
        simulate_case(seed)


def test_a_lesion_that_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr("CRLMSegmentationLib.simulation.ultrasound.placement.PLACES_TRIED", 20)
    with pytest.raises(ConfigurationError, match="does not fit a sweep"):
        small_case(0, lesion=LesionSettings(equivalent_diameter_mm=40), sweep=SweepSettings(swept_volume_ml=60))


def test_more_lost_poses_than_frames_are_refused():
    with pytest.raises(ConfigurationError, match="lost poses are too many"):
        small_case(0, sweep=SweepSettings(lost_poses=200))
