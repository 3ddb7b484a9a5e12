"""A simulated sweep as a reconstructed case."""

from __future__ import annotations

from ..geometry import Volume
from .case_files import reconstructed as reconstructed_volume
from .dataset import Case
from .metrics import on_grid_of


def reconstructed(sweep, tumor: Volume, fill: str, name: str, spacing_mm: float = 0.5) -> Case:
    """The sweep as a volume (nearest neighbour, mean; `fill` for the holes) with the truth on its grid."""
    volume = reconstructed_volume(sweep, fill, 1, spacing_mm)
    return Case(name, volume, on_grid_of(tumor, volume))
