"""The shell around the tumor and its outline on an image, against spheres whose answer is known."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import GeometryError
from CRLMSegmentationLib.navigation.distance import TumorDistance
from CRLMSegmentationLib.navigation.margin_shell import LARGEST_MARGIN_MM, margin_shell
from CRLMSegmentationLib.values.triangles import triangles_of
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkFiltersSources import vtkCubeSource, vtkSphereSource

CENTER = np.array([14.0, -22.0, 61.0])


def sphere(radius_mm, center=CENTER):
    source = vtkSphereSource()
    source.SetCenter(*center)
    source.SetRadius(radius_mm)
    source.SetThetaResolution(120)
    source.SetPhiResolution(120)
    source.SetOutputPointsPrecision(1)
    source.Update()
    return source.GetOutput()


def points_of(surface):
    return vtk_to_numpy(surface.GetPoints().GetData()).astype(float)


@pytest.mark.parametrize("radius_mm", [4.0, 18.0])
@pytest.mark.parametrize("margin_mm", [1.0, 5.0, 10.0, LARGEST_MARGIN_MM])
def test_shell_of_a_sphere_is_a_larger_sphere(radius_mm, margin_mm):
    shell = margin_shell(sphere(radius_mm), margin_mm)
    away = np.linalg.norm(points_of(shell) - CENTER, axis=1)
    # A facet of the tumor's sphere lies up to 0.02 mm inside of it; the shell's own facets are half a millimeter wide.
    assert np.abs(away - radius_mm - margin_mm).max() < 0.1
    assert abs((away - radius_mm - margin_mm).mean()) < 0.03
    # TumorDistance refuses an open surface, and its sign says that the shell encloses the tumor.
    assert TumorDistance(shell).signed_distance_mm(CENTER) == pytest.approx(-radius_mm - margin_mm, abs=0.1)


RADII_MM = np.array([8.0, 12.0, 18.0])


def stretched(surface, scale):
    points = points_of(surface) * scale
    made = vtkPolyData()
    made.DeepCopy(surface)
    made.GetPoints().SetData(numpy_to_vtk(points, deep=True))
    return made


def away_from_ellipsoid(points, radii):
    """(n,) mm outside an ellipsoid around the origin: the nearest place is radii² p / (t + radii²) for one t."""
    low, high = np.zeros(len(points)), np.full(len(points), 1e4)
    for _ in range(80):
        middle = (low + high) / 2
        outside = ((radii * points / (middle[:, None] + radii**2)) ** 2).sum(axis=1) > 1
        low, high = np.where(outside, middle, low), np.where(outside, high, middle)
    return np.linalg.norm(points - radii**2 * points / (low[:, None] + radii**2), axis=1)


@pytest.mark.parametrize("margin_mm", [1.0, 1.5, 2.0, 3.0, 5.0, 10.0])
@pytest.mark.parametrize("radii_mm", [(6, 6, 6), (15, 15, 15), RADII_MM, (27, 27, 27)], ids=str)
def test_the_shell_keeps_its_margin_to_a_twentieth_of_a_millimeter(radii_mm, margin_mm):
    """Of smooth bodies whose distance is known, with triangles as wide as those of a segmented tumor."""
    radii = np.array(radii_mm, dtype=float)
    across = int(2 * np.pi * radii.mean() / min(0.9, radii.min() / 12))  # a facet lies at most 0.02 mm inside
    source = vtkSphereSource()
    source.SetRadius(1.0)
    source.SetThetaResolution(across)
    source.SetPhiResolution(across // 2)
    source.SetOutputPointsPrecision(1)
    source.Update()
    shell = margin_shell(stretched(source.GetOutput(), radii), margin_mm)
    points, triangles = triangles_of(shell)
    away = away_from_ellipsoid(points, radii)
    assert np.abs(away - margin_mm).max() < 0.05
    assert abs((away - margin_mm).mean()) < 0.02
    # Views that are drawn in software pay for each triangle; flat ones cut into what is round.
    assert len(triangles) < 10_000
    assert np.abs(away_from_ellipsoid(points[triangles].mean(axis=1), radii) - margin_mm).max() < 0.08


@pytest.mark.parametrize("margin_mm", [1.0, 4.0])
def test_triangles_of_any_size_are_as_good(margin_mm):
    """A cube of twelve triangles: most of a face lies far from its corners."""
    source = vtkCubeSource()
    source.SetXLength(20.0)
    source.SetYLength(16.0)
    source.SetZLength(12.0)
    source.Update()
    beyond = np.abs(points_of(margin_shell(source.GetOutput(), margin_mm)))
    away = np.linalg.norm(np.maximum(beyond - (10, 8, 6), 0), axis=1)
    assert np.abs(away - margin_mm).max() < 0.05


def test_shell_of_two_lobes_keeps_its_distance_everywhere():
    from vtkmodules.vtkFiltersCore import vtkAppendPolyData

    both = vtkAppendPolyData()
    both.AddInputData(sphere(6.0))
    both.AddInputData(sphere(5.0, CENTER + (16, 0, 0)))
    both.Update()
    shell = margin_shell(both.GetOutput(), 8.0)
    points = points_of(shell)
    assert TumorDistance(shell).signed_distance_mm(CENTER) < 0  # closed
    nearest = np.minimum(
        np.linalg.norm(points - CENTER, axis=1) - 6.0, np.linalg.norm(points - CENTER - (16, 0, 0), axis=1) - 5.0
    )
    # Where the two shells meet there is a crease, which the samples cut off a little.
    assert np.abs(nearest - 8.0).max() < 0.4 and np.percentile(np.abs(nearest - 8.0), 95) < 0.1


@pytest.mark.parametrize("margin_mm", [0.0, -1.0, 20.5, float("nan")])
def test_a_margin_that_is_none_is_refused(margin_mm):
    with pytest.raises(GeometryError, match="margin"):
        margin_shell(sphere(5.0), margin_mm)
