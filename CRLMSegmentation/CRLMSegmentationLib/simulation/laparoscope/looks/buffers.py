"""What each pixel of a picture looks at: which tissue, where, and how it is turned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....compilation.jit import compiled
from ....geometry import transform_points
from ....laparoscopy.surface.depth import lay_triangles
from ....laparoscopy.surface.mesh import Mesh
from ....values.camera import Camera
from .scene import WALL, Body

_NEAREST_MM = 1.0
# A shadow begins this far behind what throws it: triangles are flat and the map of the light is coarse.
_SHADOW_MM = 2.0
_SHADOW_SIZE = (640, 480)


@dataclass(frozen=True, eq=False)
class Buffers:
    """Of (v, u) pixels.

    tissue   uint8, a number of scene.py; 0 where nothing is
    points   (v, u, 3) mm in the camera's frame
    normals  (v, u, 3) of unit length in the camera's frame, towards the camera
    places   (v, u, 3) mm: where the tissue's pattern is fixed
    lit      (v, u) boolean: what the light reaches
    """

    tissue: np.ndarray
    points: np.ndarray
    normals: np.ndarray
    places: np.ndarray
    lit: np.ndarray


def draw_buffers(
    camera: Camera, bodies: Sequence[tuple[Body, np.ndarray]], rays: np.ndarray, light_mm: np.ndarray
) -> Buffers:
    """What each pixel of `camera` looks at.

    bodies   each with the (4, 4) rigid matrix from its frame to the camera's
    rays     (v, u, 3) of the camera at a depth of 1 mm;  light_mm  (3,) in the camera's frame
    """
    # What the wall may hide lies behind the liver, which fills it up to its last corner.
    before = _joined([one for one in bodies if one[0].tissue != WALL])
    behind = _joined([one for one in bodies if one[0].tissue == WALL])
    tissue, points, normals, places = _seen(camera, before, rays)
    nowhere = tissue == 0
    for mine, theirs in zip((tissue, points, normals, places), _seen(camera, behind, rays)):
        mine[nowhere] = theirs[nowhere]
    return Buffers(tissue, points, normals, places, _lit(before, points, light_mm))


def _joined(bodies: Sequence[tuple[Body, np.ndarray]]) -> tuple[Mesh, np.ndarray, np.ndarray, np.ndarray]:
    """One mesh in the camera's frame; (n, 3) normals and places of its points, (m,) tissue of its triangles."""
    points, normals, places, triangles, tissues, count = [], [], [], [], [], 0
    for body, to_camera in bodies:
        points.append(transform_points(to_camera, body.mesh.points))
        normals.append(body.mesh.normals @ to_camera[:3, :3].T)
        places.append(body.places)
        triangles.append(body.mesh.triangles + count)
        tissues.append(np.full(len(body.mesh.triangles), body.tissue, dtype=np.uint8))
        count += len(body.mesh.points)
    mesh = Mesh(np.vstack(points), np.vstack(triangles))
    return mesh, np.vstack(normals), np.vstack(places), np.concatenate(tissues)


def _seen(
    camera: Camera, joined: tuple[Mesh, np.ndarray, np.ndarray, np.ndarray], rays: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(v, u) tissue, and (v, u, 3) points, normals and places."""
    mesh, of_points, fixed, tissues = joined
    depth, which, pixels, triangles, number = _laid(camera, mesh)
    normals, places = (np.zeros((*depth.shape, 3)) for _ in range(2))
    _interpolate(normals, places, which, pixels, mesh.points[:, 2].copy(), triangles, of_points, fixed)
    seen = which >= 0
    tissue = np.zeros(depth.shape, dtype=np.uint8)
    tissue[seen] = tissues[number][which[seen]]
    points = rays * np.where(seen, depth, 0.0)[..., None]
    normals /= np.maximum(np.sqrt((normals * normals).sum(axis=-1, keepdims=True)), 1e-9)
    # Of a wall one sees the inner side.
    normals *= np.where((normals * points).sum(axis=-1, keepdims=True) > 0, -1.0, 1.0)
    return tissue, points, normals, places


def _laid(camera: Camera, mesh: Mesh) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Depth and number of the triangle of each pixel; (n, 2) pixels of the points; the triangles that can be seen, and
    which of the mesh's these are.
    """
    can_see = camera.can_see(mesh.points) & (mesh.points[:, 2] > _NEAREST_MM)
    pixels = np.where(can_see[:, None], camera.project(mesh.points), np.nan)
    shape = camera.image_size[::-1]
    depth, which = np.full(shape, np.inf), np.full(shape, -1, dtype=np.int64)
    number = np.flatnonzero(can_see[mesh.triangles].all(axis=1))
    triangles = mesh.triangles[number]
    lay_triangles(depth, which, pixels, mesh.points[:, 2].copy(), triangles)
    return depth, which, pixels, triangles, number


def _lit(
    joined: tuple[Mesh, np.ndarray, np.ndarray, np.ndarray], points: np.ndarray, light_mm: np.ndarray
) -> np.ndarray:
    """(v, u) boolean: which of `points` (v, u, 3) are not in the shadow of the mesh, by a map of depths that the light
    sees (Williams, SIGGRAPH 1978).
    """
    width, height = _SHADOW_SIZE
    matrix = np.array([[0.42 * width, 0, width / 2], [0, 0.42 * width, height / 2], [0, 0, 1.0]])
    eye = Camera(matrix, _SHADOW_SIZE)
    mesh = Mesh(joined[0].points - light_mm, joined[0].triangles)
    depth = _laid(eye, mesh)[0]
    from_light = points - light_mm
    pixels = eye.project(from_light)
    inside = eye.is_in_image(pixels)
    u, v = np.clip(np.round(np.where(inside[..., None], pixels, 0)).astype(int), 0, np.array(_SHADOW_SIZE) - 1).T
    # Slanted surfaces need a larger distance the farther away they are.
    allowed = _SHADOW_MM + 0.012 * from_light[..., 2]
    return np.asarray(~(inside & (from_light[..., 2] > depth[v, u].T + allowed)))


@compiled
def _interpolate(
    normals: np.ndarray,
    places: np.ndarray,
    which: np.ndarray,
    pixels: np.ndarray,
    z: np.ndarray,
    triangles: np.ndarray,
    of_points: np.ndarray,
    fixed: np.ndarray,
) -> None:
    """Fill `normals` and `places` (v, u, 3) from those of the corners, as far as each corner lies in perspective."""
    for v in range(which.shape[0]):
        for u in range(which.shape[1]):
            t = which[v, u]
            if t < 0:
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            ax, ay, bx, by, cx, cy = pixels[a, 0], pixels[a, 1], pixels[b, 0], pixels[b, 1], pixels[c, 0], pixels[c, 1]
            area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
            of_c = ((bx - ax) * (v - ay) - (by - ay) * (u - ax)) / area
            of_b = ((u - ax) * (cy - ay) - (v - ay) * (cx - ax)) / area
            of_a = (1.0 - of_b - of_c) / z[a]
            of_b, of_c = of_b / z[b], of_c / z[c]
            total = of_a + of_b + of_c
            for axis in range(3):
                normals[v, u, axis] = of_a * of_points[a, axis] + of_b * of_points[b, axis] + of_c * of_points[c, axis]
                places[v, u, axis] = (of_a * fixed[a, axis] + of_b * fixed[b, axis] + of_c * fixed[c, axis]) / total
