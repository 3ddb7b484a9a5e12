"""The `crlm` command as a user has it: steps on files, and one sentence for every mistake."""

import json
import re

import numpy as np
import pytest
from CRLMSegmentationLib.cli import _COMMANDS, build_parser, main
from CRLMSegmentationLib.files import read_volume, write_box, write_volume
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, write_sweep
from CRLMSegmentationLib.values import Box, Volume


def crlm(capsys, *words):
    """(exit status, standard output, standard error) of one command."""
    status = main([str(word) for word in words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def fails_with_one_sentence(capsys, *words):
    status, _, error = crlm(capsys, *words)
    assert status == 1 and error.startswith("crlm ") and error.count("\n") == 1 and "Traceback" not in error
    return error


@pytest.fixture
def a_sweep_file(tmp_path):
    """Eight parallel frames of 20 x 10 mm, 1 mm apart, each filled with its number."""
    frames = []
    for number in range(8):
        pose = np.diag([0.5, 0.5, 1.0, 1.0])
        pose[:3, 3] = 3, 4, number
        frames.append(TrackedFrame(np.full((21, 41), 10 * number + 10, np.uint8), pose, number / 10))
    return write_sweep(Sweep(frames), tmp_path / "sweep.igs.mha")


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    text = capsys.readouterr().out
    assert stop.value.code == 0 and all(re.search(rf"^ +{name}\b", text, re.MULTILINE) for name in _COMMANDS)
    build_parser()


def test_a_sweep_becomes_a_volume_in_the_right_place(capsys, tmp_path, a_sweep_file):
    status, text, _ = crlm(capsys, "reconstruct", a_sweep_file, "-o", tmp_path / "v.nrrd", "--spacing", 1,
                           "--fill", "none", "--compounding", "latest")  # fmt: skip
    volume = read_volume(tmp_path / "v.nrrd")
    assert status == 0 and "8 of 8 frames used" in text
    # Pixel (10, 4) of frame 5 lies at (3 + 5, 4 + 2, 5): worked out by hand.
    i, j, k = np.rint(volume.ras_to_ijk @ [8, 6, 5, 1])[:3].astype(int)
    assert volume.voxels[k, j, i] == 60


def test_options_override_the_plus_configuration(capsys, tmp_path, a_sweep_file):
    (tmp_path / "plus.xml").write_text(
        '<PlusConfiguration><VolumeReconstruction OutputSpacing="2 2 2" Interpolation="NEAREST_NEIGHBOR" '
        'CompoundingMode="LATEST" FillHoles="OFF"/></PlusConfiguration>'
    )
    for extra, spacing in (((), 2), (("--spacing", "1"), 1)):
        words = ["reconstruct", a_sweep_file, "-o", tmp_path / "v.nrrd", "--plus-config", tmp_path / "plus.xml",
                 "--force", *extra]  # fmt: skip
        assert crlm(capsys, *words)[0] == 0
        np.testing.assert_allclose(read_volume(tmp_path / "v.nrrd").spacing_mm, spacing)


def test_image_to_probe_may_be_given_as_sixteen_numbers(capsys, tmp_path):
    from CRLMSegmentationLib.sweep import Pose

    frame = TrackedFrame(np.ones((5, 5), np.uint8), None, 0.0, transforms={"ProbeToReference": Pose(np.eye(4))})
    path = write_sweep(Sweep([frame.with_changes(timestamp=n) for n in range(2)]), tmp_path / "a.igs.mha")
    text = path.read_bytes().replace(b"ImageToReferenceTransform", b"IgnoredToNowhereTransform")
    path.write_bytes(text)
    error = fails_with_one_sentence(capsys, "reconstruct", path, "-o", tmp_path / "v.nrrd")
    assert "ImageToProbe" in error
    numbers = "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1".split()
    assert crlm(capsys, "reconstruct", path, "-o", tmp_path / "v.nrrd", "--image-to-probe", *numbers)[0] == 0
    words = ["reconstruct", path, "-o", tmp_path / "w.nrrd", "--image-to-probe"]
    error = fails_with_one_sentence(capsys, *words, *numbers[1:])
    assert "16" in error
    zeros = ["0"] * 16
    fails_with_one_sentence(capsys, "reconstruct", path, "-o", tmp_path / "w.nrrd", "--image-to-probe", *zeros)


def test_compare_prints_the_figures_and_json_without_nan(capsys, tmp_path):
    voxels = np.zeros((4, 4, 4), np.uint8)
    write_volume(Volume(voxels, np.eye(4)), tmp_path / "empty.nrrd")
    voxels[1:3, 1:3, 1:3] = 1
    write_volume(Volume(voxels, np.eye(4)), tmp_path / "cube.nrrd")
    status, text, _ = crlm(capsys, "compare", tmp_path / "cube.nrrd", tmp_path / "cube.nrrd", "--json")
    assert status == 0 and json.loads(text)["dice"] == 1.0
    status, text, _ = crlm(capsys, "compare", tmp_path / "empty.nrrd", tmp_path / "cube.nrrd", "--json")
    assert json.loads(text)["dice"] == 0.0 and json.loads(text)["hd95_mm"] is None


def test_info_knows_every_kind_of_file(capsys, tmp_path, a_sweep_file):
    write_box(Box([0, 0, 0], [1, 2, 3]), tmp_path / "box.mrk.json")
    write_volume(Volume(np.ones((2, 2, 2), np.uint8), np.eye(4)), tmp_path / "v.nrrd")
    for name, kind in ((a_sweep_file, "sweep"), (tmp_path / "box.mrk.json", "box"), (tmp_path / "v.nrrd", "volume")):
        status, text, _ = crlm(capsys, "info", name, "--json")
        assert status == 0 and json.loads(text)["kind"] == kind
    assert json.loads(crlm(capsys, "info", "crop-simulated-small", "--json")[1])["kind"] == "model"


def test_wrong_input_gives_one_sentence_each(capsys, tmp_path, a_sweep_file):
    volume = Volume(np.ones((8, 8, 8), np.uint8), np.eye(4))
    write_volume(volume, tmp_path / "v.nrrd")
    (tmp_path / "empty").mkdir()
    cut = tmp_path / "cut.igs.mha"
    cut.write_bytes(a_sweep_file.read_bytes()[:-30])
    out = tmp_path / "o.nrrd"
    segment = ["segment", tmp_path / "v.nrrd", "-o", out]
    for words in (
        ["reconstruct", tmp_path / "missing.igs.mha", "-o", out],
        ["reconstruct", cut, "-o", out],
        ["reconstruct", tmp_path / "v.nrrd", "-o", out],
        ["reconstruct", a_sweep_file, "-o", out, "--spacing", "0"],
        ["reconstruct", a_sweep_file, "-o", out, "--spacing", "1", "2"],
        ["reconstruct", a_sweep_file, "-o", out, "--plus-config", tmp_path / "missing.xml"],
        [*segment, "--box", "900", "0", "0", "10", "10", "10"],
        [*segment, "--box", "4", "4", "4", "0", "10", "10"],
        [*segment, "--box", "nonsense"],
        [*segment, "--box", tmp_path / "missing.mrk.json"],
        [*segment, "--box", "4", "4", "4", "6", "6", "6", "--model", tmp_path / "empty"],
        [*segment, "--box", "4", "4", "4", "6", "6", "6", "--model", "no-such-model"],
        ["compare", tmp_path / "v.nrrd", tmp_path / "missing.nrrd"],
        ["info", tmp_path / "missing"],
        ["info", cut],
        ["simulate", "--seed", "-1", "-o", tmp_path / "s"],
        ["replay", a_sweep_file, "--port", "70000"],
        ["record", "-o", tmp_path / "r.igs.mha", "--port", "1", "--timeout", "0.3"],
        ["record", "-o", tmp_path / "r.avi", "--port", "1", "--timeout", "0.3"],
        ["repair", tmp_path / "missing.igs.mha"],
        ["demo", "--sweep", tmp_path / "missing.igs.mha", "--output", tmp_path / "d"],
        ["demo", "--sweep", tmp_path / "missing.igs.mha", "--patient", "3", "--output", tmp_path / "d"],
        ["demo", "--patient", "-1", "--output", tmp_path / "d"],
    ):
        error = fails_with_one_sentence(capsys, *words)
        assert len(error) < 400, error
    assert not out.exists() and not (tmp_path / "r.igs.mha").exists()


def test_a_sweep_without_a_valid_frame_says_so(capsys, tmp_path):
    frames = [TrackedFrame(np.ones((5, 5), np.uint8), np.eye(4), n, valid=False) for n in range(3)]
    path = write_sweep(Sweep(frames), tmp_path / "a.igs.mha")
    assert "valid" in fails_with_one_sentence(capsys, "reconstruct", path, "-o", tmp_path / "v.nrrd")
