"""What goes wrong in an operating room, by known amounts: sloppy boxes, a noisy tracker, frames that never arrived."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...values import Box, Volume
from ..metrics import on_grid_of
from .case_files import reconstructed
from .dataset import Case
from .disturbed_sweeps import with_frames_dropped, with_tracking_noise

if TYPE_CHECKING:
    from ...sweep import Sweep


@dataclass(frozen=True)
class Disturbances:
    """Amounts of each kind; `repeats` boxes are drawn for each shift, each in a direction of its own.

    shifts_mm     the box moves as a whole, in a random direction
    scales        its edges are multiplied, about its middle
    tracking_mm   standard deviation of position noise added to every pose (with rotation noise in proportion)
    dropped       share of frames left out at random
    """

    shifts_mm: tuple[float, ...] = (2.5, 5.0, 10.0)
    scales: tuple[float, ...] = (0.8, 1.2, 1.5)
    tracking_mm: tuple[float, ...] = (1.0, 2.0)
    dropped: tuple[float, ...] = (0.5, 0.75)
    repeats: int = 3


@dataclass(frozen=True, eq=False)
class Disturbed:
    """kind ('shift_mm', 'scale', 'tracking_mm', 'dropped') and amount; the volume, tight box and truth to be used."""

    kind: str
    amount: float
    volume: Volume
    box: Box
    truth: Volume


def disturbed(
    case: Case, sweep: Sweep | None, settings: Disturbances, random: np.random.Generator, spacing_mm: float
) -> Iterator[Disturbed]:
    """Every Disturbed of `case` (see dataset.Case); those of the sweep only where there is one (else None)."""
    box = Box.around_mask(case.tumor)
    for amount in settings.shifts_mm:
        for _ in range(settings.repeats):
            direction = random.standard_normal(3)
            moved = box.center_ras + amount * direction / np.sqrt((direction**2).sum())
            yield Disturbed("shift_mm", amount, case.volume, Box(moved, box.size_mm, box.axes_ras), case.tumor)
    for amount in settings.scales:
        scaled = Box(box.center_ras, box.size_mm * amount, box.axes_ras)
        yield Disturbed("scale", amount, case.volume, scaled, case.tumor)
    if sweep is None:
        return
    for kind, amounts, change in (
        ("tracking_mm", settings.tracking_mm, with_tracking_noise),
        ("dropped", settings.dropped, with_frames_dropped),
    ):
        for amount in amounts:
            # Filled as in use: with sticks, as in the study's own volumes, gaps of some millimetres stay open.
            volume = reconstructed(change(sweep, amount, random), "distance", spacing_mm=spacing_mm)
            yield Disturbed(kind, amount, volume, box, on_grid_of(case.tumor, volume))
