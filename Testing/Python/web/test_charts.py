"""Curves over time."""

import numpy as np
import pytest
from CRLMSegmentationLib.web.page.charts import HEIGHT, WIDTH, Series


def _points(curve: str) -> np.ndarray:
    return np.array([[float(number) for number in point.split(",")] for point in curve.split()])


def test_a_curve_runs_from_its_age_to_the_right_edge():
    series = Series(seconds=10)
    for second in range(11):
        series.add(100.0 + second, 10.0 * second)
    (curve,) = series.curves()
    points = _points(curve)
    assert series.range == (0.0, 100.0)
    np.testing.assert_allclose(points[:, 0], np.linspace(0, WIDTH, 11), atol=0.06)
    np.testing.assert_allclose(points[:, 1], np.linspace(HEIGHT, 0, 11), atol=0.06)


def test_no_line_is_drawn_over_a_gap():
    series = Series(seconds=10)
    for second, value in enumerate([5.0, 6.0, None, None, 7.0]):
        series.add(second, value)
    assert [len(curve.split()) for curve in series.curves()] == [2, 1]


def test_what_is_too_old_is_forgotten():
    series = Series(seconds=2)
    for second in range(6):
        series.add(second, 99.0 if second < 3 else 1.0)
    assert series.values == [1.0, 1.0, 1.0] and series.range[1] == 10


def test_values_below_zero_move_the_lower_edge():
    series = Series()
    series.add(0, -4.0)
    series.add(1, 8.0)
    assert series.range == (-4.0, 10.0)
    assert series.height_of(-4.0) == HEIGHT and series.height_of(10.0) == 0
    assert series.height_of(3.0) == pytest.approx(HEIGHT / 2)


def test_nothing_draws_nothing():
    series = Series()
    assert series.curves() == [] and series.range == (0.0, 10.0)
    series.add(0, None)
    assert series.curves() == []
    series.add(1, 5000.0)
    assert series.range == (0.0, 5000.0)
    series.clear()
    assert series.curves() == []
