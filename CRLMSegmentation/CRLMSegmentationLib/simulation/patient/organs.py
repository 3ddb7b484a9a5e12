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
# Chambers of the heart, in shares of its half axes from its middle: place, and half axes. The left ventricle has a wall
# of a centimetre, the right ones of a few millimetres.
_CHAMBERS = tuple(
    (np.array(place), np.array(size))
    for place, size in (
        ((-0.32, -0.06, -0.04), (0.46, 0.52, 0.58)),  # left ventricle
        ((0.04, 0.46, -0.26), (0.66, 0.36, 0.52)),    # right ventricle, in front
        ((0.58, 0.02, -0.02), (0.30, 0.50, 0.62)),    # right atrium, over the vena cava
        ((0.16, -0.58, 0.18), (0.50, 0.28, 0.48)),    # left atrium, behind
    )
)  # fmt: skip


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
    organs += _chest(rng, shape, center, cavity, height=float(liver_upper[2]))
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
    rng: np.random.Generator, shape: LiverShape, center: np.ndarray, cavity: Sequence[float], height: float
) -> list[Organ]:
    """Lungs, which reach deeper behind the liver than above it, and the heart, which lies on the liver: muscle that is
    hardly told from it, around chambers as bright as its vessels. `height` is the liver's uppermost point.
    """
    scale = shape.scale
    lungs = [
        ellipsoid([center[0] + side * 0.52 * cavity[0], center[1] - 18 * scale, height + 62 * scale],
                  [0.50 * cavity[0], 0.80 * cavity[1], 142 * scale], turned(0, 0.16))
        for side in (1, -1)
    ]  # fmt: skip
    return [_organ("lung", *lungs), *_heart(rng, shape, center, height)]


def _heart(rng: np.random.Generator, shape: LiverShape, center: np.ndarray, height: float) -> list[Organ]:
    scale = shape.scale
    left, above = _about(rng, scale, 22)[0], _about(rng, scale, 22)[0]
    place = np.array([center[0] - left, center[1] + 28 * scale, height + above])
    whole = ellipsoid(place, _about(rng, scale, 58, 46, 38), turned(1, 0.25))
    # Pressed upon the liver by 2 to 14 mm; where they overlap, it is the liver that is seen.
    whole[2] = _resting_height(whole, shape, height) - (2 * above - 36 * scale)
    chambers = [
        ellipsoid(whole[:3] + _from_middle(whole, at), whole[3:6] * size, whole[6:].reshape(3, 3))
        for at, size in _CHAMBERS
    ]
    return [_organ("myocardium", whole), _organ("heart", *chambers)]


def _from_middle(row: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """(..., 3) mm from the middle of an ellipsoid: `shares` (..., 3) of its half axes, along these. Without a matrix
    product, which processors round differently.
    """
    a, b, c = row[6:].reshape(3, 3)
    along: np.ndarray = row[3:6] * shares
    from_middle: np.ndarray = along[..., :1] * a + along[..., 1:2] * b + along[..., 2:] * c
    return from_middle


def _resting_height(row: np.ndarray, shape: LiverShape, height: float) -> float:
    """Where along S the middle of an ellipsoid is, in mm, that lies on the liver, whose uppermost point is at `height`;
    as it is, where there is no liver under it.
    """
    step = 5.0
    across, along = np.meshgrid(np.arange(-0.9, 1.0, 0.15), np.arange(-0.9, 1.0, 0.15))
    beside = across * across + along * along
    on_disc = np.stack([across[beside < 0.95], along[beside < 0.95], -np.sqrt(1 - beside[beside < 0.95])], axis=-1)
    below = _from_middle(row, on_disc)
    first = np.array([*(row[:2] + below[:, :2].min(axis=0)), height - 150 * shape.scale])
    counts = np.ceil((np.array([*(row[:2] + below[:, :2].max(axis=0)), height + step]) - first) / step).astype(int) + 1
    in_liver = shape.field_on_grid(first, step, counts) < 0
    tops = np.where(in_liver.any(axis=0), first[2] + step * (counts[2] - 1 - in_liver[::-1].argmax(axis=0)), -np.inf)
    i, j = np.rint((row[:2] + below[:, :2] - first[:2]) / step).astype(int).T
    resting = float((tops[j, i] - below[:, 2]).max())
    return resting if np.isfinite(resting) else float(row[2])


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
