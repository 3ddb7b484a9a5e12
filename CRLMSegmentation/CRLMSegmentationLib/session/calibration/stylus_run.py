"""A stylus that is being calibrated from the live stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...calibration.stylus.stylus_calibration import (
    WANTED_DEVIATION_MM,
    WANTED_POSES,
    WANTED_TILT_DEG,
    StylusCalibration,
    TipEstimate,
)
from ...errors import CalibrationError
from ...sweep import Pose
from ...words import mark, tr
from .guidance import Guidance, TipResult
from .tool_poses import LivePoses, TimedPoseOfTool

# In the order in which they are preferred: with a reference the hand that holds the dimple may move.
_FIXED_FRAMES = ("Reference", "Tracker")


class StylusRun:
    """Takes poses in the session's thread, and makes of them what is shown, in any one other.

    tool  as PLUS names it
    """

    instruction = mark("Hold the tip in a dimple, and tilt the stylus slowly to all sides.")
    lot, most_waiting = 20_000, 20_000

    def __init__(self, tool: str) -> None:
        self.tool = tool
        self.name = tr("tip of {tool}", tool=tool)
        self._live = LivePoses(tool, _FIXED_FRAMES)
        self._calibration = StylusCalibration()
        self._estimate: TipEstimate | None = None

    def pose_of(self, transforms: Mapping[str, Pose], time_s: float) -> TimedPoseOfTool | None:
        """What of the transforms of one time is for this run; None when nothing is, or it came already."""
        return self._live.pose_of(transforms, time_s)

    def add(self, poses: Sequence[TimedPoseOfTool]) -> None:
        """Take poses; in the thread that computes."""
        for pose, time_s in poses:
            self._calibration.add(pose, time_s)
        self._estimate = None

    def guidance(self) -> Guidance:
        """How far it is; in the thread that computes."""
        measured, lost = self._calibration.poses, self._calibration.lost
        try:
            found = self._found()
        except CalibrationError as error:
            return Guidance(((tr("Poses"), _poses(measured, 0, lost)),), (str(error),))
        shares = (
            found.tilt_deg / WANTED_TILT_DEG, found.poses_used / WANTED_POSES,
            WANTED_DEVIATION_MM / max(found.deviation_mm, 1e-9),
        )  # fmt: skip
        figures = (
            (
                tr("Tilt"),
                tr(
                    "{tilt_deg:.0f} of {wanted_tilt_deg:.0f} degrees",
                    tilt_deg=found.tilt_deg,
                    wanted_tilt_deg=WANTED_TILT_DEG,
                ),
            ),
            (tr("Poses"), _poses(found.poses_used, found.poses_rejected, lost)),
            (
                tr("Tip known to"),
                tr(
                    "{deviation_mm:.1f} of {wanted_deviation_mm:g} mm",
                    deviation_mm=found.deviation_mm,
                    wanted_deviation_mm=WANTED_DEVIATION_MM,
                ),
            ),
        )
        return Guidance(figures, tuple(found.missing), min(1.0, *shares))

    def result(self) -> TipResult:
        """What was found; in the thread that computes. Raises CalibrationError with why there is nothing."""
        return TipResult(self.tool, self._found())

    def _found(self) -> TipEstimate:
        if self._calibration.poses == 0 and self._calibration.lost:
            raise CalibrationError(
                tr("{tool} was never seen by the tracker; check what the tracker sees.", tool=self.tool)
            )
        if self._estimate is None:
            self._estimate = self._calibration.estimate()
        return self._estimate


def _poses(used: int, rejected: int, lost: int) -> str:
    parts = [
        tr("{count} used", count=used),
        tr("{count} rejected", count=rejected) if rejected else "",
        tr("{count} lost", count=lost) if lost else "",
    ]
    return ", ".join(part for part in parts if part)
