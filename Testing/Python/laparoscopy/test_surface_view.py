"""Surfaces before a camera: depth, size of triangles, facing; the camera's geometry against known projections."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import LaparoscopeError
from CRLMSegmentationLib.laparoscopy.surface.depth import lay_triangles
from CRLMSegmentationLib.laparoscopy.surface.mesh import Mesh, mesh_of, refined_mesh
from CRLMSegmentationLib.laparoscopy.surface.view import view_of
from CRLMSegmentationLib.values.camera import Camera
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkFiltersSources import vtkCubeSource, vtkSphereSource

CAMERA = Camera(np.array([[300.0, 0, 160], [0, 300, 120], [0, 0, 1]]), (320, 240), np.array([-0.3, 0.1, 0.001, 0.0]))


def sphere(radius=30.0, resolution=64, center=(0.0, 0.0, 0.0)):
    source = vtkSphereSource()
    source.SetRadius(radius)
    source.SetCenter(*center)
    source.SetThetaResolution(resolution)
    source.SetPhiResolution(resolution)
    source.Update()
    return source.GetOutput()


def at(*shift):
    pose = np.eye(4)
    pose[:3, 3] = shift
    return pose


def test_a_triangle_has_the_depth_of_its_plane():
    depth, which = np.full((40, 50), np.inf), np.full((40, 50), -1)
    focal, corners = 30.0, np.array([[-20.0, -15, 40], [30, -10, 60], [0, 25, 50]])
    pixels = corners[:, :2] / corners[:, 2:] * focal + [25, 20]
    lay_triangles(depth, which, pixels, corners[:, 2].copy(), np.array([[0, 1, 2]]))
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    v, u = np.argwhere(np.isfinite(depth)).T
    assert len(v) > 100
    rays = np.column_stack([(u - 25) / focal, (v - 20) / focal, np.ones(len(u))])
    assert depth[v, u] == pytest.approx((normal @ corners[0]) / (rays @ normal), abs=1e-9)
    nearer = corners - [0, 0, 10]
    two = np.array([[0, 0, 1], [2, 1, 0]])
    lay_triangles(depth, which, nearer[:, :2] / nearer[:, 2:] * focal + [25, 20], nearer[:, 2].copy(), two)
    assert which[20, 25] == 1 and which[0, 0] == -1
    assert depth[20, 25] < 45
    before = depth.copy()
    lay_triangles(depth, which, pixels, corners[:, 2].copy(), np.array([[0, 1, 2]]))
    assert np.array_equal(before, depth)


def test_the_outline_of_a_ball_is_where_the_lens_puts_it():
    """Rays that touch a ball make a cone: its edge through the lens, to 0.1 pixels and a pixel's width."""
    center, radius = np.array([15.0, -10, 120]), 30.0
    view = view_of(mesh_of(sphere(radius, 200)), CAMERA, at(*center))
    v, u = np.mgrid[0:240, 0:320]
    rays = CAMERA.unproject(np.stack([u, v], axis=-1))
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    distance = np.linalg.norm(center)
    off_axis = np.arccos(np.clip(rays @ center / distance, -1, 1))
    beside_px = (off_axis - np.arcsin(radius / distance)) * 300
    assert view.seen[beside_px < -0.1].all() and not view.seen[beside_px > 0.1].any()
    along = (rays @ center)[view.seen]
    true_depth = (along - np.sqrt(np.maximum(along**2 - distance**2 + radius**2, 0))) * rays[view.seen][:, 2]
    inner = beside_px[view.seen] < -3
    assert np.abs(view.depth_mm[view.seen] - true_depth)[inner].max() < 0.2


def test_long_edges_are_bent_by_the_lens_as_their_points_are():
    cube = vtkCubeSource()
    cube.SetXLength(140)
    cube.SetYLength(70)
    cube.SetZLength(10)
    cube.Update()
    mesh = refined_mesh(mesh_of(cube.GetOutput()), 4.0)
    assert len(mesh.triangles) == 12 * 4**6 and np.ptp(mesh.points, axis=0) == pytest.approx((140, 70, 10))
    seen = view_of(mesh, CAMERA, at(0, 0, 150)).seen
    x = np.linspace(-65, 65, 40)
    edge = CAMERA.project(np.column_stack([x, np.full(40, -35.0), np.full(40, 145.0)]))
    u = np.round(edge[:, 0]).astype(int)
    top = np.argmax(seen[:, u], axis=0)
    assert np.abs(top - np.interp(u, edge[:, 0], edge[:, 1]) - 0.5).max() < 0.6
    assert np.ptp(edge[:, 1]) > 3


def test_what_is_behind_the_camera_is_not_seen():
    assert not view_of(mesh_of(sphere()), CAMERA, at(0, 0, -100)).seen.any()
    around = view_of(mesh_of(sphere()), CAMERA, at(0, 0, 10))
    assert around.seen.any() and (around.depth_mm[around.seen] > 1).all()


def test_a_point_that_the_lens_folds_back_is_not_followed():
    far = np.array([[400.0, 0, 100], [10, 0, 100], [0, 0, -5], [0, 0, 0]])
    folding = Camera(CAMERA.intrinsics, CAMERA.image_size, np.array([-0.3, 0.0, 0, 0]))
    assert folding.is_in_image(folding.project(np.array([[180.0, 0, 100]])))[0]
    assert folding.can_see(far).tolist() == [False, True, False, False]
    assert not folding.can_see(np.array([[180.0, 0, 100]]))[0]


def test_a_camera_of_another_size_sees_the_same_scene():
    half = CAMERA.at_size((160, 120))
    points = np.array([[20.0, -10, 100], [-30, 20, 90]])
    # Corners of pictures, not centres of pixels, stay where they are.
    assert half.project(points) + 0.5 == pytest.approx((CAMERA.project(points) + 0.5) / 2)


def test_normals_point_outwards_whichever_way_a_file_turns_its_triangles():
    mesh = mesh_of(sphere())
    assert (np.sum(mesh.normals * mesh.points, axis=1) > 29).all()
    turned = vtkPolyData()
    turned.DeepCopy(sphere())
    for cell in range(turned.GetNumberOfCells()):
        turned.ReverseCell(cell)
    assert np.sum(mesh_of(turned).normals * mesh.points, axis=1).min() > 29


def test_a_surface_without_triangles_is_refused():
    with pytest.raises(LaparoscopeError, match="no triangles"):
        mesh_of(vtkPolyData())
    assert Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]])).edges.tolist() == [[0, 1], [0, 2], [1, 2]]
