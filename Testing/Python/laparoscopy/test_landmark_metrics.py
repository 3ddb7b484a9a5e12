"""Figures of found landmarks against the true ones: the challenge's own answers, and masks worked out by hand."""

import json
import math

import numpy as np
import pytest
from CRLMSegmentationLib.errors import LaparoscopeError
from CRLMSegmentationLib.files.laparoscope.landmark_mask_file import read_landmark_mask
from CRLMSegmentationLib.laparoscopy.metrics import cldice, compare_landmarks, compare_lines, symmetric_distance


@pytest.fixture(scope="module")
def challenge(shared_data):
    folder = shared_data / "laparoscopy"
    reference = json.loads((folder / "p2ilf_reference_metrics.json").read_text(encoding="utf-8"))
    return folder, reference["cases"]


@pytest.mark.parametrize("case", ["eval_eroded", "eval_removed", "eval_removed_2"])
def test_figures_are_those_of_the_challenges_own_code(challenge, case):
    folder, cases = challenge
    truth = read_landmark_mask(folder / "p2ilf_patient1_12_landmarks.png")
    found = compare_landmarks(read_landmark_mask(folder / f"p2ilf_patient1_12_{case}.png"), truth)
    for name, figures in cases[case].items():
        for key, value in figures.items():
            assert found[name][key] == pytest.approx(value, abs=1e-6), (name, key)
        assert found[name]["symmetric_distance_dmax20_divided"] == pytest.approx(
            figures["symmetric_distance_dmax20"] / 20, abs=1e-6
        )


def line(row, columns=slice(20, 60), shape=(100, 120)):
    mask = np.zeros(shape, dtype=bool)
    mask[row, columns] = True
    return mask


def test_a_line_three_pixels_beside_the_truth_is_three_away():
    # 40 pixels at 3 each way, over twice 40; nothing missed.
    assert symmetric_distance(line(33), line(30), 10) == pytest.approx((40 * 3 + 40 * 3) / 80)


def test_what_is_missed_and_what_is_false_count_d_max():
    half = line(30, slice(20, 40))
    # Of the 20 pixels that are not found, nine lie nearer than 10 to the end of what was.
    expected = sum(range(1, 10)) / 80 + 10 * 11 / 40
    assert symmetric_distance(half, line(30), 10) == pytest.approx(expected)
    both = line(30) | line(80, slice(20, 25))
    assert symmetric_distance(both, line(30), 10) == pytest.approx(10 * 5 / (100 * 120 - 2 * 10 * 40))


def test_nothing_found_and_no_truth():
    nothing = np.zeros((100, 120), dtype=bool)
    found = compare_lines(nothing, line(30))
    assert found["symmetric_distance_dmax10"] == 10 and found["symmetric_distance_dmax20"] == 20
    assert (found["dice"], found["recall"], found["cldice"]) == (0, 0, 0) and math.isnan(found["precision"])
    found = compare_lines(line(30), nothing)
    assert (found["dice"], found["precision"]) == (0, 0)
    assert math.isnan(found["recall"]) and math.isnan(found["symmetric_distance_dmax10"])
    found = compare_lines(nothing, nothing)
    assert (found["dice"], found["precision"], found["recall"], found["cldice"]) == (1, 1, 1, 1)
    assert found["symmetric_distance_dmax10"] == 0


def test_no_distance_where_the_truth_fills_the_picture():
    assert math.isnan(symmetric_distance(line(30), np.ones((100, 120), dtype=bool), 10))


def test_cldice_has_a_denominator_of_its_own_for_each_line():
    """The found line is half of the true one: its centre lies in the truth, half of the truth's in it."""
    assert cldice(line(30, slice(20, 40)), line(30)) == pytest.approx(2 * 1 * 0.5 / 1.5)
    thick = line(slice(28, 33))
    # However wide it is: the centre of either lies in the other, but for the forks at a rectangle's ends.
    assert cldice(thick, line(30)) > 0.92 and compare_lines(thick, line(30))["dice"] < 0.34
    assert cldice(line(30), line(60)) == 0


def test_masks_of_two_sizes_are_refused():
    with pytest.raises(LaparoscopeError, match=r"differ in size \(120 x 100 and 120 x 90 pixels\)"):
        compare_lines(line(30), line(30)[:90])
