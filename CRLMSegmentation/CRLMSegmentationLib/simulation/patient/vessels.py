"""The vessels of one liver: portal vein, hepatic veins, arteries and bile ducts, as trees of tapered tubes that keep
clear of each other.

Trunks as the anatomy has them, twigs grown by vessel_growth. Radii of the trunks: portal vein 6.5 mm, vena cava 12 mm,
right, middle and left hepatic vein 4 to 5 mm.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import map_coordinates
from scipy.spatial.distance import cdist

from ..tubes import beads, paint_tubes
from .couinaud import Planes
from .liver_shape import LiverShape
from .vessel_growth import cube_root, grow, lay_path
from .vessel_tree import Vessels, VesselTree

_CLEARANCE_STEP_MM = 1.0
# By how much a distance between the grid's points may come out too large.
_GRID_ERROR_MM = 0.5
_GAP_MM = 0.6
# Between walls that touched and were thinned.
_APART_MM = 0.05
_THINNEST_MM = 0.5
# The trees grow by turns down to these radii, so that the twigs of one don't bar the branches of the other.
_TURNS_MM = (2.6, 1.9, 1.4, 1.0, 0.7, _THINNEST_MM)
_PLACES_SPACING_MM = 4.0
# Of a tree that leaves more of the liver without twigs, the branches that found no way try again.
_MOST_UNREACHED, _FURTHER_ATTEMPTS = {"portal": 0.14, "hepatic": 0.24}, 6
_DRAWS = 200_003


class _Growth:
    """A tree that is being built, and where it can grow.

    depth      (k, j, i) float32: mm to the capsule;  clearance  the same to the walls of other trees
    fork       where its trunk first forks
    """

    def __init__(self, depth: np.ndarray, origin_ras: np.ndarray, places: np.ndarray, rng: np.random.Generator):
        self.depth, self.origin, self.places = depth, origin_ras, np.ascontiguousarray(places)
        self.clearance = np.full(depth.shape, 99.0, dtype=np.float32)
        most = 12 * len(places) + 2000
        self.xyz, self.parent = np.zeros((most, 3)), np.full(most, -1, dtype=np.int32)
        self.radius, self.number, self.fork = np.zeros(most), 0, 0
        self._order, self._ordered = np.zeros(len(places), dtype=np.int64), 0
        most = 4 * len(places) + 64
        self._span, self._span_node = np.zeros((most, 2), dtype=np.int64), np.zeros(most, dtype=np.int64)
        self._span_radius, self._span_heading = np.zeros((most, 2)), np.zeros((most, 3))
        self._span_state, self._spans = np.zeros(most, dtype=np.int8), 0
        self._draws, self._draw = rng.uniform(-1, 1, _DRAWS), 0
        self._path = np.empty((200, 3))

    @property
    def unreached(self) -> float:
        """Share of the places that no branch found a way to."""
        given_up = self._span[: self._spans][self._span_state[: self._spans] == 2]
        return float((given_up[:, 1] - given_up[:, 0]).sum() / len(self.places))

    def root(self, place: ArrayLike, radius_mm: float) -> int:
        return self._add(place, -1, radius_mm)

    def lead(self, node: int, end: ArrayLike, radius_mm: float, bend: ArrayLike = (0.0, 0.0, 0.0)) -> int:
        """A trunk from a node to a place, bent by so many mm in its middle; returns its last node."""
        start, end = self.xyz[node].copy(), np.asarray(end, dtype=np.float64)
        pieces = lay_path(self._path, start, (start + end) / 2 + 2 * np.asarray(bend), end)
        for place in self._path[:pieces].copy():
            node = self._add(place, node, radius_mm)
        return node

    def supply(self, node: int, group: np.ndarray, radius_mm: float, exempt_mm: float) -> None:
        """Have grow() lead branches from a node to the places whose numbers are in `group`."""
        if len(group) == 0:
            return
        first = self._ordered
        self._ordered += len(group)
        self._order[first : self._ordered] = group
        heading = self.places[group].mean(axis=0) - self.xyz[node]
        n = self._spans
        self._span[n], self._span_node[n] = (first, self._ordered), node
        self._span_radius[n] = radius_mm, exempt_mm
        self._span_heading[n] = heading / np.sqrt((heading * heading).sum())
        self._spans += 1

    def grow(self, thinnest_mm: float) -> None:
        """All branches that are no thinner than that."""
        self.number, self._spans, self._draw = grow(
            self.places, self._order, self.xyz, self.parent, self.radius, self.number, self._span, self._span_node,
            self._span_radius, self._span_heading, self._span_state, self._spans, float(thinnest_mm), _THINNEST_MM,
            _GAP_MM, self.depth, self.clearance, self.origin, _CLEARANCE_STEP_MM, self._draws, self._draw,
        )  # fmt: skip

    def reopen(self) -> None:
        """Let the branches that found no way try again, at the next grow()."""
        state = self._span_state[: self._spans]
        state[state == 2] = 0

    def tree(self) -> VesselTree:
        n = self.number
        return VesselTree(self.xyz[:n].copy(), self.parent[:n].copy(), self.radius[:n].copy())

    def _add(self, place: ArrayLike, parent: int, radius_mm: float) -> int:
        n = self.number
        self.xyz[n], self.parent[n], self.radius[n] = place, parent, radius_mm
        self.number += 1
        return n


def grow_vessels(
    rng: np.random.Generator, shape: LiverShape, planes: Planes, origin_ras: np.ndarray, outside_mm: np.ndarray
) -> Vessels:
    """All trees of a liver.

    outside_mm  (k, j, i) float32, how far outside of the liver, on a grid of 1 mm that begins at `origin_ras` (3,)
    """
    origin = np.asarray(origin_ras, dtype=np.float64)
    depth = -outside_mm
    places = _places(rng, origin, outside_mm)
    segment = planes.segments(places)
    portal, hepatic = _Growth(depth, origin, places, rng), _Growth(depth, origin, places, rng)
    _begin_portal(portal, shape, planes, segment)
    _begin_hepatic(hepatic, shape, planes, segment)
    # Artery and bile duct come from outside of the capsule too, beside the portal trunk.
    depth = _beside_trunk(depth, origin, portal.tree())
    artery, bile = _Growth(depth, origin, places, rng), _Growth(depth, origin, places, rng)
    _begin_companion(artery, portal, segment, 2.4, np.array([-9.5, 5.0, -3.0]))
    _begin_companion(bile, portal, segment, 2.6, np.array([9.5, 7.0, -6.0]))
    # The thin ones first: they are few, and find no way where twigs of the others are all around.
    grown = {"artery": artery, "bile": bile, "portal": portal, "hepatic": hepatic}
    _keep_clear(grown, dict.fromkeys(grown, 0))
    for thinnest in _TURNS_MM:
        for name, growth in grown.items():
            before = growth.number
            growth.grow(thinnest if name in ("portal", "hepatic") else max(_THINNEST_MM, 0.5 * thinnest))
            _keep_clear(grown, {name: before})
    _try_again(grown)
    return Vessels(_without_contact(grown), {name: growth.unreached for name, growth in grown.items()})


def _try_again(grown: dict[str, _Growth]) -> None:
    """Twigs crowd in a small liver; what then lacks them gets further attempts, and only then, so that every other
    liver stays the same.
    """
    for name, most in _MOST_UNREACHED.items():
        for _ in range(_FURTHER_ATTEMPTS):
            if grown[name].unreached <= most:
                break
            before = grown[name].number
            grown[name].reopen()
            grown[name].grow(_THINNEST_MM)
            _keep_clear(grown, {name: before})


def _without_contact(grown: dict[str, _Growth]) -> dict[str, VesselTree]:
    """The trees; a tube that touches another tree does not widen.

    A branch has looked for its way with its own radius, on a grid: what it widens by is most of the gap to others.
    """
    trees = {name: growth.tree() for name, growth in grown.items()}
    near = {name: _near_others(trees[name], growth) for name, growth in grown.items()}
    straight: dict[str, set[int]] = {name: set() for name in trees}
    for one, other in combinations(trees, 2):
        (a, radius_a, child_a), (b, radius_b, child_b) = near[one], near[other]
        touch = cdist(a, b) <= radius_a[:, None] + radius_b
        straight[one].update(child_a[touch.any(axis=1)].tolist())
        straight[other].update(child_b[touch.any(axis=0)].tolist())
    trees = {name: replace(tree, straight=tuple(sorted(straight[name]))) for name, tree in trees.items()}
    return _thinned(trees, grown) if any(straight.values()) else trees


def _thinned(trees: dict[str, VesselTree], grown: dict[str, _Growth]) -> dict[str, VesselTree]:
    """The trees; where two touch though neither widens, the thinner tube is thinner by that."""
    radius = {name: tree.radius_mm.copy() for name, tree in trees.items()}
    near = {name: _near_others(tree, grown[name]) for name, tree in trees.items()}
    for one, other in combinations(trees, 2):
        (a, radius_a, child_a), (b, radius_b, child_b) = near[one], near[other]
        overlap = radius_a[:, None] + radius_b - cdist(a, b)
        for i, j in np.argwhere(overlap >= 0):
            name, child = (one, child_a[i]) if radius_a[i] <= radius_b[j] else (other, child_b[j])
            radius[name][child] = min(radius[name][child], trees[name].radius_mm[child] - overlap[i, j] - _APART_MM)
    return {name: replace(tree, radius_mm=radius[name]) for name, tree in trees.items()}


def _near_others(tree: VesselTree, growth: _Growth) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Beads (n, 3) that may touch another tree by the grid of clearances, their radii, and the points they lead to."""
    points, radius, tube = beads(tree.tubes())
    at = ((points - growth.origin) / _CLEARANCE_STEP_MM)[:, ::-1].T
    is_near = map_coordinates(growth.clearance, at, order=1, mode="nearest") < radius + _GRID_ERROR_MM
    return points[is_near], radius[is_near], np.flatnonzero(tree.parent >= 0)[tube[is_near]]


