"""The whole system, measured on a phantom from the live stream: known targets are touched with the stylus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...calibration.accuracy.calibrations import Calibrations, today
from ...calibration.accuracy.targets import Targets
from ...calibration.accuracy.touched import Touches, touches_so_far
from ...errors import CalibrationError, ConfigurationError
from ...sweep import Pose
from ..accuracy.accuracy_page import PageFacts, write_accuracy_page
from ..accuracy.accuracy_part import AccuracyPart
from ..accuracy.phantom_accuracy import PhantomAccuracy, amounts_of, measured_accuracy
from ..accuracy.seen_frames import SeenFrames
from ..accuracy.target_file import read_targets
from .guidance import Guidance
from .tool_poses import LivePoses, TimedPoseOfTool

FEWEST_TARGETS = 3
# More poses in a second tell nothing more of a tip that rests.
_EVERY_S, _GAP_S = 0.045, 1.0
_MOST_NAMED = 3


@dataclass(frozen=True, eq=False)
class AccuracyResult:
    """What was measured; `measured` has every touch."""

    measured: PhantomAccuracy
    about: PageFacts
    date: str = field(default_factory=today)
    is_of_image = is_calibration = False

    @property
    def text(self) -> str:
        """One line for people."""
        amounts = amounts_of(self.measured.errors_mm)
        return (
            f"Tip to target: {amounts['median_mm']:.1f} mm in the middle "
            f"({amounts['q25_mm']:.1f} to {amounts['q75_mm']:.1f})"
        )

    @property
    def figures(self) -> tuple[tuple[str, str], ...]:
        """(what, how much) for people."""
        measured = self.measured
        errors = np.abs(measured.distance_errors_mm)
        worst = max(measured.by_target(), key=lambda one: one.median_mm)
        directions = measured.by_direction()
        return (
            ("Targets", f"{len(measured.by_target())} in {len(measured.touches.touches)} touches"),
            ("95 % within", f"{amounts_of(measured.errors_mm)['p95_mm']:.1f} mm"),
            ("Worst target", f"{worst.name}, {worst.median_mm:.1f} mm"),
            *((name[:1].upper() + name[1:], f"{one.mean():+.1f} mm in the mean") for name, one in directions.items()),
            ("Distances", f"{np.median(errors):.1f} mm off; {measured.is_within.mean():.0%} within the stated 95 %"),
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not in it, or not known."""
        touches = self.measured.touches
        named = [f"{touches.targets.names[one]} was not touched" for one in touches.missed]
        own = [] if touches.targets.is_seen else ["the targets are the phantom's own: the image's error is not in it"]
        return (*named, *own, *dict.fromkeys(self.measured.unknown.values()))

    @property
    def page_name(self) -> str:
        """Of a file, by the time of the measurement."""
        return f"accuracy-{self.date[:19].replace(':', '-').replace('T', '-')}.html"

    def write_page(self, path: str | Path) -> Path:
        """The result as a page with pictures. Raises FileFormatError for the disk."""
        return write_accuracy_page(path, self.measured, self.about)


