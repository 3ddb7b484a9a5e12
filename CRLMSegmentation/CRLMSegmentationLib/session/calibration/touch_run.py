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
from ...words import mark, tr
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
    is_of_image = is_calibration = is_coarse = False

    @property
    def text(self) -> str:
        """One line for people."""
        amounts = amounts_of(self.measured.errors_mm)
        return tr(
            "Tip to target: {median_mm:.1f} mm in the middle ({q25_mm:.1f} to {q75_mm:.1f})",
            median_mm=amounts["median_mm"],
            q25_mm=amounts["q25_mm"],
            q75_mm=amounts["q75_mm"],
        )

    @property
    def figures(self) -> tuple[tuple[str, str], ...]:
        """(what, how much) for people."""
        measured = self.measured
        errors = np.abs(measured.distance_errors_mm)
        worst = max(measured.by_target(), key=lambda one: one.median_mm)
        directions = measured.by_direction()
        return (
            (
                tr("Targets"),
                tr(
                    "{by_target} in {touches} touches",
                    by_target=len(measured.by_target()),
                    touches=len(measured.touches.touches),
                ),
            ),
            (tr("95 % within"), f"{amounts_of(measured.errors_mm)['p95_mm']:.1f} mm"),
            (tr("Worst target"), tr("{name}, {median_mm:.1f} mm", name=worst.name, median_mm=worst.median_mm)),
            *(
                (name[:1].upper() + name[1:], tr("{one:+.1f} mm in the mean", one=one.mean()))
                for name, one in directions.items()
            ),
            (
                tr("Distances"),
                tr(
                    "{errors:.1f} mm off; {is_within:.0%} within the stated 95 %",
                    errors=np.median(errors),
                    is_within=measured.is_within.mean(),
                ),
            ),
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not in it, or not known."""
        touches = self.measured.touches
        named = [tr("{names} was not touched", names=touches.targets.names[one]) for one in touches.missed]
        own = (
            [] if touches.targets.is_seen else [tr("the targets are the phantom's own: the image's error is not in it")]
        )
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

    instruction = mark("Hold the tip still at each target for two seconds, each time from another side.")
    lot, most_waiting = 20_000, 20_000
    name = mark("accuracy on a phantom")

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
        lost = tr("{count} used", count=len(self._poses)) + (tr(", {lost} lost", lost=self._lost) if self._lost else "")
        if not self._poses:
            return Guidance(((tr("Poses"), lost),), (tr("{tool} is not seen by the tracker", tool=self.tool),))
        found = self._touches()
        count, names = len(self._targets.names), self._targets.names
        done = count - len(found.missed)
        figures = [
            (tr("Targets"), tr("{done} of {count} touched", done=done, count=count)),
            (tr("Now"), self._now(found)),
            (tr("Poses"), lost),
        ]
        if found.touches:
            errors = np.linalg.norm(found.offsets_mm, axis=1)
            newest = found.touches[-1]
            figures.insert(
                1,
                (tr("Touched last"), tr("{names}, {errors:.1f} mm off", names=names[newest.target], errors=errors[-1])),
            )
            figures.insert(2, (tr("Tip to target"), tr("{errors:.1f} mm in the middle", errors=np.median(errors))))
        more = len(found.missed) - _MOST_NAMED
        missing = [tr("hold the tip at {names}", names=names[one]) for one in found.missed[:_MOST_NAMED]]
        missing += [tr("and at {more} more", more=more)] if more > 0 else []
        return Guidance(tuple(figures), tuple(missing), done / count)

    def result(self) -> AccuracyResult:
        """What was measured; in the thread that computes. Raises CalibrationError with why there is nothing."""
        if not self._poses:
            raise CalibrationError(
                tr("{tool} was never seen by the tracker; check what the tracker sees.", tool=self.tool)
            )
        found = self._touches()
        done = len(self._targets.names) - len(found.missed)
        if not found.touches and found.elsewhere:
            raise CalibrationError(
                tr(
                    "No pause of the tip lay at a target (the nearest {nearest_mm:.0f} mm away): the targets "
                    "are of another phantom or place, or the tip's calibration is of another stylus.",
                    nearest_mm=found.nearest_mm.min(),
                )
            )
        if done < FEWEST_TARGETS:
            raise CalibrationError(
                tr(
                    "The tip was held at {done} of {names} targets; hold it still for two seconds at "
                    "{fewest_targets} and more.",
                    done=done,
                    names=len(self._targets.names),
                    fewest_targets=FEWEST_TARGETS,
                )
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
        state = "" if nearest in found.missed else tr(", which was touched")
        return tr(
            "{away:.0f} mm from {names}{state}", away=away[nearest], names=self._targets.names[nearest], state=state
        )


def touch_run(
    tool: str, tip_to_tool: np.ndarray | None, path: str | Path, accuracy: AccuracyPart, is_simulated: bool
) -> TouchRun:
    """With the targets of a file and what is known now. Raises ConfigurationError when the tip is not known (None, or
    still that of a tool without calibration), and what read_targets() raises.
    """
    if tip_to_tool is None or np.array_equal(tip_to_tool, np.eye(4)):
        raise ConfigurationError(tr("The tip of {tool} is not known: calibrate it first.", tool=tool))
    targets = read_targets(path, accuracy.calibrations.phantom)
    frames = accuracy.frames if targets.is_seen else None
    return TouchRun(tool, tip_to_tool, targets, Path(path).name, accuracy.calibrations, frames, is_simulated)