def _keep_clear(grown: dict[str, _Growth], since: dict[str, int]) -> None:
    """Lower every other tree's clearance by the points that the trees named in `since` have from that number on."""
    for name, first in since.items():
        tree = grown[name].tree()
        tubes = tree.tubes()[np.flatnonzero(tree.parent >= 0) >= first]
        for other, growth in grown.items():
            if other != name:
                paint_tubes(growth.clearance.transpose(2, 1, 0), growth.origin, _CLEARANCE_STEP_MM, tubes, 6.0)


def _places(rng: np.random.Generator, origin: np.ndarray, outside_mm: np.ndarray) -> np.ndarray:
    """(n, 3) RAS mm: places that want blood, one in each little cube of the liver, not on its surface."""
    step = int(_PLACES_SPACING_MM / _CLEARANCE_STEP_MM)
    k, j, i = np.nonzero(outside_mm[::step, ::step, ::step] < -2.5)
    places = origin + np.column_stack([i, j, k]) * _PLACES_SPACING_MM
    result: np.ndarray = places + rng.uniform(-0.5, 0.5, places.shape) * _PLACES_SPACING_MM
    return result


def _beside_trunk(depth: np.ndarray, origin: np.ndarray, portal: VesselTree) -> np.ndarray:
    """The distance to the capsule, which does not count beside the trunk: artery and duct come from outside as well."""
    trunk = portal.tubes()
    trunk = trunk[trunk[:, 6] > 3.4]
    distance = np.full(depth.shape, 99.0, dtype=np.float32)
    paint_tubes(distance.transpose(2, 1, 0), origin, _CLEARANCE_STEP_MM, trunk, 9.0)
    return np.where(distance < 8.5, np.float32(99.0), depth)


