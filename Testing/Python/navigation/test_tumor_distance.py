"""Distances against a sphere and a box, whose answers can be worked out by hand."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import GeometryError
from CRLMSegmentationLib.navigation.distance import TumorDistance
from CRLMSegmentationLib.values import Box
from hypothesis import given, settings
from hypothesis import strategies as st
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkFiltersCore import vtkAppendPolyData, vtkReverseSense, vtkTriangleFilter
from vtkmodules.vtkFiltersSources import vtkCubeSource, vtkPlaneSource, vtkSphereSource

CENTER = np.array([12.0, -30.0, 55.0])


def output_of(source):
    source.Update()
    return source.GetOutput()


def sphere(radius_mm, center=CENTER, resolution=120):
    source = vtkSphereSource()
    source.SetCenter(*center)
    source.SetRadius(radius_mm)
    source.SetThetaResolution(resolution)
    source.SetPhiResolution(resolution)
    return output_of(source)


def box(size_mm, center=CENTER):
    source = vtkCubeSource()
    source.SetCenter(*center)
    source.SetXLength(size_mm[0])
    source.SetYLength(size_mm[1])
    source.SetZLength(size_mm[2])
    return output_of(source)


def reversed_faces(surface):
    reverse = vtkReverseSense()
    reverse.SetInputData(surface)
    reverse.ReverseCellsOn()
    return output_of(reverse)


def signed_distance_to_box(point, size_mm, center=CENTER):
    beyond = np.abs(point - center) - np.asarray(size_mm) / 2
    return np.linalg.norm(np.maximum(beyond, 0)) + min(beyond.max(), 0)


@pytest.fixture(scope="module")
def to_sphere():
    return TumorDistance(sphere(20.0))


@pytest.fixture(scope="module")
def to_box():
    return TumorDistance(box((20.0, 30.0, 40.0)))


@settings(deadline=None)
@given(st.floats(0.5, 60.0), st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1))
def test_sphere_is_the_analytic_distance(to_sphere, radius_mm, direction):
    direction = np.array(direction) / np.linalg.norm(direction)
    point = CENTER + radius_mm * direction
    # The faceted sphere lies up to 0.02 mm inside the true one.
    assert to_sphere.signed_distance_mm(point) == pytest.approx(radius_mm - 20.0, abs=0.02)


@settings(deadline=None)
@given(st.tuples(*[st.floats(-45, 45)] * 3))
def test_box_is_the_analytic_distance_also_around_edges_and_corners(to_box, offset):
    point = CENTER + np.array(offset)
    expected = signed_distance_to_box(point, (20.0, 30.0, 40.0))
    assert to_box.signed_distance_mm(point) == pytest.approx(expected, abs=1e-4)


def test_closest_point_lies_on_the_surface_at_that_distance(to_sphere):
    point = CENTER + (0.0, 0.0, 35.0)
    closest = to_sphere.closest_point(point)
    np.testing.assert_allclose(closest.point_ras, CENTER + (0, 0, 20), atol=1e-3)
    assert np.linalg.norm(point - closest.point_ras) == pytest.approx(closest.signed_distance_mm, abs=1e-6)


def test_inside_is_negative_whichever_way_the_faces_turn():
    for surface in (sphere(20.0), reversed_faces(sphere(20.0))):
        distance = TumorDistance(surface)
        assert distance.signed_distance_mm(CENTER + (15.0, 0, 0)) == pytest.approx(-5, abs=0.02)
        assert distance.signed_distance_mm(CENTER + (25.0, 0, 0)) == pytest.approx(5, abs=0.02)


def test_faces_that_turn_this_way_and_that_are_put_right():
    triangles = vtkTriangleFilter()
    triangles.SetInputData(box((20.0, 20.0, 20.0)))
    surface = output_of(triangles)
    mixed = vtkPolyData()
    mixed.DeepCopy(surface)
    mixed.ReverseCell(3)
    mixed.ReverseCell(8)
    distance = TumorDistance(mixed)
    for offset in np.vstack([np.eye(3), -np.eye(3)]):
        assert distance.signed_distance_mm(CENTER + 4 * offset) == pytest.approx(-6, abs=1e-4)
        assert distance.signed_distance_mm(CENTER + 14 * offset) == pytest.approx(4, abs=1e-4)


def test_two_parts_both_count():
    both = vtkAppendPolyData()
    both.AddInputData(sphere(10.0))
    both.AddInputData(sphere(10.0, CENTER + (50.0, 0, 0)))
    distance = TumorDistance(output_of(both))
    assert distance.signed_distance_mm(CENTER) == pytest.approx(-10, abs=0.02)
    assert distance.signed_distance_mm(CENTER + (50.0, 0, 0)) == pytest.approx(-10, abs=0.02)
    assert distance.signed_distance_mm(CENTER + (25.0, 0, 0)) == pytest.approx(15, abs=0.02)


def test_a_hollow_is_outside():
    both = vtkAppendPolyData()
    both.AddInputData(sphere(20.0))
    both.AddInputData(reversed_faces(sphere(8.0)))
    distance = TumorDistance(output_of(both))
    assert distance.signed_distance_mm(CENTER + (0, 0, 1.0)) == pytest.approx(7, abs=0.02)
    assert distance.signed_distance_mm(CENTER + (0, 0, 12.0)) == pytest.approx(-4, abs=0.02)


def test_the_surface_is_copied(to_box):
    surface = box((20.0, 20.0, 20.0))
    distance = TumorDistance(surface)
    surface.GetPoints().SetPoint(0, 999.0, 999.0, 999.0)
    surface.Initialize()
    assert distance.signed_distance_mm(CENTER) == pytest.approx(-10)


def test_surface_of_a_mask_gives_the_distance_within_half_a_voxel():
    from CRLMSegmentationLib.segmentation.surface import surface_from_mask
    from CRLMSegmentationLib.values import Volume

    ijk_to_ras = np.diag([0.5, 0.5, 0.5, 1.0])
    ijk_to_ras[:3, 3] = CENTER - 20
    grid = np.stack(np.meshgrid(*[np.arange(80) * 0.5 - 20] * 3, indexing="ij"), axis=-1)
    mask = Volume((np.linalg.norm(grid, axis=-1) <= 12.0).astype(np.uint8), ijk_to_ras)
    distance = TumorDistance(surface_from_mask(mask))
    for direction in np.vstack([np.eye(3), -np.eye(3), np.ones((1, 3)) / np.sqrt(3)]):
        assert distance.signed_distance_mm(CENTER + 17 * direction) == pytest.approx(5, abs=0.25)
        assert distance.signed_distance_mm(CENTER + 7 * direction) == pytest.approx(-5, abs=0.25)
    assert Box.around_mask(mask).contains(CENTER)


def test_open_empty_and_faceless_surfaces_are_refused():
    with pytest.raises(GeometryError, match="open"):
        TumorDistance(output_of(vtkPlaneSource()))
    hemisphere = vtkSphereSource()
    hemisphere.SetEndPhi(90)
    with pytest.raises(GeometryError, match="open"):
        TumorDistance(output_of(hemisphere))
    with pytest.raises(GeometryError, match="empty"):
        TumorDistance(vtkPolyData())
    with pytest.raises(GeometryError, match="empty"):
        TumorDistance(None)
    points_only = vtkPolyData()
    points_only.SetPoints(sphere(5.0).GetPoints())
    with pytest.raises(GeometryError, match=r"empty|no faces"):
        TumorDistance(points_only)


def test_a_point_that_is_not_finite_is_refused(to_box):
    for point in ((np.nan, 0, 0), (np.inf, 0, 0), (1.0, 2.0)):
        with pytest.raises(GeometryError, match="finite"):
            to_box.signed_distance_mm(point)


def test_a_surface_with_a_point_that_is_not_finite_is_refused():
    surface = vtkPolyData()
    surface.DeepCopy(box((20.0, 20.0, 20.0)))
    surface.GetPoints().SetPoint(0, float("nan"), 0, 0)
    with pytest.raises(GeometryError):
        TumorDistance(surface)
