"""Corrections by hand of what was found in a CT, each a new set of structures: the one before stays for an undo.

The map keeps its order: a tumor lies over a vessel and a vessel over the liver. What is erased of a vessel or a tumor
is liver again; what is erased of the liver takes with it whatever lies there.
"""

from __future__ import annotations

import numpy as np

from ..errors import ConfigurationError
from ..geometry import invert_affine, transform_points
from ..values import Volume
from ..words import tr
from .structures import LIVER, VALUES, VESSELS, Structures, structures_of_map

# A ball of a brush, as a radius.
LEAST_RADIUS_MM, MOST_RADIUS_MM = 1.0, 50.0


def without_lesion(found: Structures, number: int) -> Structures:
    """What was marked as lesion `number` is liver. Raises ConfigurationError when there is none of that number."""
    if not 1 <= number <= found.lesion_count:
        raise ConfigurationError(tr("There is no lesion {number} in the table.", number=number))
    label_map = found.label_map.voxels.copy()
    label_map[found.lesions.voxels == number] = VALUES[LIVER]
    return _of_map(found, label_map)


def with_ball(
    found: Structures, name: str, center_ras_mm: np.ndarray, radius_mm: float, erases: bool = False
) -> Structures:
    """A ball of liver, vessels or tumor is added at a point (3,) RAS mm of the CT, or erased there.

    Raises ConfigurationError for another structure, another radius than LEAST_RADIUS_MM to MOST_RADIUS_MM, a place
    outside of the CT, and when it changes nothing.
    """
    if name not in VALUES:
        raise ConfigurationError(
            tr("'{name}' cannot be drawn: choose one of {values}.", name=name[:20], values=", ".join(VALUES))
        )
    if not LEAST_RADIUS_MM <= radius_mm <= MOST_RADIUS_MM:
        raise ConfigurationError(
            tr(
                "The brush has a radius of {least_radius_mm:g} to {most_radius_mm:g} mm, and not {radius_mm:g}.",
                least_radius_mm=LEAST_RADIUS_MM,
                most_radius_mm=MOST_RADIUS_MM,
                radius_mm=radius_mm,
            )
        )
    block, ball = _ball(found.label_map, np.asarray(center_ras_mm, dtype=float), radius_mm)
    label_map = found.label_map.voxels.copy()
    part = label_map[block]
    if not erases:
        part[ball & (part < VALUES[name])] = VALUES[name]
    elif name == LIVER:
        part[ball] = 0
    else:
        part[ball & (part == VALUES[name])] = VALUES[LIVER]
    if np.array_equal(part, found.label_map.voxels[block]):
        raise ConfigurationError(
            tr("There is nothing of '{name}' to erase here.", name=name)
            if erases
            else tr("All of this is '{name}' already.", name=name)
        )
    return _of_map(found, label_map)


def with_masks(found: Structures, masks: dict[str, np.ndarray]) -> Structures:
    """Structures as somebody has drawn them: masks (k, j, i) of each of VALUES on the voxels of `found`.

    The liver is whole: what is vessel or tumor belongs to it. Raises ConfigurationError when nothing is left.
    """
    label_map = np.zeros(found.label_map.voxels.shape, dtype=np.uint8)
    for name, value in VALUES.items():
        label_map[masks[name] > 0] = value
    if not label_map.any():
        raise ConfigurationError(tr("Nothing is left of the liver: undo the last strokes, or discard the correction."))
    return _of_map(found, label_map)


def _of_map(found: Structures, label_map: np.ndarray) -> Structures:
    kinds = None
    if found.kinds is not None:
        kinds = np.where(label_map == VALUES[VESSELS], found.kinds.voxels, 0).astype(np.uint8)
    return structures_of_map(found.label_map.with_voxels(label_map), kinds)


def _ball(grid: Volume, center_ras_mm: np.ndarray, radius_mm: float) -> tuple[tuple[slice, ...], np.ndarray]:
    """The block of the grid that holds a ball, and where in it the ball is; its middle voxel always."""
    shape = np.array(grid.voxels.shape)
    middle = transform_points(invert_affine(grid.ijk_to_ras), center_ras_mm)[::-1]
    nearest = np.rint(middle).astype(int)
    if (nearest < 0).any() or (nearest >= shape).any():
        raise ConfigurationError(tr("This place lies outside of the CT."))
    reach = np.ceil(radius_mm * np.abs(invert_affine(grid.ijk_to_ras)[:3, :3]).sum(axis=1)[::-1]).astype(int)
    low, high = np.maximum(nearest - reach, 0), np.minimum(nearest + reach + 1, shape)
    block = tuple(slice(int(start), int(stop)) for start, stop in zip(low, high))
    kji = np.stack(np.meshgrid(*(np.arange(one.start, one.stop) for one in block), indexing="ij"), axis=-1)
    away = transform_points(grid.ijk_to_ras, kji.reshape(-1, 3)[:, ::-1]) - center_ras_mm
    ball = (np.linalg.norm(away, axis=1) <= radius_mm).reshape(kji.shape[:3])
    ball[tuple(nearest - low)] = True
    return block, ball
