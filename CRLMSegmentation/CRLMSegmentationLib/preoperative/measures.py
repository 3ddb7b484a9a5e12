"""What is read off a segmented CT: volumes, and of each lesion its size, its place, and what is near.

The diameter of a lesion is the longest one in an axial slice, edge to edge, as RECIST 1.1 has it measured (Eisenhauer
et al., Eur J Cancer 2009). Distances run between the nearest voxels of two structures, good to about one voxel.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..geometry import occupied_extent, transform_points
from .orientation import Orientation
from .structures import LIVER, TUMOR, VESSELS, Structures


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
    lesions, liver, vessels = (
        np.pad(volume.voxels[extent], 1) for volume in (found.lesions, found.mask(LIVER), found.mask(VESSELS))
    )
    to_outside = _distance_mm(liver == 0, spacing_kji)
    to_vessel = _distance_mm(vessels > 0, spacing_kji) if vessels.any() else None
    first = np.array([part.start for part in extent]) - 1
    measured = []
    for number, block in enumerate(ndimage.find_objects(lesions), start=1):
        mask = lesions[block] == number
        offset = first + [part.start for part in block]
        places = np.argwhere(mask) + offset
        diameter, in_slice = longest_axial_diameter_mm(orientation.lay(mask), (s_mm, a_mm, r_mm))
        along = orientation.axes[0]
        index = mask.shape[along] - 1 - in_slice if orientation.reversed[0] else in_slice
        r, a, s = transform_points(found.label_map.ijk_to_ras, places.mean(axis=0)[::-1])
        measured.append(
            Lesion(
                number=number,
                volume_ml=len(places) * found.label_map.voxel_volume_mm3 / 1000,
                diameter_mm=diameter,
                slice_index=int(index + offset[along]),
                center_ras_mm=(float(r), float(a), float(s)),
                vessel_distance_mm=None if to_vessel is None else _between(to_vessel[block][mask], spacing_kji),
                surface_distance_mm=_between(to_outside[block][mask], spacing_kji),
            )
        )
    return measured


def _distance_mm(mask: np.ndarray, spacing_kji: np.ndarray) -> np.ndarray:
    """From the middle of every voxel to that of the nearest one in `mask`."""
    from scipy import ndimage

    distance: np.ndarray = ndimage.distance_transform_edt(~mask, sampling=[float(mm) for mm in spacing_kji])
    return distance


def _between(distances: np.ndarray, spacing_kji: np.ndarray) -> float:
    """Between the edges of the nearest voxels, whose middles are a voxel further apart."""
    return max(0.0, float(distances.min()) - float(spacing_kji.min()))
