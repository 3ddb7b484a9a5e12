"""Receives tracked frames from PLUS, or from anything that speaks as PLUS does, over OpenIGTLink."""

from __future__ import annotations

import math
import queue
import socket
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Iterator, Mapping

import numpy as np

from ..errors import StreamError
from ..sweep import Pose, TrackedFrame
from ..sweep.transforms import is_transform_name
from .conversion import pose_of_transform
from .framing import MessageParser
from .pairing import FramePairing

DEFAULT_PORT = 18944
_RECEIVE_BYTES = 1 << 18
_POLL_S = 0.1
_FIRST_BACK_OFF_S, _LONGEST_BACK_OFF_S = 0.1, 1.0
_RATE_WINDOW = 32


@dataclass
class StreamStatus:
    """What the receiver sees, for people and for logs.

    connected           a peer is there now
    connections         how often one was found
    closures            how often it was lost again
    frames              tracked frames received; `invalid` of them have no valid pose
    dropped             frames lost because nobody took them from a full queue
    frames_per_second   over the last frames; 0 when none came
    age_s               seconds since the last frame came; infinite when none came
    crc_errors, malformed, too_long, skipped   messages that were not used (see FramingCounts)
    problem             the last sentence about the connection; '' when all is well
    """

    connected: bool = False
    connections: int = 0
    closures: int = 0
    frames: int = 0
    invalid: int = 0
    dropped: int = 0
    frames_per_second: float = 0.0
    age_s: float = math.inf
    crc_errors: int = 0
    malformed: int = 0
    too_long: int = 0
    skipped: Counter = field(default_factory=Counter)
    problem: str = ""


