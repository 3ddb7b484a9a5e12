"""Tumors implanted into a sweep of even speckle whose grain, curve and beams are known."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import GeometryError, ReconstructionError, SequenceFileError
from CRLMSegmentationLib.reconstruction import Fan
from CRLMSegmentationLib.study.implants import Host, ImplantSettings, implant
from CRLMSegmentationLib.study.implants.beams import beams_of
from CRLMSegmentationLib.study.implants.test_set import implant_set, settings_in_turn
from CRLMSegmentationLib.study.implants.tone_curve import ToneCurve
from CRLMSegmentationLib.study.implants.tumor import draw_tumor
from CRLMSegmentationLib.study.metrics import on_grid_of
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, read_sweep, write_sweep
from scipy import ndimage

FRAMES, HEIGHT, WIDTH = 60, 150, 150
PIXEL_MM, STEP_MM, GRAIN_MM = 0.4, 0.6, (0.5, 0.7, 1.0)  # along the beams, across them, over the elevation
GREY, GREY_PER_DB = 110.0, 4.25


@pytest.fixture(scope="module")
def sweep():
    """A linear probe over even tissue: log-compressed speckle of blurred scatterers, framed by black, with a mark."""
    random = np.random.default_rng(5)
    size = (FRAMES, HEIGHT - 20, WIDTH - 20)
    steps = [GRAIN_MM[2] / STEP_MM, GRAIN_MM[0] / PIXEL_MM, GRAIN_MM[1] / PIXEL_MM]
    real, imaginary = (ndimage.gaussian_filter(random.standard_normal(size), steps) for _ in range(2))
    power = real**2 + imaginary**2
    grey = np.zeros((FRAMES, HEIGHT, WIDTH), np.uint8)
    grey[:, 10:-10, 10:-10] = np.clip(GREY + GREY_PER_DB * 10 * np.log10(power / power.mean()), 1, 255)
    grey[:, 2:5, 2:6] = 255
    frames = []
    for number in range(FRAMES):
        pose = np.diag([PIXEL_MM, PIXEL_MM, 0.02, 1.0])
        pose[2, 3] = STEP_MM * number
        frames.append(TrackedFrame(grey[number], pose, number / 10))
    frames[3] = TrackedFrame(grey[3], None, 0.3, valid=False)
    return Sweep(frames, name="even")


@pytest.fixture(scope="module")
def host(sweep):
    return Host(sweep)


@pytest.fixture(scope="module")
def dark(host):
    return implant(host, 4, ImplantSettings("dark", "even", 14.0, texture="new"))


def on_frames(sweep, tumor):
    """[frame, v, u] the truth on the pixels of the frames that have a pose, and those frames' pixels."""
    frames = sweep.valid_frames
    truth = []
    for frame in frames:
        v, u = np.indices(frame.pixels.shape)
        points = np.stack([u, v, 0 * u, 1 + 0 * u], axis=-1) @ frame.image_to_reference.T
        index = np.rint(points @ tumor.ras_to_ijk.T)[..., :3].astype(int)
        inside = ((index >= 0) & (index < tumor.dimensions)).all(axis=-1)
        i, j, k = np.where(inside[..., None], index, 0).reshape(-1, 3).T
        truth.append(inside & (tumor.voxels[k, j, i].reshape(u.shape) > 0))
    return np.array(truth), np.array([frame.pixels for frame in frames])


def test_speckle_is_measured_as_it_was_made(host):
    speckle = host.speckle
    assert speckle.depth_mm == pytest.approx(GRAIN_MM[0], rel=0.25)
    assert speckle.across == pytest.approx(GRAIN_MM[1], rel=0.25)
    assert speckle.elevation_mm == pytest.approx(GRAIN_MM[2], rel=0.35)
    assert not host.beams.is_fan


def test_contrast_is_what_was_asked_for(sweep, dark):
    truth, pixels = on_frames(dark.sweep, dark.tumor)
    before = on_frames(sweep, dark.tumor)[1]
    deep = ndimage.binary_erosion(truth, iterations=4)
    assert deep.sum() > 2000
    fewer = before[deep].mean() - pixels[deep].mean()
    # The display stands for 60 dB from black to white: 255 / 60 grey levels for each.
    asked = dark.parameters["tumor"]["contrast_db"] * 255 / 60
    assert -fewer == pytest.approx(asked, rel=0.25)
    # Speckle as rich as around, and not the same.
    assert pixels[deep].std() == pytest.approx(before[deep].std(), rel=0.35)
    assert abs(np.corrcoef(pixels[deep], before[deep])[0, 1]) < 0.2


