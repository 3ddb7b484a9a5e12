"""Receives tracked frames from PLUS, or from anything that speaks as PLUS does, over OpenIGTLink."""

from __future__ import annotations

import itertools
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from pyigtl import MessageBase

from ..errors import StreamError
from ..sweep import Pose, TrackedFrame
from .frame_queue import FrameQueue
from .latest import LatestMessages
from .monitor import StreamMonitor
from .openigtlink import crc
from .openigtlink.commands import Command, CommandReply, command_message, reply_of
from .openigtlink.connection import Connection
from .openigtlink.conversion import poses_of
from .openigtlink.framing import FramingCounts, pack_message
from .openigtlink.link import Link
from .openigtlink.port import DEFAULT_PORT, checked_port
from .openigtlink.request_messages import RequestMessage, StartTrackingDataMessage
from .pairing.frame_pairing import TOLERANCE_S, FramePairing
from .status import StreamStatus

_logger = logging.getLogger(__name__)
_POLL_S, _PUMP_EVERY_S = 0.1, 0.002
# A timer that is late is a program that is busy: the stream gets this share of the time that went by to catch up.
_PUMP_SHARE = 0.25
_MOST_OPEN_COMMANDS = 256
_TRANSFORM_TYPES = frozenset({"TRANSFORM", "POSITION", "TDATA"})


