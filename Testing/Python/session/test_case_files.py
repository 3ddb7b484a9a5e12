"""A saved case opens again as it was, holds no name of a person, and is refused whole when it is damaged."""

import itertools
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.files import write_volume
from CRLMSegmentationLib.mrml.application import current_application
from CRLMSegmentationLib.mrml.nodes import find, get_or_create
from CRLMSegmentationLib.session.case.event_log import without_paths
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.sweep import Pose, Sweep, write_sweep
from CRLMSegmentationLib.values import Box, Volume
from scene_case import on_scene
from small_case import TUMOR_CENTER, affine
from stand_ins import SURNAME, ConeSegmenter, ball, edit

TIP = affine(translation=(1.0, 2.0, -90.0))


def seen_of(volume) -> np.ndarray:
    seen = np.ones(volume.voxels.shape, bool)
    seen[:7, :5] = False
    return seen


@pytest.fixture(scope="module")
def saved(tmp_path_factory, sweep, volume, box):
    """The folder of a case that was corrected by hand and cut at another threshold, and what its session held."""
    session = on_scene(Session())
    session.recording.set_sweep(Sweep(sweep.frames, f"{SURNAME} 1.4.1950"))
    session.volume.set(volume.with_seen(seen_of(volume)))
    session.box.set(box, tight=True)
    session.tumor.segment(ConeSegmenter())
    session.tumor.begin_correction()
    stroke = ball(volume, TUMOR_CENTER + (0, 12, 0), 4.0)
    edit(session, lambda mask: mask | stroke)
    session.tumor.end_correction()
    session.tumor.set_threshold(0.4)
    session.structures.set_margin_mm(7.0)
    session.tools.update("StylusTipToStylus", Pose(TIP))
    assert session.wait()
    # What others have in the scene beside it.
    get_or_create(session.view.scene, "vtkMRMLScalarVolumeNode", f"CT of {SURNAME}")
    assert session.case.has_unsaved_data
    folder = session.case.save(tmp_path_factory.mktemp("cases") / "case")
    assert not session.case.has_unsaved_data
    held = {
        "mask": session.tumor.mask,
        "surface": session.tumor.surface,
        "message": session.state[Step.SEGMENT].message,
    }
    session.close()
    return folder, held


def test_it_opens_as_it_was(view, session, saved, sweep, volume, box):
    folder, held = saved
    session.case.load(folder)
    assert len(session.recording.sweep) == len(sweep) and session.recording.sweep.name == ""
    for back, frame in zip(session.recording.sweep.frames, sweep.frames):
        np.testing.assert_array_equal(back.pixels, frame.pixels)
        assert back.valid == frame.valid and back.timestamp == pytest.approx(frame.timestamp, abs=1e-6)
        np.testing.assert_allclose(back.image_to_reference, frame.image_to_reference, atol=1e-9)
        assert set(back.transforms) >= set(frame.transforms)
    np.testing.assert_array_equal(session.volume.value.voxels, volume.voxels)
    np.testing.assert_array_equal(session.volume.value.seen, seen_of(volume))
    assert session.volume.value.has_geometry_of(volume)
    np.testing.assert_allclose(session.box.value.corners_ras(), box.corners_ras(), atol=1e-6)
    assert session.box.is_tight and session.structures.margin_mm == 7.0 and session.tumor.threshold == 0.4
    np.testing.assert_array_equal(session.tumor.mask.voxels, held["mask"].voxels)
    assert session.tumor.surface.GetNumberOfPoints() == held["surface"].GetNumberOfPoints()
    np.testing.assert_allclose(session.tumor.surface.GetBounds(), held["surface"].GetBounds(), atol=1e-3)
    done = [step for step in Step if session.state.status(step) is StepStatus.DONE]
    assert done == [Step.RECORD, Step.RECONSTRUCT, Step.BOX, Step.SEGMENT]
    assert session.state.status(Step.NAVIGATE) is StepStatus.READY
    assert session.state[Step.SEGMENT].message == held["message"]
    assert not session.case.has_unsaved_data
    session.tools.update("StylusToReference", Pose(affine(translation=TUMOR_CENTER + (-1, 38, 90))))
    np.testing.assert_allclose(session.tools.reading().tip_ras, TUMOR_CENTER + (0, 40, 0), atol=1e-9)
    assert 20 < session.tools.distance_mm() < 28
    assert session.wait() and session.view.margin_node() is not None


