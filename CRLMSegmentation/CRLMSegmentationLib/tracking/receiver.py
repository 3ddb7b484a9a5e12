"""Receives tracked frames from PLUS, or from anything that speaks as PLUS does, over OpenIGTLink."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType

import numpy as np
from pyigtl import MessageBase

from ..errors import ConfigurationError, StreamError
from ..sweep import Pose, TrackedFrame
from ..words import tr
from .commands import Commands
from .image_stream import ImageStream, StreamSettings
from .latest import LatestMessages
from .link_monitor import LinkMonitor
from .openigtlink import crc
from .openigtlink.connection import Connection
from .openigtlink.conversion import poses_of
from .openigtlink.framing import FramingCounts
from .openigtlink.link import Link
from .openigtlink.packing import pack_message
from .openigtlink.port import DEFAULT_PORT, checked_port
from .openigtlink.request_messages import RequestMessage, StartTrackingDataMessage
from .pairing.frame_pairing import TOLERANCE_S
from .pump import Pump
from .status import StreamStatus
from .stream_problems import no_image_error, no_server_error, what_came_instead
from .video_decoder import VideoDecoders

ULTRASOUND = "ultrasound"

_logger = logging.getLogger(__name__)
_POLL_S, _PUMP_EVERY_S = 0.1, 0.002
_TRANSFORM_TYPES = frozenset({"TRANSFORM", "POSITION", "TDATA"})


class Receiver:
    """A client of an OpenIGTLink server that keeps every frame and reconnects by itself.

    host, port    of the server
    calibration, reference, image_name, queue_bytes, tolerance_s, interpolation_gap_s, image_delay_s, keep_identifying
                  of the ultrasound stream, see StreamSettings
    streams       further image streams by names of your own, each of images that are called by name:
                  {'laparoscope': StreamSettings('Laparoscope', keep_color=True)}
    on_poses      called with the time and the poses of each message that brings some, in the receiver's thread
    ask_for_metadata   show header version 2 to the server, so that it sends the status of each pose
    silence_s     after so long without a byte the server is asked for its STATUS
    answer_s      one that answered before and does not within this time is taken for dead, and connected to anew

    Parts: `ultrasound` (an ImageStream), `streams` (all of them by name, 'ultrasound' among them), `latest` (the newest
    transforms of all trackers, surfaces and texts), `commands`. Use as a context, or call start() and stop(). All
    methods may be called from any thread. Where threads starve, start it without one and call pump(), or poll(), from a
    timer.

    Raises StreamError for a port that is none, ConfigurationError for streams that cannot be distinguished.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        calibration: Mapping[str, np.ndarray] | None = None,
        reference: str = "Reference",
        image_name: str | None = None,
        streams: Mapping[str, StreamSettings] | None = None,
        queue_bytes: int = 512 << 20,
        tolerance_s: float = TOLERANCE_S,
        interpolation_gap_s: float | None = None,
        image_delay_s: float = 0.0,
        keep_identifying: bool = False,
        ask_for_metadata: bool = True,
        silence_s: float = 0.5,
        answer_s: float = 1.0,
        on_poses: Callable[[float, Mapping[str, Pose]], None] | None = None,
    ) -> None:
        self.host, self.port = host, checked_port(port)
        self._on_poses = on_poses
        ultrasound = StreamSettings(
            image_name=image_name,
            calibration=calibration or {},
            reference=reference,
            queue_bytes=queue_bytes,
            tolerance_s=tolerance_s,
            interpolation_gap_s=interpolation_gap_s,
            image_delay_s=image_delay_s,
            keep_identifying=keep_identifying,
        )
        settings = {ULTRASOUND: ultrasound, **_checked(streams or {})}
        self._monitor = LinkMonitor()
        self.streams = {name: ImageStream(one, self) for name, one in settings.items()}
        self.ultrasound = self.streams[ULTRASOUND]
        self.latest = LatestMessages(self.address, lambda: self.behind_s)
        self.commands = Commands(self.address, self.send, lambda: self._monitor.header_version, self.wait_for)
        self._videos = VideoDecoders(
            lambda name: any(stream.has_asked_for(name) for stream in self.streams.values()), self._monitor.has_problem
        )
        self._tracking_request: StartTrackingDataMessage | None = None
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._connection: Connection | None = None
        self._thread: threading.Thread | None = None
        self._started = False
        self._before_start = 0, 0
        self._link = Link(host, port, self, ask_for_metadata, silence_s, answer_s)
        self._pump = Pump(lambda: self._link.step(0.0, self._stopping))

    def __enter__(self) -> Receiver:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def address(self) -> str:
        """host:port."""
        return f"{self.host}:{self.port}"

    def start(self, own_thread: bool = True) -> Receiver:
        """Begin to connect and receive, in a thread of its own or whenever pump() is called."""
        if self._started:
            return self
        self._started = True
        self._stopping.clear()
        # What is left of an earlier time is old by now.
        for stream in self.streams.values():
            stream.clear()
        self._before_start = self._monitor.connections, self._monitor.closures
        if own_thread:
            self._thread = threading.Thread(target=self._run, name="OpenIGTLink receiver", daemon=True)
            self._thread.start()
        else:
            self._pump.start()
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
            self._pump.stop(lambda: self._link.close("stopped"))
        self._started = False

    def pump(self, longest_s: float = 0.01) -> None:
        """Without a thread of its own: connect and receive what can be done at once, for `longest_s` at most.

        Call it from a timer, 20 to 60 times a second; when the timer was late, up to a quarter of the time that went by
        is spent on what waited. With a thread it does nothing.
        """
        self._pump.pump(longest_s)

    @property
    def pumped(self) -> bool:
        """True while it was started without a thread of its own."""
        return self._pump.is_on

    @property
    def behind_s(self) -> float:
        """How old what came last may be because it waited in the system's socket buffer; 0 with a thread of its own."""
        return self._pump.behind_s

    def link_status(self) -> StreamStatus:
        """What is known of the connection, without any image stream."""
        return self._monitor.status()

    @property
    def status(self) -> StreamStatus:
        """What is known of the connection and the ultrasound stream; those of other streams have their own."""
        return self.ultrasound.status

    def get(self, timeout_s: float | None = None) -> TrackedFrame | None:
        """The next ultrasound frame in the order of arrival; None when none came within `timeout_s`."""
        return self.ultrasound.get(timeout_s)

    def poll(self) -> list[TrackedFrame]:
        """All ultrasound frames that wait, in the order of arrival; returns at once."""
        return self.ultrasound.poll()

    def frames(self, until_closed: bool = False, timeout_s: float = 10.0) -> Iterator[TrackedFrame]:
        """Every ultrasound frame as it comes, until stop() is called.

        until_closed  also end when the server has closed the connection after the last frame
        timeout_s     raise StreamError when no frame comes for this long, unless the server just closed
        """
        waited_since = time.monotonic()
        while True:
            # Checked before the queue: a connection that ended before this has put its last frame there.
            ended = self._stopping.is_set() or (until_closed and self.was_closed)
            frame = self.get(0 if ended else _POLL_S)
            if frame is not None:
                yield frame
                waited_since = time.monotonic()
            elif ended:
                return
            elif time.monotonic() - waited_since > timeout_s:
                raise self.no_image_error(timeout_s)

    @property
    def was_closed(self) -> bool:
        """True when a connection was lost since start()."""
        return self._monitor.closures > self._before_start[1]

    def wait_until_connected(self, timeout_s: float) -> None:
        """Return once the server was reached. Raises StreamError when it was not within `timeout_s`."""
        if not self.wait_for(lambda: self._monitor.connections > self._before_start[0], timeout_s):
            raise no_server_error(self.address, self.link_status())

    def wait_for(self, condition: Callable[[], bool], timeout_s: float | None) -> bool:
        """True once `condition()` holds, which something received may bring about; False when the time is over.

        A receiver without a thread of its own pumps meanwhile.
        """
        if not self.pumped:
            with self._changed:
                return self._changed.wait_for(condition, timeout_s)
        end = math.inf if timeout_s is None else time.monotonic() + timeout_s
        while True:
            self.pump()
            if condition():
                return True
            if time.monotonic() >= end or not self._started:
                return False
            time.sleep(_PUMP_EVERY_S)

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

    def send(self, message: MessageBase) -> None:
        """Send a pyigtl message to the server. Raises StreamError when there is no connection."""
        connection, version = self._connection, self._monitor.header_version
        if connection is None:
            raise StreamError(tr("There is no connection to {address}; wait until there is one.", address=self.address))
        try:
            connection.send(pack_message(message, version))
        except OSError as error:
            raise StreamError(
                tr("{address} does not take what it is sent ({error}).", address=self.address, error=error)
            ) from None

    def no_image_error(self, timeout_s: float) -> StreamError:
        """The sentence for a server that is not there, or sends no image."""
        return no_image_error(self.address, self.status, self.latest.transform_names(), timeout_s)

    def what_came_instead(self, no_image: bool) -> list[str]:
        """For people: what of the sender's messages could not be used; where no image came, what else did."""
        return what_came_instead(self.status, self.latest.transform_names(), no_image)

    def _run(self) -> None:
        crc.prepare()
        while not self._stopping.is_set():
            self._link.step(_POLL_S, self._stopping)
        self._link.close("stopped")

    def link_connected(self, connection: Connection) -> None:
        self._connection = connection
        self._videos.begin_anew()
        for stream in self.streams.values():
            stream.begin_anew()
        self._monitor.connected()
        self._notify_waiting()
        if self._tracking_request is not None:
            connection.send(pack_message(self._tracking_request, 1))

    def link_lost(self, reason: str, silent_s: float = 0.0) -> None:
        for stream in self.streams.values():
            stream.give_up_waiting()
        self._connection = None
        if self._stopping.is_set():
            self._monitor.stopped()
        else:
            self._monitor.lost(reason, silent_s)
        self._notify_waiting()

    def link_problem(self, sentence: str) -> None:
        self._monitor.has_problem(sentence)

    def link_quiet(self) -> None:
        for stream in self.streams.values():
            stream.give_up_waiting(time.monotonic())

    def link_received(self, messages: Sequence[MessageBase], counts: FramingCounts, version: int) -> None:
        for message in messages:
            try:
                self._handle(message)
            except Exception:
                # A fault of ours with one message must not end the stream in the middle of an operation.
                _logger.exception("A %s message could not be used.", message.message_type)
                counts.malformed += 1
        self._monitor.received(counts, version)

    def _notify_waiting(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _handle(self, message: MessageBase) -> None:
        now = time.monotonic()
        for stream in self.streams.values():
            stream.take_request()
        kind = message.message_type
        if kind in ("IMAGE", "TRACKEDFRAME", "VIDEO"):
            for image in self._videos.images(message) if kind == "VIDEO" else [message]:
                asked = [stream for stream in self.streams.values() if stream.has_asked_for(image.device_name)]
                for stream in asked or [self.ultrasound]:
                    stream.add_image(image, now)
        elif kind in _TRANSFORM_TYPES:
            poses, timestamp = poses_of(message), float(message.timestamp)
            if self._on_poses is not None:
                self._on_poses(timestamp, poses)
            self.latest.add_transforms(poses, timestamp)
            for stream in self.streams.values():
                stream.add_transforms(timestamp, poses)
        elif self.commands.take(message):
            self._notify_waiting()
        else:
            self.latest.add(message)
        for stream in self.streams.values():
            stream.give_up_waiting(now)


def _checked(streams: Mapping[str, StreamSettings]) -> Mapping[str, StreamSettings]:
    """The further streams. Raises ConfigurationError when they cannot be distinguished from the ultrasound stream."""
    if ULTRASOUND in streams:
        raise ConfigurationError(f"The stream '{ULTRASOUND}' has options of its own; give the others other names.")
    for name, settings in streams.items():
        if settings.image_name is None:
            raise ConfigurationError(f"The stream '{name}' needs the name of the images that it is to take.")
    return streams