class TouchRun:
    """Takes poses in the session's thread, and makes of them what is shown, in any one other.

    tool, tip_to_tool   as PLUS names it, and where its tip is (4, 4)
    targets, file_name  in Reference, and the name of the file that they are from
    known, frames       what is stated of the devices; the sweep that the targets were marked in, or None
    is_simulated        True when the stream is
    """

    instruction = "Hold the tip still at each target for two seconds, each time from another side."
    lot, most_waiting = 20_000, 20_000
    name = "accuracy on a phantom"

    def __init__(
        self, tool: str, tip_to_tool: np.ndarray, targets: Targets, file_name: str, known: Calibrations,
        frames: SeenFrames | None, is_simulated: bool,
    ) -> None:  # fmt: skip
        self.tool, self._tip_to_tool, self._targets = tool, tip_to_tool, targets
        self._known, self._frames = known, frames
        self._about = PageFacts(tool, file_name, "", today(), is_simulated)
        self._live = LivePoses(tool, ("Reference",))
        self._poses: list[np.ndarray] = []
        self._times: list[float] = []
        self._lost, self._later_s = 0, 0.0

    def pose_of(self, transforms: Mapping[str, Pose], time_s: float) -> TimedPoseOfTool | None:
        """What of the transforms of one time is for this run; None when nothing is, or it came already."""
        return self._live.pose_of(transforms, time_s)

    def add(self, poses: Sequence[TimedPoseOfTool]) -> None:
        """Take poses; in the thread that computes."""
        for pose, time_s in poses:
            if not pose.valid or not np.isfinite(pose.matrix).all() or not np.isfinite(time_s):
                self._lost += 1
                continue
            if self._times and time_s + self._later_s < self._times[-1]:
                # The clock began anew, as in a replay that begins again: LivePoses lets nothing else go back.
                self._later_s = self._times[-1] + _GAP_S - time_s
            if not self._times or time_s + self._later_s - self._times[-1] >= _EVERY_S:
                self._poses.append(pose.matrix)
                self._times.append(time_s + self._later_s)

    def guidance(self) -> Guidance:
        """How far it is; in the thread that computes."""
        lost = f"{len(self._poses)} used" + (f", {self._lost} lost" if self._lost else "")
        if not self._poses:
            return Guidance((("Poses", lost),), (f"{self.tool} is not seen by the tracker",))
        found = self._touches()
        count, names = len(self._targets.names), self._targets.names
        done = count - len(found.missed)
        figures = [("Targets", f"{done} of {count} touched"), ("Now", self._now(found)), ("Poses", lost)]
        if found.touches:
            errors = np.linalg.norm(found.offsets_mm, axis=1)
            newest = found.touches[-1]
            figures.insert(1, ("Touched last", f"{names[newest.target]}, {errors[-1]:.1f} mm off"))
            figures.insert(2, ("Tip to target", f"{np.median(errors):.1f} mm in the middle"))
        more = len(found.missed) - _MOST_NAMED
        missing = [f"hold the tip at {names[one]}" for one in found.missed[:_MOST_NAMED]]
        missing += [f"and at {more} more"] if more > 0 else []
        return Guidance(tuple(figures), tuple(missing), done / count)

    def result(self) -> AccuracyResult:
        """What was measured; in the thread that computes. Raises CalibrationError with why there is nothing."""
        if not self._poses:
            raise CalibrationError(f"{self.tool} was never seen by the tracker; check what the tracker sees.")
        found = self._touches()
        done = len(self._targets.names) - len(found.missed)
        if not found.touches and found.elsewhere:
            raise CalibrationError(
                f"No pause of the tip lay at a target (the nearest {found.nearest_mm.min():.0f} mm away): the targets "
                "are of another phantom or place, or the tip's calibration is of another stylus."
            )
        if done < FEWEST_TARGETS:
            raise CalibrationError(
                f"The tip was held at {done} of {len(self._targets.names)} targets; hold it still for two seconds at "
                f"{FEWEST_TARGETS} and more."
            )
        return AccuracyResult(
            measured_accuracy(found, self._known, self.tool, self._tip_to_tool, self._frames), self._about
        )

    def _touches(self) -> Touches:
        return touches_so_far(
            self._targets, np.array(self._poses), np.array(self._times), self._tip_to_tool[:3, 3]
        )  # fmt: skip

    def _now(self, found: Touches) -> str:
        """Where the tip is, for people."""
        pose = self._poses[-1]
        away = np.linalg.norm(self._targets.points_mm - (pose @ self._tip_to_tool)[:3, 3], axis=1)
        nearest = int(away.argmin())
        state = "" if nearest in found.missed else ", which was touched"
        return f"{away[nearest]:.0f} mm from {self._targets.names[nearest]}{state}"


def touch_run(
    tool: str, tip_to_tool: np.ndarray | None, path: str | Path, accuracy: AccuracyPart, is_simulated: bool
) -> TouchRun:
    """With the targets of a file and what is known now. Raises ConfigurationError when the tip is not known (None, or
    still that of a tool without calibration), and what read_targets() raises.
    """
    if tip_to_tool is None or np.array_equal(tip_to_tool, np.eye(4)):
        raise ConfigurationError(f"The tip of {tool} is not known: calibrate it first.")
    targets = read_targets(path, accuracy.calibrations.phantom)
    frames = accuracy.frames if targets.is_seen else None
    return TouchRun(tool, tip_to_tool, targets, Path(path).name, accuracy.calibrations, frames, is_simulated)