def test_corrections_survive_a_threshold_after_opening(view, session, saved, volume):
    session.case.load(saved[0])
    assert session.tumor.has_probability
    session.tumor.set_threshold(0.6)
    assert session.wait()
    mask = session.tumor.mask.voxels > 0
    stroke = ball(volume, TUMOR_CENTER + (0, 12, 0), 4.0) & ~ball(volume, TUMOR_CENTER, 11.0)
    assert mask[stroke].all()
    assert not mask[ball(volume, TUMOR_CENTER - (0, 9.0, 0), 1.0)].any()
    assert session.case.has_unsaved_data


def test_no_name_of_a_person_is_in_it(saved):
    folder, _ = saved
    assert {path.name for path in folder.iterdir()} == {
        "case.json", "log.jsonl", "protocol.txt", "scene.mrb", "recording.igs.mha", "volume.nrrd", "volume.seen.nrrd",
        "probability.nrrd", "mask.nrrd", "corrections.nrrd", "tumor.stl", "box.mrk.json",
    }  # fmt: skip
    contents = [path.read_bytes() for path in folder.iterdir() if path.suffix != ".mrb"]
    with zipfile.ZipFile(folder / "scene.mrb") as bundle:
        contents += [bundle.read(name) for name in bundle.namelist()]
        contents += [name.encode() for name in bundle.namelist()]
        assert any(b"Tumor segmentation" in content for content in contents)
    assert not any(SURNAME.encode() in content for content in contents)


def test_what_looks_like_a_path_is_kept_out_of_the_log():
    assert without_paths(f"the disk of /data/{SURNAME} Erika/x.igs.mha is full") == "the disk of <path> is full"
    assert without_paths(rf"C:\cases\{SURNAME}\a.mha cannot be read") == "<path> cannot be read"
    assert without_paths("12 frames of 0.5 mm, 3 lost.") == "12 frames of 0.5 mm, 3 lost."


def test_no_part_of_a_name_with_blanks_is_left_of_a_path():
    rooted = ("/media/usb/{}", "/media/{}/usb", r"C:\cases\{}", r"\\server\{}\x", "~/{}", "./{}", "C:/data/{}")
    people = ("Doe Jane 1954", "Dr. Doe, Jane", "Doe-Jane", "Doe; Jane (left lobe)", "Doe: Jane's")
    sentences = (
        "{} cannot be read: it is damaged.", "The disk of {} is too slow: 4 frames were lost.",
        "Recovered: {} and {}, 5 frames/s.", "It is there (see {}).",
    )  # fmt: skip
    for place, name, sentence in itertools.product((*rooted, "cases/{}/x", "{}/x"), people, sentences):
        for ending in ("", ".igs.mha", ".igs.mha.journal", "/volume.nrrd"):
            told = without_paths(sentence.replace("{}", place.format(name) + ending))
            assert not any(word in told for word in ("Doe", "Jane", "lobe", "1954")), (place, name, sentence, ending)
            assert place not in rooted or told.startswith(sentence.split("{}")[0]), told


@pytest.mark.parametrize("sentence, told", [
    ("Doe Jane 1954.igs.mha cannot be read.", "<path> cannot be read."),
    ("Recovered: Doe Jane.igs.mha, and Roe Jim.mha: 5 frames.", "<path>: 5 frames."),
    ("recording, 120 frames in 4.0 s: 30 frames/s, 12 mm/s", None), ("A tumor of 4.2 mL, 17 mm. Nothing else.", None),
])  # fmt: skip
def test_bare_file_names_and_units(sentence, told):
    assert without_paths(sentence) == (told or sentence)


def test_notices_name_a_file_without_its_folder(session, tmp_path):
    session.recording.folder = tmp_path
    session._workflow.note(f"A recording that was cut off was recovered: {tmp_path / 'sweep.igs.mha'}.")
    assert session.state.notices[-1] == "A recording that was cut off was recovered: sweep.igs.mha."
    assert "sweep" not in session.case.event_log