class Receiver:
    """A client of an OpenIGTLink server that keeps every frame and reconnects by itself.

    host, port    of the server
    calibration   (4, 4) by name, for streams that carry ProbeToReference: {'ImageToProbe': pixel to mm}
    reference     the frame of reference
    image_name    which image stream to take; None takes the first
    queue_frames  frames kept until somebody takes them; beyond that new ones are dropped and counted

    Use as a context, or call start() and stop(). All methods may be called from any thread.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        calibration: Mapping[str, np.ndarray] | None = None,
        reference: str = "Reference",
        image_name: str | None = None,
        queue_frames: int = 2000,
    ):
        self.host, self.port = host, port
        self._calibration, self._reference, self._image_name = calibration, reference, image_name
        self._pairing = self._new_pairing()
        self._frames: queue.Queue[TrackedFrame] = queue.Queue(queue_frames)
        self._arrivals: deque[float] = deque(maxlen=_RATE_WINDOW)
        self._transforms: dict[str, tuple[Pose, float]] = {}
        self._status = StreamStatus()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._changed = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self) -> Receiver:
        """Begin to connect and receive in a thread of its own."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="OpenIGTLink receiver", daemon=True)
            self._thread.start()
        return self

    def stop(self) -> None:
        """Close the connection; frames that were received can still be taken."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    @property
    def status(self) -> StreamStatus:
        """A copy of what is known now."""
        now = time.monotonic()
        with self._lock:
            status = StreamStatus(**{**vars(self._status), "skipped": Counter(self._status.skipped)})
            if self._arrivals:
                status.age_s = now - self._arrivals[-1]
            if len(self._arrivals) > 1 and status.age_s < 2:
                status.frames_per_second = (len(self._arrivals) - 1) / max(self._arrivals[-1] - self._arrivals[0], 1e-9)
        return status

    def wait_until_connected(self, timeout_s: float) -> None:
        """Return once the server was reached. Raises StreamError when it was not within `timeout_s`."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._status.connections > 0, timeout_s):
                raise StreamError(
                    f"No OpenIGTLink server answers at {self.host}:{self.port} "
                    f"({self._status.problem or 'no answer'}); start PLUS or `crlm replay`, or check host and port."
                )

    def get(self, timeout_s: float | None = None) -> TrackedFrame | None:
        """The next frame in the order of arrival; None when none came within `timeout_s`."""
        try:
            return self._frames.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def frames(self, until_closed: bool = False, timeout_s: float = 10.0) -> Iterator[TrackedFrame]:
        """Every frame as it comes, until stop() is called.

        until_closed  also end when the server has closed the connection after the last frame
        timeout_s     raise StreamError when no frame comes for this long, unless the server just closed
        """
        waited_since = time.monotonic()
        while True:
            frame = self.get(_POLL_S)
            if frame is not None:
                waited_since = time.monotonic()
                yield frame
                continue
            status = self.status
            if self._stopping.is_set() or (until_closed and status.closures):
                # What came between the last look and the end of the connection is still in the queue.
                while not self._frames.empty():
                    yield self._frames.get()
                return
            if time.monotonic() - waited_since > timeout_s:
                self._raise_silent(status, timeout_s)

    def latest_transform(self, name: str) -> tuple[Pose, float] | None:
        """The newest transform called `name` and the seconds since it came; None when it never came."""
        with self._lock:
            entry = self._transforms.get(name)
        return None if entry is None else (entry[0], time.monotonic() - entry[1])

    def transform_names(self) -> list[str]:
        """Names of the transforms that came."""
        with self._lock:
            return sorted(self._transforms)

    def _raise_silent(self, status: StreamStatus, timeout_s: float):
        where = f"{self.host}:{self.port}"
        if not status.connections:
            raise StreamError(
                f"No OpenIGTLink server answers at {where} ({status.problem or 'no answer'}); "
                "start PLUS or `crlm replay`, or check host and port."
            )
        raise StreamError(f"No image came from the OpenIGTLink server at {where} for {timeout_s:g} s; is it frozen?")

    def _new_pairing(self) -> FramePairing:
        return FramePairing(self._calibration, self._reference, self._image_name)

    def _run(self) -> None:
        back_off = _FIRST_BACK_OFF_S
        while not self._stopping.is_set():
            try:
                with socket.create_connection((self.host, self.port), timeout=2.0) as connection:
                    back_off = _FIRST_BACK_OFF_S
                    self._note(connected=True, problem="")
                    self._receive_from(connection)
                self._note(connected=False, problem="the server closed the connection")
            except (OSError, StreamError) as error:
                self._note(connected=False, problem=str(getattr(error, "strerror", None) or error))
            self._stopping.wait(back_off)
            back_off = min(2 * back_off, _LONGEST_BACK_OFF_S)

    def _note(self, connected: bool, problem: str) -> None:
        with self._changed:
            self._status.connections += connected and not self._status.connected
            self._status.closures += self._status.connected and not connected
            self._status.connected, self._status.problem = connected, problem
            self._changed.notify_all()

    def _receive_from(self, connection: socket.socket) -> None:
        """Until the peer closes or stop() is called."""
        connection.settimeout(_POLL_S)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        parser = MessageParser()
        self._pairing = self._new_pairing()
        before = {name: getattr(self._status, name) for name in ("crc_errors", "malformed", "too_long")}
        try:
            while not self._stopping.is_set():
                try:
                    piece = connection.recv(_RECEIVE_BYTES)
                except TimeoutError:
                    self._deliver(self._pairing.give_up_waiting(time.monotonic()))
                    continue
                if not piece:
                    return
                for message in parser.feed(piece):
                    self._handle(message)
                with self._lock:
                    for name, earlier in before.items():
                        setattr(self._status, name, earlier + getattr(parser.counts, name))
                    self._status.skipped = Counter(parser.counts.skipped)
        finally:
            self._deliver(self._pairing.give_up_waiting(math.inf))

    def _handle(self, message) -> None:
        now = time.monotonic()
        if message.message_type == "IMAGE":
            self._deliver(self._pairing.add_image(message, now))
        elif message.message_type == "TRANSFORM":
            if is_transform_name(message.device_name):
                with self._lock:
                    self._transforms[message.device_name] = (pose_of_transform(message), now)
            self._deliver(self._pairing.add_transform(message))
        self._deliver(self._pairing.give_up_waiting(now))

    def _deliver(self, frames: list[TrackedFrame]) -> None:
        for frame in frames:
            with self._lock:
                self._status.frames += 1
                self._status.invalid += not frame.valid
                self._arrivals.append(time.monotonic())
            try:
                self._frames.put_nowait(frame)
            except queue.Full:
                with self._lock:
                    self._status.dropped += 1