def test_recorded_speckle_is_made_darker_and_stays(sweep, host):
    case = implant(host, 4, ImplantSettings("dark", "even", 14.0, texture="recorded"))
    truth, pixels = on_frames(case.sweep, case.tumor)
    before = on_frames(sweep, case.tumor)[1]
    deep = ndimage.binary_erosion(truth, iterations=4)
    asked = case.parameters["tumor"]["contrast_db"] * 255 / 60
    assert pixels[deep].mean() - before[deep].mean() == pytest.approx(asked, rel=0.25)
    assert np.corrcoef(pixels[deep], before[deep])[0, 1] > 0.7


def test_what_the_tumor_does_not_reach_stays_as_it_was(sweep, dark):
    truth, pixels = on_frames(dark.sweep, dark.tumor)
    before = on_frames(sweep, dark.tumor)[1]
    untouched = ~truth.any(axis=(1, 2))
    assert untouched.any() and truth.any()
    far = [number for number in np.flatnonzero(untouched) if not truth[max(0, number - 8) : number + 9].any()]
    assert np.array_equal(pixels[far], before[far])
    # Nothing beside the beams, and nothing in front of the tumor.
    assert np.array_equal(pixels[:, :8], before[:, :8])
    assert dark.sweep.frames[3].pixels is sweep.frames[3].pixels


def test_speckle_changes_over_the_elevation_as_it_does_around(sweep, dark):
    truth, pixels = on_frames(dark.sweep, dark.tumor)
    middle = int(truth.sum(axis=(1, 2)).argmax())
    core = ndimage.binary_erosion(truth[middle], iterations=3)
    first, near, far = (pixels[middle + step][core].astype(float) for step in (0, 1, 7))
    assert np.corrcoef(first, near)[0, 1] > 0.4
    assert np.corrcoef(first, far)[0, 1] < 0.3


def test_beams_lose_or_gain_behind_the_tumor(host, sweep):
    changes = {}
    for seed in range(40):
        tumor = draw_tumor(np.random.default_rng([seed, 1]), ImplantSettings("dark", "even", 14.0))
        if tumor.behind_db_per_cm and np.sign(tumor.behind_db_per_cm) not in changes:
            case = implant(host, seed, ImplantSettings("dark", "even", 14.0))
            truth, pixels = on_frames(case.sweep, case.tumor)
            before = on_frames(sweep, case.tumor)[1]
            frame = int(truth.sum(axis=(1, 2)).argmax())
            rows = np.flatnonzero(truth[frame].any(axis=1))
            columns = np.flatnonzero(truth[frame].any(axis=0))
            behind = (frame, slice(rows[-1] + 8, HEIGHT - 12), slice(columns[0] + 8, columns[-1] - 8))
            if pixels[behind].size > 200:
                changes[np.sign(tumor.behind_db_per_cm)] = float(pixels[behind].mean()) - float(before[behind].mean())
        if len(changes) == 2:
            break
    assert changes[-1] < -2 < 2 < changes[1]


def test_a_seed_is_one_tumor(host, dark):
    again = implant(host, 4, ImplantSettings("dark", "even", 14.0, texture="new"))
    other = implant(host, 5, ImplantSettings("dark", "even", 14.0))
    assert again.parameters == dark.parameters and np.array_equal(again.tumor.voxels, dark.tumor.voxels)
    assert all(np.array_equal(one.pixels, two.pixels) for one, two in zip(again.sweep.frames, dark.sweep.frames))
    assert not np.array_equal(other.tumor.voxels, dark.tumor.voxels)


def test_places_are_what_they_are_called(host):
    edge = implant(host, 1, ImplantSettings("bright", "edge", 12.0))
    seen = edge.parameters["place"]["seen"]
    swept = host.places.volume
    inside = on_grid_of(edge.tumor, swept).voxels.sum() * swept.voxel_volume_mm3
    whole = edge.tumor.voxels.sum() * edge.tumor.voxel_volume_mm3
    assert 0.5 < inside / whole < 0.97 and seen == pytest.approx(inside / whole, abs=0.15)
    with pytest.raises(GeometryError, match="beside walls or vessels"):
        implant(host, 1, ImplantSettings("dark", "walls", 12.0))
    with pytest.raises(GeometryError, match="40 mm"):
        implant(host, 1, ImplantSettings("dark", "even", 40.0))


def test_walls_are_found_where_they_are(sweep):
    frames = []
    for frame in sweep.frames:
        pixels = frame.pixels.copy()
        pixels[70:76, 10:-10] = 250
        frames.append(frame.with_changes(pixels=pixels))
    host = Host(Sweep(frames, name="walled"))
    middle = implant(host, 2, ImplantSettings("dark", "walls", 10.0)).parameters["tumor"]["middle_ras_mm"]
    assert abs(middle[1] - 73 * PIXEL_MM) < 5.5 + 5.0 + 2.0