def test_free_text_of_others_stays_out_of_a_case(session, sweep, tmp_path):
    text = {"Note": f"{SURNAME} left lobe", "Title": SURNAME}
    fields = {**text, "Depth": "151", "Gain": "-0.5", "DataOrigin": "simulated"}
    frames = [frame.with_changes(fields=fields) for frame in sweep.frames]
    session.recording.open(write_sweep(Sweep(frames, fields={"Description": SURNAME}), tmp_path / "opened.igs.mha"))
    session.case.save(tmp_path / "case")
    saved = (tmp_path / "case" / "recording.igs.mha").read_bytes()
    assert SURNAME.encode() not in saved
    assert all(kept in saved for kept in (b"Depth = 151", b"Gain = -0.5", b"DataOrigin = simulated"))


def test_index_and_log_are_plain(saved):
    folder, _ = saved
    index = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    assert index["tumor"]["voxels_corrected_by_hand"] > 100
    assert index["tumor"]["volume_ml"] > 1 and index["model"]["name"] and index["case_clock_s"] is None
    assert "segment" in index["timings_s"]
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [entry["status"] for entry in entries if entry["event"] == "Segment"][-1] == "done"


def test_only_what_gets_smaller_by_it_is_compressed(saved):
    folder, _ = saved
    with zipfile.ZipFile(folder / "scene.mrb") as scene:
        # The name of a node, and a number that makes it the only one.
        in_scene = {re.sub(r"-\d+(?=\.)", "", Path(name).name): scene.read(name) for name in scene.namelist()}

    def encoding(content: bytes) -> bytes:
        return re.search(rb"^encoding: (\w+)", content, re.MULTILINE)[1]

    assert encoding((folder / "probability.nrrd").read_bytes()) == b"raw"
    assert encoding(in_scene["Tumor-probability.nrrd"]) == b"raw"
    for name in ("volume.nrrd", "mask.nrrd"):
        assert encoding((folder / name).read_bytes()) == b"gzip"
    for name in ("Reconstructed-volume.nrrd", "Tumor-segmentation.seg.nrrd"):
        assert encoding(in_scene[name]) == b"gzip"


def test_opening_leaves_what_others_have_in_the_scene(saved, volume, mask):
    application = current_application()
    scene = application.scene
    view = scene.AddNewNodeByClass("vtkMRMLViewNode", "View1")
    other = scene.AddNewNodeByClass("vtkMRMLModelNode", "Vessels")
    session = on_scene(Session(), application)
    session.volume.set(volume.with_voxels(np.zeros_like(volume.voxels)))
    session.box.set(Box(TUMOR_CENTER, (9, 9, 9)))
    session.tumor.set(mask)
    for _ in range(2):
        session.case.load(saved[0])
    assert scene.IsNodePresent(view) and scene.IsNodePresent(other)
    for class_name in ("vtkMRMLSegmentationNode", "vtkMRMLMarkupsROINode", "vtkMRMLSequenceBrowserNode"):
        assert scene.GetNumberOfNodesByClass(class_name) == 1
    roi = find(scene, "vtkMRMLMarkupsROINode", "Tumor box")
    roi.SetSize(50.0, 50.0, 50.0)
    assert session.tumor.surface is None, "the opened box is watched"
    session.close()


def test_a_tool_of_the_case_before_is_not_left_standing(view, session, saved):
    session.tools.update("NeedleToReference", Pose(affine(translation=(1, 2, 3))))
    assert find(session.view.scene, "vtkMRMLModelNode", "Needle model").GetDisplayVisibility()
    session.case.load(saved[0])
    assert find(session.view.scene, "vtkMRMLModelNode", "Needle model") is None
    assert session.tools.names == ["Stylus"]
    assert not find(session.view.scene, "vtkMRMLModelNode", "Stylus model").GetDisplayVisibility()


