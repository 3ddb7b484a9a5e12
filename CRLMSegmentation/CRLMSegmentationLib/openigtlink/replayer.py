"""Serves a recorded sweep over OpenIGTLink as PLUS would: a server for tests, demonstrations and research."""

from __future__ import annotations

import queue
import socket
import threading
import time
from typing import Iterator

import numpy as np

from ..errors import ConfigurationError, StreamError
from ..sweep import Sweep, TrackedFrame
from ..sweep.transforms import compose, split_transform_name
from .conversion import image_message, transform_message

MODES = ("image_reference", "image_image")
_QUEUE_MESSAGES = 64
_PATIENCE_FAST_S, _PATIENCE_LIVE_S = 10.0, 1.0
_POLL_S = 0.1


class _Client:
    """One connected peer with a bounded queue and a thread of its own, so that a slow one holds up nobody else."""

    def __init__(self, connection: socket.socket, address):
        self.address = address
        self.alive = True
        self._connection = connection
        self._queue: queue.Queue[bytes | None] = queue.Queue(_QUEUE_MESSAGES)
        self._thread = threading.Thread(target=self._send, name="OpenIGTLink client", daemon=True)
        self._thread.start()

    def put(self, data: bytes | None, patience_s: float) -> None:
        """Queue `data` (None closes after all that was queued); a peer that is stuck for `patience_s` is let go."""
        try:
            self._queue.put(data, timeout=patience_s)
        except queue.Full:
            self.close()

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def close(self) -> None:
        self.alive = False
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._connection.close()

    def _send(self) -> None:
        try:
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (data := self._queue.get()) is not None:
                self._connection.sendall(data)
            self._connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        finally:
            self.alive = False
            self._connection.close()


class Replayer:
    """An OpenIGTLink server that sends the frames of a sweep.

    mode      'image_reference': images named Image_Reference carry their pose, as PLUS sends with EmbeddedTransform;
              'image_image': images named Image_Image come with a transform ImageToReference
    speed     1 for the recorded rate, 2 for twice that ...; None as fast as the clients take it
    loop      start again after the last frame, with timestamps that go on
    wait_for_client   hold the first frame until somebody is there

    `port` is the one that is really used, also when 0 was asked for.
    A frame without a valid pose goes out as Image_Image without transform, whatever the mode. Tools go out as
    `<Tool>ToReference` when their pose was valid. After the last frame the connections are closed in order.
    """

    def __init__(
        self,
        sweep: Sweep,
        port: int = 18944,
        host: str = "127.0.0.1",
        mode: str = "image_image",
        speed: float | None = 1.0,
        loop: bool = False,
        wait_for_client: bool = True,
        reference: str = "Reference",
    ):
        if mode not in MODES:
            raise ConfigurationError(f"The replay mode is '{mode}'; it must be one of {', '.join(MODES)}.")
        if speed is not None and not speed > 0:
            raise ConfigurationError(f"The replay speed is {speed}; it must be greater than 0.")
        self._sweep, self._mode, self._speed, self._loop = sweep, mode, speed, loop
        self._wait_for_client, self._reference = wait_for_client, reference
        self._clients: list[_Client] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._finished = threading.Event()
        self.frames_sent = 0
        try:
            self._server = socket.create_server((host, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise StreamError(
                f"Port {port} on {host} cannot be used ({reason}); stop the program that has it or choose another port."
            ) from None
        self._server.settimeout(_POLL_S)
        self.port = self._server.getsockname()[1]
        self._threads = [
            threading.Thread(target=self._accept, name="OpenIGTLink server", daemon=True),
            threading.Thread(target=self._replay, name="OpenIGTLink replay", daemon=True),
        ]

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def client_count(self) -> int:
        with self._lock:
            return sum(client.alive for client in self._clients)

    def start(self) -> Replayer:
        for thread in self._threads:
            thread.start()
        return self

    def wait(self, timeout_s: float | None = None) -> bool:
        """True once the last frame was sent and the connections were closed."""
        return self._finished.wait(timeout_s)

    def stop(self) -> None:
        """Close everything at once."""
        self._stopping.set()
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            client.close()
            client.put(None, 0)
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self._server.close()

    def _accept(self) -> None:
        while not self._stopping.is_set() and not self._finished.is_set():
            try:
                connection, address = self._server.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            connection.settimeout(None)
            with self._lock:
                self._clients = [client for client in self._clients if client.alive]
                self._clients.append(_Client(connection, address))

    def _replay(self) -> None:
        while self._wait_for_client and not self.client_count and not self._stopping.is_set():
            self._stopping.wait(0.01)
        started = time.monotonic()
        for offset, elapsed, frame in self._timeline():
            if self._speed is not None:
                self._stopping.wait(max(0.0, started + elapsed / self._speed - time.monotonic()))
            if self._stopping.is_set():
                break
            data = b"".join(message.pack() for message in self.messages(frame, offset))
            self._send(data)
            self.frames_sent += 1
        # Nobody may connect any more: a client that comes back after the end would wait for nothing.
        self._server.close()
        with self._lock:
            clients = [client for client in self._clients if client.alive]
        for client in clients:
            client.put(None, self._patience_s)
        for client in clients:
            client.join(self._patience_s)
            client.close()
        self._finished.set()

    @property
    def _patience_s(self) -> float:
        return _PATIENCE_LIVE_S if self._speed is not None else _PATIENCE_FAST_S

    def _send(self, data: bytes) -> None:
        with self._lock:
            clients = [client for client in self._clients if client.alive]
        for client in clients:
            client.put(data, self._patience_s)

    def _timeline(self) -> Iterator[tuple[float, float, TrackedFrame]]:
        """(seconds added to the timestamp, seconds since the start, frame), for ever when looping."""
        times = np.array([frame.timestamp for frame in self._sweep.frames], dtype=np.float64)
        steps = np.diff(times, prepend=times[0])
        usual = float(np.median(steps[1:])) if len(steps) > 1 else 0.1
        # A clock that jumps or is missing must not stop the replay.
        good = np.isfinite(steps) & (steps >= 0) & (steps < 10)
        steps = np.where(good, steps, usual if 0 < usual < 10 else 0.1)
        elapsed = np.cumsum(steps)
        once = float(elapsed[-1] + max(usual, 1e-3)) if np.isfinite(usual) else float(elapsed[-1] + 0.1)
        turn = 0
        while True:
            for number, frame in enumerate(self._sweep.frames):
                yield turn * once, turn * once + float(elapsed[number]), frame
            if not self._loop:
                return
            turn += 1

    def messages(self, frame: TrackedFrame, offset_s: float = 0.0) -> list:
        """The OpenIGTLink messages of one frame, all with its timestamp plus `offset_s`."""
        timestamp = max(0.0, frame.timestamp if np.isfinite(frame.timestamp) else 0.0) + offset_s
        tracked = frame.valid and frame.image_to_reference is not None
        if tracked and self._mode == "image_reference":
            messages = [image_message(frame.pixels, frame.image_to_reference, f"Image_{self._reference}", timestamp)]
        else:
            messages = [image_message(frame.pixels, np.eye(4), "Image_Image", timestamp)]
            if tracked:
                name = f"ImageTo{self._reference}"
                messages.append(transform_message(frame.image_to_reference, name, timestamp))
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
