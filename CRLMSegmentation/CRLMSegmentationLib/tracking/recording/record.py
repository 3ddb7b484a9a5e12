"""Receive a sweep into a file: what `crlm record` does."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from ...errors import CRLMError, StreamError
from ...sweep import TrackedFrame
from ...sweep.missing_frames import MISSING_FIELD
from ...sweep.recorder import Recorder
from ...values.progress import Progress
from ...words import tr
from ..health import HealthLog, health_line
from ..openigtlink.port import DEFAULT_PORT
from ..receiver import Receiver
from ..status import Interruption
from .from_its_start import FromItsStart
from .pose_frames import PoseFrames

_CHECK_EVERY_S = 0.2


@dataclass(frozen=True)
class RecordingSummary:
    """What was recorded: files, frames (`invalid` of them without a pose), frames lost, lost connections.

    pose_problem  why most of the frames without a valid pose have none; '' when all have one
    missing       about how many frames the sender has skipped, by the gaps between their times
    repeated      frames that came again with the same time, and were not recorded
    has_images    False when no image came, and the poses alone were recorded
    notes         sentences for people about the stream: what of the calibration is not used, what was not understood

    receive_s  from the first frame to the end of receiving
    finish_s   to make the standard file of it
    """

    files: tuple[Path, ...]
    frames: int
    invalid: int
    dropped: int
    receive_s: float
    finish_s: float
    interruptions: tuple[Interruption, ...] = ()
    pose_problem: str = ""
    missing: int = 0
    repeated: int = 0
    notes: tuple[str, ...] = ()
    has_images: bool = True


@dataclass(frozen=True)
class _Limits:
    """When a recording ends; see record()."""

    seconds: float | None
    frames: int | None
    until_closed: bool
    timeout_s: float

    def is_full(self, taken: int) -> bool:
        return bool(self.frames) and taken >= (self.frames or 0)


def record(
    path: str | PathLike[str],
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    *,
    seconds: float | None = None,
    frames: int | None = None,
    until_closed: bool = False,
    timeout_s: float = 10.0,
    calibration: Mapping[str, np.ndarray] | None = None,
    reference: str = "Reference",
    image_name: str | None = None,
    keep_identifying: bool = False,
    image_delay_s: float = 0.0,
    interpolation_gap_s: float | None = None,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_frame: Callable[[TrackedFrame], object] | None = None,
    log: str | PathLike[str] | None = None,
) -> RecordingSummary:
    """Record what comes from an OpenIGTLink server until one of the limits is met or `should_stop()` is true.

    log  a file that gets one line of JSON each second (see HealthLog)
    image_name, keep_identifying, image_delay_s, interpolation_gap_s   see Receiver

    What the server sends from before the start, as PLUS does, is left out, unless it is recorded until the server
    closes. When no image comes for `timeout_s` but poses do, these are recorded, from the first one on: a file of
    frames without images, as PLUS writes for a tracker alone. KeyboardInterrupt ends the recording in order. `seconds`
    count from the first frame. Raises StreamError when no server answers or nothing comes for `timeout_s`, and
    RecordingError when the file cannot be made; what was received before is kept in `path` or its journal all the same.
    """
    poses = PoseFrames()
    receiver = Receiver(
        host, port, calibration, reference, image_name, keep_identifying=keep_identifying, on_poses=poses.add,
        image_delay_s=image_delay_s, interpolation_gap_s=interpolation_gap_s,
    )  # fmt: skip
    health_log = HealthLog(log) if log is not None else None
    limits = _Limits(seconds, frames, until_closed, timeout_s)
    recording = _Recording(receiver, poses, limits, on_frame, health_log, progress)
    problem: BaseException | None = None
    try:
        with receiver:
            receiver.wait_until_connected(timeout_s)
            recording.begin(Recorder(path, calibration, reference))
            recording.receive(should_stop)
        recording.take_what_waits()
    except KeyboardInterrupt:
        pass
    except BaseException as error:
        problem = error
        if not recording.has_begun:
            raise
    finally:
        recording.take_what_is_held()
        if health_log:
            health_log.close()
    return recording.finish(problem)


class _Recording:
    """One recording on its way from a receiver to a recorder."""

    def __init__(
        self,
        receiver: Receiver,
        poses: PoseFrames,
        limits: _Limits,
        on_frame: Callable[[TrackedFrame], object] | None,
        log: HealthLog | None,
        progress: Progress | None,
    ) -> None:
        self._receiver, self._poses, self._limits = receiver, poses, limits
        self._on_frame, self._log, self._progress = on_frame, log, progress
        self._recorder: Recorder | None = None
        self._from_start: FromItsStart | None = None
        self._taken = self._invalid = self._missing = 0
        self._has_images = self._poses_alone = self._is_complete = False
        self._started_s = self._last_frame_s = self._reported_s = 0.0

    @property
    def has_begun(self) -> bool:
        return self._recorder is not None

    def begin(self, recorder: Recorder) -> None:
        """Frames go to `recorder` from now on."""
        self._recorder, self._last_frame_s = recorder, time.monotonic()
        # Who waits for the end wants all that the server has, as of a replay.
        self._from_start = None if self._limits.until_closed else FromItsStart(self._last_frame_s)

    def receive(self, should_stop: Callable[[], bool]) -> None:
        """Take frames until a limit is met. Raises StreamError when nothing comes."""
        while not should_stop() and not self._limits.is_full(self._taken):
            now = time.monotonic()
            if self._limits.seconds and self._started_s and now - self._started_s >= self._limits.seconds:
                return
            closed = self._limits.until_closed and self._receiver.was_closed
            frame = self._receiver.get(0 if closed else _CHECK_EVERY_S)
            if frame is not None:
                self._last_frame_s, self._started_s = now, self._started_s or now
                self._take_image(frame)
            elif not self._take_poses_alone(now):
                if closed:
                    self._is_complete = True
                    return
                self._wait(now)
            self._report(now)

    def take_what_waits(self) -> None:
        """What was received by the end belongs to the recording, unless it was to have so many frames."""
        while not self._limits.is_full(self._taken) and (frame := self._receiver.get(0)) is not None:
            self._take_image(frame)

    def take_what_is_held(self) -> None:
        """Nothing more comes: what was held back belongs to the recording."""
        if self._from_start is not None:
            self._take(self._from_start.remaining())

    def finish(self, problem: BaseException | None) -> RecordingSummary:
        """Make the file. Raises `problem`, which ended the recording, once what came before it is safe."""
        recorder, receiver = self._recorder, self._receiver
        if recorder is None:
            raise StreamError(
                tr(
                    "The recording was ended before {address} was reached; nothing was recorded.",
                    address=receiver.address,
                )
            )
        if not self._has_images:
            self._take(self._poses.take(with_last=True))
        # Then a connection that is lost by now has taken nothing from it.
        self._is_complete |= self._limits.is_full(self._taken)
        status = receiver.status
        receive_s = time.monotonic() - self._started_s if self._started_s else 0.0
        if self._taken == 0:
            recorder.discard()
            nothing = "; ".join(["nothing was recorded", *receiver.what_came_instead(True)])
            raise problem or StreamError(f"No image came from {receiver.address}, so {nothing}.")
        finishing = time.monotonic()
        files = recorder.stop()
        finish_s = time.monotonic() - finishing
        if isinstance(problem, CRLMError):
            raise type(problem)(f"{problem} What was received before is in {files[0]}.")
        if problem is not None:
            raise problem
        lost = tuple(one for one in status.interruptions if math.isfinite(one.duration_s) or not self._is_complete)
        came = (*status.notes, *receiver.what_came_instead(not self._has_images), recorder.mixture)
        return RecordingSummary(
            files=tuple(files),
            frames=recorder.frames,
            invalid=self._invalid,
            dropped=recorder.dropped + status.dropped,
            receive_s=receive_s,
            finish_s=finish_s,
            interruptions=lost,
            pose_problem=status.usual_pose_problem if self._invalid else "",
            missing=self._missing,
            repeated=status.repeated,
            has_images=self._has_images,
            notes=tuple(filter(None, came)),
        )

    def _take(self, frames: list[TrackedFrame]) -> None:
        for frame in frames:
            if self._recorder is None or self._limits.is_full(self._taken):
                return
            self._recorder.add(frame)
            self._taken += 1
            self._invalid += not frame.valid
            self._missing += int(frame.fields.get(MISSING_FIELD, 0))
            if self._on_frame:
                self._on_frame(frame)

    def _take_image(self, frame: TrackedFrame) -> None:
        if not self._has_images:
            self._has_images = True
            self._poses.stop()
        self._take([frame] if self._from_start is None else self._from_start.take(frame, time.monotonic()))

    def _take_poses_alone(self, now: float) -> bool:
        """Take the poses of a sender of which no image comes; False when there are none."""
        frames = self._poses.take() if self._poses_alone else []
        if frames:
            self._last_frame_s = now
            self._take(frames)
        return bool(frames)

    def _wait(self, now: float) -> None:
        """Nothing came. Raises StreamError when that has been so for too long."""
        if now - self._last_frame_s > self._limits.timeout_s:
            if self._has_images or self._poses_alone or not self._poses.first_came_s:
                raise self._receiver.no_image_error(self._limits.timeout_s)
            self._poses_alone, self._started_s = True, self._poses.first_came_s
        elif self._from_start is not None and not self._receiver.status.connected:
            self._take(self._from_start.remaining())

    def _report(self, now: float) -> None:
        if self._log:
            self._log.write(self._receiver.status, self._recorder)
        if self._progress and now - self._reported_s > _CHECK_EVERY_S:
            self._reported_s = now
            limits = self._limits
            by_frames = self._taken / limits.frames if limits.frames else 0.0
            by_time = (now - self._started_s) / limits.seconds if limits.seconds and self._started_s else 0.0
            self._progress(min(max(by_frames, by_time), 1.0), health_line(self._receiver.status, self._recorder))
