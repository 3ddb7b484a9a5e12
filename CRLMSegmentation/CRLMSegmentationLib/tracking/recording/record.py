"""Receive a sweep into a file: what `crlm record` does."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import CRLMError, StreamError
from ...sweep import TrackedFrame
from ...sweep.missing_frames import MISSING_FIELD
from ...sweep.recorder import Recorder
from ..health import HealthLog, health_line
from ..openigtlink.port import DEFAULT_PORT
from ..receiver import Receiver
from ..status import Interruption
from .from_its_start import FromItsStart
from .pose_frames import PoseFrames

_LOOK_EVERY_S = 0.2


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


def record(
    path,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    *,
    seconds: float | None = None,
    frames: int | None = None,
    until_closed: bool = False,
    timeout_s: float = 10.0,
    calibration: Mapping[str, np.ndarray] | None = None,
    reference: str = "Reference",
    progress: Callable[[float, str], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_frame: Callable | None = None,
    log=None,
    **receiver_options,
) -> RecordingSummary:
    """Record what comes from an OpenIGTLink server until one of the limits is met or `should_stop()` is true.

    log               a file that gets one line of JSON each second (see HealthLog)
    receiver_options  more options of the Receiver, such as image_name, keep_identifying or interpolation_gap_s

    What the server sends from before the start, as PLUS does, is left out, unless it is recorded until the server
    closes. When no image comes for `timeout_s` but poses do, these are recorded, from the first one on: a file of
    frames without images, as PLUS writes for a tracker alone. KeyboardInterrupt ends the recording in order. `seconds`
    count from the first frame. Raises StreamError when no server answers or nothing comes for `timeout_s`, and
    RecordingError when the file cannot be made; what was received before is kept in `path` or its journal all the same.
    """
    poses = PoseFrames()
    receiver = Receiver(host, port, calibration, reference, on_poses=poses.add, **receiver_options)
    health_log = HealthLog(log) if log is not None else None
    recorder = None
    taken = invalid = missing = 0
    has_images = poses_alone = False
    is_complete = False
    problem: BaseException | None = None
    started = reported = 0.0
    begin: FromItsStart | None = None

    def take(received: list[TrackedFrame]) -> None:
        nonlocal taken, invalid, missing
        for frame in received:
            if frames and taken >= frames:
                break
            recorder.add(frame)
            taken, invalid = taken + 1, invalid + (not frame.valid)
            missing += int(frame.fields.get(MISSING_FIELD, 0))
            if on_frame:
                on_frame(frame)

    try:
        with receiver:
            receiver.wait_until_connected(timeout_s)
            recorder = Recorder(path, calibration, reference)
            last_frame = time.monotonic()
            # Who waits for the end wants all that the server has, as of a replay.
            begin = None if until_closed else FromItsStart(last_frame)
            while not should_stop() and not (frames and taken >= frames):
                now = time.monotonic()
                if seconds and started and now - started >= seconds:
                    break
                closed = until_closed and receiver.was_closed
                frame = receiver.get(0 if closed else _LOOK_EVERY_S)
                if frame is not None:
                    last_frame, started = now, started or now
                    if not has_images:
                        has_images = True
                        poses.stop()
                    take([frame] if begin is None else begin.take(frame, time.monotonic()))
                elif poses_alone and (alone := poses.take()):
                    last_frame = now
                    take(alone)
                elif closed:
                    is_complete = True
                    break
                elif now - last_frame > timeout_s and not (has_images or poses_alone) and poses.first_came_s:
                    poses_alone, started = True, poses.first_came_s
                elif now - last_frame > timeout_s:
                    raise receiver.no_image_error(timeout_s)
                elif begin is not None and not receiver.status.connected:
                    take(begin.rest())
                if health_log:
                    health_log.write(receiver.status, recorder)
                if progress and now - reported > _LOOK_EVERY_S:
                    reported = now
                    by_frames = taken / frames if frames else 0.0
                    by_time = (now - started) / seconds if seconds and started else 0.0
                    progress(min(max(by_frames, by_time), 1.0), health_line(receiver.status, recorder))
        # What was received by then belongs to the recording, unless it was to have so many frames.
        while not (frames and taken >= frames) and (frame := receiver.get(0)) is not None:
            has_images = True
            take([frame] if begin is None else begin.take(frame, time.monotonic()))
    except KeyboardInterrupt:
        pass
    except BaseException as error:
        problem = error
        if recorder is None:
            raise
    finally:
        if begin is not None and recorder is not None:
            take(begin.rest())
        if health_log:
            health_log.close()
    if recorder is None:
        raise StreamError(f"The recording was ended before {host}:{port} was reached; nothing was recorded.")
    if not has_images:
        take(poses.take(with_last=True))
    # Then a connection that is lost by now has taken nothing from it.
    is_complete |= bool(frames and taken >= frames)
    status = receiver.status
    receive_s = time.monotonic() - started if started else 0.0
    if taken == 0:
        recorder.discard()
        came = "; ".join(["nothing was recorded", *receiver.what_came_instead(True)])
        raise problem or StreamError(f"No image came from {host}:{port}, so {came}.")
    finishing = time.monotonic()
    files = recorder.stop()
    finish_s = time.monotonic() - finishing
    if isinstance(problem, CRLMError):
        raise type(problem)(f"{problem} What was received before is in {files[0]}.")
    if problem is not None:
        raise problem
    return RecordingSummary(
        files=tuple(files),
        frames=recorder.frames,
        invalid=invalid,
        dropped=recorder.dropped + status.dropped,
        receive_s=receive_s,
        finish_s=finish_s,
        interruptions=tuple(one for one in status.interruptions if math.isfinite(one.duration_s) or not is_complete),
        pose_problem=status.usual_pose_problem if invalid else "",
        missing=missing,
        repeated=status.repeated,
        has_images=has_images,
        notes=tuple(filter(None, (*status.notes, *receiver.what_came_instead(not has_images), recorder.mixture))),
    )
