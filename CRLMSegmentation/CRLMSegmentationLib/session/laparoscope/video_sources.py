"""A laparoscope's video from a file, at its own pace; what happens now comes from live_feeds."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from ...errors import LaparoscopeError
from ...laparoscopy.camera.opencv import opencv
from ...laparoscopy.video import FRAME_NAME, VideoSource, pictures_of, video_source
from ...sweep.sequence_files.sequence_reader import SequenceReader
from ...sweep.tracked_frame import TrackedFrame
from ...words import tr

# Pictures of a folder follow each other at this pace; a video that does not say when its frames are due has the other.
_PICTURES_EVERY_S, _FRAMES_EVERY_S = 0.5, 0.04
# A frame that is due longer ago than this is left out.
_LATE_S = 0.1
LONGEST_WAIT_S = 0.2


@dataclass(frozen=True, eq=False)
class VideoFrame:
    """name of the frame in its source; picture (v, u[, 3]); came_s by the clock time.monotonic(); of a stream the frame
    with its time and the poses that were measured then.
    """

    name: str
    picture: np.ndarray
    came_s: float
    tracked: TrackedFrame | None = None


class FrameFeed(Protocol):
    """Frames of a video, the newest first: what came before one that was taken is left out."""

    @property
    def title(self) -> str:
        """For people: which video."""

    @property
    def has_ended(self) -> bool:
        """No frame comes any more."""

    @property
    def waiting_for(self) -> str:
        """Why no frame comes, as a sentence; '' when that is not known."""

    def next(self) -> VideoFrame | None:
        """The next frame; None when none came within 0.2 s. Raises LaparoscopeError when it cannot be read."""

    def close(self) -> None:
        """Release the file or the connection."""


class FileFeed:
    """A video, a recording, a picture, or a folder of pictures. Raises LaparoscopeError for what is none of these."""

    waiting_for = ""

    def __init__(self, path: str | Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._source, self._clock = video_source(path), clock
        self.title = Path(path).name
        self.has_ended = False
        self._frames = _frames_of(self._source)
        self._began_s: float | None = None
        self._waiting: _Due | None = None

    @property
    def source(self) -> VideoSource:
        """What is played."""
        return self._source

    def next(self) -> VideoFrame | None:
        """See FrameFeed."""
        while not self.has_ended:
            now = self._clock()
            if self._began_s is None:
                self._began_s = now
            if self._waiting is None:
                self._waiting = next(self._frames, None)
                if self._waiting is None:
                    self.has_ended = True
                    break
            due_s, name, decode = self._waiting
            early_s = due_s - (now - self._began_s)
            if early_s > LONGEST_WAIT_S:
                time.sleep(LONGEST_WAIT_S)
                return None
            if early_s > 0:
                time.sleep(early_s)
            self._waiting = None
            picture = decode() if early_s > -_LATE_S else None
            if isinstance(picture, TrackedFrame):
                return VideoFrame(name, picture.pixels, self._clock(), picture)
            if picture is not None:
                return VideoFrame(name, picture, self._clock())
        return None

    def close(self) -> None:
        """See FrameFeed."""
        self.has_ended = True
        self._frames.close()  # type: ignore[attr-defined]  # generators have it


_Due = tuple[float, str, Callable[[], "np.ndarray | TrackedFrame | None"]]


def _frames_of(source: VideoSource) -> Iterator[_Due]:
    if source.video is None:
        return _pictures(source)
    return _recorded(source.video) if source.is_recording else _video_frames(source.video)


def _recorded(path: Path) -> Iterator[_Due]:
    """The frames of a recording at the times at which they were measured."""
    due_s, first_s = -_FRAMES_EVERY_S, math.nan
    for number, frame in enumerate(SequenceReader(path, keep_color=True)):
        first_s = frame.timestamp if math.isnan(first_s) else first_s
        later_s = frame.timestamp - first_s
        due_s = later_s if later_s > due_s else due_s + _FRAMES_EVERY_S
        yield due_s, FRAME_NAME.format(number), partial(_same, frame)


def _same(frame: TrackedFrame) -> TrackedFrame:
    return frame


def _pictures(source: VideoSource) -> Iterator[_Due]:
    for number, (name, picture) in enumerate(pictures_of(source)):
        yield number * _PICTURES_EVERY_S, name, partial(np.asarray, picture)


def _video_frames(path: Path) -> Iterator[_Due]:
    """When each frame is due after the first, by its own time: videos of many devices change their rate."""
    cv2 = opencv()
    capture = cv2.VideoCapture(str(path))
    number, due_s, first_s = 0, -_FRAMES_EVERY_S, 0.0

    def decode() -> np.ndarray | None:
        was_read, frame = capture.retrieve()
        if not was_read:
            return None
        return np.asarray(frame[..., ::-1] if frame.ndim == 3 else frame)

    try:
        while capture.grab():
            at_s = float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
            first_s = at_s if number == 0 else first_s
            later_s = at_s - first_s
            due_s = later_s if later_s > due_s else due_s + _FRAMES_EVERY_S
            yield due_s, FRAME_NAME.format(number), decode
            number += 1
    finally:
        capture.release()
    if number == 0:
        raise LaparoscopeError(
            tr("No frame of {name} can be read: it is damaged, or of a kind unknown here.", name=path.name)
        )
