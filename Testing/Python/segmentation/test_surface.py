"""Surfaces of masks: closed, outward, in place, and of the mask's volume."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import SegmentationError
from CRLMSegmentationLib.files import read_surface, write_surface
from CRLMSegmentationLib.geometry import transform_points
from CRLMSegmentationLib.segmentation.surface import largest_diameter_mm, surface_from_mask, surface_volume_mm3
from CRLMSegmentationLib.values import Volume
from scipy.spatial.distance import cdist
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkFiltersCore import vtkFeatureEdges


def grid(handed=1.0, spacing=(0.5, 0.5, 0.5)) -> np.ndarray:
    c, s = np.cos(0.5), np.sin(0.5)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = turn * np.array(spacing) * (1, 1, handed)
    matrix[:3, 3] = (-12, 34, -56)
    return matrix


def ball(radius_mm, matrix, size=64, middle=(31.3, 30.8, 32.1)) -> tuple[Volume, np.ndarray]:
    center = transform_points(matrix, middle)
    index = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"), axis=-1)[..., ::-1]
    inside = np.linalg.norm(transform_points(matrix, index) - center, axis=-1) <= radius_mm
    return Volume(inside.astype(np.uint8), matrix), center


def points_of(surface) -> np.ndarray:
    return vtk_to_numpy(surface.GetPoints().GetData()).astype(float)


def is_closed(surface) -> bool:
    edges = vtkFeatureEdges()
    edges.SetInputData(surface)
    edges.FeatureEdgesOff()
    edges.BoundaryEdgesOn()
    edges.NonManifoldEdgesOff()
    edges.Update()
    return edges.GetOutput().GetNumberOfCells() == 0


@pytest.mark.parametrize("handed", [1.0, -1.0])
def test_a_ball_gives_a_closed_smooth_sphere_in_its_place(handed):
    mask, center = ball(10.0, grid(handed))
    surface = surface_from_mask(mask)
    away = points_of(surface) - center
    radius = np.linalg.norm(away, axis=1)
    assert is_closed(surface)
    assert radius.mean() == pytest.approx(10.0, abs=0.1)
    assert radius.std() < 0.1  # the voxels' stairs alone give 0.15
    assert np.abs(away.mean(axis=0)).max() < 0.1
    normals = vtk_to_numpy(surface.GetPointData().GetNormals())
    assert ((normals * away).sum(axis=1) / radius).min() > 0.9
    assert largest_diameter_mm(surface) == pytest.approx(20.0, abs=0.4)
    assert np.mean(turned_outward(surface, center)) == 1.0


def test_the_largest_diameter_is_that_of_all_pairs_of_points():
    random = np.random.default_rng(4)
    flat = np.concatenate([random.uniform(0, 30, (2000, 2)), np.full((2000, 1), 7.0)], axis=1)
    on_a_sphere = random.standard_normal((3000, 3))
    on_a_sphere *= 12 / np.linalg.norm(on_a_sphere, axis=1, keepdims=True)
    lobes = np.concatenate([random.normal(middle, 3, (300, 3)) for middle in ((0, 0, 0), (15, 0, 0), (9, 12, 4))])
    for points in (flat, on_a_sphere, on_a_sphere * (1, 1.02, 1.5), lobes, lobes[:2], lobes[:1]):
        surface = vtkPolyData()
        surface.SetPoints(vtkPoints())
        surface.GetPoints().SetData(numpy_to_vtk(points, deep=True))
        expected = cdist(points, points).max()
        assert largest_diameter_mm(surface) == pytest.approx(expected, rel=1e-12)


def turned_outward(surface, center) -> np.ndarray:
    """For each triangle, whether its corners run counterclockwise as seen from outside of a star-shaped body."""
    corners = points_of(surface)[vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3)]
    a, b, c = corners.transpose(1, 0, 2)
    return (np.cross(b - a, c - a) * (corners.mean(axis=1) - center)).sum(axis=1) > 0


@pytest.mark.parametrize("handed", [1.0, -1.0])
@pytest.mark.parametrize("ending", ["stl", "ply"])
def test_a_written_surface_is_turned_outward_too(handed, ending, tmp_path):
    """Printers and other programs go by the corners alone; files hold LPS, which is RAS turned by half a turn."""
    mask, center = ball(6.0, grid(handed))
    path = write_surface(surface_from_mask(mask), tmp_path / f"tumor.{ending}")
    assert np.mean(turned_outward(read_surface(path), center)) == 1.0


@pytest.mark.parametrize("radius_mm", [2.0, 5.0, 14.0])
@pytest.mark.parametrize("spacing", [(0.5, 0.5, 0.5), (0.4, 0.6, 1.0)])
def test_the_surface_holds_the_volume_of_the_mask_within_two_percent(radius_mm, spacing):
    mask, _ = ball(radius_mm, grid(spacing=spacing))
    volume_mm3 = mask.voxels.sum() * mask.voxel_volume_mm3
    assert surface_volume_mm3(surface_from_mask(mask)) == pytest.approx(volume_mm3, rel=0.02)


def test_a_lobed_mask_and_one_that_touches_the_edge_of_its_grid_stay_closed_and_keep_their_volume():
    matrix = grid()
    first, _ = ball(8.0, matrix, middle=(20, 30, 32))
    second, _ = ball(6.0, matrix, middle=(40, 36, 60))
    mask = first.with_voxels(first.voxels | second.voxels)
    surface = surface_from_mask(mask)
    assert is_closed(surface)
    assert surface_volume_mm3(surface) == pytest.approx(mask.voxels.sum() * 0.125, rel=0.02)


def test_one_voxel_has_a_closed_surface_around_its_centre():
    mask = Volume(np.zeros((5, 5, 5), np.uint8), grid())
    mask.voxels[3, 2, 1] = 1
    surface = surface_from_mask(mask)
    assert is_closed(surface)
    assert points_of(surface).mean(axis=0) == pytest.approx(transform_points(mask.ijk_to_ras, (1, 2, 3)), abs=0.05)


def test_an_empty_mask_has_no_surface():
    with pytest.raises(SegmentationError, match="empty"):
        surface_from_mask(Volume(np.zeros((5, 5, 5), np.uint8), np.eye(4)))
