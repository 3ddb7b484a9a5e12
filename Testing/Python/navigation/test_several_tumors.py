"""The tumor that matters most to a place is that of a search through all of them."""

import numpy as np
import pytest
from CRLMSegmentationLib.navigation import several_tumors
from CRLMSegmentationLib.navigation.margin import margin_state
from CRLMSegmentationLib.navigation.several_tumors import MeasuredTumor, joined, most_urgent

pytest.importorskip("vtkmodules", reason="vtk is not installed")


@pytest.fixture(scope="module")
def tumors():
    """Six spheres at random places, each with its own margin."""
    from CRLMSegmentationLib.navigation.distance import TumorDistance
    from vtkmodules.vtkFiltersSources import vtkSphereSource

    random = np.random.default_rng(11)
    found = []
    for number in range(6):
        sphere = vtkSphereSource()
        sphere.SetCenter(*random.uniform(-40, 40, 3))
        sphere.SetRadius(random.uniform(4, 10))
        sphere.SetThetaResolution(24)
        sphere.SetPhiResolution(24)
        sphere.Update()
        margin_mm = float(random.uniform(0, 15))
        found.append(MeasuredTumor(number, f"T{number}", TumorDistance(sphere.GetOutput()), margin_mm))
    return found


def test_it_is_that_of_a_search_through_all(tumors):
    random = np.random.default_rng(12)
    for place in random.uniform(-60, 60, (300, 3)):
        measured = [(one, one.distance.signed_distance_mm(place)) for one in tumors]
        wanted, away_mm = min(
            measured, key=lambda pair: (-margin_state(pair[1], pair[0].margin_mm).severity.rank, pair[1])
        )
        found, closest = most_urgent(tumors, place)
        assert found is wanted and closest.signed_distance_mm == away_mm


def test_it_is_so_with_an_alarm_before_the_margin_too(tumors, monkeypatch):
    def earlier(distance_mm, margin_mm):
        return margin_state(distance_mm, margin_mm + 30)

    monkeypatch.setattr(several_tumors, "margin_state", earlier)
    for place in np.random.default_rng(13).uniform(-60, 60, (300, 3)):
        measured = [(one, one.distance.signed_distance_mm(place)) for one in tumors]
        wanted, _ = min(measured, key=lambda pair: (-earlier(pair[1], pair[0].margin_mm).severity.rank, pair[1]))
        assert most_urgent(tumors, place)[0] is wanted


def test_tumors_that_cannot_matter_are_not_measured_to(tumors, monkeypatch):
    asked = []
    for one in tumors:
        closest_point = one.distance.closest_point
        monkeypatch.setattr(
            one.distance, "closest_point", lambda place, one=one, ask=closest_point: asked.append(one) or ask(place)
        )
    center = tumors[2].distance.closest_point_ras(np.zeros(3))
    asked.clear()
    found, _ = most_urgent(tumors, center)
    assert found is tumors[2] and len(asked) < len(tumors)


def test_there_is_none_without_tumors():
    assert most_urgent([], np.zeros(3)) is None


def test_joined_surfaces_have_the_points_of_all(tumors):
    surfaces = [one.distance._surface for one in tumors[:2]]
    together = joined(surfaces)
    assert together.GetNumberOfPolys() == sum(one.GetNumberOfPolys() for one in surfaces)
