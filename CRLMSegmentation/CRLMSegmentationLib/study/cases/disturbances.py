"""What goes wrong in an operating room, by known amounts: sloppy boxes, a noisy tracker, frames that never arrived."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...values import Box, Volume
from ..metrics import on_grid_of
from .case_files import reconstructed
from .dataset import Case

if TYPE_CHECKING:
    from ...sweep import Sweep

# Rotation of the sensor that goes with a position noise of 1 mm: 0.3 degrees at 0.9 mm for electromagnetic tracking.
DEGREES_PER_MM = 0.3 / 0.9


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
            volume = reconstructed(change(sweep, amount, random), spacing_mm=spacing_mm)
            yield Disturbed(kind, amount, volume, box, on_grid_of(case.tumor, volume))


def with_tracking_noise(sweep: Sweep, sd_mm: float, random: np.random.Generator) -> Sweep:
    """The sweep with noise on each ImageToReference, about the middle of its picture and independent of the others."""
    from scipy.spatial.transform import Rotation

    from ...sweep import Sweep

    frames = []
    for frame in sweep.frames:
        if frame.image_to_reference is None:
            frames.append(frame)
            continue
        height, width = frame.pixels.shape[:2]
        middle = frame.image_to_reference @ np.array([(width - 1) / 2, (height - 1) / 2, 0, 1])
        turn = Rotation.from_rotvec(random.normal(0, sd_mm * DEGREES_PER_MM, 3), degrees=True).as_matrix()
        noise = np.eye(4)
        noise[:3, :3] = turn
        noise[:3, 3] = middle[:3] - turn @ middle[:3] + random.normal(0, sd_mm, 3)
        frames.append(replace(frame, image_to_reference=noise @ frame.image_to_reference))
    return Sweep(frames, name=sweep.name)


def with_frames_dropped(sweep: Sweep, share: float, random: np.random.Generator) -> Sweep:
    """The sweep without that share of its frames, chosen at random; its first and last frame stay."""
    from ...sweep import Sweep

    count = len(sweep.frames)
    kept = 1 + random.permutation(count - 2)[: max(1, round((1 - share) * count) - 2)]
    return Sweep([sweep.frames[number] for number in sorted({0, count - 1, *kept.tolist()})], name=sweep.name)
