"""What a cut along a plane leaves of a liver whose volumes can be worked out by hand."""

import json

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError
from CRLMSegmentationLib.preoperative.ct_slices import CtSlices
from CRLMSegmentationLib.preoperative.remnant import CutPlane, plane_of_plain, remnant_of
from CRLMSegmentationLib.preoperative.result_folder import read_result, write_measures, write_result
from CRLMSegmentationLib.preoperative.structures import structures_of_map
from CRLMSegmentationLib.session.preoperative.figures import remnant_lines
from CRLMSegmentationLib.values import Volume

# As DICOM lays a CT: i to the left, j to the back, slices of 2 mm upwards.
MATRIX = np.array([[-1.0, 0, 0, 30], [0, -1.0, 0, 40], [0, 0, 2.0, -50], [0, 0, 0, 1]])


@pytest.fixture(scope="module")
def found():
    """A liver of R 20 to -19 with a tumor on the right (R 18 to 9) and one in the middle (R 2 to -1)."""
    labels = np.zeros((20, 40, 60), np.uint8)
    labels[2:18, 5:35, 10:50] = 1
    labels[4:8, 10:20, 12:22] = 3
    labels[10:14, 10:14, 28:32] = 3
    return structures_of_map(Volume(labels, MATRIX, frame="CT"))


def test_the_part_on_the_left_stays_without_its_tumors(found):
    # Between R 2 and R 3: of 40 columns 22 stay (R 2 to -19), the tumor in the middle with them.
    of_left = remnant_of(found, CutPlane.of(np.array([2.5, 0.0, 0.0]), np.array([-2.0, 0, 0])))
    whole_ml = (40 * 30 * 16 - 10 * 10 * 4 - 4 * 4 * 4) * 2 / 1000
    assert of_left.remnant_ml == pytest.approx((22 * 30 * 16 - 4 * 4 * 4) * 2 / 1000)
    assert of_left.share == pytest.approx(of_left.remnant_ml / whole_ml)
    # On both sides, with the tumors that lie there.
    assert of_left.resected_ml == pytest.approx(whole_ml - of_left.remnant_ml)
    assert of_left.remnant_with_tumors_ml == pytest.approx(22 * 30 * 16 * 2 / 1000)
    assert of_left.resected_with_tumors_ml == pytest.approx(18 * 30 * 16 * 2 / 1000)
    assert remnant_lines(of_left)[:2] == [
        "21 mL stay, 56% of the liver without tumors.", "16 mL go (17 mL with tumors)."
    ]  # fmt: skip
    assert (of_left.lesions_left, of_left.lesions_cut) == ((2,), ())
    assert of_left.margin_mm == pytest.approx(6.5)
    of_right = remnant_of(found, CutPlane.of(np.array([2.5, 0.0, 0.0]), np.array([1.0, 0, 0])))
    assert of_right.share == pytest.approx(1 - of_left.share) and of_right.lesions_left == (1,)


def test_a_lesion_that_the_plane_runs_through_is_named(found):
    cut = remnant_of(found, CutPlane.of(np.array([0.5, 0.0, 0.0]), np.array([-1.0, 0, 0])))
    assert (cut.lesions_left, cut.lesions_cut, cut.cuts_the_liver) == ((2,), (2,), True)
    beside = remnant_of(found, CutPlane.of(np.array([-40.0, 0.0, 0.0]), np.array([-1.0, 0, 0])))
    assert (beside.share, beside.cuts_the_liver, beside.lesions_left) == (0.0, False, ())


@pytest.mark.parametrize(
    "turn, tilt, normal", [(0, 0, (-1, 0, 0)), (90, 0, (0, 1, 0)), (180, 0, (1, 0, 0)), (30, 90, (0, 0, 1))]
)
def test_turn_and_tilt_say_where_the_part_lies_that_stays(turn, tilt, normal):
    plane = CutPlane.turned(np.array([1.0, 2, 3]), turn, tilt)
    assert plane.normal == pytest.approx(normal, abs=1e-9) and plane.tilt_deg == pytest.approx(tilt)
    back = CutPlane.turned(np.array([1.0, 2, 3]), plane.turn_deg, plane.tilt_deg)
    assert back.normal == pytest.approx(plane.normal, abs=1e-9)


