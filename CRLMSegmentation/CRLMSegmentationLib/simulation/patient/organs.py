"""What lies around the liver: simple shapes in the right places, so that nothing is found by being the only bright
thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .implicit import ellipsoid, reach_along, turned
from .liver_shape import LiverShape
from .vessel_tree import VesselTree

# Half height in mm of what goes through the whole picture.
TALL = 4000.0


@dataclass(frozen=True, eq=False)
class Organ:
    """A union of ellipsoids (rows of implicit.ellipsoid) and tubes ((m, 8), see VesselTree.tubes), RAS mm."""

    name: str
    ellipsoids: np.ndarray
    tubes: np.ndarray


def draw_organs(
    rng: np.random.Generator, shape: LiverShape, liver_lower: np.ndarray, liver_upper: np.ndarray
) -> list[Organ]:
    """From the outermost to the innermost: where two overlap, the later one is seen.

    liver_lower, liver_upper  (3,) RAS mm: the liver fits between; the walls of the abdomen are laid around it
    """
    scale = shape.scale
    # The vena cava, where the frame begins, lies to the right of the middle and in front of the spine.
    middle_x, spine_y, wall_mm = -24.0 * scale, -40.0 * scale, float(rng.uniform(10, 15))
    front, back = float(liver_upper[1]) + 2.0, spine_y - 34.0 * scale
    cavity = [float(liver_upper[0]) + 3.0 - middle_x, (front - back) / 2]
    center = np.array([middle_x, (front + back) / 2, 0.0])

    organs = _walls(center, cavity, wall_mm, fat_mm=float(rng.uniform(8, 30)))
    back_muscles = [ellipsoid([middle_x + side * 36 * scale, spine_y - 18 * scale, 0.0], [30 * scale, 20 * scale, TALL])
                    for side in (1, -1)]  # fmt: skip
    organs.append(_organ("muscle", *back_muscles))
    organs.append(_bowel(rng, center, cavity, scale))
    organs += _chest(rng, center, cavity, scale, height=float(liver_upper[2]))
    organs += _around_the_liver(rng, shape, center, cavity)
    organs.append(_skeleton(center, cavity, scale, spine_y, wall_mm))
    organs.append(_organ("gallbladder", _scaled(shape.ellipsoids[7], scale, 0.96)))
    return organs


def _organ(name: str, *rows: np.ndarray, tubes: Sequence[Sequence[float]] = ()) -> Organ:
    return Organ(name, np.array(rows).reshape(-1, 15), np.array(tubes, dtype=np.float64).reshape(-1, 8))


def _about(rng: np.random.Generator, scale: float, *values: float, spread: float = 3.0) -> list[float]:
    return [scale * (value + spread * rng.uniform(-1, 1)) for value in values]


def _walls(center: np.ndarray, cavity: Sequence[float], wall_mm: float, fat_mm: float) -> list[Organ]:
    def around(add: float) -> np.ndarray:
        return ellipsoid(center, [cavity[0] + add, cavity[1] + add, TALL])

    return [
        _organ("skin", around(wall_mm + fat_mm + 2.5)), _organ("fat", around(wall_mm + fat_mm)),
        _organ("muscle", around(wall_mm)), _organ("abdominal fat", around(0.0)),
    ]  # fmt: skip


def _chest(
    rng: np.random.Generator, center: np.ndarray, cavity: Sequence[float], scale: float, height: float
) -> list[Organ]:
    """Lungs, which reach deeper behind the liver than above it, and heart; `height` is the liver's uppermost point."""
    lungs = [
        ellipsoid([center[0] + side * 0.52 * cavity[0], center[1] - 18 * scale, height + 62 * scale],
                  [0.50 * cavity[0], 0.80 * cavity[1], 142 * scale], turned(0, 0.16))
        for side in (1, -1)
    ]  # fmt: skip
    left, above = _about(rng, scale, 22)[0], _about(rng, scale, 22)[0]
    heart = ellipsoid([center[0] - left, center[1] + 28 * scale, height + above],
                      _about(rng, scale, 58, 46, 38), turned(1, 0.25))  # fmt: skip
    return [_organ("lung", *lungs), _organ("heart", heart)]


