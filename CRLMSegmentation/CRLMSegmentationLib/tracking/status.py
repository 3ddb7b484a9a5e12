"""What a receiver sees of its stream, for people and for logs."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass, field

from ..words import mark, tr
from .age import NEVER, Age

_NAMED_KINDS = 4


@dataclass(frozen=True)
class Interruption:
    """A time without connection. began_at in seconds since 1970, duration_s until a peer was there again."""

    began_at: float
    duration_s: float
    reason: str

    def __str__(self) -> str:
        """One line, in local time."""
        clock = time.strftime("%H:%M:%S", time.localtime(self.began_at))
        return f"{clock} for {self.duration_s:.1f} s ({self.reason})" if math.isfinite(self.duration_s) else (
            f"since {clock} ({self.reason})"
        )  # fmt: skip


@dataclass
class StreamStatus:
    """What the receiver sees.

    connected           a peer is there now
    connections         how often one was found
    closures            how often it was lost again
    frames              tracked frames received; `invalid` of them have no valid pose
    dropped             frames lost because nobody took them from a full queue
    queued              frames that wait to be taken
    frames_per_second   over the last frames, and no more than were measured in a second; 0 when none comes
    age                 of the newest frame, by the sender's clock too: frames that come late are old when they come
    latency_s           seconds from the sender's timestamp to the screen, the median over the last frames (see
                        LatencyMeter and Receiver.shown); `worst_latency_s` the longest of them; NaN when not known
    clocks_agree        the sender's clock seems to be that of this computer
    silent_s            seconds since the last byte came; infinite when none came
    crc_errors, malformed, too_long, out_of_step, skipped   messages that were not used (see FramingCounts)
    other_images        images of other streams, and those that are no two-dimensional picture
    image_name          the image stream that is taken; '' before the first
    image_names         the device names of all that were seen
    repeated            images that came again with the same time and pixels, and were dropped
    missing             about how many frames the sender has skipped, by the gaps between their times
    pose_problem        why the newest frame has no valid pose; '' when it has one
    usual_pose_problem  why most of the `invalid` ones have none
    image_problem       why images that came cannot be used; '' when none was of that kind
    notes               sentences about the calibration: what of it is not used
    header_version      the highest that the peer has shown
    interruptions       the last times without connection, after the first one was found
    problem             the last sentence about the connection, or what the sender does so that no frame gets a pose; ''
                        when all is well
    """

    connected: bool = False
    connections: int = 0
    closures: int = 0
    frames: int = 0
    invalid: int = 0
    dropped: int = 0
    queued: int = 0
    frames_per_second: float = 0.0
    age: Age = NEVER
    latency_s: float = math.nan
    worst_latency_s: float = math.nan
    clocks_agree: bool = False
    silent_s: float = math.inf
    crc_errors: int = 0
    malformed: int = 0
    too_long: int = 0
    out_of_step: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    other_images: int = 0
    image_name: str = ""
    image_names: tuple[str, ...] = ()
    repeated: int = 0
    missing: int = 0
    pose_problem: str = ""
    usual_pose_problem: str = ""
    image_problem: str = ""
    notes: tuple[str, ...] = ()
    header_version: int = 1
    interruptions: tuple[Interruption, ...] = ()
    problem: str = ""

    @property
    def damaged(self) -> int:
        """Messages that did not arrive as they were sent, or made no sense."""
        return self.crc_errors + self.malformed + self.too_long

    @property
    def not_understood(self) -> str:
        """The types of message that were passed over, with their numbers; '' when there were none."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.skipped.most_common(_NAMED_KINDS))
        return (
            tr("{kinds} passed over, as not understood: have the server send IMAGE and TRANSFORM", kinds=kinds)
            if kinds
            else ""
        )

    def __str__(self) -> str:
        """One line for people."""
        if not self.connected:
            return f"{tr('not connected')}: {self.problem}" if self.problem else tr("not connected")
        parts = [
            tr("{rate:.1f} frames/s", rate=self.frames_per_second), tr("{count} frames", count=self.frames)
        ]  # fmt: skip
        if self.age.is_known:
            parts.append(tr("last {age} ago", age=self.age))
        if math.isfinite(self.latency_s):
            parts.append(tr("latency {ms:.0f} ms", ms=1000 * self.latency_s))
        for count, text in (
            (self.invalid, mark("{count} without a valid pose")),
            (self.dropped, mark("{count} lost")),
            (self.missing, mark("{count} or so skipped by the sender")),
            (self.repeated, mark("{count} repeated")),
            (self.damaged, mark("{count} damaged messages")),
            (self.queued, mark("{count} waiting")),
            (self.closures, mark("{count} interruptions")),
        ):
            if count:
                parts.append(tr(text, count=count))
        return ", ".join([*parts, *dict.fromkeys(filter(None, (self.problem, self.pose_problem)))])
