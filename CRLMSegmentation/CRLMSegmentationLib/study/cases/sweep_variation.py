"""Training sweeps as they come from worse hands and from other scanners: every amount is drawn per sweep.

What happens to poses and frames happens before the volume is made, as it would in use. Test cases are never varied: see
disturbances.py for what is done to them, by known amounts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ReconstructionError
from ..checked_fields import check_fields, limited
from ..implants.beams import Beams, beams_of
from .disturbed_sweeps import with_frames_dropped, with_tracking_noise
from .scanner_looks import Gas, draw_gas, other_display, persistent, with_gas, with_marks, with_reduced_speckle

if TYPE_CHECKING:
    from ...sweep import Sweep


@dataclass(frozen=True)
class SweepVariation:
    """How far training sweeps are varied; all 0: not at all.

    dropped            up to this share of the frames is left out
    tracking_mm        up to this standard deviation of noise on the positions, with rotation in proportion
    display            how much dynamic range and gamma change: at 1 the range by a factor of 0.6 to 1.6
    persistence        up to this part of the former frames stays in each
    speckle_reduction  up to this strength: at 1 even tissue is a mean
    marks              chance of text and scales beside the picture, which get into the volume
    gas                chance of bright spots with shadows, as after cautery
    """

    dropped: float = limited(0.0, least=0, most=0.9)
    tracking_mm: float = limited(0.0, least=0, most=10)
    display: float = limited(0.0, least=0, most=2)
    persistence: float = limited(0.0, least=0, most=0.9)
    speckle_reduction: float = limited(0.0, least=0, most=1)
    marks: float = limited(0.0, least=0, most=1)
    gas: float = limited(0.0, least=0, most=1)

    def __post_init__(self) -> None:
        check_fields(self, "The variation of sweeps")

    @property
    def is_any(self) -> bool:
        """Whether anything is varied."""
        return self != SweepVariation()


def varied(sweep: Sweep, variation: SweepVariation, random: np.random.Generator) -> Sweep:
    """The sweep varied; the same `random` gives the same one. uint8 frames of a sweep with two valid poses or more.

    Every number is drawn whether it is used or not, so that one setting leaves the others as they were.
    """
    parts = [np.random.default_rng(int(number)) for number in random.integers(2**32, size=7)]
    amounts = [float(part.uniform()) for part in parts]
    beams = _beams(sweep)
    gas = draw_gas(sweep, beams, parts[6]) if beams is not None and amounts[6] < variation.gas else None
    if variation.dropped > 0 and len(sweep) > 2:
        sweep = with_frames_dropped(sweep, amounts[0] * variation.dropped, parts[0])
    sweep = _with_pictures(sweep, beams, gas, variation, amounts, parts)
    # Last: what lies in space was seen where the probe really was.
    if variation.tracking_mm > 0:
        sweep = with_tracking_noise(sweep, amounts[1] * variation.tracking_mm, parts[1])
    return sweep


def _with_pictures(
    sweep: Sweep,
    beams: Beams | None,
    gas: Gas | None,
    variation: SweepVariation,
    amounts: list[float],
    parts: list[np.random.Generator],
) -> Sweep:
    pictures = [frame.pixels for frame in sweep.frames]
    if gas is not None and beams is not None:
        pictures = with_gas(sweep, beams, gas)
    if variation.speckle_reduction > 0:
        pictures = [with_reduced_speckle(one, amounts[4] * variation.speckle_reduction) for one in pictures]
    if variation.persistence > 0:
        pictures = persistent(pictures, amounts[3] * variation.persistence)
    if variation.display > 0:
        pictures = other_display(pictures, variation.display, parts[2])
    if beams is not None and amounts[5] < variation.marks:
        pictures = with_marks(pictures, ~beams.footprint(sweep.image_size), parts[5])
    frames = [replace(frame, pixels=pixels) for frame, pixels in zip(sweep.frames, pictures)]
    return replace(sweep, frames=frames)


def _beams(sweep: Sweep) -> Beams | None:
    """None where the picture's fan cannot be told: then there is neither a place beside it nor a beam."""
    poses = sweep.image_to_reference()
    if not len(poses):
        return None
    pixel_mm = np.linalg.norm(poses[0, :3, :2], axis=0)
    try:
        return beams_of([frame.pixels for frame in sweep.frames], (float(pixel_mm[0]), float(pixel_mm[1])))
    except ReconstructionError:
        return None