def test_a_plane_goes_through_three_points_whatever_their_order():
    points = np.array([[2.5, 0.0, 0.0], [2.5, 30.0, 0.0], [2.5, 5.0, 40.0]])
    for order in ([0, 1, 2], [0, 2, 1], [2, 1, 0]):
        for r, sign in ((-20.0, -1.0), (20.0, 1.0)):
            plane = CutPlane.through(points[order], np.array([r, 3.0, 4.0]))
            assert plane.normal == pytest.approx((sign, 0, 0)) and plane.distance_mm(points) == pytest.approx(
                0, abs=1e-9
            )
    for wrong, stays, sentence in (
        (points * [1, 1, 0], [9, 0, 0], "nearly on a line"),
        (points, [2.5, 9, 9], "lies in the plane"),
        (points * np.nan, [9, 0, 0], "three points"),
    ):
        with pytest.raises(ConfigurationError, match=sentence):
            CutPlane.through(wrong, np.array(stays, dtype=float))


@pytest.mark.parametrize("normal, sentence", [((0, 0, 0), "no length"), ((np.nan, 0, 1), "finite")])
def test_a_plane_without_a_direction_is_refused(normal, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        CutPlane.of(np.zeros(3), np.array(normal, dtype=float))
    with pytest.raises(ConfigurationError, match="draw it again"):
        plane_of_plain({"plane": "here"})


def test_the_plane_is_kept_with_the_result_and_measured_anew_with_its_masks(found, tmp_path):
    plane = CutPlane.of(np.array([2.5, 0.0, 0.0]), np.array([-1.0, 0, 0]))
    write_result(found, tmp_path, {"date": "2026-01-05"}, plane=plane)
    said = json.loads((tmp_path / "measures.json").read_text(encoding="utf-8"))
    assert said["remnant"]["share"] == pytest.approx(remnant_of(found, plane).share) and said["date"] == "2026-01-05"
    read = read_result(tmp_path)
    assert read.remnant is not None and read.remnant.plane == plane and "remnant" not in read.about
    write_measures(found, tmp_path, read.about)
    assert read_result(tmp_path).remnant is None


def test_a_slice_shows_the_plane_and_darkens_what_goes(found):
    ct = found.label_map.with_voxels(np.full(found.label_map.voxels.shape, 60, np.int16))
    slices = CtSlices(ct, found)
    plane = CutPlane.of(np.array([10.5, 0.0, 0.0]), np.array([-1.0, 0, 0]))
    at = slices.at(np.array([10.0, 20, -30]))
    assert slices.point_of(at) == pytest.approx([10, 20, -30])
    plain, cut = (slices.picture("axial", at["axial"], cut=one).astype(int) for one in (None, plane))
    row = cut[int(cut.shape[0] * 0.4)]
    green = np.flatnonzero((row[:, 1] > 200) & (row[:, 0] < 120))
    # The patient's right is on the left: R 30 is the first of 60 columns.
    assert green.mean() / len(row) == pytest.approx((30.5 - 10.5) / 60, abs=0.01)
    darker = np.flatnonzero(row.sum(axis=1) < plain[int(cut.shape[0] * 0.4)].sum(axis=1))
    assert darker.min() / len(row) == pytest.approx(10 / 60, abs=0.01) and darker.max() < green.max()


def test_a_slice_that_lies_in_the_plane_is_seen_through_it(found):
    slices = CtSlices(found.label_map.with_voxels(np.full(found.label_map.voxels.shape, 60, np.int16)), found)
    at = slices.at(np.array([10.0, 20, -30]))
    plane = CutPlane.of(slices.point_of(at), np.array([-1.0, 0, 0]))
    picture = slices.picture("sagittal", at["sagittal"], cross=at, cut=plane).astype(int)
    assert not ((picture[..., 1] > 200) & (picture[..., 0] < 120)).any()
    axial = slices.picture("axial", at["axial"], cross=at, cut=plane).astype(int)
    assert ((axial[..., 1] > 200) & (axial[..., 0] < 120)).any(axis=1).all(), "the line lies over that of the cross"
