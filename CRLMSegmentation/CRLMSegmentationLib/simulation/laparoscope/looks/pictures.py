"""Pictures of a laparoscope's views, and where the landmarks are seen in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ....geometry import invert_affine
from ...patient.operation import Operation
from ..views import LANDMARKS, LaparoscopeViews
from .appearance import draw_patient_looks, draw_view_looks
from .buffers import Buffers, draw_buffers
from .camera_effects import taken, within_border
from .scene import LIGAMENT, LIVER, WALL, instruments, kept_clear, patient_bodies
from .shading import shaded

# In the order of values.landmarks, under the names that the views have for them.
_IN_VIEWS = ("ridge", "falciform ligament", "silhouette")
# As wide as the P2ILF challenge draws landmarks, 12 pixels in pictures of 1920.
_LINE_SHARE = 12 / 1920
_HIDDEN_MM, _OUTLINE_GAP_MM = 3.0, 4.0


@dataclass(frozen=True, eq=False)
class LaparoscopePictures:
    """Pictures and their truth.

    pictures  (n, v, u, 3) uint8, red, green and blue
    seen      (n, 3, v, u) boolean: where each of values.landmarks is seen, as lines of 12 pixels in 1920; what
              instruments, fat or the picture's border hide is no landmark
    """

    pictures: np.ndarray
    seen: np.ndarray


def draw_pictures(operation: Operation, views: LaparoscopeViews) -> LaparoscopePictures:
    """What `views` look like; the same for the same patient, the first of many those of few."""
    for_patient, *for_views = np.random.SeedSequence(operation.patient.seeds(20266)).spawn(1 + len(views.depth_mm))
    looks = draw_patient_looks(np.random.default_rng(for_patient))
    bodies = patient_bodies(operation, looks)
    shape = views.depth_mm.shape[1:]
    v, u = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    rays = views.camera.unproject(np.stack([u, v], axis=-1))
    inside = within_border(shape, looks)
    pictures, seen = [], []
    for number, seeds in enumerate(for_views):
        view = draw_view_looks(np.random.default_rng(seeds))
        to_camera = invert_affine(views.camera_to_reference[number]) @ operation.patient_to_reference
        tools = instruments(views.camera, views.depth_mm[number], view)
        around = kept_clear(bodies, invert_affine(to_camera)[:3, 3])
        all_bodies = [*((body, to_camera) for body in around), *((tool, np.eye(4)) for tool in tools)]
        buffers = draw_buffers(views.camera, all_bodies, rays, np.array(view.light_mm))
        light = shaded(buffers, looks, np.array(view.light_mm))
        pictures.append(taken(light, buffers.points[..., 2], looks, view))
        seen.append(_seen_landmarks(views.landmarks[number], views.depth_mm[number], buffers) & inside)
    return LaparoscopePictures(np.stack(pictures), np.stack(seen))


def _seen_landmarks(landmarks: np.ndarray, depth_mm: np.ndarray, buffers: Buffers) -> np.ndarray:
    """(3, v, u) boolean, from the views' lines on the liver alone."""
    is_liver = (buffers.tissue == LIVER) | (buffers.tissue == LIGAMENT)
    # The wall is drawn only where nothing is before it, and lies behind everything.
    deep = np.where((buffers.tissue > 0) & (buffers.tissue != WALL), buffers.points[..., 2], np.inf)
    open_view = is_liver | (deep > depth_mm - _HIDDEN_MM)
    around = max(1, round(_LINE_SHARE * landmarks.shape[1] / 2 - 0.5))
    thin = {name: (landmarks == LANDMARKS[name]) & open_view & (depth_mm > 0) for name in _IN_VIEWS}
    # An outline is where something far behind the liver begins, and not where fat lies against it; the lower border
    # is the ridge, and called so also where the liver ends at it.
    behind = ndimage.maximum_filter(deep, 7) > depth_mm + _OUTLINE_GAP_MM
    ridge = ndimage.binary_dilation(landmarks == LANDMARKS["ridge"], iterations=2 * around + 2)
    thin["silhouette"] &= behind & ~ridge
    disk = np.hypot(*np.mgrid[-around : around + 1, -around : around + 1]) <= around + 0.3
    return np.stack([ndimage.binary_dilation(thin[name], disk) for name in _IN_VIEWS])