class Receiver:
    """A client of an OpenIGTLink server that keeps every frame and reconnects by itself.

    host, port    of the server
    calibration   (4, 4) by name, for streams that carry ProbeToReference: {'ImageToProbe': pixel to mm}
    reference     the frame of reference
    image_name    which image stream to take, by its device name or the part before the last '_'; None takes the first
    queue_bytes   pixels kept until somebody takes them; beyond that new frames are dropped and counted
    on_poses      called with the time and the poses of each message that brings some, in the receiver's thread
    tolerance_s, interpolation_gap_s, image_delay_s, keep_identifying   see FramePairing
    ask_for_metadata   show header version 2 to the server, so that it sends the status of each pose
    silence_s     after so long without a byte the server is asked for its STATUS
    answer_s      one that answered before and does not within this time is taken for dead, and connected to anew

    Use as a context, or call start() and stop(). All methods may be called from any thread. Where threads starve, start
    it without one and call pump(), or poll(), from a timer. Raises StreamError for a port that is none.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        calibration: Mapping[str, np.ndarray] | None = None,
        reference: str = "Reference",
        image_name: str | None = None,
        queue_bytes: int = 512 << 20,
        tolerance_s: float = TOLERANCE_S,
        interpolation_gap_s: float | None = None,
        image_delay_s: float = 0.0,
        ask_for_metadata: bool = True,
        silence_s: float = 0.5,
        answer_s: float = 1.0,
        keep_identifying: bool = False,
        on_poses: Callable[[float, Mapping[str, Pose]], None] | None = None,
    ):
        self.host, self.port = host, checked_port(port)
        self._on_poses = on_poses
        self._pairing = FramePairing(
            calibration=calibration,
            reference=reference,
            image_name=image_name,
            tolerance_s=tolerance_s,
            interpolation_gap_s=interpolation_gap_s,
            image_delay_s=image_delay_s,
            keep_identifying=keep_identifying,
        )
        self._queue = FrameQueue(queue_bytes)
        self._monitor = StreamMonitor()
        self._latest = LatestMessages()
        self._tracking_request: StartTrackingDataMessage | None = None
        self._replies: dict[int, CommandReply | None] = {}
        self._begun: dict[int, tuple[str, float]] = {}
        self._command_numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._stopping = threading.Event()
        self._wanted_image: tuple[str | None] | None = None
        self._connection: Connection | None = None
        self._thread: threading.Thread | None = None
        self._started = False
        self._before_start = 0, 0
        self._pumping = threading.Lock()
        self._pumped_at = self._up_to_date_at = time.monotonic()
        self._link = Link(host, port, self, ask_for_metadata, silence_s, answer_s)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self, own_thread: bool = True) -> Receiver:
        """Begin to connect and receive, in a thread of its own or whenever pump() is called."""
        if not self._started:
            self._started = True
            self._stopping.clear()
            # What is left of an earlier time is old by now.
            self._queue.clear()
            self._before_start = self._monitor.connections, self._monitor.closures
            self._pumped_at = self._up_to_date_at = time.monotonic()
            if own_thread:
                self._thread = threading.Thread(target=self._run, name="OpenIGTLink receiver", daemon=True)
                self._thread.start()
            else:
                # Until it is compiled, images are checked by the slower of the two functions.
                threading.Thread(target=crc.prepare, name="Checksum", daemon=True).start()
        return self

    def stop(self) -> None:
        """Close the connection; frames that were received can still be taken, until it is started again."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(1.0)
            self._thread = None
        elif self._started:
            self._started = False
            with self._pumping:
                self._link.close("stopped")
        self._started = False

    def pump(self, longest_s: float = 0.01) -> None:
        """Without a thread of its own: connect and receive what can be done at once, for `longest_s` at most.

        For a program whose threads starve, such as 3D Slicer while its window waits for events: call it from a timer,
        20 to 60 times a second. The system's socket buffer holds what comes in between; when the timer was late, there
        is more of it, and up to a quarter of the time that went by is spent on it. With a thread it does nothing.
        """
        if self._thread is not None or not self._started:
            return
        # Two at a time would mix up the stream; the second one has nothing to do.
        if not self._pumping.acquire(blocking=False):
            return
        try:
            now = time.monotonic()
            end = now + max(longest_s, _PUMP_SHARE * (now - self._pumped_at))
            more = True
            while self._started and more and time.monotonic() < end:
                more = self._link.step(0.0, self._stopping)
            self._pumped_at = time.monotonic()
            if not more:
                self._up_to_date_at = self._pumped_at
        finally:
            self._pumping.release()

    @property
    def pumped(self) -> bool:
        """True while it was started without a thread of its own."""
        return self._started and self._thread is None

    @property
    def behind_s(self) -> float:
        """How old what came last may be because it waited in the system's socket buffer; 0 with a thread of its own.

        Nothing was waiting when a pump last read to the end: what comes later is not older than that moment.
        """
        if not self.pumped or self._up_to_date_at >= self._pumped_at:
            return 0.0
        return time.monotonic() - self._up_to_date_at

    @property
    def status(self) -> StreamStatus:
        """A copy of what is known now. A frame that waited in the socket buffer is as old as `behind_s`."""
        status = self._monitor.status(len(self._queue))
        pairing = self._pairing
        return replace(
            status,
            age=status.age.at_least(self.behind_s),
            problem=status.problem or (pairing.causes.lasting if status.connected else ""),
            other_images=pairing.other_images,
            image_name=pairing.image_name or "",
            image_names=pairing.streams.names,
            repeated=pairing.repeated,
            missing=pairing.missing,
            pose_problem=pairing.causes.now,
            usual_pose_problem=pairing.causes.usual,
            image_problem=pairing.image_problem,
            notes=pairing.notes,
        )

    def choose_image(self, name: str | None) -> None:
        """Take this image stream from now on, by its device name or the part before the last '_'; None for the next
        that comes. `status.image_names` are those that were seen.
        """
        self._wanted_image = (name,)

    @property
    def was_closed(self) -> bool:
        """True when a connection was lost since start()."""
        return self._monitor.closures > self._before_start[1]

    def wait_until_connected(self, timeout_s: float) -> None:
        """Return once the server was reached. Raises StreamError when it was not within `timeout_s`."""
        if not self._wait_for(lambda: self._monitor.connections > self._before_start[0], timeout_s):
            raise self._no_server()

    def get(self, timeout_s: float | None = None) -> TrackedFrame | None:
        """The next frame in the order of arrival; None when none came within `timeout_s`."""
        if self.pumped:
            self._wait_for(lambda: len(self._queue) > 0, timeout_s)
            timeout_s = 0
        return self._queue.get(timeout_s)

    def poll(self) -> list[TrackedFrame]:
        """All frames that wait, in the order of arrival; returns at once."""
        self.pump()
        frames = []
        while (frame := self._queue.get(0)) is not None:
            frames.append(frame)
        return frames

    def frames(self, until_closed: bool = False, timeout_s: float = 10.0) -> Iterator[TrackedFrame]:
        """Every frame as it comes, until stop() is called.

        until_closed  also end when the server has closed the connection after the last frame
        timeout_s     raise StreamError when no frame comes for this long, unless the server just closed
        """
        waited_since = time.monotonic()
        while True:
            # Looked at before the queue: a connection that ended before this has put its last frame there.
            ended = self._stopping.is_set() or (until_closed and self.was_closed)
            frame = self.get(0 if ended else _POLL_S)
            if frame is not None:
                yield frame
                waited_since = time.monotonic()
            elif ended:
                return
            elif time.monotonic() - waited_since > timeout_s:
                raise self.no_image_error(timeout_s)

    def shown(self, frame: TrackedFrame) -> None:
        """Say that a frame has reached the screen: what `status.latency_s` is made of."""
        self._monitor.frame_shown(frame)

    def latest_transform(self, name: str) -> tuple[Pose, float] | None:
        """The newest transform called `name` and the seconds since it came, or `behind_s` if that is more; None when it
        never came.

        PLUS stops sending a tool that it does not see: look at the age as well as at `Pose.valid`.
        """
        entry = self._latest.transform(name)
        return None if entry is None else (entry[0], max(entry[1], self.behind_s))

    def latest_timestamp(self, name: str) -> float | None:
        """The sender's timestamp of latest_transform(name), in seconds."""
        entry = self._latest.transform(name)
        return None if entry is None else entry[2]

    def transform_names(self) -> list[str]:
        """Names of the transforms that came."""
        return self._latest.transform_names()

    def latest_message(self, kind: str, name: str) -> tuple[MessageBase, float] | None:
        """The newest message of type `kind` ('POLYDATA', 'STRING', 'STATUS') called `name`, and its age in seconds.

        Images, transforms and replies to commands are not among them; of the others only the newest sixteen are kept.
        """
        return self._latest.message(kind, name)

    def message_names(self, kind: str) -> list[str]:
        """Names of the messages of type `kind` that latest_message() can give."""
        return self._latest.message_names(kind)

    def start_tracking_data(self, interval_ms: int = 0, coordinate_name: str = "") -> None:
        """Ask the server for TDATA, now and after each reconnection: tools that it tracks, with or without images.

        interval_ms  at most one each; 0: all of them
        """
        self._tracking_request = StartTrackingDataMessage(interval_ms, coordinate_name)
        if self._connection is not None:
            self.send(self._tracking_request)

    def stop_tracking_data(self) -> None:
        """Ask for no more TDATA."""
        self._tracking_request = None
        if self._connection is not None:
            self.send(RequestMessage("STP_TDATA"))

    def send(self, message) -> None:
        """Send a pyigtl message to the server. Raises StreamError when there is no connection."""
        connection, version = self._connection, self._monitor.header_version
        if connection is None:
            raise StreamError(f"There is no connection to {self.host}:{self.port} to send on; wait until there is one.")
        try:
            connection.send(pack_message(message, version))
        except OSError as error:
            raise StreamError(f"{self.host}:{self.port} does not take what it is sent ({error}).") from None

    def command(self, name: str, parameters: Mapping[str, str] | None = None, timeout_s: float = 5.0) -> CommandReply:
        """Have PLUS carry out a command, such as 'StartRecording', and return its reply.

        Raises StreamError when there is no connection or no reply within `timeout_s`.
        """
        number = self.begin_command(name, parameters)
        self._wait_for(lambda: self._replies.get(number) is not None, timeout_s)
        with self._lock:
            reply = self._replies.pop(number, None)
            self._begun.pop(number, None)
        if reply is None:
            raise StreamError(self._not_answered(name, timeout_s))
        return reply

    def begin_command(self, name: str, parameters: Mapping[str, str] | None = None) -> int:
        """Send a command without waiting; its number, for reply_to(). Raises StreamError without a connection."""
        command = Command(name, dict(parameters or {}), next(self._command_numbers))
        with self._lock:
            version = self._monitor.header_version
            self._replies[command.identifier] = None
            self._begun[command.identifier] = name, time.monotonic()
            while len(self._replies) > _MOST_OPEN_COMMANDS:
                oldest = next(iter(self._replies))
                del self._replies[oldest]
                self._begun.pop(oldest, None)
        try:
            self.send(command_message(command, version))
        except StreamError:
            with self._lock:
                self._replies.pop(command.identifier, None)
                self._begun.pop(command.identifier, None)
            raise
        return command.identifier

    def reply_to(self, number: int, timeout_s: float = 10.0) -> CommandReply | None:
        """The reply to a command that was begun, once; None as long as there is none.

        PLUS never answers a command of the older kind that it does not know: after `timeout_s` it counts as failed.
        """
        with self._lock:
            if self._replies.get(number) is not None:
                self._begun.pop(number, None)
                return self._replies.pop(number)
            name, begun_s = self._begun.get(number, ("", math.inf))
            if time.monotonic() - begun_s < timeout_s or number not in self._replies:
                return None
            del self._replies[number], self._begun[number]
        return CommandReply(False, self._not_answered(name, timeout_s), identifier=number)

    def _not_answered(self, name: str, timeout_s: float) -> str:
        return (
            f"{self.host}:{self.port} has not answered the command {name} within {timeout_s:g} s; PLUS is silent about "
            "commands that it does not know."
        )

    def no_image_error(self, timeout_s: float) -> StreamError:
        """The sentence for a server that is not there, or sends no image."""
        status = self.status
        if not status.connections:
            return self._no_server()
        where = f"{self.host}:{self.port}"
        came = "".join(f"; {part}" for part in self.what_came_instead(True))
        if not status.connected:
            return StreamError(f"The connection to {where} was lost and not found again: {status.problem}{came}.")
        return StreamError(
            f"No image came from the OpenIGTLink server at {where} for {timeout_s:g} s{came}; "
            "check that it sends two-dimensional IMAGE messages and is not frozen."
        )

    def what_came_instead(self, no_image: bool) -> list[str]:
        """For people: what of the sender's messages could not be used; where no image came, what else did."""
        status = self.status
        parts = [status.image_problem, status.not_understood]
        if no_image:
            if status.image_names:
                names = ", ".join(status.image_names)
                parts.append(f"images called {names} came, and {status.image_name} was to be taken")
            if names := self.transform_names():
                parts.append(f"it sends {', '.join(names)}")
            if status.repeated:
                parts.append(f"the last image came {status.repeated} times again with the same time")
        return [part for part in parts if part]

    def _no_server(self) -> StreamError:
        return StreamError(
            f"No OpenIGTLink server answers at {self.host}:{self.port} ({self._monitor.problem or 'no answer'}); "
            "start PLUS or `crlm replay`, or check host and port."
        )

    def _run(self) -> None:
        crc.prepare()
        while not self._stopping.is_set():
            self._link.step(_POLL_S, self._stopping)
        self._link.close("stopped")

    def _wait_for(self, condition: Callable[[], bool], timeout_s: float | None) -> bool:
        """True once `condition()` holds, to be called without the lock; a receiver without a thread pumps meanwhile."""
        if not self.pumped:
            with self._changed:
                return self._changed.wait_for(condition, timeout_s)
        end = math.inf if timeout_s is None else time.monotonic() + timeout_s
        while True:
            self.pump()
            with self._lock:
                if condition():
                    return True
            if time.monotonic() >= end or not self._started:
                return False
            time.sleep(_PUMP_EVERY_S)

    def link_connected(self, connection: Connection) -> None:
        self._connection = connection
        self._deliver(self._pairing.begin_anew())
        self._monitor.connected()
        self._tell_those_who_wait()
        if self._tracking_request is not None:
            connection.send(pack_message(self._tracking_request, 1))

    def link_lost(self, reason: str, silent_s: float = 0.0) -> None:
        self._deliver(self._pairing.give_up_waiting(math.inf))
        self._connection = None
        if self._stopping.is_set():
            self._monitor.stopped()
        else:
            self._monitor.lost(reason, silent_s)
        self._tell_those_who_wait()

    def link_problem(self, sentence: str) -> None:
        self._monitor.has_problem(sentence)

    def link_quiet(self) -> None:
        self._deliver(self._pairing.give_up_waiting(time.monotonic()))

    def link_received(self, messages: Sequence[MessageBase], counts: FramingCounts, version: int) -> None:
        for message in messages:
            try:
                self._handle(message)
            except Exception:
                # A fault of ours with one message must not end the stream in the middle of an operation.
                _logger.exception("A %s message could not be used.", message.message_type)
                counts.malformed += 1
        self._monitor.received(counts, version)

    def _tell_those_who_wait(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _handle(self, message) -> None:
        now = time.monotonic()
        if self._wanted_image is not None:
            (name,), self._wanted_image = self._wanted_image, None
            self._deliver(self._pairing.choose_image(name))
        kind = message.message_type
        if kind in ("IMAGE", "TRACKEDFRAME"):
            self._deliver(self._pairing.add_image(message, now))
        elif kind in _TRANSFORM_TYPES:
            poses = poses_of(message)
            if self._on_poses is not None:
                self._on_poses(float(message.timestamp), poses)
            self._latest.add_transforms(poses, float(message.timestamp))
            self._deliver(self._pairing.add_transforms(float(message.timestamp), poses))
        else:
            reply = reply_of(message) if kind in ("RTS_COMMAND", "STRING") else None
            if reply is None:
                self._latest.add(message)
            else:
                with self._changed:
                    if reply.identifier in self._replies:
                        self._replies[reply.identifier] = reply
                        self._changed.notify_all()
        self._deliver(self._pairing.give_up_waiting(now))

    def _deliver(self, frames: list[TrackedFrame]) -> None:
        for frame in frames:
            self._monitor.frame_arrived(frame)
            if not self._queue.put(frame):
                self._monitor.frame_dropped()
