"""Saving beside the work: nothing waits for the disk, and what is written is the case at the press."""

import threading

import numpy as np
import pytest
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.session.case import background_save
from CRLMSegmentationLib.session.case.case_files import read_case, write_case
from CRLMSegmentationLib.session.session import Session
from scene_case import on_scene
from small_case import TUMOR_CENTER
from stand_ins import ConeSegmenter, SphereSegmenter


@pytest.fixture
def found(session, volume, box):
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.segment(ConeSegmenter())
    return session


@pytest.fixture
def slow_disk(monkeypatch):
    """Writing waits until the event is set."""
    goes_on = threading.Event()

    def write(*arguments):
        assert goes_on.wait(60)
        return write_case(*arguments)

    monkeypatch.setattr(background_save, "write_case", write)
    yield goes_on
    goes_on.set()


def test_what_is_written_is_the_case_at_the_press(found, tmp_path, slow_disk):
    case, mask = found.case, found.tumor.mask.voxels.copy()
    edge, margin_mm = found.box.value.size_mm.copy(), found.structures.margin_mm
    case.begin_save(tmp_path / "case")
    # The press has come back although nothing is written yet, and the work goes on.
    assert case.is_saving and case.has_unsaved_data and found.is_computing
    found.process()
    found.structures.set_margin_mm(3.0)
    found.box.set(type(found.box.value)(TUMOR_CENTER, (12, 12, 12)))
    found.tumor.segment(SphereSegmenter())
    assert not np.array_equal(found.tumor.mask.voxels, mask)
    slow_disk.set()
    assert found.wait()
    assert case.saved.folder == tmp_path / "case" and case.save_problem == ""
    assert case.has_unsaved_data, "what was done since is not saved"
    written = read_case(tmp_path / "case")
    np.testing.assert_array_equal(written.mask.voxels, mask)
    np.testing.assert_allclose(written.box.size_mm, edge)
    assert written.facts["margin_mm"] == margin_mm


def test_the_scene_that_is_written_is_that_at_the_press(volume, box, tmp_path, slow_disk):
    from CRLMSegmentationLib.mrml.bundle import load_scene

    session = on_scene(Session())
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.segment(ConeSegmenter())
    assert session.wait()
    mask, diameter = session.tumor.mask.voxels.copy(), session.tumor.figures["largest_diameter_mm"]
    session.case.begin_save(tmp_path / "case")
    session.tumor.segment(SphereSegmenter())
    session.volume.set(volume.with_voxels(255 - volume.voxels))
    slow_disk.set()
    assert session.wait()
    other = on_scene(Session())
    load_scene(other.view, tmp_path / "case" / "scene.mrb")
    assert other.wait()
    np.testing.assert_array_equal(other.volume.value.voxels, volume.voxels)
    np.testing.assert_array_equal(other.tumor.mask.voxels, mask)
    assert other.tumor.figures["largest_diameter_mm"] == pytest.approx(diameter, rel=1e-3)
    np.testing.assert_allclose(other.box.value.size_mm, box.size_mm)
    session.close()
    other.close()


def test_one_case_is_saved_at_a_time_and_what_was_saved_is_said(found, tmp_path, slow_disk):
    actions.SAVE.run(found, tmp_path / "case")
    assert "being saved" in actions.SAVE.why_not(found)
    with pytest.raises(FileFormatError, match="being saved"):
        found.case.begin_save(tmp_path / "other")
    slow_disk.set()
    assert found.wait() and not found.case.has_unsaved_data and actions.SAVE.can_run(found)
    # Another case was never saved, whatever was before.
    found.case.begin()
    assert found.case.saved is None


def test_a_save_that_fails_says_why_and_nothing_is_lost(found, tmp_path):
    found.case.save(tmp_path / "case")
    before = {path.name: path.read_bytes() for path in (tmp_path / "case").iterdir()}
    found.tumor.segment(SphereSegmenter())
    found.case.take_scene = lambda: lambda path: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    found.case.begin_save(tmp_path / "case")
    assert found.wait()
    assert "No space left" in found.case.save_problem and found.case.saved is None
    assert found.case.has_unsaved_data and found.tumor.surface is not None
    assert {path.name: path.read_bytes() for path in (tmp_path / "case").iterdir()} == before


def test_closing_waits_until_the_case_is_written(found, tmp_path, slow_disk):
    found.case.begin_save(tmp_path / "case")
    threading.Timer(0.05, slow_disk.set).start()
    found.close()
    np.testing.assert_array_equal(read_case(tmp_path / "case").volume.voxels, found.volume.value.voxels)


def test_a_stroke_that_is_on_its_way_at_the_press_is_saved(found, tmp_path):
    found.tumor.set_threshold(0.9)
    assert found.tumor.is_shaping
    found.case.begin_save(tmp_path / "case")
    assert found.wait()
    assert read_case(tmp_path / "case").facts["threshold"] == pytest.approx(0.9)
