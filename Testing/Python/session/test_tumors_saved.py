"""Several tumors, found in several sweeps, are saved with their case and come back as they were."""

import json
import shutil

import numpy as np
import pytest
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.files import read_volume, write_volume
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.sweep import Pose, Sweep
from CRLMSegmentationLib.values import Box, Volume
from drawing import Drawing
from small_case import TUMOR_CENTER, affine, grid_points, stand_in_model

pytest.importorskip("vtkmodules", reason="vtk is not installed")

PLACES = TUMOR_CENTER + np.array([(0, 0, 0), (20.0, 4.0, -2.0), (-18.0, 6.0, 3.0)])


class Cones:
    """Stands where the network stands: the probability falls from each place on, 0.5 at 7 mm."""

    model = stand_in_model()

    def probability(self, block, progress=None, should_cancel=None):
        points = grid_points(block.dimensions, block.ijk_to_ras)
        away = np.min([np.linalg.norm(points - place, axis=-1) for place in PLACES], axis=0)
        return block.with_voxels(np.clip(1 - 0.5 * away / 7.0, 0, 1).astype(np.float32))


def find_at(session, place):
    session.box.set(Box(place, (20.0, 20.0, 20.0)), tight=True)
    session.tumor.segment(Cones())


@pytest.fixture(scope="module")
def saved(tmp_path_factory, sweep, volume):
    """T1 and 'deep one' of the first sweep, the former corrected by hand; T3 of the second sweep, which is chosen."""
    session = Session()
    session.recording.set_sweep(sweep)
    session.volume.set(volume)
    find_at(session, PLACES[0])
    drawing = Drawing(session.tumor)
    session.tumor.begin_correction()
    beside = np.linalg.norm(grid_points(volume.dimensions, volume.ijk_to_ras) - PLACES[0] - (0, 9, 0), axis=-1) <= 3
    drawing.stroke(lambda mask: mask | beside)
    session.tumor.end_correction()
    assert session.wait()
    session.tumors.add()
    find_at(session, PLACES[1])
    session.tumors.rename(2, "deep one")
    session.structures.set_margin_mm(4.0)
    session.recording.set_sweep(Sweep(sweep.frames[:6]))
    session.volume.set(volume.with_voxels(volume.voxels[::-1].copy()))
    session.tumors.add()
    find_at(session, PLACES[2])
    session.structures.set_margin_mm(7.0)
    folder = session.case.save(tmp_path_factory.mktemp("cases") / "case")
    held = session.tumors.all
    session.close()
    return folder, held


def test_all_of_it_comes_back(session, saved, volume):
    folder, held = saved
    session.case.load(folder)
    back = session.tumors.all
    for one, before in zip(back, held, strict=True):
        assert (one.number, one.name, one.color) == (before.number, before.name, before.color)
        assert (one.margin_mm, one.is_stale, one.box_is_tight) == (before.margin_mm, before.is_stale, True)
        np.testing.assert_allclose(one.box.corners_ras(), before.box.corners_ras(), atol=1e-6)
        np.testing.assert_array_equal(one.found.state.mask.voxels, before.found.state.mask.voxels)
        assert one.found.surface.GetNumberOfPoints() == before.found.surface.GetNumberOfPoints()
        assert (one.found.scan.number, one.found.doubts) == (before.found.scan.number, before.found.doubts)
        assert one.found.found_at == before.found.found_at.replace(microsecond=0)
        assert one.found.is_corrected == before.found.is_corrected == (one.number == 1)
        assert one.found.state.result.card.name == before.found.state.result.card.name
    assert [one.is_stale for one in back] == [True, True, False] and session.tumors.chosen.number == 3
    np.testing.assert_array_equal(back[0].found.scan.volume.voxels, volume.voxels)
    assert back[0].found.scan is back[1].found.scan and len(back[0].found.scan.sweep) == 9
    assert len(session.recording.sweep) == 6 and session.tumors.scan.number == 2
    assert session.structures.margin_mm == 7.0 and session.state.status(Step.NAVIGATE) is StepStatus.READY
    assert not session.case.has_unsaved_data
    session.tools.update("StylusToReference", Pose(affine(translation=PLACES[1])))
    reading = session.tools.reading("Stylus")
    assert reading.other.name == "deep one" and reading.other.margin.value == "inside the tumor"
    assert session.tumors.add().number == 4


def test_it_is_saved_again_as_it_was(session, saved, tmp_path):
    folder, _ = saved
    session.case.load(folder)
    again = session.case.save(tmp_path / "again")
    assert {path.name for path in again.iterdir()} == {path.name for path in folder.iterdir()}
    for name in ("mask-1.nrrd", "corrections-1.nrrd", "mask-2.nrrd", "volume-1.nrrd"):
        np.testing.assert_array_equal(read_volume(again / name).voxels, read_volume(folder / name).voxels)
    before, after = (json.loads((place / "case.json").read_text(encoding="utf-8")) for place in (folder, again))
    for index in (before, after):
        # The surface of a file has points that are rounded.
        for tumor in index["tumors"]:
            tumor["tumor"].pop("largest_diameter_mm")
    assert after["tumors"] == before["tumors"] and after["volumes"] == before["volumes"]


