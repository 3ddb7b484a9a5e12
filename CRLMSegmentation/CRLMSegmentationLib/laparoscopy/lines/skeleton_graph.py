"""The lines of a skeleton, one pixel wide, in order: its graph is walked from end to end and straight over crossings.

A kept library for this (skan) brings pandas and more, and takes longer than a frame of video has; a skeleton here has a
thousand pixels at most.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .kernels import trace

# Two lines that meet are one where they turn by less than this.
_STRAIGHT_COS = -0.5
_DIRECTION_PIXELS = 10


@dataclass(eq=False)
class _Chain:
    """Pixels between two nodes: points (n, 2) as (u, v), nodes at its start and end, -1 for a free end."""

    points: np.ndarray
    nodes: list[int]
    partners: list[tuple[_Chain, int] | None] = field(default_factory=lambda: [None, None])

    @property
    def length(self) -> float:
        return float(np.linalg.norm(np.diff(self.points, axis=0), axis=1).sum())

    def direction(self, end: int) -> np.ndarray:
        """(2,) unit, from that end into the chain."""
        points = self.points if end == 0 else self.points[::-1]
        away = points[min(_DIRECTION_PIXELS, len(points) - 1)] - points[0]
        unit: np.ndarray = away / max(float(np.linalg.norm(away)), 1e-9)
        return unit


def ordered_lines(skeleton: np.ndarray, spur: float) -> list[tuple[np.ndarray, bool]]:
    """((n, 2) points (u, v) in order, whether it is closed) of each line of `skeleton` (v, u) boolean.

    spur  branches that end freely and are shorter than this, in pixels, are left out
    Lines that cross go on straight; of lines that meet, the two that make the smallest turn are one.
    """
    chains, nodes = _chains(skeleton)
    chains = _without_spurs(chains, nodes, spur)
    _join_at_nodes(chains, nodes)
    return _walked(chains)


def _chains(skeleton: np.ndarray) -> tuple[list[_Chain], int]:
    """Chains, which begin and end in the centres of their nodes, and the number of nodes."""
    pixels, node_of, order, starts, ends, rings = trace(np.pad(skeleton, 1))
    places = pixels[:, ::-1].astype(np.float64) - 1
    in_node = node_of >= 0
    sizes = np.bincount(node_of[in_node])
    sums = np.column_stack([np.bincount(node_of[in_node], places[in_node, axis]) for axis in range(2)])
    centers = sums / np.maximum(sizes, 1)[:, None]
    chains = []
    for first, last, nodes, is_ring in zip(starts[:-1], starts[1:], ends.tolist(), rings):
        points = places[order[first:last]]
        start, end = ([centers[[node]]] if node >= 0 else [] for node in nodes)
        chains.append(_Chain(np.vstack([*start, points, *end, *([points[:1]] if is_ring else [])]), nodes))
    return chains, len(sizes)


def _at_nodes(chains: list[_Chain], nodes: int) -> list[list[tuple[_Chain, int]]]:
    """The chains' ends at each node."""
    ends: list[list[tuple[_Chain, int]]] = [[] for _ in range(nodes)]
    for chain in chains:
        for end, node in enumerate(chain.nodes):
            if node >= 0:
                ends[node].append((chain, end))
    return ends


def _without_spurs(chains: list[_Chain], nodes: int, spur: float) -> list[_Chain]:
    chains = [chain for chain in chains if not (chain.nodes[0] == chain.nodes[1] >= 0 and chain.length < spur)]
    dropped: set[int] = set()
    for ends in _at_nodes(chains, nodes):
        loose = [(chain.length, chain) for chain, end in ends if chain.nodes[1 - end] < 0 and chain.length < spur]
        loose.sort(key=lambda one: one[0])
        # Two stay at least: a line does not lose its own end to a fork in it.
        dropped |= {id(chain) for _, chain in loose[: max(0, len(ends) - 2)]}
    return [chain for chain in chains if id(chain) not in dropped]


def _join_at_nodes(chains: list[_Chain], nodes: int) -> None:
    """At each node the ends that go on most nearly straight become partners."""
    for ends in _at_nodes(chains, nodes):
        pairs = sorted(
            (float(one.direction(at) @ other.direction(there)), first, second)
            for first, (one, at) in enumerate(ends)
            for second, (other, there) in enumerate(ends)
            if first < second
        )
        taken: set[int] = set()
        for cosine, first, second in pairs:
            if {first, second} & taken or (cosine > _STRAIGHT_COS and len(ends) > 2):
                continue
            taken |= {first, second}
            (one, at), (other, there) = ends[first], ends[second]
            one.partners[at], other.partners[there] = (other, there), (one, at)


def _walked(chains: list[_Chain]) -> list[tuple[np.ndarray, bool]]:
    """The chains put together over their partners."""
    lines: list[tuple[np.ndarray, bool]] = []
    done: set[int] = set()

    def follow(chain: _Chain, end: int) -> None:
        parts: list[np.ndarray] = []
        while True:
            done.add(id(chain))
            points = chain.points if end == 0 else chain.points[::-1]
            parts.append(points[1:] if parts else points)
            onward = chain.partners[1 - end]
            if onward is None or id(onward[0]) in done:
                break
            chain, end = onward
        line = np.vstack(parts)
        is_closed = len(line) > 3 and bool((line[0] == line[-1]).all())
        lines.append((line[:-1] if is_closed else line, is_closed))

    for chain in chains:
        for end in (0, 1):
            if id(chain) not in done and chain.partners[end] is None:
                follow(chain, end)
    for chain in chains:
        if id(chain) not in done:
            follow(chain, 0)
    return [line for line in lines if len(line[0]) > 1]
