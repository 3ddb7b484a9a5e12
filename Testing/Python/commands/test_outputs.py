"""No command writes over what it reads or over what is already there, and an output is looked at before work begins."""

import json
import os
import sys

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.commands.options.outputs import Output, check_outputs
from CRLMSegmentationLib.errors import CRLMError
from CRLMSegmentationLib.files import write_box, write_volume
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, write_sweep
from CRLMSegmentationLib.values import Box, Volume


@pytest.fixture
def folder(tmp_path):
    """A recording, two volumes, a mask and a box; every file can be checked for having stayed as it was."""
    frames = []
    for number in range(6):
        pose = np.diag([0.5, 0.5, 1.0, 1.0])
        pose[2, 3] = number
        frames.append(TrackedFrame(np.full((9, 12), 20 + number, np.uint8), pose, number / 10))
    write_sweep(Sweep(frames), tmp_path / "sweep.mha")
    voxels = np.arange(512, dtype=np.uint8).reshape(8, 8, 8)
    write_volume(Volume(voxels, np.eye(4)), tmp_path / "volume.nrrd")
    write_volume(Volume(voxels + 1, np.eye(4)), tmp_path / "other.nrrd")
    write_volume(Volume((voxels > 250).astype(np.uint8), np.eye(4)), tmp_path / "mask.nrrd")
    write_box(Box([4, 4, 4], [4, 4, 4]), tmp_path / "box.mrk.json")
    return tmp_path


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def is_refused(capsys, folder, *words):
    """The sentence with which `crlm words...` refuses, while every file in `folder` stays as it was."""
    before = content(folder)
    status = main([str(word) for word in words])
    error = capsys.readouterr().err
    assert status == 1 and error.count("\n") == 1 and "Traceback" not in error, error
    assert content(folder) == before
    return error


RECONSTRUCT = ["reconstruct", "{}/sweep.mha", "--spacing", "1", "-o"]
SEGMENT = ["segment", "{}/volume.nrrd", "--box-from-mask", "{}/mask.nrrd", "-o"]
DIFFERENCE = ["difference", "{}/volume.nrrd", "{}/other.nrrd", "-o"]


@pytest.mark.parametrize(
    "words",
    [
        [*RECONSTRUCT, "{}/sweep.mha"],
        [*RECONSTRUCT, "{}/new.nrrd", "--seen", "{}/sweep.mha"],
        [*SEGMENT, "{}/volume.nrrd"],
        [*SEGMENT, "{}/mask.nrrd"],
        [*SEGMENT, "{}/new.nrrd", "--probability", "{}/mask.nrrd"],
        [*DIFFERENCE, "{}/other.nrrd"],
        [*DIFFERENCE, "{}/volume.nrrd"],
        ["timing", "{}/sweep.mha", "-o", "{}/sweep.mha"],
    ],
)
@pytest.mark.parametrize("force", [[], ["--force"]])
def test_an_output_is_never_an_input(capsys, folder, words, force):
    error = is_refused(capsys, folder, *[word.format(folder) for word in words], *force)
    assert "would be written over" in error


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_an_input_is_found_through_links(capsys, folder, link):
    link(folder / "sweep.mha", folder / "linked.mha")
    words = [word.format(folder) for word in RECONSTRUCT]
    assert "would be written over" in is_refused(capsys, folder, *words, folder / "linked.mha", "--force")
    (folder / "here").symlink_to(folder)
    assert "would be written over" in is_refused(capsys, folder, *words, folder / "here" / "sweep.mha", "--force")


def test_pixels_beside_a_header_count_as_the_file(folder):
    (folder / "a.mhd").write_text("ObjectType = Image\nElementDataFile = b.zraw\n")
    (folder / "b.zraw").write_bytes(b"pixels")
    with pytest.raises(CRLMError, match="would be written over"):
        check_outputs([Output("-o", folder / "b.mhd")], [folder / "a.mhd"], force=True)


def test_a_log_is_appended_to_a_log_alone(capsys, folder):
    (folder / "plus.xml").write_text("<PlusConfiguration/>")
    words = ["--port", "1", "--seconds", "0.1", "--plus-config", folder / "plus.xml", "--log"]
    for command in (["stream"], ["record", "--timeout", "0.1", "-o", folder / "new.igs.mha"]):
        assert "would be written over" in is_refused(capsys, folder, *command, *words, folder / "plus.xml")
        assert "is no log" in is_refused(capsys, folder, *command, *words, folder / "sweep.mha")
    assert "same file" in is_refused(capsys, folder, *command, *words, folder / "new.igs.mha")


