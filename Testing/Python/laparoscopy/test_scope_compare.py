"""`crlm scope compare` and the pictures of landmarks that it reads."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.files.laparoscope.landmark_mask_file import (
    read_landmark_mask,
    write_landmark_mask,
    write_picture,
)

RED, BLUE, YELLOW = (254, 0, 3), (0, 0, 255), (255, 250, 0)


@pytest.fixture
def mask():
    mask = np.zeros((60, 80), dtype=np.uint8)
    mask[20:23, 10:50], mask[30:33, 10:50], mask[40:43, 10:50] = 1, 2, 3
    return mask


def test_numbers_and_colours_are_the_same_mask(mask, tmp_path):
    colors = np.zeros((*mask.shape, 3), dtype=np.uint8)
    for number, color in ((1, RED), (2, BLUE), (3, YELLOW)):
        colors[mask == number] = color
    written = {
        "numbers.png": mask,
        "sixteen.png": mask.astype(np.uint16),
        "colors.png": colors,
        "grey in colour.png": np.repeat(mask[..., None], 3, axis=-1),
    }
    for name, pixels in written.items():
        assert np.array_equal(read_landmark_mask(write_picture(pixels, tmp_path / name)), mask), name
    assert np.array_equal(read_landmark_mask(write_landmark_mask(mask, tmp_path / "again.png")), mask)


def test_other_numbers_and_colours_are_refused(mask, tmp_path):
    mask[0, 0] = 4
    with pytest.raises(FileFormatError, match="the value 4"):
        read_landmark_mask(write_picture(mask, tmp_path / "four.png"))
    colors = np.zeros((*mask.shape, 3), dtype=np.uint8)
    colors[7, 9] = (0, 255, 0)
    with pytest.raises(FileFormatError, match=r"pixel \(9, 7\) has the colour \(0, 255, 0\)"):
        read_landmark_mask(write_picture(colors, tmp_path / "green.png"))
    with pytest.raises(FileFormatError, match="16 bits"):
        read_landmark_mask(write_picture(colors.astype(np.uint16), tmp_path / "deep.png"))
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(FileFormatError, match="no picture"):
        read_landmark_mask(tmp_path / "text.png")
    with pytest.raises(FileFormatError, match="does not exist"):
        read_landmark_mask(tmp_path / "missing.png")


def crlm(capsys, *words):
    status = main([str(word) for word in words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_json_holds_the_figures_of_each_landmark(mask, tmp_path, capsys):
    truth = mask.copy()
    truth[truth == 2] = 0
    names = [write_landmark_mask(one, tmp_path / name) for one, name in ((mask, "a.png"), (truth, "b.png"))]
    status, out, err = crlm(capsys, "scope", "compare", *names, "--json")
    found = json.loads(out)
    assert status == 0 and set(found) == {"ridge", "ligament", "silhouette"}
    assert found["ridge"]["dice"] == found["silhouette"]["cldice"] == 1
    assert found["ligament"]["symmetric_distance_dmax20"] is None and found["ligament"]["dice"] == 0
    assert "no ligament" in err and "not 1920 x 1080" in err


def test_masks_of_two_pictures_are_refused_in_one_sentence(mask, tmp_path, capsys):
    names = [write_landmark_mask(one, tmp_path / name) for one, name in ((mask, "a.png"), (mask[:50], "b.png"))]
    status, out, err = crlm(capsys, "scope", "compare", *names, "--json")
    assert status == 1 and out == "" and err.count("\n") == 1 and "80 x 60 and 80 x 50" in err
