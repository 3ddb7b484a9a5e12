"""Takes frames of a video as they come, has landmarks found in them, and draws: each in a thread of its own, so that a
frame is drawn while landmarks are found in the next. The next one is the newest that there is once the one before it is
being drawn: none is found for nothing, and none waits for long.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ...errors import CRLMError
from ...laparoscopy.picture import DARK, INTERLACED, NO_LANDMARK, check_picture, is_dark
from ...values.camera_on_sensor import CameraOnSensor
from ...values.landmarks import Polyline
from ...words import tr
from .aligned_model import Aligned
from .one_place import OnePlace
from .shown_frame import SWITCHES, Registered, ShownFrame, drawn_over
from .video_sources import FrameFeed, VideoFrame

if TYPE_CHECKING:
    from ...laparoscopy.network.landmark_finder import FoundLandmarks

_logger = logging.getLogger(__name__)
_RATE_OVER_S, _LOOK_EVERY_S = 2.0, 0.1
# So often it is looked whether something else is to be drawn over the frame that is shown.
_ANEW_EVERY_S = 0.03
# The model is seen from where two frames were taken at the same time: the one that is drawn, and the next.
_VIEWS = 2
_FAULT = "The video of the laparoscope has ended."


class Finder(Protocol):
    """Finds landmarks in a picture, such as a LandmarkFinder."""

    def find(self, picture: np.ndarray) -> FoundLandmarks: ...


@dataclass(frozen=True, eq=False)
class _Following:
    """A registration as it lies in a frame of a tracked scope, while it is being computed."""

    registered: Registered
    on_sensor: CameraOnSensor | None
    there: Future[Registered]


@dataclass(frozen=True, eq=False)
class _Looked:
    """A frame that landmarks were looked for in; found is None where no network is ready, problem '' or why the frame
    cannot be shown.
    """

    frame: VideoFrame
    found: FoundLandmarks | None = None
    following: _Following | None = None
    problem: str = ""


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
        self._looked: OnePlace[_Looked] = OnePlace()
        self._views = ThreadPoolExecutor(_VIEWS, thread_name_prefix="laparoscope view")
        self._thread = threading.Thread(target=self._look, name="laparoscope", daemon=True)
        self._drawer = threading.Thread(target=self._draw, name="laparoscope drawing", daemon=True)
        self._thread.start()
        self._drawer.start()

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
        """More frames may come, or are being drawn."""
        return self._thread.is_alive() and not (self._feed.has_ended and self._looked.is_idle)

    @property
    def waiting_for(self) -> str:
        """Why no frame comes; '' when that is not known."""
        return self._feed.waiting_for

    def close(self, timeout_s: float = 10.0) -> None:
        """End it, and wait until its threads are gone."""
        self._stopping.set()
        self._thread.join(timeout_s)
        self._drawer.join(timeout_s)
        self._views.shutdown(wait=False, cancel_futures=True)

    def _look(self) -> None:
        loading: threading.Thread | None = None
        if self._begin is not None:
            loading = threading.Thread(target=self._load, name="landmarks", daemon=True)
            loading.start()
        try:
            while not self._stopping.is_set():
                if not self._looked.is_free(_LOOK_EVERY_S):
                    continue
                frame, newest = self._next(), self._newest
                is_ready = self._finder is not None
                if frame is not None and not self._is_held(frame):
                    self._look_at(frame)
                elif newest is not None and newest.network_ms is None and is_ready and self._looked.is_idle:
                    # The network has become ready.
                    self._look_at(newest.frame)
        except Exception:
            _logger.exception(_FAULT)
            self._fail()
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

    def _is_held(self, frame: VideoFrame) -> bool:
        """Another frame stays, over which a person lays the model."""
        newest = self._newest
        return self.aligned is not None and newest is not None and newest.frame is not frame

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

    def _look_at(self, frame: VideoFrame) -> None:
        """Have its landmarks found, while the model is seen from where it was taken, and hand it on to be drawn."""
        try:
            check_picture(frame.picture)
        except CRLMError as error:
            self._looked.put(_Looked(frame, problem=str(error)))
            return
        following = self._follow(frame)
        found: FoundLandmarks | None = None
        if self._finder is not None:
            try:
                found = self._finder.find(frame.picture)
            except CRLMError as error:
                # The video goes on without landmarks.
                self.problem, self._finder = str(error), None
        self._looked.put(_Looked(frame, found, following))

    def _follow(self, frame: VideoFrame) -> _Following | None:
        registered, on_sensor = self.registered, self.on_sensor
        if registered is None or registered.pose_in(frame, on_sensor) is None:
            return None
        return _Following(registered, on_sensor, self._views.submit(registered.in_frame, frame, on_sensor))

    def _draw(self) -> None:
        try:
            while not self._stopping.is_set():
                looked = self._looked.take(_ANEW_EVERY_S)
                if looked is not None:
                    self._show_if_possible(looked)
                    self._looked.done()
                elif self._newest is not None:
                    self._show_anew(self._newest)
        except Exception:
            _logger.exception(_FAULT)
            self._fail()

    def _show_if_possible(self, looked: _Looked) -> None:
        """A frame that cannot be shown is left out, and why is said; the video goes on."""
        try:
            if looked.problem:
                self.unshown = looked.problem
            elif not self._is_held(looked.frame):
                self._show(looked)
        except CRLMError as error:
            self.unshown = str(error)

    def _show(self, looked: _Looked) -> None:
        frame, found = looked.frame, looked.found
        lines = () if found is None else tuple(found.lines)
        picture = self._drawn_over(frame, lines, looked.following)
        if self._is_held(frame):
            return
        is_new = self._newest is None or self._newest.frame is not frame
        network_ms, post_ms = (None, None) if found is None else (found.network_ms, found.post_ms)
        late_ms = 1000 * (time.monotonic() - frame.came_s) if is_new else None
        self._newest = ShownFrame(frame, lines, picture, network_ms, post_ms, _doubts(frame, found), late_ms)
        self.unshown = ""
        if is_new:
            self._times.append(time.monotonic())

    def _show_anew(self, newest: ShownFrame) -> None:
        """Where something else is drawn over the frame now, or fainter; what was found in it stays."""
        if self._drawn != self._drawing(newest.frame, time.monotonic()):
            self._newest = replace(newest, picture=self._drawn_over(newest.frame, newest.lines))

    def _drawn_over(
        self, frame: VideoFrame, lines: tuple[Polyline, ...], following: _Following | None = None
    ) -> np.ndarray:
        now_s, registered, aligned, on_sensor = time.monotonic(), self.registered, self.aligned, self.on_sensor
        self._drawn = self._drawing(frame, now_s)
        if aligned is not None or registered is None:
            return drawn_over(frame, lines, aligned, self.shown, now_s)
        is_same = following is not None and (following.registered, following.on_sensor) == (registered, on_sensor)
        there = following.there.result() if following and is_same else registered.in_frame(frame, on_sensor)
        return drawn_over(frame, lines, there, self.shown, now_s)

    def _fail(self) -> None:
        self.problem = tr("The video has ended, and it is a fault of this program; the log says more.")
        self._stopping.set()


def _doubts(frame: VideoFrame, found: FoundLandmarks | None) -> tuple[str, ...]:
    """What speaks against a frame and what was found in it."""
    if is_dark(frame.picture):
        return (tr(DARK),)
    if found is None:
        return ()
    seen = () if found.lines else (tr(NO_LANDMARK),)
    return (*seen, tr(INTERLACED)) if found.is_interlaced else seen
