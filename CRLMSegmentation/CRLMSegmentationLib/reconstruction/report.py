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
    """

    frames_used: tuple[int, ...]
    frames_skipped: tuple[SkippedFrame, ...]
    seen_share: float
    hole_share_before_fill: float
    hole_share_after_fill: float
    seconds: dict[str, float]
