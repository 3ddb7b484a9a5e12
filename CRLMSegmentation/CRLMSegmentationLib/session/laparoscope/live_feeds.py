"""Video as it happens: a colour stream over OpenIGTLink, and a capture device of this computer."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np

from ...errors import ConfigurationError, LaparoscopeError
from ...laparoscopy.camera.opencv import opencv
from ...laparoscopy.video import FRAME_NAME
from ...sweep.recorder import Recorder
from ...sweep.tracked_frame import TrackedFrame
from ...tracking.image_stream import StreamSettings
from ...tracking.receiver import Receiver
from ...words import tr
from .video_sources import LONGEST_WAIT_S, VideoFrame

STREAM = "laparoscope"
MOST_DEVICES = 64
_QUEUE_BYTES = 256 << 20


class LiveFeed:
    """What both have in common: their frames can be recorded, also those that are not shown.

    title  of the video
    """

    title = ""

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._number = 0
        self._recorder: Recorder | None = None
        self._recording = threading.Lock()

    @property
    def has_ended(self) -> bool:
        """See FrameFeed."""
        return self._closed.is_set()

    @property
    def dropped(self) -> int:
        """Frames that were lost because they came faster than they were taken."""
        return 0

    def record(self, recorder: Recorder | None) -> None:
        """Give every frame to `recorder` from now on; None ends that."""
        with self._recording:
            self._recorder = recorder

    def _recorded(self, frames: list[TrackedFrame]) -> None:
        with self._recording:
            if self._recorder is not None:
                for one in frames:
                    self._recorder.add(one)

    def _shown(self, frame: TrackedFrame) -> VideoFrame:
        self._number += 1
        return VideoFrame(FRAME_NAME.format(self._number), frame.pixels, time.monotonic(), frame)


class StreamFeed(LiveFeed):
    """The images of that name of an OpenIGTLink server, in colour. Raises StreamError for a port that is none."""

    def __init__(self, host: str, port: int, image_name: str) -> None:
        super().__init__()
        settings = StreamSettings(image_name, keep_color=True, queue_bytes=_QUEUE_BYTES)
        self._receiver = Receiver(host, port, streams={STREAM: settings}, queue_bytes=_QUEUE_BYTES // 32)
        self._name = image_name
        self._stream = self._receiver.streams[STREAM]
        self.title = tr("{image_name} from {host}:{port}", image_name=image_name, host=host, port=port)
        self._receiver.start()

    @property
    def dropped(self) -> int:
        """See LiveFeed."""
        return self._stream.status.dropped

    @property
    def waiting_for(self) -> str:
        """See FrameFeed."""
        receiver, status = self._receiver, self._stream.status
        if not status.connected:
            lost = tr("was lost and is looked for") if status.connections else tr("is looked for")
            why = f" ({status.problem.rstrip('.')})" if status.problem else ""
            return tr("The server at {address} {lost}{why}.", address=receiver.address, lost=lost, why=why)
        if status.image_problem:
            return f"{self.title}: {status.image_problem}."
        if status.problem and not status.frames:
            return status.problem
        others = [name for name in receiver.ultrasound.status.image_names if name not in status.image_names]
        if others and not status.frames:
            return tr(
                "The server sends images called {others}, and none called {name}.",
                others=", ".join(others),
                name=self._name,
            )
        return ""

    def next(self) -> VideoFrame | None:
        """See FrameFeed."""
        frame = self._stream.get(LONGEST_WAIT_S)
        frames = ([] if frame is None else [frame]) + self._stream.poll()
        self._receiver.ultrasound.clear()
        self._recorded(frames)
        return self._shown(frames[-1]) if frames else None

    def close(self) -> None:
        """See FrameFeed."""
        self._closed.set()
        self._receiver.stop()


class DeviceFeed(LiveFeed):
    """A capture device, such as a grabber at the video tower, by its number; poses do not come with it.

    It is read in a thread of its own, so that what the device keeps back does not make the video late. Raises
    ConfigurationError for a number that is none.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        if not 0 <= number < MOST_DEVICES:
            raise ConfigurationError(
                tr(
                    "A capture device has a number from 0 to {most_devices}, not {number}.",
                    most_devices=MOST_DEVICES - 1,
                    number=number,
                )
            )
        self._device, self.title = number, tr("Capture device {number}", number=number)
        self.waiting_for = tr("The capture device {number} is being opened.", number=number)
        self._newest: TrackedFrame | None = None
        self._problem: Exception | None = None
        self._came = threading.Condition()
        self._thread = threading.Thread(target=self._read_all, name="capture device", daemon=True)
        self._thread.start()

    def next(self) -> VideoFrame | None:
        """See FrameFeed."""
        with self._came:
            self._came.wait_for(lambda: self._newest is not None or self._problem is not None, LONGEST_WAIT_S)
            frame, self._newest = self._newest, None
            problem = self._problem
        if frame is None and problem is not None:
            raise problem
        return None if frame is None else self._shown(frame)

    def close(self) -> None:
        """See FrameFeed."""
        self._closed.set()
        self._thread.join(2.0)

    def _read_all(self) -> None:
        try:
            self._read(opencv())
        except Exception as error:
            with self._came:
                self._problem = error
                self._came.notify_all()

    def _read(self, cv2: Any) -> None:
        capture = cv2.VideoCapture(self._device)
        try:
            if not capture.isOpened():
                raise LaparoscopeError(
                    tr(
                        "The capture device {device} cannot be opened: is it plugged in, and does no other "
                        "program use it?",
                        device=self._device,
                    )
                )
            self.waiting_for = tr("The capture device {device} gives no picture yet.", device=self._device)
            while not self._closed.is_set():
                was_read, picture = capture.read()
                if not was_read:
                    raise LaparoscopeError(
                        tr(
                            "The capture device {device} gives no more pictures: was it unplugged, or the camera "
                            "switched off?",
                            device=self._device,
                        )
                    )
                pixels = np.ascontiguousarray(picture[..., ::-1] if picture.ndim == 3 else picture)
                frame = TrackedFrame(pixels, None, time.time(), valid=False)
                self._recorded([frame])
                with self._came:
                    self._newest = frame
                    self._came.notify_all()
        finally:
            capture.release()
