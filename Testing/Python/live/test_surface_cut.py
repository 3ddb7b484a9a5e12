"""The cut of the known tumor by the plane of an image, against what can be worked out by hand: half a pixel at most."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import GeometryError
from CRLMSegmentationLib.live.surface_cut import contours_in_image
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkFiltersCore import vtkTriangleFilter
from vtkmodules.vtkFiltersSources import vtkCubeSource, vtkSphereSource

CENTER = np.array([12.0, -7.0, 30.0])


def sphere(radius_mm) -> vtkPolyData:
    source = vtkSphereSource()
    source.SetRadius(radius_mm)
    source.SetCenter(*CENTER)
    source.SetPhiResolution(200)
    source.SetThetaResolution(200)
    source.SetOutputPointsPrecision(1)
    source.Update()
    return source.GetOutput()


def cube(edge_mm) -> vtkPolyData:
    source = vtkCubeSource()
    source.SetCenter(*CENTER)
    source.SetXLength(edge_mm)
    source.SetYLength(edge_mm)
    source.SetZLength(edge_mm)
    triangles = vtkTriangleFilter()
    triangles.SetInputConnection(source.GetOutputPort())
    triangles.Update()
    return triangles.GetOutput()


def image_at(offset_mm, pixel_mm=(0.2, 0.1)):
    """An image plane that is turned in space and passes `offset_mm` beside CENTER; its own pixel sizes."""
    u, v = np.array([0.6, 0.8, 0.0]), np.array([0.0, 0.0, 1.0])
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2] = u * pixel_mm[0], v * pixel_mm[1], np.cross(u, v)
    matrix[:3, 3] = CENTER + np.cross(u, v) * offset_mm - matrix[:3, 0] * 300 - matrix[:3, 1] * 250
    return matrix


@pytest.mark.parametrize("offset_mm", [0.0, 6.0, 9.0])
def test_cut_of_a_sphere_is_its_circle(offset_mm):
    (outline,) = contours_in_image(sphere(10.0), image_at(offset_mm))
    np.testing.assert_allclose(outline[0], outline[-1])
    away_mm = np.linalg.norm((outline - (300, 250)) * (0.2, 0.1), axis=1)
    # Half of the smaller pixel.
    np.testing.assert_allclose(away_mm, np.sqrt(100 - offset_mm**2), atol=0.05)


def test_cut_of_a_cube_is_its_rectangle():
    """The plane stands upright and runs askew through two opposite faces: as high as the cube, and longer."""
    (outline,) = contours_in_image(cube(20.0), image_at(1.0))
    lower, upper = outline.min(axis=0), outline.max(axis=0)
    np.testing.assert_allclose(upper[1] - lower[1], 20 / 0.1, atol=0.5)
    np.testing.assert_allclose((lower[1] + upper[1]) / 2, 250, atol=0.5)
    np.testing.assert_allclose(upper[0] - lower[0], 20 / 0.8 / 0.2, atol=0.5)
    # The normal is (0.8, -0.6, 0): 1 mm along it the plane meets the faces y = -7 +- 10 at u = (+-10 + 0.6) / 0.8 mm.
    np.testing.assert_allclose([lower[0], upper[0]], 300 + np.array([-9.4, 10.6]) / 0.8 / 0.2, atol=0.5)
    on_the_edge = np.minimum(np.abs(outline - lower), np.abs(outline - upper)).min(axis=1)
    assert on_the_edge.max() < 0.5


def test_cut_of_an_image_beside_the_tumor_is_none():
    assert contours_in_image(sphere(10.0), image_at(10.5)) == []


def test_cut_under_a_pose_that_is_none_is_refused():
    with pytest.raises(GeometryError):
        contours_in_image(sphere(10.0), np.zeros((4, 4)))
