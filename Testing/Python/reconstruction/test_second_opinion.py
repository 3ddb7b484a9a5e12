"""Two reconstructions of one sweep, compared."""

import json

import numpy as np
import pytest
import SimpleITK
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import ReconstructionError
from CRLMSegmentationLib.files import read_volume, write_volume
from CRLMSegmentationLib.pictures.difference_picture import BRIGHTER, DARKER, colored_difference, difference_picture
from CRLMSegmentationLib.pictures.picture_style import PANEL
from CRLMSegmentationLib.reconstruction.quality.second_opinion import difference
from CRLMSegmentationLib.values import Volume

GRID = np.diag([0.5, 0.5, 0.5, 1.0])


def volume(values, matrix=GRID, dtype=np.uint8):
    return Volume(np.array(values, dtype=dtype).reshape(1, 2, 3), matrix)


def test_figures_worked_out_by_hand():
    found = difference(volume([0, 10, 20, 30, 0, 40]), volume([0, 10, 24, 28, 6, 0]))
    assert found.volume.voxels.ravel().tolist() == [0, 0, -4, 2, -6, 40]
    assert found.figures() == {
        "voxels": 5, "same_share": 0.2, "mean": 6.4, "mean_absolute": 10.4, "largest": 40.0,
        "only_first": 1, "only_second": 1,
    }  # fmt: skip


def test_float_voxels_are_not_rounded():
    found = difference(volume([0.5] * 6, dtype=np.float32), volume([0.25] * 6, dtype=np.float32))
    assert found.mean == 0.25 and found.volume.voxels.dtype == np.float64


def test_two_empty_volumes_have_no_figures():
    found = difference(volume([0] * 6), volume([0] * 6))
    assert found.voxels == 0 and np.isnan(found.same_share) and found.largest == 0.0
    assert set(colored_difference(found.volume.voxels[0])[0].reshape(-1).tolist()) == set(PANEL)


def test_another_grid_is_refused():
    moved = GRID.copy()
    moved[0, 3] = 0.4
    with pytest.raises(ReconstructionError, match=r"0.40 mm apart"):
        difference(volume(range(6)), volume(range(6), moved))
    with pytest.raises(ReconstructionError, match="3 x 2 x 1 and 2 x 3 x 1 voxels"):
        difference(volume(range(6)), Volume(np.zeros((1, 3, 2), np.uint8), GRID))


def test_the_picture_is_red_where_the_first_is_brighter_and_blue_where_it_is_darker(tmp_path):
    first, second = volume([9, 0, 0, 0, 0, 5]), volume([0, 0, 9, 0, 0, 5])
    found = difference(first, second)
    changed, full = colored_difference(found.volume.voxels[0])
    assert changed[0, 0].tolist() == list(BRIGHTER) and changed[0, 2].tolist() == list(DARKER)
    assert changed[1, 2].tolist() == list(PANEL) and full == 9
    drawn = SimpleITK.GetArrayFromImage(
        SimpleITK.ReadImage(str(difference_picture(tmp_path / "d.png", first, second, found)))
    )
    # Three slices beside each other, with room for what is written above and below them.
    panel = drawn.shape[1] // 3
    middle = drawn[60 : drawn.shape[0] - 70]
    assert drawn.shape[2] == 3 and (drawn[:50] > 200).any() and (drawn[-60:] > 200).any()
    assert (middle[:, :panel] == 255).any() and (middle[:, 2 * panel :] == BRIGHTER).all(axis=2).any()
    assert difference_picture(tmp_path / "d.jpg", first, second, found).read_bytes()[:2] == b"\xff\xd8"


def test_the_command_says_that_ours_is_igsios(capsys, tmp_path, shared_data):
    words = [
        "difference", shared_data / "SpinePhantomFreehand.igs.mha", shared_data / "SpinePhantom_NN_MEAN_reference.mha",
        "--plus-config", shared_data / "SpinePhantom.xml", "--interpolation", "nearest", "--definition", "igsio",
        "--json", "-o", tmp_path / "difference.nrrd", "--picture", tmp_path / "difference.png",
    ]  # fmt: skip
    assert main([str(word) for word in words]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["same_share"] == 1.0 and figures["voxels"] > 100_000 and figures["only_first"] == 0
    assert not read_volume(tmp_path / "difference.nrrd").voxels.any()
    assert SimpleITK.ReadImage(str(tmp_path / "difference.png")).GetNumberOfComponentsPerPixel() == 3


def test_the_command_compares_two_files(capsys, tmp_path):
    write_volume(volume([1, 2, 3, 4, 5, 6]), tmp_path / "a.nrrd")
    write_volume(volume([1, 2, 3, 4, 5, 9]), tmp_path / "b.nrrd")
    assert main(["difference", str(tmp_path / "a.nrrd"), str(tmp_path / "b.nrrd")]) == 0
    text = capsys.readouterr().out
    assert "6 voxels compared, 83.3333% the same" in text and "largest 3" in text
