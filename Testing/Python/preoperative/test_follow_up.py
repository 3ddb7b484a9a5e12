"""Lesions over several dates: which is which after the liver moved, and what RECIST says of it."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError, SegmentationError
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.preoperative.follow_up import follow_up, match, response
from CRLMSegmentationLib.preoperative.liver_alignment import align_livers
from CRLMSegmentationLib.preoperative.measures import measure
from CRLMSegmentationLib.preoperative.result_folder import Result
from CRLMSegmentationLib.preoperative.structures import structures_of_map
from CRLMSegmentationLib.values import Volume
from scipy.spatial.transform import Rotation

SPACING = 3.0
GRID = np.diag([SPACING, SPACING, SPACING, 1.0])
GRID[:3, 3] = -120.0
SHAPE = (80, 80, 80)


def moved(degrees=(0, 0, 0), mm=(0, 0, 0)) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    matrix[:3, 3] = mm
    return matrix


def patient(lesions, to_patient=None, date="") -> Result:
    """A liver of two ellipsoids of unlike size, with balls (center RAS mm, diameter mm), moved as a whole."""
    k, j, i = np.indices(SHAPE)
    places = np.stack([i, j, k], -1) * SPACING - 120.0
    places = transform_points(np.linalg.inv(np.eye(4) if to_patient is None else to_patient), places)
    labels = np.zeros(SHAPE, np.uint8)
    for center, axes in (((-25, 0, 0), (60, 50, 70)), ((45, 15, 20), (50, 30, 35))):
        labels[(((places - center) / axes) ** 2).sum(-1) < 1] = 1
    for center, diameter in lesions:
        labels[((places - center) ** 2).sum(-1) < (diameter / 2) ** 2] = 3
    structures = structures_of_map(Volume(labels, GRID, frame="CT"))
    return Result(structures, measure(structures), {"date": date})


FIRST = [((-30, 0, 10), 30.0), ((-30, 0, -40), 21.0), ((50, 15, 20), 18.0)]


def test_a_liver_that_moved_is_laid_over_itself():
    true = moved((6, -8, 10), (14, -9, 20))
    matrix = align_livers(patient([], true).structures.mask("liver"), patient([]).structures.mask("liver"))
    places = np.array([center for center, _ in FIRST], dtype=float)
    assert np.linalg.norm(transform_points(matrix @ true, places) - places, axis=1).max() < 2.0
    empty = Volume(np.zeros((4, 4, 4), np.uint8), np.eye(4))
    with pytest.raises(SegmentationError, match="no liver"):
        align_livers(empty, empty)


def test_lesions_are_followed_through_growth_vanishing_and_new_ones():
    second = [((-30, 0, 10), 39.0), ((50, 15, 20), 12.0), ((-60, 10, 20), 15.0)]
    found = follow_up(
        [patient(FIRST, date="2026-01-05"), patient(second, moved((4, -5, 8), (18, -12, 15)), "2026-04-02")]
    )
    assert found.dates == ("2026-01-05", "2026-04-02") and len(found.tracks) == 4
    large, middle, small, new = found.tracks
    assert large.lesions == (1, 1) and large.is_target and large.diameters_mm[1] == pytest.approx(39, abs=4)
    assert middle.lesions == (2, None) and middle.is_target
    assert small.lesions[0] == 3 and small.diameters_mm[1] == pytest.approx(12, abs=4) and not small.is_target
    assert new.lesions[0] is None and not new.is_target
    assert found.new == ((), (4,)) and found.vanished == ((), (2,))
    assert found.sums_mm == pytest.approx((51, 39), abs=6)
    assert found.responses == ("baseline", "progressive disease")
    assert np.linalg.norm(np.array(large.center_ras_mm) - FIRST[0][0]) < 3


def test_what_is_missing_on_one_date_only_is_one_lesion():
    found = follow_up([patient(FIRST), patient(FIRST[:2]), patient(FIRST)])
    assert len(found.tracks) == 3 and found.tracks[2].lesions[1] is None
    assert found.vanished == ((), (3,), ()) and found.new == ((), (), ())
    assert found.responses == ("baseline", "stable disease", "stable disease")


def test_lesions_are_assigned_one_to_one_with_the_smallest_sum_of_distances():
    before, after = np.array([[0.0, 0, 0], [10, 0, 0]]), np.array([[9.0, 0, 0], [18, 0, 0], [90, 0, 0]])
    # The nearest of the second one is taken by nobody when both are to be paired.
    assert match(before, after, np.full((2, 3), 12.0)) == [(0, 0), (1, 1)]
    assert match(before, after, np.full((2, 3), 5.0)) == [(1, 0)]
    assert match(before, np.empty((0, 3)), np.empty((2, 0))) == []


@pytest.mark.parametrize(
    "sums, has_new, remaining, expected",
    [
        ([50, 34], False, 2, "partial response"),
        ([50, 36], False, 2, "stable disease"),
        ([50, 0], False, 0, "complete response"),
        ([50, 30, 37], False, 2, "progressive disease"),
        # 20 % more, but under 5 mm.
        ([20, 24], False, 1, "stable disease"),
        ([50, 20], True, 3, "progressive disease"),
    ],
)
def test_the_response_follows_recist(sums, has_new, remaining, expected):
    assert response(sums, 0, False, 1) == "baseline"
    assert response(sums, len(sums) - 1, has_new, remaining) == expected


def test_one_date_or_dates_out_of_order_are_told():
    one = patient([], date="2026-02-01")
    with pytest.raises(ConfigurationError, match="at least two dates"):
        follow_up([one])
    with pytest.raises(ConfigurationError, match="not in the order"):
        follow_up([one, patient([], date="2026-01-01")])
