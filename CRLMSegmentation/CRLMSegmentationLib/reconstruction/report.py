"""What a reconstruction did, for people and for the record."""

from __future__ import annotations

from dataclasses import dataclass

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


def notes_about(dimensions: tuple[int, int, int], frames: int) -> tuple[str, ...]:
    """What looks wrong with a volume of so many voxels along i, j, k and frames."""
    if frames < 2 or min(dimensions) > 1:
        return ()
    return (
        (
            f"The volume is one voxel thick: all {frames} frames lie in one plane. The probe was not moved, or its "
            "pose was not measured; check which transforms the recording and the configuration hold."
        ),
    )
