"""The mask of a pre-operative MR or CT, carried into an ultrasound volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import GeometryError
from ...geometry import transform_points
from ...preoperative.image_registration.lc2 import seen_corners, within_the_fan
from ...preoperative.image_registration.register import Registration, register
from ...preoperative.image_registration.transform import from_landmarks
from ...segmentation.postprocess import with_guessed_seen
from ...values import Volume
from ...values.progress import Progress
from ..metrics import on_grid_of

# Of the carried mask, this share should lie where the probe has passed.
LEAST_MASK_SEEN = 0.5


@dataclass(frozen=True, eq=False)
class CarriedMask:
    """mask: uint8 on the grid of the ultrasound; doubts: sentences for people, those of the registration first."""

    mask: Volume
    registration: Registration
    doubts: tuple[str, ...]


def carry_labels(
    moving: Volume,
    mask: Volume,
    fixed: Volume,
    landmarks: tuple[np.ndarray, np.ndarray] | None = None,
    affine: bool = False,
    progress: Progress | None = None,
) -> CarriedMask:
    """`mask`, drawn on `moving`, on the grid of the ultrasound `fixed`.

    landmarks  (n, 3) each, RAS mm: the same points in the moving and in the fixed volume, where the search begins; None
               to begin where the files lie, and with the middle of the mask in the middle of what was seen
    affine     the moving volume may also be stretched and sheared, by some percent

    Raises GeometryError for an empty mask, one beside its own volume, and volumes without anything in common.
    """
    if not mask.voxels.any():
        raise GeometryError("The mask is empty: there is nothing to carry.")
    target = _some_points(mask)
    if not _inside(moving, target).any():
        raise GeometryError("The mask does not lie in the volume MOVING: they belong to different images.")
    sound = within_the_fan(with_guessed_seen(fixed))
    starts = [from_landmarks(landmarks[1], landmarks[0])] if landmarks else _starts(target, sound)
    found = register(moving, sound, starts, target, affine, near=landmarks is not None, progress=progress)
    # On the ultrasound's own grid: the mask lies where its points go, its voxels are looked up and never mixed.
    there = replace(mask, ijk_to_ras=np.linalg.inv(found.fixed_to_moving) @ mask.ijk_to_ras, frame=fixed.frame)
    carried = fixed.on_grid((on_grid_of(there, fixed).voxels > 0).astype(np.uint8))
    return CarriedMask(carried, found, (*found.doubts, *_doubts(carried, there, sound)))


def _starts(target: np.ndarray, fixed: Volume) -> Sequence[np.ndarray]:
    onto_middle = np.eye(4)
    onto_middle[:3, 3] = target.mean(axis=0) - seen_corners(fixed).mean(axis=0)
    as_they_lie = np.eye(4)
    return [as_they_lie, onto_middle] if _inside(fixed, target).any() else [onto_middle]


def _some_points(mask: Volume, most: int = 500) -> np.ndarray:
    """(n, 3) RAS mm: voxels of the mask, evenly chosen."""
    places = np.argwhere(mask.voxels)[:, ::-1]
    return transform_points(mask.ijk_to_ras, places[:: max(1, len(places) // most)])


def _inside(volume: Volume, points: np.ndarray) -> np.ndarray:
    index = transform_points(volume.ras_to_ijk, points)
    return np.asarray(((index > -0.5) & (index < np.array(volume.dimensions) - 0.5)).all(axis=1))


def _doubts(carried: Volume, there: Volume, fixed: Volume) -> list[str]:
    doubts = []
    whole = float((there.voxels > 0).sum()) * there.voxel_volume_mm3
    seen = np.ones(fixed.voxels.shape, dtype=bool) if fixed.seen is None else fixed.seen
    share = float((seen & (carried.voxels > 0)).sum()) * fixed.voxel_volume_mm3 / whole
    if share < LEAST_MASK_SEEN:
        doubts.append(f"Only {share:.0%} of the mask lies where the probe has passed.")
    return doubts
