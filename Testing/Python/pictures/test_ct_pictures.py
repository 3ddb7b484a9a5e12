"""Pictures of a CT: structures seen from the side that is asked for, and slices beside them."""

import io

import numpy as np
import pytest
from CRLMSegmentationLib.pictures.ct_in_space import CtInSpace
from CRLMSegmentationLib.pictures.ct_sheet import png_of, sheet
from CRLMSegmentationLib.pictures.offscreen import working_window_class
from CRLMSegmentationLib.preoperative.ct_slices import CtSlices
from CRLMSegmentationLib.preoperative.result_folder import surface_of
from CRLMSegmentationLib.preoperative.structures import structures_of_map
from CRLMSegmentationLib.values import Volume


@pytest.fixture(scope="module")
def found():
    """A liver with a tumor on the patient's right, in front and below."""
    if working_window_class() is None:
        pytest.skip("this machine renders nothing without a window: the CT in space was not tested")
    labels = np.zeros((40, 40, 40), np.uint8)
    labels[5:35, 5:35, 5:35] = 1
    labels[8:16, 24:32, 24:32] = 3
    return structures_of_map(Volume(labels, np.diag([3.0, 3.0, 3.0, 1.0])))


def middle_of_red(picture):
    """(across, down) 0 to 1 of what is red; None where nothing is."""
    red, green, blue = (picture[..., channel].astype(int) for channel in range(3))
    down, across = np.nonzero((red > 90) & (red > 2 * green) & (red > 2 * blue))
    return None if len(across) == 0 else (across.mean() / picture.shape[1], down.mean() / picture.shape[0])


def test_structures_are_seen_from_the_side_that_is_asked_for(found):
    space = CtInSpace({name: surface_of(found, name) for name in ("liver", "tumor")})
    shown = ("liver", "tumor")
    across, down = middle_of_red(space.picture(0, 0, shown, (200, 160)))
    # From the front the patient's right is on the left, and what lies low is below.
    assert across < 0.45 and down > 0.55
    assert middle_of_red(space.picture(180, 0, shown, (200, 160)))[0] > 0.55
    # From the patient's left, the front is on the left.
    assert middle_of_red(space.picture(90, 0, shown, (200, 160)))[0] < 0.45
    assert middle_of_red(space.picture(0, 0, ("liver",), (200, 160))) is None
    assert space.picture(0, 500, shown, (5000, 160)).shape == (160, 900, 3)
    space.close()


def test_a_sheet_shows_three_slices_and_space_and_is_a_png(found):
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed: the PNG was not read")
    slices = CtSlices(None, found)
    space = CtInSpace({"tumor": surface_of(found, "tumor")})
    picture = sheet(slices, space, slices.begin(), ("tumor",), 120)
    space.close()
    assert picture.shape == (240, 240, 3)
    for top in (0, 120):
        for left in (0, 120):
            assert middle_of_red(picture[top : top + 120, left : left + 120]) is not None
    np.testing.assert_array_equal(np.asarray(pillow.open(io.BytesIO(png_of(picture)))), picture)
    grey = picture[..., 0]
    np.testing.assert_array_equal(np.asarray(pillow.open(io.BytesIO(png_of(grey)))), grey)
