"""A thread that takes frames of a video as they come, has landmarks found in them, and draws."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ...errors import CRLMError
from ...laparoscopy.picture import DARK, INTERLACED, NO_LANDMARK, check_picture, is_dark
from ...values.camera_on_sensor import CameraOnSensor
from ...values.landmarks import Polyline
from ...words import tr
from .aligned_model import Aligned
from .shown_frame import SWITCHES, Registered, ShownFrame, drawn_over
from .video_sources import FrameFeed, VideoFrame

if TYPE_CHECKING:
    from ...laparoscopy.network.landmark_finder import FoundLandmarks

_logger = logging.getLogger(__name__)
_RATE_OVER_S, _LOOK_EVERY_S = 2.0, 0.1


class Finder(Protocol):
    """Finds landmarks in a picture, such as a LandmarkFinder."""

    def find(self, picture: np.ndarray) -> FoundLandmarks: ...


class VideoWorker:
    """Runs until close(). At the end of a video, and while none comes, its last frame is drawn anew when something that
    is drawn over it has changed.

    finder      begins what finds landmarks; called in the thread, since a network takes seconds to load. Returns it and
                what ends it
    registered  drawn over the frames; set from outside
    aligned     the model where a person has laid it: drawn in place of it, over the frame that is shown, which stays
                meanwhile; set from outside
    shown       which of SWITCHES are drawn; set from outside
    on_sensor   where the camera sits on the sensor of a tracked scope, by which the registration follows it; None: it
                is not tracked; set from outside
    problem     why no landmarks are looked for, or why the video ended; ''
    unshown     why the last frame could not be shown; ''
    """

    def __init__(
        self,
        feed: FrameFeed,
        finder: Callable[[], tuple[Finder, Callable[[], None]]] | None,
        shown: frozenset[str] = frozenset(SWITCHES),
    ) -> None:
        self.registered: Registered | None = None
        self.aligned: Aligned | None = None
        self.on_sensor: CameraOnSensor | None = None
        self.shown = shown
        self.problem = self.unshown = ""
        self.is_starting = finder is not None
        self._feed, self._begin = feed, finder
        self._newest: ShownFrame | None = None
        self._times: deque[float] = deque(maxlen=240)
        self._drawn: tuple[object, ...] = ()
        self._finder: Finder | None = None
        self._end_finder: Callable[[], None] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="laparoscope", daemon=True)
        self._thread.start()

    @property
    def feed(self) -> FrameFeed:
        return self._feed

    @property
    def newest(self) -> ShownFrame | None:
        """The last frame that was drawn; None before the first."""
        return self._newest

    @property
    def frames_per_second(self) -> float:
        """Of those that were drawn within the last two seconds."""
        now = time.monotonic()
        return sum(now - one <= _RATE_OVER_S for one in list(self._times)) / _RATE_OVER_S

    @property
    def is_playing(self) -> bool:
        """More frames may come."""
        return self._thread.is_alive() and not self._feed.has_ended

    @property
    def waiting_for(self) -> str:
        """Why no frame comes; '' when that is not known."""
        return self._feed.waiting_for

    def close(self, timeout_s: float = 10.0) -> None:
        """End it, and wait until the thread is gone."""
        self._stopping.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        loading: threading.Thread | None = None
        if self._begin is not None:
            loading = threading.Thread(target=self._load, name="landmarks", daemon=True)
            loading.start()
        try:
            while not self._stopping.is_set():
                frame = self._next()
                if frame is not None and not (self.aligned is not None and self._newest is not None):
                    self._show_if_possible(frame)
                elif self._newest is not None and self._is_to_be_drawn_anew(self._newest):
                    self._show(self._newest.frame)
        except Exception:
            _logger.exception("The video of the laparoscope has ended.")
            self.problem = tr("The video has ended, and it is a fault of this program; the log says more.")
        finally:
            self._feed.close()
            if loading is not None:
                loading.join()
            if self._end_finder is not None:
                self._end_finder()

    def _next(self) -> VideoFrame | None:
        """The next frame; a video that cannot be read on is at its end."""
        if self._feed.has_ended:
            self._stopping.wait(_LOOK_EVERY_S)
            return None
        try:
            return self._feed.next()
        except CRLMError as error:
            self.problem = str(error)
            self._feed.close()
            return None

    def _is_to_be_drawn_anew(self, newest: ShownFrame) -> bool:
        """The network has become ready, or something else is drawn over the frame now, or fainter."""
        is_new = self._finder is not None and newest.network_ms is None
        return is_new or self._drawn != self._drawing(newest.frame, time.monotonic())

    def _drawing(self, frame: VideoFrame, now_s: float) -> tuple[object, ...]:
        registered, aligned = self.registered, self.aligned
        if registered is not None and registered.pose_in(frame, self.on_sensor) is not None:
            return aligned or registered, self.shown, self.on_sensor
        strength = 0.0 if registered is None else registered.strength(now_s, frame)
        return aligned or (registered if strength > 0 else None), self.shown, round(strength, 1)

    def _load(self) -> None:
        assert self._begin is not None
        try:
            self._finder, self._end_finder = self._begin()
        except CRLMError as error:
            self.problem = str(error)
        self.is_starting = False

    def _show_if_possible(self, frame: VideoFrame) -> None:
        """A frame that cannot be shown is left out, and why is said; the video goes on."""
        try:
            self._show(frame)
        except CRLMError as error:
            self.unshown = str(error)
        else:
            self.unshown = ""
            self._times.append(time.monotonic())

    def _show(self, frame: VideoFrame) -> None:
        check_picture(frame.picture)
        newest, now_s = self._newest, time.monotonic()
        if newest is not None and newest.frame is frame and newest.network_ms is not None:
            # What was found in it stays.
            self._newest = replace(newest, picture=self._drawn_over(frame, newest.lines, now_s))
            return
        found: FoundLandmarks | None = None
        if self._finder is not None:
            try:
                found = self._finder.find(frame.picture)
            except CRLMError as error:
                # The video goes on without landmarks.
                self.problem, self._finder = str(error), None
        lines = () if found is None else tuple(found.lines)
        picture = self._drawn_over(frame, lines, time.monotonic())
        network_ms, post_ms = (None, None) if found is None else (found.network_ms, found.post_ms)
        self._newest = ShownFrame(frame, lines, picture, network_ms, post_ms, _doubts(frame, found))

    def _drawn_over(self, frame: VideoFrame, lines: tuple[Polyline, ...], now_s: float) -> np.ndarray:
        self._drawn = self._drawing(frame, now_s)
        registered = self.registered
        there = None if registered is None else registered.in_frame(frame, self.on_sensor)
        return drawn_over(frame, lines, self.aligned or there, self.shown, now_s)


def _doubts(frame: VideoFrame, found: FoundLandmarks | None) -> tuple[str, ...]:
    """What speaks against a frame and what was found in it."""
    if is_dark(frame.picture):
        return (tr(DARK),)
    if found is None:
        return ()
    seen = () if found.lines else (tr(NO_LANDMARK),)
    return (*seen, tr(INTERLACED)) if found.is_interlaced else seen
