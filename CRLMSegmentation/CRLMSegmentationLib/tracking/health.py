"""How a stream and its recording are, for people (a line, a small panel) and for a log (one JSON object a line)."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Protocol

from ..errors import RecordingError
from ..words import tr
from .status import StreamStatus

OK, ATTENTION, TROUBLE = "ok", "attention", "trouble"
# A surgeon's hand and eye notice a picture that comes later than this (Slicer's own live views need 50 to 100 ms).
_LATE_S = 0.25
_SHARE_OF_INVALID = 0.25


class RecordingStatus(Protocol):
    """What is asked of a Recorder."""

    frames: int
    dropped: int
    warning: str
    problem: str

    @property
    def waiting(self) -> int: ...

    @property
    def seconds_left(self) -> float: ...


@dataclass(frozen=True)
class HealthRow:
    """A row of the panel: what it is, its value, and 'ok', 'attention' or 'trouble'; `hint` says more."""

    label: str
    text: str
    level: str = OK
    hint: str = ""


def health_rows(status: StreamStatus, recorder: RecordingStatus | None = None) -> tuple[HealthRow, ...]:
    """The panel: connection, frames/s, latency, age, what was lost, skipped or repeated, poses, damaged messages,
    waiting, image streams, interruptions, and the disk while recording.
    """
    rows = [
        HealthRow("Connection", "connected" if status.connected else "not connected",
                  OK if status.connected and not status.problem else TROUBLE, status.problem),
        HealthRow("Frames", f"{status.frames_per_second:.1f} /s", OK if status.frames_per_second else TROUBLE,
                  f"{status.frames} so far"),
        HealthRow("Latency", _milliseconds(status.latency_s), ATTENTION if status.latency_s > _LATE_S else OK,
                  _what_latency_is(status)),
        HealthRow("Age", str(status.age), OK if status.age.is_live else TROUBLE, "since the last frame was measured"),
        HealthRow("Lost", str(status.dropped), TROUBLE if status.dropped else OK, "frames that nobody took in time"),
        HealthRow("Without pose", f"{status.invalid} of {status.frames}",
                  ATTENTION if status.invalid > _SHARE_OF_INVALID * status.frames else OK,
                  status.usual_pose_problem or "the tracker did not see the probe or the reference"),
        HealthRow("Skipped", f"about {status.missing}" if status.missing else "0", ATTENTION if status.missing else OK,
                  "frames that the sender left out, by the gaps between their times"),
        HealthRow("Repeated", str(status.repeated), ATTENTION if status.repeated else OK,
                  "frames that came again with the same time, and were dropped"),
        HealthRow("Damaged", str(status.damaged), ATTENTION if status.damaged else OK, "messages that were not used"),
        HealthRow("Waiting", str(status.queued), ATTENTION if status.queued > status.frames_per_second + 1 else OK,
                  "frames that were received and not taken yet"),
        HealthRow("Image", status.image_name or "none", ATTENTION if status.image_problem else OK, _of_images(status)),
        HealthRow("Interruptions", str(status.closures), ATTENTION if status.closures else OK,
                  f"last: {status.interruptions[-1]}" if status.interruptions else ""),
    ]  # fmt: skip
    if recorder is not None:
        level = TROUBLE if recorder.problem else ATTENTION if recorder.warning else OK
        left = "" if math.isinf(recorder.seconds_left) else f", room for {recorder.seconds_left / 60:.0f} min"
        text = f"{recorder.frames} frames{left}"
        rows.append(HealthRow("Disk", text, level, recorder.problem or recorder.warning))
    return tuple(rows)


def health_line(status: StreamStatus, recorder: RecordingStatus | None = None) -> str:
    """One line for people: the stream, then what is wrong with the recording."""
    trouble = (recorder.problem or recorder.warning) if recorder is not None else ""
    recorded = f", {recorder.frames} recorded" if recorder is not None else ""
    return f"{status}{recorded}{f'; {trouble}' if trouble else ''}"


def health_record(status: StreamStatus, recorder: RecordingStatus | None = None) -> dict[str, object]:
    """The same for a log, in SI units; what is not known is None."""
    record: dict[str, object] = {
        "time": round(time.time(), 3),
        "connected": status.connected,
        "connections": status.connections,
        "frames": status.frames,
        "frames_per_second": _number(status.frames_per_second),
        "latency_s": _number(status.latency_s),
        "worst_latency_s": _number(status.worst_latency_s),
        "clocks_agree": status.clocks_agree,
        "age_s": _number(status.age.seconds),
        "lost": status.dropped,
        "missing": status.missing,
        "repeated": status.repeated,
        "image_name": status.image_name,
        "image_names": list(status.image_names),
        "pose_problem": status.pose_problem,
        "image_problem": status.image_problem,
        "notes": list(status.notes),
        "invalid": status.invalid,
        "queued": status.queued,
        "crc_errors": status.crc_errors,
        "malformed": status.malformed,
        "too_long": status.too_long,
        "out_of_step": status.out_of_step,
        "skipped": dict(status.skipped),
        "interruptions": [
            {"began_at": round(one.began_at, 3), "duration_s": _number(one.duration_s), "reason": one.reason}
            for one in status.interruptions
        ],
        "problem": status.problem,
        "recording": None,
    }
    if recorder is not None:
        record["recording"] = {
            "frames": recorder.frames,
            "lost": recorder.dropped,
            "waiting": recorder.waiting,
            "disk_seconds_left": _number(recorder.seconds_left),
            "warning": recorder.warning,
            "problem": recorder.problem,
        }
    return record


def _is_log(path: Path) -> bool:
    """True for an empty file, and for one that begins as JSON lines do."""
    with open(path, "rb") as stream:
        return stream.read(1) in (b"", b"{")


class HealthLog:
    """Appends health_record() to the file `path`, at most once every `every_s`; call write() as often as you like.

    Raises RecordingError when the file cannot be opened, or holds something else. A disk that fails later ends the log,
    not the stream: `problem` reports it.
    """

    def __init__(
        self, path: str | PathLike[str], every_s: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.path, self.problem = Path(path), ""
        self._every_s, self._clock, self._next = every_s, clock, -math.inf
        try:
            if self.path.is_file() and not _is_log(self.path):
                raise RecordingError(
                    tr("{path} is no log, and nothing is appended to it; choose another name.", path=self.path)
                )
            self._stream = open(self.path, "a", encoding="utf-8")
        except OSError as error:
            raise RecordingError(
                tr(
                    "The log {path} cannot be written ({strerror}); choose another.",
                    path=self.path,
                    strerror=error.strerror,
                )
            ) from None

    def write(self, status: StreamStatus, recorder: RecordingStatus | None = None) -> None:
        now = self._clock()
        if now < self._next or self.problem:
            return
        self._next = now + self._every_s
        try:
            self._stream.write(json.dumps(health_record(status, recorder)) + "\n")
            self._stream.flush()
        except OSError as error:
            self.problem = f"the log {self.path} has ended ({error.strerror})"

    def close(self) -> None:
        try:
            self._stream.close()
        except OSError:
            pass


def _what_latency_is(status: StreamStatus) -> str:
    if math.isnan(status.latency_s):
        return ""
    if status.clocks_agree:
        return "from the sender's clock to the screen"
    return "to the screen, beyond that of the fastest frame: the sender has another clock"


def _of_images(status: StreamStatus) -> str:
    seen = f"streams that were seen: {', '.join(status.image_names)}" if len(status.image_names) > 1 else ""
    return "; ".join(filter(None, (seen, status.image_problem, status.not_understood, *status.notes)))


def _number(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if math.isfinite(seconds) else "not known"
