"""`crlm scope landmarks` with a real network, of random weights, in its real worker process."""

import json

import numpy as np
import pytest

pytest.importorskip("cv2", reason="OpenCV is not installed (extra 'scope')")

from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.files.laparoscope.landmark_mask_file import read_landmark_mask, write_picture
from CRLMSegmentationLib.files.laparoscope.polylines_file import read_polylines
from CRLMSegmentationLib.inference.models.import_model import About, import_model
from CRLMSegmentationLib.laparoscopy.network.landmark_finder import drawn
from CRLMSegmentationLib.laparoscopy.network.network_picture import CHANNELS, LABELS, NETWORK_SIZE
from small_model import write_result


def _whole_pictures(plans):
    plans["configurations"]["2d"]["patch_size"] = list(NETWORK_SIZE[::-1])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The folder of a model with random weights."""
    folder = tmp_path_factory.mktemp("landmarks")
    entries = LABELS.entries()
    result = write_result(
        folder / "result", axes=2, channels=CHANNELS, labels=entries["labels"],
        regions_class_order=entries["regions_class_order"], change_plans=_whole_pictures,
    )  # fmt: skip
    return import_model(result, "random", folder / "model", About("landmarks")).folder


@pytest.fixture
def pictures(tmp_path):
    """A folder of two pictures, the second of which is dark."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    noise = np.random.default_rng(1).integers(0, 255, (15, 20, 3)).astype(np.uint8)
    write_picture(np.kron(noise, np.ones((12, 12, 1), np.uint8)), folder / "one.png")
    write_picture(np.full((180, 240, 3), 4, np.uint8), folder / "two.png")
    return folder


def crlm(capsys, *words):
    status = main([str(word) for word in words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_a_mask_and_the_lines_of_each_picture_are_written(model, pictures, tmp_path, capsys):
    words = ("scope", "landmarks", pictures, "-o", tmp_path / "found", "--model", model, "--device", "cpu",
             "--runtime", "torch", "--threads", 1, "--json")  # fmt: skip
    status, out, err = crlm(capsys, *words)
    facts = json.loads(out)
    assert status == 0 and facts["pictures"] == 2 and facts["network_ms"] > 0 and facts["post_ms"] > 0
    lines, size = read_polylines(tmp_path / "found" / "polylines.json")
    assert list(lines) == ["one", "two"] and size == (240, 180)
    for name, of_picture in lines.items():
        assert np.array_equal(read_landmark_mask(tmp_path / "found" / f"{name}.png"), drawn(of_picture, size))
    assert facts["landmarks"] == {
        name: sum(any(line.landmark == name for line in one) for one in lines.values()) for name in facts["landmarks"]
    }
    assert any("1 of 2 pictures (the first: two) are dark" in doubt for doubt in facts["doubts"])
    assert "are dark" in err
    status, _, err = crlm(capsys, *words)
    assert status != 0 and "already there" in err


def test_no_picture_is_written_over(model, pictures, capsys):
    before = (pictures / "one.png").read_bytes()
    status, _, err = crlm(capsys, "scope", "landmarks", pictures, "-o", pictures, "--model", model, "--force")
    assert status != 0 and "which is read" in err and (pictures / "one.png").read_bytes() == before


def test_without_a_model_one_sentence_says_so(pictures, tmp_path, monkeypatch, capsys):
    from CRLMSegmentationLib.laparoscopy.network import landmark_finder

    monkeypatch.setattr(landmark_finder, "model_choices", lambda task: [])
    status, _, err = crlm(capsys, "scope", "landmarks", pictures, "-o", tmp_path / "found")
    assert status != 0 and "No model for landmarks is installed" in err and len(err.strip().splitlines()) == 1
    assert not (tmp_path / "found").exists()


def test_frames_of_an_earlier_video_do_not_stay(model, tmp_path, capsys):
    import cv2

    writer = cv2.VideoWriter(str(tmp_path / "video.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    writer.write(np.full((48, 64, 3), 90, np.uint8))
    writer.release()
    write_picture(np.zeros((48, 64), np.uint8), tmp_path / "found" / "frame_000007.png")
    words = ("scope", "landmarks", tmp_path / "video.avi", "-o", tmp_path / "found", "--model", model, "--device",
             "cpu", "--runtime", "torch")  # fmt: skip
    status, _, err = crlm(capsys, *words)
    assert status != 0 and "frame_000007.png is already there" in err
    assert crlm(capsys, *words, "--force")[0] == 0
    assert [path.name for path in (tmp_path / "found").glob("*.png")] == ["frame_000000.png"]