def _begin_portal(growth: _Growth, shape: LiverShape, planes: Planes, segment: np.ndarray) -> None:
    scale, places, whole = shape.scale, growth.places, len(growth.places)

    def numbers_of(*numbers: int) -> np.ndarray:
        return np.flatnonzero(np.isin(segment, numbers))

    def of(*numbers: int) -> np.ndarray:
        here: np.ndarray = places[numbers_of(*numbers)]
        return here

    def radius(group: np.ndarray) -> float:
        return 6.5 * cube_root(len(group) / whole)

    hilum = _porta_hepatis(shape)
    trunk = growth.root(hilum + np.array([-12.0, -6.0, -52.0]) * scale, 6.5)
    growth.fork = fork = growth.lead(trunk, hilum, 6.5)
    right, left = of(5, 6, 7, 8), of(2, 3, 4)
    middle = right.mean(axis=0)
    at_right = growth.lead(fork, _between(growth.xyz[fork], middle, 0.38), radius(right), (0, 0, 2))
    for numbers in ((5, 8), (6, 7)):
        both = of(*numbers)
        at = growth.lead(at_right, _between(growth.xyz[at_right], both.mean(axis=0), 0.42), radius(both))
        for number in numbers:
            group = numbers_of(number)
            growth.supply(at, group, radius(group), 10.0)
    # The left branch runs across, then turns forward into the fissure (its umbilical part).
    of_fissure = shape.center_of("fissure")
    across = growth.xyz[fork] * 0.42 + np.array([of_fissure[0], of(4).mean(axis=0)[1], of(2, 3).mean(axis=0)[2]]) * 0.58
    across[1] = growth.xyz[fork][1] + 0.25 * (of_fissure[1] - growth.xyz[fork][1])
    at_left = growth.lead(fork, across, radius(left), (0, 0, 3))
    group = numbers_of(1)
    growth.supply(growth.parent[at_left], group, radius(group), 14.0)
    group = numbers_of(2)
    growth.supply(at_left, group, radius(group), 10.0)
    ahead = _between(growth.xyz[at_left], np.array([of_fissure[0], of_fissure[1], across[2]]), 0.45)
    umbilical = growth.lead(at_left, ahead, radius(of(3, 4)))
    for number in (3, 4):
        group = numbers_of(number)
        growth.supply(umbilical, group, radius(group), 10.0)