def test_a_fan_is_found_and_one_that_is_given_counts():
    v, u = np.indices((200, 220))
    angle, radius = np.degrees(np.arctan2(u - 110, v + 60)), np.hypot(u - 110, v + 60)
    picture = np.where((np.abs(angle) < 28) & (radius > 80) & (radius < 240), 90, 0).astype(np.uint8)
    found = beams_of([picture], (0.5, 0.5))
    given = beams_of([picture], (0.5, 0.5), Fan((110, -60), (-28, 28), 80, 240))
    assert found.is_fan and given.is_fan
    assert np.allclose(found.depth_mm, given.depth_mm, atol=1.5) and np.allclose(found.across, given.across, atol=0.03)
    assert np.allclose(given.pixel(*given.place(u, v)), (u, v))
    assert given.footprint((220, 200)).sum() == pytest.approx((picture > 0).sum(), rel=0.02)


def test_what_no_tumor_can_be_laid_into_is_refused(sweep, dark):
    without = Sweep([frame.with_changes(image_to_reference=None, valid=False) for frame in sweep.frames])
    with pytest.raises(SequenceFileError, match="valid pose"):
        Host(without)
    deeper = Sweep([frame.with_changes(pixels=frame.pixels.astype(np.uint16)) for frame in sweep.frames], name="deep")
    with pytest.raises(SequenceFileError, match="deep is not of 8 bit grey pixels"):
        Host(deeper)
    with pytest.raises(SequenceFileError, match="holds an implanted tumor already"):
        Host(dark.sweep)
    ring = np.zeros((HEIGHT, WIDTH), np.uint8)
    v, u = np.indices(ring.shape)
    ring[np.abs(np.hypot(u - 75, v - 75) - 50) < 12] = 90
    with pytest.raises(ReconstructionError, match="--fan"):
        Host(Sweep([frame.with_changes(pixels=ring) for frame in sweep.frames]))
    with pytest.raises(ReconstructionError, match="little"):
        Host(
            Sweep([frame.with_changes(pixels=frame.pixels // 200) for frame in sweep.frames]),
            Fan((75, -90), (-20, 20), 95, 220),
        )


def test_the_tone_curve_stands_for_the_whole_range():
    grey = np.linspace(20, 200, 300)
    curve = ToneCurve.measured(grey, np.full(300, 16.0), 60.0)
    assert curve.db(np.array(255.0)) - curve.db(np.array(0.0)) == pytest.approx(60, rel=0.02)
    assert curve.shifted(np.array(100.0), -10.0) == pytest.approx(100 - 42.5, abs=1)
    # Where speckle grows with the grey level, so many dB are a ratio of grey levels.
    power = ToneCurve.measured(grey, 0.2 * grey, 60.0)
    assert power.shifted(np.array(160.0), -8.0) / 160 == pytest.approx(
        power.shifted(np.array(80.0), -8.0) / 80, rel=0.05
    )


def test_a_set_has_every_kind_of_every_size_at_every_place(host, tmp_path):
    triples = {(one.kind, one.place, one.diameters_mm) for one in settings_in_turn(84, ImplantSettings())}
    assert len(triples) == 4 * 4 * 3
    rows = implant_set(host, 2, 30, tmp_path, ImplantSettings(diameter_mm=9.0, place="even"))
    assert [row.case for row in rows] == ["implant0030", "implant0031"]
    from CRLMSegmentationLib.study.cases.case_table import read_case_table

    read = read_case_table(tmp_path / "cases.csv")
    assert [row.sweep for row in read] == [row.sweep for row in rows] and {row.split for row in read} == {"test"}


def test_the_command_writes_the_case_and_spares_its_input(sweep, tmp_path, capsys):
    source, folder = tmp_path / "sweep.igs.mha", tmp_path / "out"
    write_sweep(sweep, source)
    before = source.read_bytes()
    command = ["study", "implant", str(source), "--seed", "4", "--diameter", "10", "-o"]
    assert main([*command, str(folder), "--json"]) == 0
    printed = capsys.readouterr()
    assert "implanted" in printed.err and json.loads(printed.out)["tumor"].endswith("tumor.nrrd")
    parameters = json.loads((folder / "parameters.json").read_text())
    assert parameters["tumor"]["equivalent_diameter_mm"] == 10 and (folder / "tumor.nrrd").is_file()
    assert main(["study", "implant", str(folder / "sweep.igs.mha"), "-o", str(tmp_path / "twice")]) == 1
    assert "already" in capsys.readouterr().err
    written = read_sweep(folder / "sweep.igs.mha")
    assert len(written) == len(sweep) and written.fields["DataOrigin"] == "simulated"
    assert main([*command, str(folder)]) == 1 and "--force" in capsys.readouterr().err
    assert main([*command, str(tmp_path), "--force"]) == 1 and "would be written over" in capsys.readouterr().err
    assert source.read_bytes() == before
