"""Where a tumor can go in a sweep, and what kind of place that is, told by the local statistics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...errors import ReconstructionError
from ...geometry import invert_affine, plane_axes, transform_points
from ...simulation.lesion_shape import sphere_directions
from ...sweep import Sweep
from ...values import Volume
from ..cases.case_files import reconstructed
from .beams import Beams
from .speckle import Speckle, with_unit_normal

GRID_MM = 1.5
# The local level is a mean over this width: wide enough for speckle to vanish, narrow enough to show a vessel.
LEVEL_MM = 1.8
BESIDE_MM = 5.0
# Standard deviation in dB of the level in and around the tumor, above which something other than tissue is there.
EVEN_DB, WALLS_DB = 2.2, 3.2
# In parts of the picture's depth.
DEPTH_FROM, NEAREST = 0.55, 0.12
SEEN_AT_EDGE = (0.6, 0.93)
SEEN_WHOLE = 0.99
TISSUE_SHARE, TISSUE_SHARE_AT_WALLS = 0.95, 0.75
PLACES_TRIED, ROUNDS = 400, 6


@dataclass(frozen=True, eq=False)
class Place:
    """A place that a tumor can take.

    middle       (3,) mm in Reference
    kind         'even', 'walls', 'depth' or 'edge'
    seen         share of the tumor that the sweep passed
    tissue       share of it and of what is beside it that is brighter than the display's black
    uneven_db    standard deviation of the level in it and beside it
    depth        along the beams, 0 at the transducer to 1 at the bottom of the picture
    """

    middle: np.ndarray
    kind: str
    seen: float
    tissue: float
    uneven_db: float
    depth: float


class PlaceFinder:
    """Looks for places in a sweep, whose volume is made once. Raises ReconstructionError where it shows no tissue."""

    def __init__(self, sweep: Sweep, beams: Beams, speckle: Speckle):
        self.beams, self.tone = beams, speckle.tone
        self.to_pixels = np.array([invert_affine(with_unit_normal(pose)) for pose in sweep.image_to_reference()])
        volume = reconstructed(_within_beams(sweep, beams), spacing_mm=GRID_MM)
        # The corners outside the beams came as black as what was never passed.
        seen = volume.voxels > 0 if volume.seen is None else volume.seen & (volume.voxels > 0)
        seen = ndimage.binary_closing(np.pad(seen, 2), iterations=2)[2:-2, 2:-2, 2:-2]
        grain = max(speckle.across * beams.width_mm(float(np.mean(beams.depth_mm))), speckle.elevation_mm)
        width = max(LEVEL_MM, 1.2 * grain) / GRID_MM
        weight = ndimage.gaussian_filter(seen.astype(np.float32), width)
        level = ndimage.gaussian_filter(np.where(seen, volume.voxels, 0).astype(np.float32), width)
        level /= np.maximum(weight, 1e-3)
        self.volume: Volume = volume
        self.seen, self.level = seen, level
        self.level_db = self.tone.db(level)
        self.tissue_voxels = np.argwhere(seen & (level > self.tone.black))[:, ::-1]
        if not len(self.tissue_voxels):
            raise ReconstructionError("The sweep shows no tissue: it is black throughout.")

    def find(self, random: np.random.Generator, kind: str, radius_mm: float) -> Place | None:
        """A place of that kind for a tumor of about that radius; None when none was found."""
        for _ in range(ROUNDS):
            numbers = random.integers(len(self.tissue_voxels), size=PLACES_TRIED)
            index = self.tissue_voxels[numbers] + random.uniform(-0.5, 0.5, (PLACES_TRIED, 3))
            places = self.at(transform_points(self.volume.ijk_to_ras, index), radius_mm)
            for place in places:
                if place is not None and place.kind == kind:
                    return place
        return None

    def at(self, middles: np.ndarray, radius_mm: float) -> list[Place | None]:
        """What kind of place each of `middles` (n, 3) is for a tumor of that radius; None where it cannot go."""
        seen = self._of(self.seen, self._ball(middles, radius_mm)).mean(axis=1)
        around = self._ball(middles, radius_mm + BESIDE_MM)
        known = self._of(self.seen, around)
        count = np.maximum(known.sum(axis=1), 1)
        tissue = (known & (self._of(self.level, around) > self.tone.black)).sum(axis=1) / count
        level_db = np.where(known, self._of(self.level_db, around), 0.0)
        level_db = np.where(known, level_db, (level_db.sum(axis=1) / count)[:, None])
        uneven = (level_db - level_db @ self._slope(radius_mm + BESIDE_MM)).std(axis=1)
        depth = self._depths(middles)
        places: list[Place | None] = []
        for middle, *figures in zip(middles, seen.tolist(), tissue.tolist(), uneven.tolist(), depth.tolist()):
            kind = _kind(*figures)
            places.append(None if kind is None else Place(middle, kind, *figures))
        return places

    def axes_at(self, middle: np.ndarray) -> np.ndarray:
        """(3, 3) axes of the frame that passes nearest to `middle` (3,), see geometry.plane_axes."""
        off_plane = self.to_pixels[:, 2, :3] @ middle + self.to_pixels[:, 2, 3]
        return plane_axes(invert_affine(self.to_pixels[int(np.abs(off_plane).argmin())]))

    def level_at(self, middle: np.ndarray, radius_mm: float) -> float:
        """The median grey level within that radius."""
        points = self._ball(middle[None], radius_mm)
        return float(np.median(self._of(self.level, points)[self._of(self.seen, points)]))

    def _ball(self, middles: np.ndarray, radius_mm: float) -> np.ndarray:
        """(n, points, 3) indices (i, j, k) of voxels spread evenly over balls about `middles` (n, 3)."""
        points = middles[:, None] + _offsets(radius_mm)
        index: np.ndarray = np.rint(transform_points(self.volume.ras_to_ijk, points)).astype(np.int64)
        return index

    def _slope(self, radius_mm: float) -> np.ndarray:
        """(points, points) that maps levels in a ball to their mean and slope: tissue that darkens slowly is even."""
        offsets = _offsets(radius_mm)
        design = np.column_stack([np.ones(len(offsets)), offsets])
        projection: np.ndarray = (design @ np.linalg.pinv(design)).T
        return projection

    def _of(self, field: np.ndarray, index: np.ndarray) -> np.ndarray:
        """(...) values of a field at indices (..., 3); 0 outside."""
        within: np.ndarray = np.all((index >= 0) & (index < np.array(self.volume.dimensions)), axis=-1)
        i, j, k = np.moveaxis(np.where(within[..., None], index, 0), -1, 0)
        result: np.ndarray = np.where(within, field[k, j, i], 0).astype(field.dtype)
        return result

    def _depths(self, middles: np.ndarray) -> np.ndarray:
        """(n,) along the beams, in the frame that passes nearest."""
        index = np.einsum("fij,nj->nfi", self.to_pixels, np.pad(middles, ((0, 0), (0, 1)), constant_values=1.0))
        nearest = np.abs(index[..., 2]).argmin(axis=1)
        u, v = index[np.arange(len(middles)), nearest, :2].T
        first, last = self.beams.depth_mm
        depths: np.ndarray = (self.beams.place(u, v)[0] - first) / (last - first)
        return depths


def _offsets(radius_mm: float) -> np.ndarray:
    """(points, 3) mm spread evenly over a ball."""
    radii = radius_mm * np.cbrt((np.arange(6) + 0.5) / 6)
    offsets: np.ndarray = (radii[:, None, None] * sphere_directions(60)[None]).reshape(-1, 3)
    return offsets


def _kind(seen: float, tissue: float, uneven_db: float, depth: float) -> str | None:
    """None where a tumor cannot go, or where the place is neither one thing nor the other."""
    if depth < NEAREST or tissue < TISSUE_SHARE_AT_WALLS:
        return None
    if seen < SEEN_WHOLE:
        return "edge" if SEEN_AT_EDGE[0] <= seen <= SEEN_AT_EDGE[1] and tissue >= TISSUE_SHARE else None
    if uneven_db >= WALLS_DB:
        return "walls"
    if uneven_db > EVEN_DB or tissue < TISSUE_SHARE:
        return None
    return "depth" if depth >= DEPTH_FROM else "even"


def _within_beams(sweep: Sweep, beams: Beams) -> Sweep:
    """The sweep with at least 1 where there is ultrasound and 0 elsewhere: marks beside the picture are not seen."""
    footprint = beams.footprint(sweep.image_size)
    return Sweep(
        [frame.with_changes(pixels=np.where(footprint, np.maximum(frame.pixels, 1), 0).astype(np.uint8))
         for frame in sweep.valid_frames],
        name=sweep.name,
    )  # fmt: skip
