"""The live stream in the session: a source is asked for frames, the newest is shown, and what is known is told."""

from __future__ import annotations

import math
import time
from typing import Callable

from ..openigtlink import StreamStatus
from ..sweep import TrackedFrame
from .live_image import LiveImage, tool_poses
from .state import Step, StepStatus
from .stream import FrameSource
from .tools import Tools
from .workflow import Workflow

_NO_IMAGE_S = 2.0


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
        self._newest_stamp_s = -math.inf

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
        self._newest_stamp_s = -math.inf
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

    def process(self, now_s: float) -> bool:
        """Take what has arrived; returns whether frames came."""
        if self._source is None:
            return False
        frames = self._source.poll()
        for frame in frames:
            self._on_frame(frame)
        status = self._source.status
        if frames:
            age_s = status.age_s if math.isfinite(status.age_s) else 0.0
            self.show(frames[-1], now_s - age_s)
            self._source.shown(frames[-1])
        else:
            self._take_transforms()
        self._tell(status)
        return bool(frames)

    def show(self, frame: TrackedFrame, received_s: float | None = None) -> None:
        """Show a frame, and the tools that came with it."""
        received_s = time.monotonic() if received_s is None else received_s
        self._newest_stamp_s = max(self._newest_stamp_s, frame.timestamp)
        self._image.show(frame, received_s)
        for name, pose in tool_poses(frame.transforms, {*self.tool_names, *self._tools.names}).items():
            self._tools.update(name, pose, frame.timestamp, received_s)

    def _take_transforms(self) -> None:
        """Tools go on being tracked while no image comes."""
        received = self._source.transforms()
        stamps = [one.stamp_s for one in received.values() if one.stamp_s is not None]
        newest = max(stamps, default=-math.inf)
        if newest <= self._newest_stamp_s:
            return
        self._newest_stamp_s = newest
        together = {name: one for name, one in received.items() if one.stamp_s == newest or "TipTo" in name}
        arrived_s = max(one.received_s for one in together.values())
        poses = {name: one.pose for name, one in together.items()}
        for name, pose in tool_poses(poses, {*self.tool_names, *self._tools.names}).items():
            self._tools.update(name, pose, newest, arrived_s)

    def _tell(self, status: StreamStatus) -> None:
        name, problem = self._source.name, f" ({status.problem})" if status.problem else ""
        set_ = self._workflow.set
        if not status.connected:
            if status.connections:
                set_(Step.CONNECT, StepStatus.RUNNING, f"the connection to {name} was lost{problem}; trying again")
            else:
                set_(Step.CONNECT, StepStatus.RUNNING, f"waiting for {name}{problem}")
            return
        if status.frames == 0 or status.age_s > _NO_IMAGE_S:
            set_(Step.CONNECT, StepStatus.RUNNING, f"connected to {name}, but no image comes{problem}")
            return
        set_(Step.CONNECT, StepStatus.DONE, f"receiving from {name}")
        if self._workflow.state.status(Step.RECORD) is StepStatus.WAITING:
            set_(Step.RECORD, StepStatus.READY)
