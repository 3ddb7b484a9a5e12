"""The laparoscope's camera calibrated from the video that is open: pictures of a board, and where the scope is tracked
its place on the sensor.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ...errors import ConfigurationError, CRLMError
from ...files.laparoscope.camera_file import write_camera
from ...laparoscopy.camera.board_views import MOST_OF_VIDEO, BoardCalibration, BoardViews
from ...laparoscopy.camera.boards import board_of
from ...laparoscopy.video import VideoSource, tracked_pictures_of
from ...values.camera import Camera
from ...values.camera_on_sensor import CameraOnSensor
from ...words import tr
from ..event import Event
from ..jobs.task import Task
from ..state import NO_SCOPE_BOARDS, NO_SCOPE_RESULT, NO_VIDEO, SCOPE_CALIBRATING
from .shown_frame import ShownFrame
from .video_recording import FOLDER
from .video_sources import FileFeed, FrameFeed
from .video_worker import VideoWorker


class ScopeCalibration:
    """At most one at a time; what it finds waits until a person accepts or discards it.

    From a live video pictures are taken as they come, until end(); a file is read from its beginning to its end.

    video   gives the video that is open; None without
    taken   called with a camera and its place on the sensor when a person accepts them
    sensor  of the laparoscope, as PLUS names it; '': the one that comes with the pictures
    result  waits for accept() or discard(); None when nothing does
    file    in which the accepted camera was kept; None before
    problem why the last one gave nothing; ''
    changed event: begun, ended, another picture, another result or none
    """

    def __init__(
        self, video: Callable[[], VideoWorker | None], taken: Callable[[Camera, CameraOnSensor | None], None],
        on_error: Callable[[Exception], None],
    ) -> None:  # fmt: skip
        self.sensor = ""
        self.result: BoardCalibration | None = None
        self.file: Path | None = None
        self.problem = ""
        self.changed: Event[[]] = Event(on_error)
        self._video, self._taken = video, taken
        self._views: BoardViews | None = None
        self._feed: FrameFeed | None = None
        self._offered: ShownFrame | None = None
        self._is_seen = False
        self._looking: Task | None = None
        self._computing: Task | None = None
        self._is_ending = False

    @property
    def is_running(self) -> bool:
        """From start() until there is a result, or none."""
        return self._views is not None

    @property
    def is_computing(self) -> bool:
        """The result is computed, or a file is read for it."""
        return self._computing is not None

    @property
    def text(self) -> str:
        """How far it is, or what it has found, for people; ''."""
        views = self._views
        if views is not None:
            kept = tr("{count} pictures of the board are kept", count=views.count) + (
                tr(", {with_pose} of them with a pose", with_pose=views.with_pose) if views.with_pose else ""
            )
            if self._is_ending or self.is_computing:
                return tr("The camera is being calibrated: {kept}.", kept=kept)
            seen = tr("the board is seen") if self._is_seen else tr("the board is not seen now")
            return tr(
                "Show the board from all sides, tilted, and in every corner, and rest each time: {kept}; {seen}.",
                kept=kept,
                seen=seen,
            )
        if self.result is not None:
            return _text_of(self.result)
        return tr("The camera is kept in {name}.", name=self.file.name) if self.file is not None else ""

    def start(self, board: str = "", square_mm: float = 10.0) -> None:
        """Calibrate from the video that is open.

        board      as board_of() reads it; '': the chessboard that is found
        square_mm  side of its squares; the place on the sensor scales with it
        Raises ConfigurationError without a video and while one runs, LaparoscopeError for what is no board.
        """
        video = self._video()
        if video is None:
            raise ConfigurationError(NO_VIDEO)
        if self.is_running:
            raise ConfigurationError(SCOPE_CALIBRATING)
        is_live = not isinstance(video.feed, FileFeed)
        views = BoardViews(board_of(board, square_mm), square_mm, self.sensor.strip(), at_rest=is_live)
        self._views, self._feed, self._offered = views, video.feed, None
        self._is_seen = self._is_ending = False
        self.result, self.file, self.problem = None, None, ""
        if isinstance(video.feed, FileFeed):
            source = video.feed.source
            self._computing = Task(lambda: self._of_file(views, source), "calibration of the laparoscope")
        self.changed()

    def end(self) -> None:
        """Take no more pictures, and compute. Raises ConfigurationError when nothing runs."""
        if self._views is None:
            raise ConfigurationError(NO_SCOPE_BOARDS)
        self._is_ending = True
        self.changed()

    def accept(self, folder: Path | None) -> None:
        """Use the camera from now on, and keep it in a file below `folder`; None: in none.

        Raises ConfigurationError when there is none, FileFormatError when the disk refuses; it is used nevertheless.
        """
        found = self.result
        if found is None:
            raise ConfigurationError(NO_SCOPE_RESULT)
        self.result = None
        camera = found.camera.camera
        on_sensor = found.place
        self._taken(camera, on_sensor)
        if folder is not None:
            name = time.strftime("camera-%Y%m%d-%H%M%S.json")
            self.file = write_camera(camera, Path(folder) / FOLDER / name, on_sensor)
        self.changed()

    def discard(self) -> None:
        """Forget what runs, or its result; the camera that was used stays."""
        self._views = self._feed = self._offered = self.result = None
        self.problem, self._is_ending, self._computing = "", False, None
        self.changed()

    def process(self) -> None:
        """Take in what has come; called by the session's timer. Raises what is a fault of this program."""
        views = self._views
        if views is None:
            return
        video = self._video()
        if self._computing is None and (video is None or video.feed is not self._feed):
            # The video was closed: what was seen of it until then counts.
            self._is_ending = True
        if self._looking is not None and self._looking.has_ended:
            looked, self._looking = self._looking, None
            if looked.error is not None:
                self._fail(looked.error)
                return
            self._is_seen = bool(looked.result)
            self._is_ending = self._is_ending or views.is_full
            self.changed()
        if self._computing is not None and self._computing.has_ended:
            self._take(self._computing)
        elif self._looking is None and self._computing is None:
            self._go_on(views, video)

    def _go_on(self, views: BoardViews, video: VideoWorker | None) -> None:
        if self._is_ending:
            self._computing = Task(views.calibrate, "calibration of the laparoscope")
            return
        newest = None if video is None else video.newest
        if newest is None or newest is self._offered:
            return
        self._offered = newest
        tracked = newest.frame.tracked
        transforms = {} if tracked is None else tracked.transforms
        picture = newest.frame.picture
        self._looking = Task(lambda: views.add(picture, transforms), "board before the laparoscope")

    def _of_file(self, views: BoardViews, source: VideoSource) -> BoardCalibration:
        every = max(1, source.expected // MOST_OF_VIDEO)
        for picture, transforms in tracked_pictures_of(source, every):
            if self._views is not views or self._is_ending or views.is_full:
                break
            views.add(picture, transforms)
        return views.calibrate()

    def _take(self, computing: Task) -> None:
        if computing.error is not None:
            self._fail(computing.error)
            return
        self.discard()
        self.result = computing.result
        self.changed()

    def _fail(self, error: Exception) -> None:
        self.discard()
        if not isinstance(error, CRLMError):
            self.problem = tr("The calibration has failed, and it is a fault of this program; the log says more.")
            raise error
        self.problem = str(error)
        self.changed()


def _text_of(found: BoardCalibration) -> str:
    camera, board = found.camera, found.camera.board
    focal = camera.camera.intrinsics[[0, 1], [0, 1]]
    text = tr(
        "Board of {columns} x {rows} corners in {used} pictures: error {error_px:.2f} pixels, "
        "focal length {focal:.1f} and {focal_2:.1f} pixels (± {focal_std_px:.1f}).",
        columns=board.columns,
        rows=board.rows,
        used=len(camera.used),
        error_px=camera.error_px,
        focal=focal[0],
        focal_2=focal[1],
        focal_std_px=camera.focal_std_px.max(),
    )
    place = found.on_sensor
    if place is not None:
        text += tr(
            " On the sensor {sensor}, from {used} poses: error {error_px:.1f} pixels and "
            "{error_mm:.1f} mm, known to {shift_std_mm:.1f} mm and {turn_std_deg:.1f} degrees.",
            sensor=found.sensor,
            used=len(place.used),
            error_px=place.error_px,
            error_mm=place.error_mm,
            shift_std_mm=place.shift_std_mm,
            turn_std_deg=place.turn_std_deg,
        )
    return text
