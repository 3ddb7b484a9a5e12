"""The live stream in the session: a source is asked for frames, the newest is shown, and what is known is told."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from ..mrml.live_image import LiveImage, tool_poses
from ..mrml.tools import Tools
from ..sweep import TrackedFrame
from ..tracking import StreamStatus
from .state import Step, StepStatus
from .stream import FrameSource, ReceivedPose
from .workflow import Workflow

# Times that go back by more are of a clock that began anew.
_LATER_S = 2.0


class LiveStream:
    """Connects one source at a time.

    tool_names  tools that are looked for in what arrives, beside those that the session knows already
    on_frame    called with every frame, in the order of arrival, before the newest is shown
    """

    def __init__(
        self, workflow: Workflow, image: LiveImage, tools: Tools, tool_names: tuple[str, ...],
        on_frame: Callable[[TrackedFrame], None],
    ):  # fmt: skip
        self.tool_names = tuple(tool_names)
        self._workflow, self._image, self._tools, self._on_frame = workflow, image, tools, on_frame
        self._source: FrameSource | None = None
        self._tool_stamps_s: dict[str, float] = {}
        self._stamps_beside_s: dict[str, float] = {}

    @property
    def source(self) -> FrameSource | None:
        return self._source

    @property
    def status(self) -> StreamStatus | None:
        """None when nothing is connected."""
        return self._source.status if self._source is not None else None

    def connect(self, source: FrameSource) -> None:
        """Take frames from `source` from now on, in place of an earlier one."""
        self.disconnect()
        self._tool_stamps_s.clear()
        self._stamps_beside_s.clear()
        source.start()
        self._source = source
        self._workflow.set(Step.CONNECT, StepStatus.RUNNING, f"waiting for {source.name}")
        self._workflow.tell()

    def disconnect(self) -> None:
        """Let the source go."""
        source, self._source = self._source, None
        if source is not None:
            source.stop()
            self._workflow.set(Step.CONNECT, StepStatus.READY, "disconnected")
            self._workflow.tell()

    def choose_image(self, name: str | None) -> None:
        """Take this one of the source's image streams, where it has several."""
        choose = getattr(self._source, "choose_image", None)
        if choose is not None:
            choose(name)

    def process(self, now_s: float, clock: Callable[[], float] | None = None) -> bool:
        """Take what has arrived; returns whether frames came.

        clock  gives the time on the clock of `now_s` as it goes on; None where it stands still
        """
        if self._source is None:
            return False
        clock = clock or (lambda: now_s)
        frames = self._source.poll()
        # Read when they are in hand: what came while this computer was busy has not come before, and the quickest
        # message, by which all others are judged to be late, would seem to be quicker than it was.
        read_s = clock()
        for frame in frames:
            self._on_frame(frame)
        status = self._source.status
        if frames:
            age_s = status.age.seconds if status.age.is_known else 0.0
            self.show(frames[-1], read_s - age_s, read_s)
            self._source.shown(frames[-1])
        self._take_transforms(clock)
        self._tell(status)
        return bool(frames)

    def show(self, frame: TrackedFrame, received_s: float | None = None, read_s: float | None = None) -> None:
        """Show a frame, and the tools that came with it; `received_s` and `read_s` as in TrackingClock.note.

        Without `received_s` it is handed over now: it did not come late, whatever its timestamp is.
        """
        if received_s is None:
            received_s, read_s = time.monotonic(), math.nan
        self._image.show(frame, received_s, read_s)
        for name, pose in tool_poses(frame.transforms, {*self.tool_names, *self._tools.names}).items():
            # Beside a stream of images that waited for their poses, a tool may be known of a later time already.
            if not 0 < self._tool_stamps_s.get(name, -math.inf) - frame.timestamp < _LATER_S:
                self._tool_stamps_s[name] = frame.timestamp
                self._tools.update(name, pose, frame.timestamp, received_s, read_s)

    def _take_transforms(self, clock: Callable[[], float]) -> None:
        """Tools that came beside the images: while no image comes, or at times of their own, as of a second tracker."""
        received = self._source.transforms()
        read_s = clock()
        calibrations = {name: one.pose for name, one in received.items() if "TipTo" in name}
        by_stamp: dict[float, dict[str, ReceivedPose]] = {}
        for name, one in received.items():
            if one.stamp_s is not None:
                by_stamp.setdefault(one.stamp_s, {})[name] = one
        arrivals = [(max(one.received_s for one in same.values()), stamp_s) for stamp_s, same in by_stamp.items()]
        for received_s, stamp_s in sorted(arrivals):
            together = by_stamp[stamp_s]
            poses = {**calibrations, **{name: one.pose for name, one in together.items()}}
            for name, pose in tool_poses(poses, {*self.tool_names, *self._tools.names}).items():
                if self._is_news(name, stamp_s):
                    self._tool_stamps_s[name] = self._stamps_beside_s[name] = stamp_s
                    self._tools.update(name, pose, stamp_s, received_s, read_s)

    def _is_news(self, name: str, stamp_s: float) -> bool:
        """False for what was taken already, and for what an image came with a later pose than."""
        shown_s = self._tool_stamps_s.get(name, -math.inf)
        return stamp_s not in (shown_s, self._stamps_beside_s.get(name)) and not 0 < shown_s - stamp_s < _LATER_S

    def _tell(self, status: StreamStatus) -> None:
        name, problem = self._source.name, f" ({status.problem})" if status.problem else ""
        set_ = self._workflow.set
        if not status.connected:
            if status.connections:
                set_(Step.CONNECT, StepStatus.RUNNING, f"the connection to {name} was lost{problem}; trying again")
            else:
                set_(Step.CONNECT, StepStatus.RUNNING, f"waiting for {name}{problem}")
            return
        comes = status.frames > 0 and (status.frames_per_second > 0 or not status.age.is_lost)
        if not comes:
            set_(Step.CONNECT, StepStatus.RUNNING, f"connected to {name}, but no image comes{problem or _why(status)}")
            return
        late = f"the images are {status.age} old when they come" if status.age.is_lost else ""
        trouble = f"; {status.pose_problem or late}" if status.pose_problem or late else ""
        set_(Step.CONNECT, StepStatus.DONE, f"receiving from {name}{trouble}")
        if self._workflow.state.status(Step.RECORD) is StepStatus.WAITING:
            set_(Step.RECORD, StepStatus.READY)


def _why(status: StreamStatus) -> str:
    reasons = [reason for reason in (status.image_problem, status.not_understood) if reason]
    return f" ({'; '.join(reasons)})" if reasons else ""
