"""Pictures of a CT: structures seen from the side that is asked for, and slices beside them."""

import io

import numpy as np
import pytest
from CRLMSegmentationLib.pictures.ct_in_space import CtInSpace
from CRLMSegmentationLib.pictures.ct_report import USE, ct_report, picture_in_space, write_ct_report
from CRLMSegmentationLib.pictures.ct_sheet import png_of, sheet
from CRLMSegmentationLib.pictures.offscreen import working_window_class
from CRLMSegmentationLib.preoperative.ct_slices import CtSlices
from CRLMSegmentationLib.preoperative.measures import measure
from CRLMSegmentationLib.preoperative.remnant import CutPlane, remnant_of
from CRLMSegmentationLib.preoperative.result_folder import Result, surface_of
from CRLMSegmentationLib.preoperative.structures import structures_of_map
from CRLMSegmentationLib.session.preoperative.opened_ct import CtFacts, OpenedCt
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


def test_a_report_holds_pictures_figures_and_what_they_are_worth(found, tmp_path):
    ct = found.label_map.with_voxels((found.label_map.voxels * 40).astype(np.int16))
    plane = CutPlane.of(np.array([60.0, 60, 60]), np.array([-1.0, 0, 0]))
    about = {"model": {"name": "m<1>", "version": "2"}, "doubts": ["Trained on simulated CTs only."],
             "corrections": [{"what": "lesion 2 removed"}]}  # fmt: skip
    result = Result(found, measure(found), about, remnant_of(found, plane))
    surfaces = {name: surface_of(found, name) for name in ("liver", "tumor")}
    opened = OpenedCt(CtFacts("2026-01-05", "portal"), ct, CtSlices(ct, found), result=result, surfaces=surfaces)
    path = write_ct_report(opened, tmp_path / "report.html", space=picture_in_space(opened))
    page = path.read_text(encoding="utf-8")
    for said in (
        "portal · 2026-01-05", USE, "Found by m&lt;1&gt; 2. Corrected by hand, 1 change.",
        "Trained on simulated CTs only.", "of the liver without tumors", "Not registered",
    ):  # fmt: skip
        assert said in page, said
    # In space, the lesion, and the cut; nothing comes from elsewhere.
    assert page.count("<img ") == 3 and page.count("data:image/png;base64,") == 3
    assert "http" not in page and "m<1>" not in page
    assert ct_report(opened).count("<img ") == 2