def _around_the_liver(
    rng: np.random.Generator, shape: LiverShape, center: np.ndarray, cavity: Sequence[float]
) -> list[Organ]:
    scale = shape.scale
    spleen = ellipsoid([center[0] - cavity[0] + 30 * scale, *_about(rng, scale, -8, 14)],
                       _about(rng, scale, 24, 44, 50), turned(0, 0.2))  # fmt: skip
    stomach = _smaller(_scaled(shape.ellipsoids[3], scale, 0.985), shape.plane[:3], 0.66)
    left_kidney = ellipsoid([2 * center[0] - 42 * scale, *_about(rng, scale, -16, -48)],
                            _about(rng, scale, 27, 30, 55), turned(0, 0.12))  # fmt: skip
    head, tail, between = (_about(rng, scale, *place) for place in ((10, 44, -46), (-104, 14, -8), (-32, 52, -28)))
    pancreas = [[*head, *between, 13 * scale, 10 * scale], [*between, *tail, 10 * scale, 8 * scale]]
    x, y = _about(rng, scale, -36, -8, spread=2)
    return [
        _organ("spleen", spleen), _organ("stomach", stomach),
        _organ("colon", _scaled(shape.ellipsoids[5], scale, 0.985)),
        _organ("kidney", _scaled(shape.ellipsoids[4], scale, 0.97), left_kidney), _organ("pancreas", tubes=pancreas),
        _organ("aorta", tubes=[[x, y + 6, -240, x, y - 12, 240, 11 * scale, 12 * scale]]),
    ]  # fmt: skip


def _skeleton(center: np.ndarray, cavity: Sequence[float], scale: float, spine_y: float, wall_mm: float) -> Organ:
    x, heights = center[0], np.arange(-240, 240, 34)
    column = [[x, spine_y, z * scale, x, spine_y, (z + 16) * scale, 17 * scale, 17 * scale] for z in heights]
    spines = [
        ellipsoid([x, spine_y - 26 * scale, (z + 8) * scale], [5 * scale, 13 * scale, 12 * scale]) for z in heights
    ]
    ribs = _ribs(center, [cavity[0] + wall_mm / 2, cavity[1] + wall_mm / 2], scale)
    return _organ("bone", *spines, tubes=[*column, *ribs])


def cava_tree(shape: LiverShape) -> VesselTree:
    """The vena cava below and above the liver."""
    heights = np.linspace(-240, 240, 97)
    points = shape.cava_axis_ras(heights)
    radius = np.full(len(points), shape.cava[3] * shape.scale - 1.5)
    return VesselTree(points, np.arange(-1, len(points) - 1, dtype=np.int32), radius)


def _scaled(row: np.ndarray, scale: float, share: float) -> np.ndarray:
    """An ellipsoid of the unscaled liver in patient's size; a little smaller, so that a seam of fat stays."""
    scaled = row.copy()
    scaled[:3] *= scale
    scaled[3:6] *= scale * share
    return scaled


def _smaller(row: np.ndarray, normal: np.ndarray, share: float) -> np.ndarray:
    """The ellipsoid with that share of its size, still pressed against what lies on the other side of `normal`."""
    small = row.copy()
    small[3:6] *= share
    small[:3] -= normal * (reach_along(row, normal) - reach_along(small, normal))
    return small


def _bowel(rng: np.random.Generator, center: np.ndarray, cavity: Sequence[float], scale: float) -> Organ:
    """Loops of bowel in front and on the left, below the liver's middle."""
    tubes = []
    for _ in range(7):
        radius = float(rng.uniform(9, 14)) * scale
        place = center + np.array(
            [rng.uniform(-0.7, 0.5) * cavity[0], rng.uniform(-0.1, 0.6) * cavity[1], rng.uniform(-200, -30)]
        )
        heading = rng.standard_normal(3)
        for _ in range(28):
            heading = heading + 0.8 * rng.standard_normal(3)
            heading = heading / np.sqrt((heading * heading).sum())
            ahead = place + 11.0 * scale * heading
            # It turns back from the wall of the abdomen.
            away = (ahead - center)[:2] / (np.array(cavity) - radius - 3)
            if (away * away).sum() > 1 or not -220 < ahead[2] < 10:
                heading = -heading
                continue
            tubes.append([*place, *ahead, radius, radius])
            place = ahead
    return Organ("bowel", np.zeros((0, 15)), np.array(tubes, dtype=np.float64).reshape(-1, 8))


def _ribs(center: np.ndarray, semi_axes: Sequence[float], scale: float) -> list[list[float]]:
    """Tubes within the muscles, from behind upward to front downward."""
    tubes = []
    angles = np.arange(-4, 33) * (np.pi / 36)
    for side in (1.0, -1.0):
        for number in range(-3, 8):
            heights = number * 30.0 * scale - 46.0 * scale * (np.arange(len(angles)) / len(angles))
            # Sines are rounded, since they may differ in the last digit between machines.
            x = np.round(side * semi_axes[0] * np.cos(angles - np.pi / 2 + 0.12), 6) + center[0]
            y = np.round(semi_axes[1] * np.sin(angles - np.pi / 2 + 0.12), 6) + center[1]
            for a in range(len(angles) - 1):
                tubes.append([x[a], y[a], heights[a], x[a + 1], y[a + 1], heights[a + 1], 4.5, 4.5])
    return tubes