def _begin_hepatic(growth: _Growth, shape: LiverShape, planes: Planes, segment: np.ndarray) -> None:
    places, whole = growth.places, len(growth.places)
    top = _confluence_z(shape)
    cava = shape.cava_axis_ras(np.array([-130.0 * shape.scale, top, top + 22.0]))
    inner = shape.cava[3] * shape.scale - 1.5
    root = growth.root(cava[0], inner)
    at = growth.lead(root, cava[1], inner)
    growth.lead(at, cava[2], inner)
    # 5 and 8 are drained by two veins: what is behind the middle of the two planes by the right one.
    border = planes.right + planes.middle
    behind = border[0] * places[:, 1] - border[1] * places[:, 0] < 0
    in_front = np.isin(segment, (5, 8))
    right = np.flatnonzero(np.isin(segment, (6, 7)) | (in_front & behind))
    middle = np.flatnonzero((segment == 4) | (in_front & ~behind))
    left = np.flatnonzero(np.isin(segment, (2, 3)))
    exempt = shape.cava[3] * shape.scale + 9.0
    for group in (right, middle, left):
        growth.supply(at, group, 6.2 * cube_root(len(group) / whole), exempt)


def _begin_companion(
    growth: _Growth, portal: _Growth, segment: np.ndarray, radius_mm: float, beside_mm: np.ndarray
) -> None:
    """Artery or bile duct: along the portal trunk at some distance, then to all segments from where it forks."""
    trunk = portal.xyz[portal.fork]
    start = growth.root(portal.xyz[0] + beside_mm, radius_mm)
    at = growth.lead(start, trunk + beside_mm, radius_mm)
    for numbers in ((5, 6, 7, 8), (1, 2, 3, 4)):
        group = np.flatnonzero(np.isin(segment, numbers))
        growth.supply(at, group, radius_mm * cube_root(len(group) / len(segment)), 0.0)


def _porta_hepatis(shape: LiverShape) -> np.ndarray:
    """(3,) RAS mm: a place just beyond the visceral surface, in front of the caudate lobe."""
    x, y = 4.0 * shape.scale, (shape.center_of("caudate")[1] + 24.0 * shape.scale)
    heights = np.arange(-60.0, 60.0, 0.5) * shape.scale
    outside = shape.outside_mm(np.column_stack([np.full_like(heights, x), np.full_like(heights, y), heights]))
    inside = np.flatnonzero(outside < -1.0)
    return np.array([x, y, heights[inside[0]] if len(inside) else 0.0])


def _confluence_z(shape: LiverShape) -> float:
    """Where the hepatic veins enter the vena cava: a little below the place where it leaves the liver, or, where it
    passes behind the liver all the way, where it is about as near to it as anywhere.
    """
    heights = np.arange(0.0, 130.0, 1.0)
    dome, _ = shape.dome_and_visceral_mm(shape.cava_axis_ras(heights))
    nearest = float(dome.min())
    within = 0.0 if nearest < 0 else nearest + 3.0 * shape.scale
    return float(heights[np.flatnonzero(dome < within)[-1]] - 10.0 * shape.scale)


def _between(start: ArrayLike, end: ArrayLike, share: float) -> np.ndarray:
    result: np.ndarray = np.asarray(start) + share * (np.asarray(end) - np.asarray(start))
    return result
