"""Surfaces before a camera: depth, size of triangles, facing; the camera's geometry against known projections."""

import numpy as np
import pytest
from CRLMSegmentationLib.errors import LaparoscopeError
from CRLMSegmentationLib.laparoscopy.surface.clusters import clustered
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


def lump(waves=0.1, resolution=150):
    """A ball of 30 mm with waves on it, of triangles as small as a pixel."""
    mesh = mesh_of(sphere(30.0, resolution))
    wave = 1 + waves * np.sin(mesh.points[:, :1] / 3) * np.cos(mesh.points[:, 1:2] / 4)
    return Mesh(mesh.points * wave + [400.0, -300, 1200], mesh.triangles)


def half(mesh):
    """What of it lies on one side of its middle: not closed."""
    middles = mesh.points[mesh.triangles].mean(axis=1)
    return Mesh(mesh.points, mesh.triangles[middles[:, 0] < mesh.center[0]])


FOLDING = Camera(CAMERA.intrinsics, CAMERA.image_size, np.array([-1.2, 0.0, 0, 0]))


@pytest.mark.parametrize(
    ("mesh", "shift", "camera"),
    [
        (lump(), (15, -10, 120), CAMERA),  # all of it
        (lump(), (60, 20, 45), CAMERA),  # near, at the picture's corner and beyond
        (lump(), (28, 0, 22), CAMERA),  # some of it lies behind the camera, which is outside
        (lump(), (3, 2, 5), CAMERA),  # from inside
        (half(lump()), (25, 0, 60), CAMERA),  # open: its inside is seen
        (lump(), (40, 0, 90), FOLDING),  # the lens says nothing of a part of the picture
        (lump(0.0, 5), (0, 0, 80), CAMERA),  # few large triangles
    ],
)
def test_in_clusters_a_surface_is_seen_as_triangle_by_triangle(mesh, shift, camera):
    pose = at(*(np.array(shift) - [400.0, -300, 1200]))
    exact, view = view_of(mesh, camera, pose), clustered(mesh).view(camera, pose)
    assert view.depth_mm.dtype == view.facing.dtype == np.float32 and exact.seen.sum() > 300
    # Rounding moves the outline by less than a thousandth of a pixel; where the lens ends it is that of triangles.
    assert (view.seen != exact.seen).sum() <= (10 if camera is FOLDING else 2)
    both = view.seen & exact.seen
    assert np.quantile(np.abs(view.depth_mm[both] - exact.depth_mm[both]), 0.999) < 0.005
    assert not view.facing[~view.seen].any() and view.facing[both].max() <= 1


def test_how_nearly_a_surface_faces_the_camera_is_the_cosine_to_the_ray():
    center, radius = np.array([15.0, -10, 120]), 30.0
    view = clustered(mesh_of(sphere(radius, 200))).view(CAMERA, at(*center))
    v, u = np.argwhere(view.seen).T
    places = CAMERA.unproject(np.column_stack([u, v]), view.depth_mm[v, u])
    normals = (places - center) / radius
    cosine = -np.sum(normals * places, axis=1) / np.linalg.norm(places, axis=1)
    assert np.abs(view.facing[v, u] - cosine)[cosine > 0.2].max() < 0.03 and (cosine > 0.2).mean() > 0.9


def test_a_surface_is_closed_when_each_edge_is_of_two_triangles_turned_alike():
    mesh = lump(0.1, 20)
    assert clustered(mesh).is_closed and clustered(Mesh(mesh.points, np.vstack([mesh.triangles] * 2))).is_closed
    assert not clustered(Mesh(mesh.points, mesh.triangles[1:])).is_closed
    turned = mesh.triangles.copy()
    turned[7] = turned[7, ::-1]
    assert not clustered(Mesh(mesh.points, turned)).is_closed
