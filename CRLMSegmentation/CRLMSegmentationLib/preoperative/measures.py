"""What is read off a segmented CT: volumes, and of each lesion its size, its place, and what is near.

The diameter of a lesion is the longest one in an axial slice, edge to edge, as RECIST 1.1 has it measured (Eisenhauer
et al., Eur J Cancer 2009). Distances run between the nearest voxels of two structures, good to about one voxel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..geometry import occupied_extent, transform_points
from .orientation import Orientation
from .structures import LIVER, TUMOR, VALUES, VESSELS, Structures


@dataclass(frozen=True)
class Lesion:
    """One tumor.

    number               from 1, the largest first; its value in the map of lesions
    diameter_mm          the longest in an axial slice;  slice_index: of that slice along the CT's own axis
    center_ras_mm        the middle of its voxels, RAS of the CT
    vessel_distance_mm   to the nearest vessel, 0 where they touch; None when no vessel was found
    surface_distance_mm  to the surface of the liver, 0 where it reaches it
    """

    number: int
    volume_ml: float
    diameter_mm: float
    slice_index: int
    center_ras_mm: tuple[float, float, float]
    vessel_distance_mm: float | None
    surface_distance_mm: float


@dataclass(frozen=True)
class Measures:
    """Of one CT; the liver is whole, with its vessels and tumors. tumor_share is of the liver, 0 to 1."""

    liver_ml: float
    vessels_ml: float
    tumors_ml: float
    tumor_share: float
    lesions: tuple[Lesion, ...]

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def measure(found: Structures) -> Measures:
    """All that is said of what was found in one CT."""
    voxel_ml = found.label_map.voxel_volume_mm3 / 1000
    liver_ml, vessels_ml, tumors_ml = (
        float(np.count_nonzero(found.mask(name).voxels)) * voxel_ml for name in (LIVER, VESSELS, TUMOR)
    )
    share = tumors_ml / liver_ml if liver_ml else 0.0
    return Measures(liver_ml, vessels_ml, tumors_ml, share, tuple(_lesions(found)))


def longest_axial_diameter_mm(lesion: np.ndarray, spacing_mm: tuple[float, float, float]) -> tuple[float, int]:
    """(mm, slice) of the longest diameter within a slice of `lesion`, boolean [S, A, R] with the spacing along S, A, R.

    From edge to edge: between the middles of the outer edges of pixels, so that one pixel is as long as it is.
    """
    from scipy.spatial import ConvexHull, QhullError
    from scipy.spatial.distance import pdist

    _, a_mm, r_mm = spacing_mm
    edges = np.array([[0.5, 0], [-0.5, 0], [0, 0.5], [0, -0.5]])
    longest, at = 0.0, 0
    for number, plane in enumerate(lesion):
        pixels = np.argwhere(plane)
        if not len(pixels):
            continue
        points = (pixels[:, None] + edges).reshape(-1, 2) * (a_mm, r_mm)
        try:
            points = points[ConvexHull(points).vertices]
        except QhullError:
            pass  # few points: all of them count
        diameter = float(pdist(points).max())
        if diameter > longest:
            longest, at = diameter, number
    return longest, at


def _lesions(found: Structures) -> list[Lesion]:
    from scipy import ndimage

    if not found.lesion_count:
        return []
    extent = occupied_extent(found.label_map.voxels)
    assert extent is not None
    orientation = Orientation.of(found.label_map)
    spacing_kji = found.label_map.spacing_mm[::-1]
    s_mm, a_mm, r_mm = (float(spacing_kji[axis]) for axis in orientation.axes)
    # Of a liver with one voxel around it: what lies further away is no nearer.
    labels, lesions = (np.pad(volume.voxels[extent], 1) for volume in (found.label_map, found.lesions))
    to_outside = _nearest(labels == 0, spacing_kji)
    to_vessel = _nearest(labels == VALUES[VESSELS], spacing_kji)
    first = np.array([part.start for part in extent]) - 1
    measured = []
    for number, block in enumerate(ndimage.find_objects(lesions), start=1):
        mask = lesions[block] == number
        corner = np.array([part.start for part in block])
        places = np.argwhere(mask) + corner
        rim = np.argwhere(_rim(np.pad(mask, 1))) - 1 + corner
        diameter, in_slice = longest_axial_diameter_mm(orientation.lay(mask), (s_mm, a_mm, r_mm))
        along = orientation.axes[0]
        index = mask.shape[along] - 1 - in_slice if orientation.reversed[0] else in_slice
        r, a, s = transform_points(found.label_map.ijk_to_ras, (places.mean(axis=0) + first)[::-1])
        surface_mm = to_outside(rim)
        assert surface_mm is not None, "there is air around the liver"
        measured.append(
            Lesion(
                number=number,
                volume_ml=len(places) * found.label_map.voxel_volume_mm3 / 1000,
                diameter_mm=diameter,
                slice_index=int(index + corner[along] + first[along]),
                center_ras_mm=(float(r), float(a), float(s)),
                vessel_distance_mm=to_vessel(rim),
                surface_distance_mm=surface_mm,
            )
        )
    return measured


def _nearest(mask: np.ndarray, spacing_kji: np.ndarray) -> Callable[[np.ndarray], float | None]:
    """What tells of voxels (n, 3), none of them in `mask`, how many mm lie between the nearest one's edge and that of
    the nearest voxel of `mask`, whose middles are a voxel further apart; None where `mask` is empty.

    By the rims alone: whatever is nearest, a voxel nearer to it by one step is no longer of the mask.
    """
    from scipy.spatial import cKDTree

    rim = np.argwhere(_rim(mask))
    tree = cKDTree(rim * spacing_kji) if len(rim) else None

    def distance_mm(places: np.ndarray) -> float | None:
        if tree is None:
            return None
        distances = np.asarray(tree.query(places * spacing_kji)[0])
        return max(0.0, float(distances.min()) - float(spacing_kji.min()))

    return distance_mm


def _rim(mask: np.ndarray) -> np.ndarray:
    """Boolean: the voxels of `mask` with a face to one that is not in it; those at the edge of the array have none."""
    rim = np.zeros_like(mask)
    for axis in range(mask.ndim):
        before, after = np.moveaxis(mask, axis, 0)[:-1], np.moveaxis(mask, axis, 0)[1:]
        changes = before != after
        of_rim = np.moveaxis(rim, axis, 0)
        of_rim[:-1] |= changes
        of_rim[1:] |= changes
    rim &= mask
    return rim
