"""Serves a recorded sweep over OpenIGTLink as PLUS would: a server for tests, demonstrations and research."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
from pyigtl import MessageBase, TransformMessage

from ...errors import ConfigurationError
from ...sweep import Sweep, TrackedFrame
from ...sweep.transforms import compose, split_transform_name
from ...words import tr
from ..openigtlink.commands import Command, CommandReply
from ..openigtlink.conversion import image_message, transform_message
from ..openigtlink.image_message import ImageMessage
from ..openigtlink.messages import TrackingDataMessage
from ..openigtlink.port import DEFAULT_PORT
from ..openigtlink.server import Server
from .replay_times import replay_times

MODES = ("image_reference", "image_image")
# How long the fastest replay waits for its slowest client.
_PATIENCE_S = 10.0


class Replayer:
    """An OpenIGTLink server that sends the frames of a sweep.

    mode      'image_reference': images named Image_Reference carry their pose, as PLUS sends with EmbeddedTransform;
              'image_image': images named Image_Image come with a transform ImageToReference
    speed     1 for the recorded rate, 2 for twice that ...; None as fast as the clients take it. Below 1 the timestamps
              are drawn out as well: what comes later and later against its timestamps is old
    loop      start again after the last frame, with timestamps that go on
    wait_for_client   hold the first frame until somebody is there
    close_at_end      close the connections in order after the last frame; otherwise stay, silent but for STATUS
    on_command        answers commands; None refuses them, as a recording can do nothing

    A frame without a valid pose goes out as Image_Image without transform, whatever the mode: PLUS leaves out what is
    not valid. Tools go out as `<Tool>ToReference` when their pose was valid. At the recorded rate a client that cannot
    keep up is released, and the others lose nothing; without a rate all wait for the slowest, but not for ever.

    Frames without pixels, of a tracker alone, go out as transforms only.

    A client that asks for tracking data (STT_TDATA) gets the tools as TDATA beside them; GET_IMAGE, GET_TRANS and
    GET_TDATA are answered with the newest.
    """

    def __init__(
        self,
        sweep: Sweep,
        port: int = DEFAULT_PORT,
        host: str = "127.0.0.1",
        mode: str = "image_image",
        speed: float | None = 1.0,
        loop: bool = False,
        wait_for_client: bool = True,
        reference: str = "Reference",
        close_at_end: bool = True,
        on_command: Callable[[Command], CommandReply] | None = None,
    ) -> None:
        if mode not in MODES:
            raise ConfigurationError(
                tr("The replay mode is '{mode}'; it must be one of {modes}.", mode=mode, modes=", ".join(MODES))
            )
        if speed is not None and not (np.isfinite(speed) and speed > 0):
            raise ConfigurationError(tr("The replay speed is {speed}; it must be greater than 0.", speed=speed))
        if not len(sweep):
            raise ConfigurationError(tr("The sweep has no frame: there is nothing to replay."))
        if sweep.frames[0].pixels.dtype.newbyteorder("=") not in ImageMessage.scalar_types.values():
            raise ConfigurationError(
                tr(
                    "Frames of {dtype} cannot be sent over OpenIGTLink; convert them to uint8.",
                    dtype=sweep.frames[0].pixels.dtype,
                )
            )
        self._sweep, self._mode, self._speed, self._loop = sweep, mode, speed, loop
        self._wait_for_client, self._close_at_end, self._reference = wait_for_client, close_at_end, reference
        self._stopping = threading.Event()
        self._finished = threading.Event()
        self._times = replay_times(sweep.frames)
        self.frames_sent = 0
        self._newest: list[MessageBase] = []
        self._server = Server(host, port, on_command, on_message=self._answer)
        self._thread = threading.Thread(target=self._replay, name="OpenIGTLink replay", daemon=True)

    def __enter__(self) -> Replayer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port that is really used, also when 0 was asked for."""
        return self._server.port

    @property
    def client_count(self) -> int:
        return self._server.client_count

    @property
    def released_clients(self) -> int:
        """Clients that did not take what they were sent."""
        return self._server.released_clients

    @property
    def note(self) -> str:
        """A sentence when the frames are sent with other times than they were recorded with; '' otherwise."""
        return self._times.note

    def start(self) -> Replayer:
        self._server.start()
        self._thread.start()
        return self

    def wait(self, timeout_s: float | None = None) -> bool:
        """True once the last frame was sent (and the connections were closed, unless they are to stay)."""
        return self._finished.wait(timeout_s)

    def stop(self) -> None:
        """Close everything at once."""
        self._stopping.set()
        self._server.stop()
        if self._thread.is_alive():
            self._thread.join()

    def _replay(self) -> None:
        if self._wait_for_client:
            self._server.wait_for_client()
        started = time.monotonic()
        for timestamp, elapsed, frame in self._timeline():
            if self._speed is not None:
                self._stopping.wait(max(0.0, started + elapsed / self._speed - time.monotonic()))
            else:
                self._server.wait_for_room(_PATIENCE_S)
            if self._stopping.is_set():
                return
            messages = self.messages(frame, timestamp)
            self._newest = messages
            self._server.send(messages, self._tracking_data(messages) if self._server.wants_tracking_data else None)
            self.frames_sent += 1
        if self._close_at_end:
            self._server.finish(_PATIENCE_S)
        self._finished.set()

    def _timeline(self) -> Iterator[tuple[float, float, TrackedFrame]]:
        """(timestamp, seconds since the start, frame), for ever when looping."""
        times, turn = self._times, 0
        slower = max(0.0, 1 / self._speed - 1) if self._speed is not None else 0.0
        while True:
            for stamp_s, elapsed_s, frame in zip(times.stamps_s, times.elapsed_s, self._sweep.frames):
                since_s = turn * times.once_s + float(elapsed_s)
                yield float(stamp_s) + turn * times.once_s + since_s * slower, since_s, frame
            if not self._loop:
                return
            turn += 1

    def _answer(self, message: MessageBase) -> list[MessageBase]:
        """What a GET_ message asks for, of the newest frame."""
        wanted = getattr(message, "wanted_type", None)
        found = [one for one in self._newest if message.device_name in ("", one.device_name)]
        if wanted == "TDATA":
            return [self._tracking_data(self._newest)]
        return [one for one in found if one.message_type == wanted]

    @staticmethod
    def _tracking_data(messages: list[MessageBase]) -> TrackingDataMessage:
        """The transforms among `messages` as one TDATA."""
        poses = [(one.device_name, one.matrix) for one in messages if isinstance(one, TransformMessage)]
        timestamp = messages[0].timestamp if messages else None
        data = TrackingDataMessage(poses, timestamp=timestamp, device_name="TrackingData")
        # As PLUS has it: the message cuts names to 20 characters, the metadata give them whole.
        data.metadata = {f"{name}Index": str(number) for number, (name, _) in enumerate(poses)}
        return data

    def messages(self, frame: TrackedFrame, timestamp: float) -> list[MessageBase]:
        """The OpenIGTLink messages of one frame, all with this timestamp."""
        matrix = frame.image_to_reference if frame.valid else None
        messages: list[MessageBase] = []
        if not frame.pixels.size:
            # Of a tracker alone.
            pass
        elif matrix is not None and self._mode == "image_reference":
            messages = [image_message(frame.pixels, matrix, f"Image_{self._reference}", timestamp)]
        else:
            messages = [image_message(frame.pixels, np.eye(4), "Image_Image", timestamp)]
            if matrix is not None:
                name = f"ImageTo{self._reference}"
                messages.append(transform_message(matrix, name, timestamp))
        tools = {split_transform_name(name)[0] for name in frame.transforms} - {"Image", self._reference}
        for tool in sorted(tools):
            pose = compose(frame.transforms, tool, self._reference)
            if pose is not None and pose.valid and np.isfinite(pose.matrix).all():
                messages.append(transform_message(pose.matrix, f"{tool}To{self._reference}", timestamp))
            elif pose is None and (own := next((n for n in frame.transforms if n.startswith(f"{tool}To")), None)):
                # A calibration such as StylusTipToStylus leads to no reference by itself; it goes out as it is.
                if frame.transforms[own].valid:
                    messages.append(transform_message(frame.transforms[own].matrix, own, timestamp))
        return messages
