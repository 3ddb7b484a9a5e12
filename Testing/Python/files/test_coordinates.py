"""LPS and RAS: turned in one place, by hand-made answers."""

import re
from pathlib import Path

import CRLMSegmentationLib
import numpy as np
import pytest
import SimpleITK
from CRLMSegmentationLib.errors import FileFormatError
from CRLMSegmentationLib.files.coordinates import ijk_to_ras_of, image_on_grid, to_ras
from CRLMSegmentationLib.geometry import LPS_TO_RAS

IJK_TO_RAS = np.array([[0, -2.0, 0, 10], [0.5, 0, 0, -20], [0, 0, 3.0, 30], [0, 0, 0, 1]])


def test_an_image_lies_in_lps_with_the_same_place_of_each_voxel():
    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    image = image_on_grid(voxels, IJK_TO_RAS)
    assert image.GetSize() == (4, 3, 2) and image.GetSpacing() == (0.5, 2.0, 3.0)
    for index in ((0, 0, 0), (3, 2, 1)):
        right, anterior, superior = (IJK_TO_RAS @ [*index, 1])[:3]
        np.testing.assert_allclose(image.TransformIndexToPhysicalPoint(index), (-right, -anterior, superior))
        assert image[index] == voxels[index[::-1]]


def test_the_grid_is_read_back_as_it_was_written():
    np.testing.assert_allclose(ijk_to_ras_of(image_on_grid(np.zeros((2, 3, 4), ">f4"), IJK_TO_RAS)), IJK_TO_RAS)


def test_an_image_of_itk_itself_is_turned_about_the_long_axis():
    image = SimpleITK.Image(2, 2, 2, SimpleITK.sitkUInt8)
    image.SetOrigin((1.0, 2.0, 3.0))
    expected = [[-1, 0, 0, -1], [0, -1, 0, -2], [0, 0, 1, 3], [0, 0, 0, 1]]
    np.testing.assert_allclose(ijk_to_ras_of(image), expected)
    np.testing.assert_allclose(to_ras("lps", "a.json"), np.diag([-1, -1, 1, 1]))


def test_what_is_neither_is_refused():
    with pytest.raises(FileFormatError, match="neither RAS nor LPS"):
        to_ras("scanner", "a.json")


def test_nobody_can_change_what_lps_means():
    with pytest.raises(ValueError):
        LPS_TO_RAS[0, 0] = 1


def test_lps_is_written_down_once():
    spelled_out = re.compile(r"(diag|Scale)\(\[?\s*-1(\.0)?,\s*-1(\.0)?,\s*1(\.0)?\b")
    library = Path(CRLMSegmentationLib.__file__).parent
    places = [path.name for path in library.rglob("*.py") if spelled_out.search(path.read_text(encoding="utf-8"))]
    assert places == ["geometry.py"]
