"""What a reconstruction did, for people and for the record."""

from __future__ import annotations

from dataclasses import dataclass

from ..sweep.steadying import Steadied
from ..words import tr
from .frame_selection import SkippedFrame


@dataclass(frozen=True)
class ReconstructionReport:
    """What went into a volume and what is missing from it.

    frames_used             numbers of the frames in the sweep
    frames_skipped          the others, each with the reason
    seen_share              part of the region's voxels that a pixel reached
    hole_share_before_fill  part of the swept voxels (see between.py) that no pixel reached; NaN when not measured
    hole_share_after_fill   the same after filling
    seconds                 time taken, by step
    notes                   sentences about what looks wrong with the volume; mostly empty
    """

    frames_used: tuple[int, ...]
    frames_skipped: tuple[SkippedFrame, ...]
    seen_share: float
    hole_share_before_fill: float
    hole_share_after_fill: float
    seconds: dict[str, float]
    notes: tuple[str, ...] = ()


# What lies farther from all frames than half of this is a guess.
_WIDE_MM = 6.0


def notes_about(
    dimensions: tuple[int, int, int], frames: int, widest_mm: float = 0.0, steady: Steadied | None = None
) -> tuple[str, ...]:
    """What looks wrong with a volume of so many voxels along i, j, k and frames.

    widest_mm   the widest gap between two frames that was filled from both
    steady      their poses where they were evened out
    """
    notes = []
    if frames > 1 and min(dimensions) == 1:
        notes.append(
            f"The volume is one voxel thick: all {frames} frames lie in one plane. The probe was not moved, or its "
            "pose was not measured; check which transforms the recording and the configuration hold."
        )
    if widest_mm > _WIDE_MM:
        notes.append(
            tr(
                "The probe moved by {widest_mm:.0f} mm between two frames; what lies there was guessed from both. "
                "Sweep that part again, more slowly.",
                widest_mm=widest_mm,
            )
        )
    if steady is not None and steady.width_s > 0:
        notes.append(
            tr(
                "The tracked positions shook by {jitter_mm:.1f} mm from frame to frame; for the volume they were "
                "evened out over {width_s:.1f} s. Tools shake as much: look after the tracker.",
                jitter_mm=steady.jitter_mm,
                width_s=2 * steady.width_s,
            )
        )
    return tuple(notes)