def test_a_case_is_saved_whole_while_an_earlier_sweep_is_worked_on(session, saved, tmp_path):
    session.case.load(saved[0])
    session.tumors.choose(1)
    assert session.tumors.scan.number == 1
    again = session.case.save(tmp_path / "again")
    assert session.tumors.scan.number == 1, "what is worked on stays"
    own, earlier = (read_volume(again / name).voxels for name in ("volume.nrrd", "volume-1.nrrd"))
    np.testing.assert_array_equal(own, read_volume(saved[0] / "volume.nrrd").voxels)
    np.testing.assert_array_equal(earlier, read_volume(saved[0] / "volume-1.nrrd").voxels)
    session.case.load(again)
    back = session.tumors.all
    assert [one.is_stale for one in back] == [True, True, False] and session.tumors.chosen.number == 1
    assert len(session.recording.sweep) == 6 and session.tumors.scan.number == 2 and back[0].found.is_corrected
    for one, before in zip(back, saved[1], strict=True):
        np.testing.assert_array_equal(one.found.state.mask.voxels, before.found.state.mask.voxels)


def test_the_protocol_tells_of_every_tumor(saved):
    said = (saved[0] / "protocol.txt").read_text(encoding="utf-8")
    assert "\nT1: found in sweep 1, 20" in said and "before the present volume was made" in said
    assert "\ndeep one: found in sweep 1" in said and "\nT3: found in sweep 2" in said
    assert said.count("Found by") == 3 and "Tumor added, tumor T2" in said and "yes, " in said


def test_a_case_with_one_tumor_is_what_earlier_versions_open(session, saved, tmp_path, volume):
    assert json.loads((saved[0] / "case.json").read_text(encoding="utf-8"))["version"] == 2
    session.volume.set(volume)
    find_at(session, PLACES[0])
    folder = session.case.save(tmp_path / "case")
    index = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    assert index["version"] == 1 and not [path for path in folder.iterdir() if "-" in path.name]
    # What an earlier version has written says nothing of several.
    for name in ("tumors", "chosen", "sweep", "found_at"):
        del index[name]
    (folder / "case.json").write_text(json.dumps(index), encoding="utf-8")
    session.case.load(folder)
    [one] = session.tumors.all
    assert one.name == "T1" and one.found is not None and not one.is_stale and one.box is not None


def test_fewer_tumors_in_the_same_folder_leave_no_file_of_the_others(session, saved, tmp_path):
    folder = shutil.copytree(saved[0], tmp_path / "case")
    session.case.load(folder)
    for number in (1, 2):
        session.tumors.delete(number)
    session.case.save(folder)
    assert not [path.name for path in folder.iterdir() if "-" in path.name]


@pytest.mark.parametrize(
    "damage, why",
    [
        (lambda folder: (folder / "mask-1.nrrd").unlink(), "mask-1.nrrd is missing"),
        (lambda folder: (folder / "volume-1.nrrd").unlink(), "volume-1.nrrd is missing"),
        (lambda folder: (folder / "tumor-2.stl").write_bytes(b"solid"), "cannot be opened"),
        (
            lambda folder: write_volume(Volume(np.ones((3, 4, 5), np.uint8), np.eye(4)), folder / "mask-1.nrrd"),
            "other voxels",
        ),
    ],
)
def test_a_damaged_case_is_refused_and_nothing_is_replaced(session, saved, tmp_path, volume, damage, why):
    session.volume.set(volume)
    folder = shutil.copytree(saved[0], tmp_path / "damaged")
    damage(folder)
    with pytest.raises(FileFormatError, match=why):
        session.case.load(folder)
    assert session.volume.value is volume


@pytest.mark.parametrize(
    "tumors",
    [
        "three", [1, None, {}], [{"number": -1, "name": 7, "color": ["red"], "box": {"size_mm": [0, 0, 0]}}],
        [{"number": 1}, {"number": 1, "found_at": "yesterday", "volume": 99, "margin_mm": "wide", "sweep": True}],
    ],
)  # fmt: skip
def test_whatever_the_index_says_of_tumors_a_case_opens(session, saved, tmp_path, tumors):
    folder = shutil.copytree(saved[0], tmp_path / "case")
    index = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    (folder / "case.json").write_text(json.dumps({**index, "tumors": tumors, "chosen": "none"}), encoding="utf-8")
    session.case.load(folder)
    assert session.tumor.surface is not None and len({one.number for one in session.tumors.all}) >= 1