def test_two_outputs_are_two_files(capsys, folder):
    words = [word.format(folder) for word in SEGMENT]
    words += [folder / "n.nrrd", "--probability", folder / "." / "n.nrrd"]
    assert "same file" in is_refused(capsys, folder, *words)


def test_what_is_there_is_replaced_only_with_force(capsys, folder):
    words = [*(word.format(folder) for word in RECONSTRUCT), folder / "other.nrrd"]
    assert "--force" in is_refused(capsys, folder, *words)
    before = (folder / "other.nrrd").read_bytes()
    assert main([*map(str, words), "--force"]) == 0 and (folder / "other.nrrd").read_bytes() != before


@pytest.mark.parametrize(
    "output, reason",
    [("new.xyz", "ending"), ("new", "ending"), ("box.mrk.json/new.nrrd", "not a folder"),
     ("folder.nrrd", "is a folder")],
)  # fmt: skip
def test_an_output_that_cannot_be_written_is_told_before_anything_is_read(capsys, folder, output, reason):
    (folder / "folder.nrrd").mkdir()
    for words in (RECONSTRUCT, SEGMENT, DIFFERENCE):
        # The inputs are not there: had they been read first, they would be what is complained about.
        words = [word.format(folder / "missing") for word in words]
        assert reason in is_refused(capsys, folder, *words, folder / output)
    assert "ending" in is_refused(capsys, folder, *words, folder / "new.nrrd", "--picture", folder / "new.doc")


def test_a_folder_that_cannot_be_written_into_is_reported(folder, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(CRLMError, match="nothing can be written into"):
        check_outputs([Output("-o", folder / "deep" / "new.nrrd", (".nrrd",))], [])


def test_a_demo_replaces_only_what_a_demo_made(capsys, folder):
    for name in ("recorded.igs.mha", "volume.nrrd"):
        (folder / "out").mkdir(exist_ok=True)
        (folder / "out" / name).write_bytes(b"of a person")
        assert "not overwritten" in is_refused(capsys, folder, "demo", "--output", folder / "out")
        (folder / "out" / name).unlink()
    (folder / "out" / "demo.json").write_text(json.dumps({}))
    sweep = Sweep([TrackedFrame(np.ones((4, 4), np.uint8), np.eye(4), 0.0)])
    recorded = write_sweep(sweep, folder / "out" / "recorded.igs.mha")
    words = ["demo", "--output", folder / "out", "--sweep"]
    assert "would be written over" in is_refused(capsys, folder, *words, recorded)
    (folder / "out" / "finished").mkdir()
    kept = recorded.rename(folder / "out" / "finished" / "sweep.igs.mha")
    assert "lies in it" in is_refused(capsys, folder, *words, kept, "--force")


def test_a_simulated_case_does_not_replace_another_recording(capsys, folder):
    (folder / "sweep.mha").rename(folder / "sweep.igs.mha")
    assert "not overwritten" in is_refused(capsys, folder, "simulate", "--seed", "1", "-o", folder)


def test_a_study_replaces_no_table_that_it_did_not_make(capsys, folder):
    (folder / "cases.csv").write_text("case,patient,split,sweep,mask\n")
    assert "cases.csv" in is_refused(capsys, folder, "study", "simulate", "--quick", "--work", folder)
    table = (folder / "cases.csv").rename(folder / "inputs.csv")
    assert "would be written over" in is_refused(capsys, folder, "study", "build", table, "--work", folder)
    (folder / "report").mkdir()
    (folder / "report" / "index.html").write_text("of a person")
    words = ["study", "report", "--work", folder, "-o", folder / "report"]
    assert "not overwritten" in is_refused(capsys, folder, *words)


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="this system has no names that are not UTF-8")
def test_a_name_that_is_not_utf_8_is_told_before_work_begins(capsys, folder):
    """SimpleITK would end the process with what was just computed. A recording needs no library."""
    odd = os.fsdecode(b"L\xe4sion")
    for words in (RECONSTRUCT, SEGMENT, DIFFERENCE):
        words = [word.format(folder / "missing") for word in words]
        assert "UTF-8" in is_refused(capsys, folder, *words, folder / f"{odd}.nrrd")
    for words in (["demo", "--output"], ["simulate", "--seed", "1", "-o"], ["study", "simulate", "--work"]):
        assert "UTF-8" in is_refused(capsys, folder, *words, folder / odd)
    copy = folder / odd / "copy.igs.mha"
    assert main(["convert", str(folder / "sweep.mha"), "-o", str(copy)]) == 0 and copy.is_file()
    assert main(["info", str(copy)]) == 0
