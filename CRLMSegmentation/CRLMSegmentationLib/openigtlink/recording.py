"""Receive a sweep into a file: what `crlm record` does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Mapping

import numpy as np

from ..errors import StreamError
from ..sweep.recorder import Recorder
from .receiver import Receiver

_REPORT_EVERY_S = 0.2


@dataclass(frozen=True)
class RecordingSummary:
    """What was recorded: files, frames (`invalid` of them without a pose), frames lost.

    receive_s  from the connection to the last frame
    finish_s   to make the standard file of it
    """

    files: tuple[Path, ...]
    frames: int
    invalid: int
    dropped: int
    receive_s: float
    finish_s: float


def record(
    path,
    host: str = "127.0.0.1",
    port: int = 18944,
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
) -> RecordingSummary:
    """Record what comes from an OpenIGTLink server until one of the limits is met or `should_stop()` is true.

    KeyboardInterrupt ends the recording in order. Raises StreamError when no server answers or no image comes for
    `timeout_s`; what was received before is kept in `path` all the same.
    """
    with Receiver(host, port, calibration, reference) as receiver:
        receiver.wait_until_connected(timeout_s)
        recorder = Recorder(path)
        started, reported, problem, taken = time.monotonic(), 0.0, None, 0
        try:
            for frame in receiver.frames(until_closed, timeout_s):
                recorder.add(frame)
                taken += 1
                if on_frame:
                    on_frame(frame)
                elapsed = time.monotonic() - started
                status = receiver.status
                if progress and elapsed - reported > _REPORT_EVERY_S:
                    reported = elapsed
                    fraction = max(status.frames / frames if frames else 0.0, elapsed / seconds if seconds else 0.0)
                    progress(min(fraction, 1.0), f"{status.frames} frames, {status.frames_per_second:.0f} per second")
                if (frames and taken >= frames) or (seconds and elapsed >= seconds) or should_stop():
                    break
        except KeyboardInterrupt:
            pass
        except StreamError as error:
            problem = error
        status, receive_s = receiver.status, time.monotonic() - started
    if taken == 0:
        recorder.discard()
        raise problem or StreamError(f"No image came from {host}:{port}, so nothing was recorded.")
    finishing = time.monotonic()
    files = recorder.stop()
    if problem is not None:
        raise StreamError(f"{problem} What was received before is in {files[0]}.")
    return RecordingSummary(
        files=tuple(files),
        frames=recorder.frames,
        invalid=status.invalid,
        dropped=recorder.dropped + status.dropped,
        receive_s=receive_s,
        finish_s=time.monotonic() - finishing,
    )