def test_a_smaller_case_in_the_same_folder_leaves_no_file_of_the_larger(view, session, saved, tmp_path, sweep):
    import shutil

    folder = tmp_path / "case"
    shutil.copytree(saved[0], folder)
    (folder / "notes.txt").write_text("kept")
    session.recording.set_sweep(sweep)
    session.case.save(folder)
    assert {path.name for path in folder.iterdir()} == {
        "case.json", "log.jsonl", "protocol.txt", "scene.mrb", "recording.igs.mha", "notes.txt"
    }  # fmt: skip
    session.case.load(folder)
    assert session.volume.value is None and session.state.status(Step.RECONSTRUCT) is StepStatus.READY


def test_a_damaged_case_is_refused_and_nothing_is_replaced(view, session, saved, tmp_path, volume):
    import shutil

    session.volume.set(volume)
    with pytest.raises(FileFormatError, match="no saved case"):
        session.case.load(tmp_path)
    for damage, why in (
        (lambda folder: (folder / "mask.nrrd").unlink(), "mask.nrrd is missing"),
        (lambda folder: (folder / "volume.seen.nrrd").unlink(), "volume.seen.nrrd is missing"),
        (lambda folder: (folder / "volume.nrrd").write_bytes(b"NRRD0004\n"), "cannot be opened"),
        (lambda folder: (folder / "case.json").write_text("[]"), "something else"),
        (lambda folder: (folder / "case.json").write_text("{"), "not JSON"),
        (lambda folder: write_volume(Volume(np.ones((3, 4, 5), np.uint8), np.eye(4)), folder / "mask.nrrd"), "not fit"),
    ):
        folder = tmp_path / "damaged"
        shutil.copytree(saved[0], folder)
        damage(folder)
        with pytest.raises(FileFormatError, match=why):
            session.case.load(folder)
        shutil.rmtree(folder)
    assert session.volume.value is not None


def test_saving_that_fails_leaves_the_earlier_case(view, session, saved, tmp_path, sweep, monkeypatch):
    import shutil

    folder = tmp_path / "case"
    shutil.copytree(saved[0], folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fails(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("CRLMSegmentationLib.session.case.case_files.write_sweep", fails)
    session.recording.set_sweep(sweep)
    with pytest.raises(FileFormatError, match="No space left"):
        session.case.save(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert session.case.has_unsaved_data


def test_an_opened_recording_is_unsaved_until_saved(session, sweep, tmp_path):
    assert not session.case.has_unsaved_data
    write_sweep(sweep, tmp_path / "sweep.igs.mha")
    session.recording.open(tmp_path / "sweep.igs.mha")
    assert session.case.has_unsaved_data
    session.case.save(tmp_path / "case")
    assert not session.case.has_unsaved_data
    session.box.place(TUMOR_CENTER)
    assert session.case.has_unsaved_data


def test_a_recording_of_our_own_is_copied_and_another_sweep_is_not_taken_for_it(session, sweep, tmp_path):
    session.recording.folder, session.recording.live_reconstruction = tmp_path / "recordings", False
    session.recording.start()
    for frame in sweep.frames:
        session.stream.show_frame(frame)
    session.recording.stop()
    assert session.wait() and session.recording.own_path == session.recording.path
    session.case.save(tmp_path / "case")
    assert (tmp_path / "case" / "recording.igs.mha").read_bytes() == session.recording.path.read_bytes()
    session.recording.start()
    session.stream.show_frame(sweep.frames[0])
    session.recording.stop()
    # Its file is complete only after another sweep has taken its place.
    session.recording.set_sweep(sweep)
    assert session.wait() and session.recording.own_path is None
    session.case.save(tmp_path / "case")
    session.case.load(tmp_path / "case")
    assert len(session.recording.sweep) == len(sweep)


def test_a_recording_that_was_opened_is_saved_without_names(session, sweep, tmp_path):
    frames = [frame.with_changes(fields={"PatientName": SURNAME, "Depth": "151"}) for frame in sweep.frames]
    session.recording.open(write_sweep(Sweep(frames), tmp_path / "opened.igs.mha"))
    session.case.save(tmp_path / "case")
    saved = (tmp_path / "case" / "recording.igs.mha").read_bytes()
    assert SURNAME.encode() not in saved and b"Depth = 151" in saved
