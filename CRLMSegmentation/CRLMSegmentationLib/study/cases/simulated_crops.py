"""A simulated sweep as a reconstructed case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...values import Volume
from ...values.defaults import DEFAULT_SPACING_MM
from ..metrics import on_grid_of
from .case_files import reconstructed as reconstructed_volume
from .dataset import Case

if TYPE_CHECKING:
    from ...sweep import Sweep


def reconstructed(sweep: Sweep, tumor: Volume, fill: str, name: str, spacing_mm: float = DEFAULT_SPACING_MM) -> Case:
    """The sweep as a volume (nearest neighbour, mean; `fill` for the holes) with the truth on its grid."""
    volume = reconstructed_volume(sweep, fill, 1, spacing_mm)
    return Case(name, volume, on_grid_of(tumor, volume))
