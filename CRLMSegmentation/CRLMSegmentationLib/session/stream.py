"""The live stream in the session: a source is asked for frames, the newest is shown, and what is known is reported."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ConfigurationError
from ..navigation.tool_transforms import tool_poses, tools_among
from ..sweep import Pose, TrackedFrame
from ..tracking import StreamStatus
from ..values.defaults import DEFAULT_PORT
from ..words import tr
from .event import Event
from .faults import Faults
from .frame_source import FrameSource, NetworkSource, ReceivedPose, with_origin
from .live_image import LiveImage
from .recording import RecordingPart
from .recordings.replay import ReplaySource
from .state import Step, StepStatus
from .tools import Tools
from .workflow import Workflow

if TYPE_CHECKING:
    from ..tracking import HealthRow

# Times that go back by more are of a clock that began anew.
_LATER_S = 2.0


class StreamPart:
    """One source of frames at a time.

    image          LiveImage: the newest frame, and whether it is live
    tool_names     tools that are looked for in what arrives, beside those that the session knows already
    image_delay_s  by which the images of the next connection are late; see tracking.FramePairing
    recording      keeps every frame, in the order of arrival, before the newest is shown
    own_thread     False where a receiver must not have a thread of its own, because Python's threads starve
    on_source      called with a source before it is connected, and with None after one was disconnected
    frames_arrived  event: every frame, in the order of arrival
    poses_arrived   event: transforms that came beside the images, and the sender's time of them
    hold_back      asked about each frame before it is shown, with received_s and read_s of LiveImage.show(): True when
                   it is shown later, by who holds it back
    """

    def __init__(
        self, workflow: Workflow, image: LiveImage, tools: Tools, tool_names: tuple[str, ...],
        recording: RecordingPart, faults: Faults, own_thread: bool, on_source: Callable[[FrameSource | None], None],
    ) -> None:  # fmt: skip
        self.image_delay_s = 0.0
        self.frames_arrived: Event[[Sequence[TrackedFrame]]] = Event(faults.report)
        self.poses_arrived: Event[[Mapping[str, Pose], float]] = Event(faults.report)
        self.hold_back: Callable[[TrackedFrame, float, float | None], bool] = lambda frame, received_s, read_s: False
        self._tool_names = tuple(tool_names)
        self._names_seen: tuple[str, ...] = ()
        self.image = image
        self._workflow, self._tools = workflow, tools
        self._recording, self._faults = recording, faults
        self._own_thread, self._on_source = own_thread, on_source
        self._source: FrameSource | None = None
        self._tool_stamps_s: dict[str, float] = {}
        self._stamps_beside_s: dict[str, float] = {}

    @property
    def source(self) -> FrameSource | None:
        """What is connected, with its `origin` and `identity`; None when nothing is."""
        return self._source

    @property
    def status(self) -> StreamStatus | None:
        """Whose str() is one line for people; None when nothing is connected."""
        return self._source.status if self._source is not None else None

    @property
    def health_rows(self) -> tuple[HealthRow, ...]:
        """Of connection, frame rate, latency, losses and disk; none when nothing is connected."""
        from ..tracking import health_rows

        status = self.status
        return () if status is None else health_rows(status, self._recording.recorder)

    @property
    def is_live(self) -> bool:
        """True while the live image is young and its pose is known."""
        return self.image.is_live()

    @property
    def tool_names(self) -> tuple[str, ...]:
        """Tools that are looked for in what arrives."""
        return self._tool_names

    @tool_names.setter
    def tool_names(self, tools: Iterable[str]) -> None:
        self._tool_names = tuple(tools)

    @property
    def other_tools(self) -> list[str]:
        """Names of what is tracked in the newest frame and is looked for by nobody."""
        return [tool for tool in tools_among(self._names_seen) if tool not in {*self._tool_names, *self._tools.names}]

    def connect(
        self, host: str = "localhost", port: int = DEFAULT_PORT, calibration: Mapping[str, np.ndarray] | None = None,
        image_name: str | None = None,
    ) -> None:  # fmt: skip
        """Receive from an OpenIGTLink server, such as PLUS; returns at once, and the state tells how it goes.

        calibration  (4, 4) by name, for a server that sends ProbeToReference: {'ImageToProbe': pixel to mm}
        image_name   the image stream to take, by its device name or the part before the last '_'; None takes the first,
                     and choose_image() another one of status.image_names
        """
        self.connect_source(
            NetworkSource(
                host, port, calibration, own_thread=self._own_thread, image_delay_s=self.image_delay_s,
                image_name=image_name,
            )
        )  # fmt: skip

    def replay(
        self, path: str | Path, plus_configuration: str | Path | None = None, speed: float | None = 1.0,
        loop: bool = True, **options: Any,
    ) -> None:  # fmt: skip
        """Serve a recording on this computer as PLUS would, and receive it; see replay.ReplaySource."""
        options.setdefault("own_thread", self._own_thread)
        self.connect_source(ReplaySource(path, plus_configuration, speed, loop, **options))

    def connect_source(self, source: FrameSource) -> None:
        """Receive from any source of frames (see frame_source.FrameSource), in place of an earlier one.

        When the case holds anything from another source, `case.question` asks whether it is the same patient. A
        recording that goes on of another source ends here and is taken as the sweep: one recording, one source.
        """
        with_origin(source)
        self._recording.warm_up()
        self._recording.end_for(source)
        self._stop()
        self._tool_stamps_s.clear()
        self._stamps_beside_s.clear()
        source.start()
        self._source = source
        self._workflow.set(Step.CONNECT, StepStatus.RUNNING, tr("waiting for {name}", name=source.name))
        self._workflow.notify()
        self._on_source(source)

    def disconnect(self) -> None:
        """Receive no more."""
        self._stop()
        self._on_source(None)

    def close(self) -> None:
        """Release the source."""
        self._stop()

    def _stop(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.stop()
            self._workflow.set(Step.CONNECT, StepStatus.READY, "disconnected")
            self._workflow.notify()

    def choose_image(self, name: str | None) -> None:
        """Take this one of the image streams that come (status.image_names); None for the next that comes."""
        choose = getattr(self._source, "choose_image", None)
        if choose is not None:
            choose(name)

    def calibrate_image(self, image_to_probe: np.ndarray | None) -> None:
        """Take this (4, 4), pixel to mm, for ImageToProbe of what is connected; None for what the source itself says.

        Raises ConfigurationError when the source takes none.
        """
        if self._source is None:
            return
        calibrate = getattr(self._source, "calibrate_image", None)
        if calibrate is not None:
            calibrate(image_to_probe)
        elif image_to_probe is not None:
            raise ConfigurationError(
                tr("The images of {name} come with a calibration that stays.", name=self._source.name)
            )

    def show_frame(self, frame: TrackedFrame, received_s: float | None = None) -> None:
        """Show a live frame and the tools that came with it; keep it when recording.

        received_s  time.monotonic() when it arrived; now, when left out
        """
        self._recording.add(frame)
        self.frames_arrived([frame])
        self.show(frame, received_s)

    def process(self, now_s: float, clock: Callable[[], float] | None = None) -> bool:
        """Take what has arrived; returns whether frames came.

        clock  gives the time on the clock of `now_s` as it goes on; None where it stands still
        """
        source = self._source
        if source is None:
            return False
        clock = clock or (lambda: now_s)
        frames = source.poll()
        # Read when they are in hand: what came while this computer was busy has not come before, and the quickest
        # message, by which all others are judged to be late, would seem to be quicker than it was.
        read_s = clock()
        for frame in frames:
            # One that cannot be kept must not cost those that came with it.
            with self._faults.caught():
                self._recording.add(frame)
        if frames:
            self.frames_arrived(frames)
        status = source.status
        with self._tools.held():
            if frames:
                age_s = status.age.seconds if status.age.is_known else 0.0
                if self.show(frames[-1], read_s - age_s, read_s):
                    source.shown(frames[-1])
            self._take_transforms(source, clock)
        self._report(source.name, status)
        return bool(frames)

    def show(self, frame: TrackedFrame, received_s: float | None = None, read_s: float | None = None) -> bool:
        """Show a frame, and the tools that came with it; `received_s` and `read_s` as in TrackingClock.note. False when
        the frame itself is held back.

        Without `received_s` it is handed over now: it did not come late, whatever its timestamp is.
        """
        if received_s is None:
            received_s, read_s = time.monotonic(), math.nan
        is_shown = not self.hold_back(frame, received_s, read_s)
        self._names_seen = tuple(frame.transforms)
        if is_shown:
            self.image.show(frame, received_s, read_s)
        for name, pose in tool_poses(frame.transforms, {*self.tool_names, *self._tools.names}).items():
            # Beside a stream of images that waited for their poses, a tool may be known of a later time already.
            if not 0 < self._tool_stamps_s.get(name, -math.inf) - frame.timestamp < _LATER_S:
                self._tool_stamps_s[name] = frame.timestamp
                self._tools.update(name, pose, frame.timestamp, received_s, read_s)
        return is_shown

    def _take_transforms(self, source: FrameSource, clock: Callable[[], float]) -> None:
        """Tools that came beside the images: while no image comes, or at times of their own, as of a second tracker."""
        received = source.transforms()
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
            self.poses_arrived(poses, stamp_s)
            self._names_seen = tuple(poses)
            for name, pose in tool_poses(poses, {*self.tool_names, *self._tools.names}).items():
                if self._is_news(name, stamp_s):
                    self._tool_stamps_s[name] = self._stamps_beside_s[name] = stamp_s
                    self._tools.update(name, pose, stamp_s, received_s, read_s)

    def _is_news(self, name: str, stamp_s: float) -> bool:
        """False for what was taken already, and for what an image came with a later pose than."""
        shown_s = self._tool_stamps_s.get(name, -math.inf)
        return stamp_s not in (shown_s, self._stamps_beside_s.get(name)) and not 0 < shown_s - stamp_s < _LATER_S

    def _report(self, name: str, status: StreamStatus) -> None:
        problem = f" ({status.problem})" if status.problem else ""
        set_ = self._workflow.set
        if not status.connected:
            if status.connections:
                set_(
                    Step.CONNECT,
                    StepStatus.RUNNING,
                    tr("the connection to {name} was lost{problem}; trying again", name=name, problem=problem),
                )
            else:
                set_(Step.CONNECT, StepStatus.RUNNING, tr("waiting for {name}{problem}", name=name, problem=problem))
            return
        comes = status.frames > 0 and (status.frames_per_second > 0 or not status.age.is_lost)
        if not comes:
            set_(
                Step.CONNECT,
                StepStatus.RUNNING,
                tr("connected to {name}, but no image comes{problem}", name=name, problem=problem or _why(status)),
            )
            return
        late = tr("the images are {age} old when they come", age=status.age) if status.age.is_lost else ""
        trouble = f"; {status.pose_problem or late}" if status.pose_problem or late else ""
        set_(Step.CONNECT, StepStatus.DONE, tr("receiving from {name}{trouble}", name=name, trouble=trouble))
        if self._workflow.state.status(Step.RECORD) is StepStatus.WAITING:
            set_(Step.RECORD, StepStatus.READY)


def _why(status: StreamStatus) -> str:
    reasons = [reason for reason in (status.image_problem, status.not_understood) if reason]
    return f" ({'; '.join(reasons)})" if reasons else ""
