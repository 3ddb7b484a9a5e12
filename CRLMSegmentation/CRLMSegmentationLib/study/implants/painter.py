"""A tumor painted into frames, one by one: what the probe would have shown had it been there.

Along the beams of a frame the tumor is a share of the tissue at each place (over the thickness of the beam), a level in
dB, speckle of its own that is blurred scatterers fixed in space (unless it keeps the recorded one), and what the beam
has lost or gained behind it. These are scan converted onto the pixels as a machine does, and go through the display's
measured tone curve.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...geometry import invert_affine, transform_points
from ...sweep import TrackedFrame
from .beams import Beams
from .lattice import Lumps, Scatterers
from .speckle import Speckle, with_unit_normal
from .tissue_level import level_around
from .tumor import Body

# Over the thickness of the beam: planes at these standard deviations, by the weights of a Gaussian.
PLANES = np.array([-1.6, -0.8, 0.0, 0.8, 1.6])
WEIGHTS = np.exp(-(PLANES**2) / 2) / np.exp(-(PLANES**2) / 2).sum()
MOST_BEHIND_DB = 9.0
# The smallest and the largest radius of a shape are known from many directions, and not from all.
SURE_MM = 0.5


@dataclass(frozen=True, eq=False)
class _Painted:
    """Along the beams: share of tumor 0 to 1, its level in dB, speckle (unit variance), and dB gained behind it."""

    share: np.ndarray
    level_db: np.ndarray
    speckle: np.ndarray
    behind_db: np.ndarray


class Painter:
    """Paints a tumor into frames of a sweep; `axes` are those of a frame through it (see geometry.plane_axes)."""

    def __init__(self, body: Body, axes: np.ndarray, beams: Beams, speckle: Speckle, seed: int):
        self.body, self.tumor, self.beams, self.speckle = body, body.tumor, beams, speckle
        self.radius_mm = body.reach_mm
        reach = self.radius_mm + 4 * speckle.elevation_mm
        random = np.random.default_rng([seed, 2])
        self.scatterers = Scatterers(random, axes, body.middle, reach, min(beams.pixel_mm), speckle.elevation_mm)
        self.lumps = Lumps(random, body.middle, reach, body.tumor.grain_mm)

    def paint(self, frame: TrackedFrame) -> np.ndarray:
        """The frame's pixels with the tumor: a new uint8 array, or the frame's own where it does not pass the tumor."""
        assert frame.image_to_reference is not None
        plane = with_unit_normal(frame.image_to_reference)
        u, v, off_plane_mm = transform_points(invert_affine(plane), self.body.middle)
        if abs(off_plane_mm) > self.radius_mm + 2 * self.speckle.elevation_mm:
            return frame.pixels
        window = self._window(float(u), float(v))
        if window is None:
            return frame.pixels
        depths, across = window
        painted = self._along_beams(plane, depths, across)
        return frame.pixels if not (painted.share > 0.01).any() else self._onto(frame.pixels, painted, depths, across)

    def _window(self, u: float, v: float) -> tuple[np.ndarray, np.ndarray] | None:
        """Depths and across of the beams that can meet the tumor, down to the bottom; None when there are none."""
        beams, step = self.beams, min(self.beams.pixel_mm)
        depth, across = (float(one) for one in beams.place(np.array(u), np.array(v)))
        reach = self.radius_mm + 4 * self.speckle.depth_mm
        first, last = max(beams.depth_mm[0], depth - reach), beams.depth_mm[1]
        width = beams.width_mm(max(depth, reach / 2 + 1.0))
        aside = reach / width + 4 * self.speckle.across
        if beams.is_fan:
            aside = min(aside, beams.across[1] - beams.across[0])
        left, right = max(beams.across[0], across - aside), min(beams.across[1], across + aside)
        if last - first < 4 * step or (right - left) * width < 4 * step:
            return None
        return np.arange(first, last + step, step), np.arange(left, right + step / width, step / width)

    def _along_beams(self, plane: np.ndarray, depths: np.ndarray, across: np.ndarray) -> _Painted:
        u, v = self.beams.pixel(depths[:, None], across[None, :])
        share = np.zeros(u.shape)
        along_mm, aside = self.speckle.grain_at(float(depths[0]) + self.radius_mm)
        widths = (along_mm / (depths[1] - depths[0]), aside / (across[1] - across[0]))
        # Behind the tumor there is only what it did to the beam.
        own = slice(0, int(np.searchsorted(depths, depths[0] + 2 * self.radius_mm + 8 * self.speckle.depth_mm)))
        for place, weight in zip(PLANES, WEIGHTS):
            off_plane = np.full(u[own].shape, place * self.speckle.elevation_mm)
            points = transform_points(plane, np.stack([u[own], v[own], off_plane], axis=-1))
            share[own] += weight * self._share(points)
        middle = transform_points(plane, np.stack([u[own], v[own], np.zeros_like(u[own])], axis=-1))
        level, speckle = np.zeros(u.shape), np.zeros(u.shape)
        level[own] = self._level_db(middle)
        speckle[own] = self._speckle(self.scatterers.at(middle), widths)
        # Power is blurred by the square of what blurs scatterers: no edge is sharper than the picture.
        share, level = (
            ndimage.gaussian_filter(field, [one / math.sqrt(2) for one in widths]) for field in (share, level)
        )
        share = np.clip(share, 0, 1)
        return _Painted(share, level, speckle, self._behind_db(share, depths))

    def _share(self, points: np.ndarray) -> np.ndarray:
        # The shape is asked for where it matters alone: most places lie clearly inside or outside.
        away = np.sqrt(((points - self.body.middle) ** 2).sum(axis=-1))
        share: np.ndarray = (away <= self.body.core_mm - SURE_MM).astype(np.float64)
        between = (away > self.body.core_mm - SURE_MM) & (away < self.body.reach_mm + SURE_MM)
        t = np.clip(0.5 - self.body.distance_mm(points[between]) / self.tumor.border_mm, 0, 1)
        share[between] = t * t * (3 - 2 * t)
        return share

    def _level_db(self, points: np.ndarray) -> np.ndarray:
        tumor = self.tumor
        lumps = self.lumps.at(points)
        level: np.ndarray = tumor.contrast_db + tumor.heterogeneity_db * lumps
        if tumor.halo_mm > 0:
            distance = self.body.distance_mm(points)
            rim = np.clip((distance + tumor.halo_mm * (1 + 0.25 * lumps)) / max(0.8, tumor.border_mm) + 0.5, 0, 1)
            level += rim * (tumor.halo_db - level)
        return level

    def _speckle(self, scattered: np.ndarray, widths: tuple[float, float]) -> np.ndarray:
        """Blurred scatterers have an exponentially distributed power (Goodman 1976); its rank picks the sweep's own."""
        real, imaginary = (
            # In double precision, so that processors that add in another order give the same grey level.
            ndimage.gaussian_filter(part.astype(np.float64), widths, truncate=3)
            for part in (scattered.real, scattered.imag)
        )
        power = real**2 + imaginary**2
        rank = 1 - np.exp(-power / power.mean())
        quantiles = self.speckle.quantiles
        speckle: np.ndarray = np.interp(rank, (np.arange(len(quantiles)) + 0.5) / len(quantiles), quantiles)
        return speckle

    def _behind_db(self, share: np.ndarray, depths: np.ndarray) -> np.ndarray:
        path_cm = np.cumsum(share, axis=0) * (depths[1] - depths[0]) / 10
        gained = np.clip(self.tumor.behind_db_per_cm * path_cm, -MOST_BEHIND_DB, MOST_BEHIND_DB)
        # Beams are wider than their lines: no shadow has a sharp edge.
        smooth: np.ndarray = ndimage.gaussian_filter1d(gained, 4.0, axis=1, mode="nearest")
        return smooth

    def _onto(self, pixels: np.ndarray, painted: _Painted, depths: np.ndarray, across: np.ndarray) -> np.ndarray:
        beams, tone = self.beams, self.speckle.tone
        corner_u, corner_v = beams.pixel(depths[:, None], across[None, :])
        rows = slice(max(0, int(corner_v.min())), min(pixels.shape[0], math.ceil(corner_v.max()) + 1))
        columns = slice(max(0, int(corner_u.min())), min(pixels.shape[1], math.ceil(corner_u.max()) + 1))
        v, u = np.mgrid[rows, columns]
        depth, aside = beams.place(u, v)
        index = [(depth - depths[0]) / (depths[1] - depths[0]), (aside - across[0]) / (across[1] - across[0])]
        inside = (depth >= beams.depth_mm[0]) & (depth <= beams.depth_mm[1])
        inside &= (aside >= beams.across[0]) & (aside <= beams.across[1])
        share, level_db, speckle, behind_db = (
            ndimage.map_coordinates(field, index, order=1, mode="constant")
            for field in (painted.share, painted.level_db, painted.speckle, painted.behind_db)
        )
        old = pixels[rows, columns].astype(np.float64)
        # What the display shows as black holds no echo that could be more or less.
        behind = np.where(behind_db != 0, tone.shifted(old, behind_db), old)
        if self.tumor.texture == "recorded":
            grey = (1 - share) * behind + share * tone.shifted(behind, level_db)
        else:
            around = tone.shifted(level_around(old, inside, beams.pixel_mm), behind_db)
            level = tone.shifted(around, level_db)
            grey = _with_new_speckle(behind, around, level, share, tone.spread_at(level) * speckle)
        changed = inside & ((share > 0.002) | (np.abs(behind_db) > 0.02))
        result = pixels.copy()
        result[rows, columns] = np.where(changed, np.clip(np.rint(grey), 0, 255), old).astype(np.uint8)
        return result


def _with_new_speckle(
    old: np.ndarray, around: np.ndarray, level: np.ndarray, share: np.ndarray, speckle: np.ndarray
) -> np.ndarray:
    """(v, u) grey: tissue `old` about its level `around`, and tumor with its own `level` and `speckle`, by `share`."""
    # Independent speckle adds in power: no ring of smooth grey where tissue becomes tumor.
    texture = np.sqrt(1 - share) * (old - around) + np.sqrt(share) * speckle
    grey: np.ndarray = (1 - share) * around + share * level + texture
    return grey
