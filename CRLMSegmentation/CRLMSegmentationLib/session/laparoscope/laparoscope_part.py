"""Through the laparoscope: one video at a time, landmarks in its frames, and a model of the liver over it.

A registration is of one frame. It is drawn over the frames that follow, fainter from second to second and the fainter
the larger its error, and is gone after a while: the scope moves, and nothing here knows how.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from ...errors import ConfigurationError, CRLMError
from ...files.laparoscope.camera_file import read_camera, read_camera_on_sensor
from ...geometry import invert_affine
from ...laparoscopy.opened_model import OpenedModel, camera_for_size, curves_file, open_model
from ...tracking.age import NEVER, Age
from ...values.camera import Camera
from ...values.camera_on_sensor import CameraOnSensor
from ...words import tr
from ..event import Event
from ..jobs.task import Task
from ..state import NO_CAMERA, NO_LINES, NO_SCOPE_MODEL, NO_VIDEO, SCOPE_BUSY
from .finder_process import BeginFinder, begin_finder
from .live_feeds import DeviceFeed, StreamFeed
from .rough_alignment import RoughAlignment
from .scope_calibration import ScopeCalibration
from .shown_frame import SWITCHES, Registered, ShownFrame, camera_to_reference
from .video_recording import VideoRecording
from .video_sources import FileFeed, FrameFeed
from .video_text import text_of
from .video_worker import VideoWorker


class LaparoscopePart:
    """At most one video, one model and one camera.

    on_error  called with what a handler of an event raises

    network     model for landmarks by name or folder; None for the one that is installed
    deform      the next registration also finds how the liver is deformed
    start       (4, 4) rough pose, model to camera, to look from; None: the former one, or that of a CT that lies in
                Reference before a tracked scope, or from many
    place_of_ct gives where a CT lies in Reference, (4, 4), by the folder of its result; None where that is not known
    begin       begins a network, for tests
    title       of the video; '' without one
    model       that is registered; camera  of the video, on_sensor  its place on the scope's sensor; None without
    registered  the registration that is drawn; None without
    shown       which of SWITCHES are drawn
    doubts      sentences on the newest frame, the model, the camera and the registration
    recording   of the video; calibration  of its camera; alignment  of the model by a person
    changed     event: another video, frame, model, camera, switch or registration
    """

    def __init__(
        self, on_error: Callable[[Exception], None],
        place_of_ct: Callable[[Path | None], np.ndarray | None] = lambda folder: None,
    ) -> None:  # fmt: skip
        self.network: str | None = None
        self.deform = False
        self.start: np.ndarray | None = None
        self.place_of_ct = place_of_ct
        self.begin: BeginFinder = begin_finder
        self.title = ""
        self.model: OpenedModel | None = None
        self.camera: Camera | None = None
        self.on_sensor: CameraOnSensor | None = None
        self.registered: Registered | None = None
        self.changed: Event[[]] = Event(on_error)
        self.recording = VideoRecording(lambda: None if self._worker is None else self._worker.feed, on_error)
        self.calibration = ScopeCalibration(lambda: self._worker, self.set_camera, on_error)
        self.alignment = RoughAlignment(lambda: (self._worker, self.model, self.camera, self._former_pose))
        for part in (self.recording, self.calibration):
            part.changed.connect(self.changed)
        self._shown = frozenset(SWITCHES)
        self._worker: VideoWorker | None = None
        self._registering: Task | None = None
        self._registering_in: object = None
        self._problem = ""
        self._scaled = ""
        self._seen: tuple[object, ...] = ()

    # What is known

    @property
    def is_open(self) -> bool:
        """A video is open, at its end or not."""
        return self._worker is not None

    @property
    def is_playing(self) -> bool:
        return self._worker is not None and self._worker.is_playing

    @property
    def is_busy(self) -> bool:
        """True while the model is being registered."""
        return self._registering is not None

    @property
    def is_working(self) -> bool:
        """True while anything is being computed or written."""
        return self.is_busy or self.recording.is_busy or self.calibration.is_computing

    @property
    def newest(self) -> ShownFrame | None:
        """The newest frame with what is drawn over it; None without."""
        return self._worker.newest if self._worker is not None else None

    @property
    def age(self) -> Age:
        """Of the newest frame."""
        frame = self.newest
        return NEVER if frame is None else Age(time.monotonic() - frame.frame.came_s)

    @property
    def is_old(self) -> bool:
        """More frames may come, and none came for a while: the newest is not what the scope sees now."""
        return self.is_playing and self.newest is not None and not (self.age.is_live or self.alignment.is_on)

    @property
    def frames_per_second(self) -> float:
        return self._worker.frames_per_second if self._worker is not None else 0.0

    @property
    def shown(self) -> frozenset[str]:
        return self._shown

    @property
    def problem(self) -> str:
        """Why the last registration gave nothing, why a frame is not shown, why there are no landmarks, or why the
        video ended; ''.
        """
        worker = self._worker
        return self._problem or ("" if worker is None else worker.unshown or worker.problem)

    @property
    def doubts(self) -> tuple[str, ...]:
        of_model = self.model.doubts if self.model is not None else ()
        scaled = (self._scaled,) if self._scaled else ()
        found = self.registered.registration.doubts if self.registered is not None else ()
        of_frame = self.newest.doubts if self.newest is not None else ()
        return (*of_frame, *of_model, *scaled, *found)

    @property
    def landmarks_text(self) -> str:
        """How landmarks are looked for, for people."""
        return "" if self._worker is None else text_of(self._worker, self.alignment.text, self.is_old, self.age)

    def registration_text(self, now_s: float | None = None) -> str:
        """The registration with its error and its age, for people; ''."""
        if self._registering is not None:
            return tr("The model is being registered.")
        found = self.registered
        if found is None:
            return ""
        over = None if self.newest is None else self.newest.frame
        return found.text(time.monotonic() if now_s is None else now_s, over, self.on_sensor)

    # What can be done

    def open_video(self, path: str | Path) -> None:
        """Play a video, a picture or a folder of pictures. Raises LaparoscopeError for what is none of these."""
        self._play(FileFeed(path))

    def connect(self, host: str, port: int, image_name: str) -> None:
        """Show the colour images of that name of an OpenIGTLink server. Raises StreamError for a port that is none."""
        if not image_name.strip():
            raise ConfigurationError(tr("Say the name of the laparoscope's images, such as Laparoscope."))
        self._play(StreamFeed(host, port, image_name.strip()))

    def open_device(self, number: int) -> None:
        """Show the pictures of a capture device. Raises ConfigurationError for a number that is none."""
        self._play(DeviceFeed(number))

    def stop(self) -> None:
        """Close the video; model and camera stay."""
        self._end_video()
        self.title = ""
        self.changed()

    def open_model(self, path: str | Path) -> None:
        """Open the model of the liver, with the curves marked on it. Raises CRLMError, and the former stays."""
        self._check_idle()
        opened = open_model(path, curves_file(path))
        opened.landmarks()
        self.model = opened
        self._forget_registration()

    def open_camera(self, path: str | Path) -> None:
        """Open the camera's file. Raises FileFormatError, and the former stays."""
        self._check_idle()
        self.set_camera(read_camera(path), read_camera_on_sensor(path))

    def set_camera(self, camera: Camera | None, on_sensor: CameraOnSensor | None = None) -> None:
        """Use this camera, and this place of it on the scope's sensor; what is being registered is of the former."""
        self._registering_in = object()
        self.camera, self.on_sensor = camera, on_sensor
        if self._worker is not None:
            self._worker.on_sensor = on_sensor
        self._forget_registration()

    def show(self, name: str, wanted: bool) -> None:
        """Draw one of SWITCHES or not. Raises ConfigurationError for another name."""
        if name not in SWITCHES:
            known = ", ".join(SWITCHES)
            raise ConfigurationError(tr("There is nothing called '{name}': {known}.", name=name[:20], known=known))
        self._shown = self._shown | {name} if wanted else self._shown - {name}
        if self._worker is not None:
            self._worker.shown = self._shown
        self.changed()

    def register(self) -> None:
        """Find where the model lies, by the landmarks of the newest frame, in the background. The former pose is where
        it is looked for first. Raises ConfigurationError when something is missing.
        """
        self._check_idle()
        frame, model, camera = self.newest, self.model, self.camera
        if frame is None:
            raise ConfigurationError(NO_VIDEO)
        if model is None:
            raise ConfigurationError(NO_SCOPE_MODEL)
        if camera is None:
            raise ConfigurationError(NO_CAMERA)
        if not frame.lines:
            raise ConfigurationError(NO_LINES)
        height, width = frame.frame.picture.shape[:2]
        fitting, self._scaled = camera_for_size(camera, (width, height))

        self._problem = ""
        self._registering_in = self._worker
        from .registering import registered_over

        register = partial(registered_over, frame, model, fitting, self._former_pose, self.deform, self.on_sensor)
        self._registering = Task(register, "registration of the laparoscope")
        self.changed()

    def align(self) -> None:
        """Hold the picture, so that a person lays the model over it. Raises ConfigurationError."""
        self._check_idle()
        self.alignment.begin()
        self._drop_registration()

    def move_model(self, move: str, fine: bool = False) -> None:
        """Move the model that is being aligned by a step of aligned_model.MOVES. Raises ConfigurationError."""
        self._check_idle()
        self.alignment.move(move, fine)
        self.changed()

    def end_alignment(self) -> None:
        """The video goes on; the next registration starts where the person has laid the model."""
        pose = self.alignment.end()
        self.start = self.start if pose is None else pose
        self.changed()

    # What the session does

    def process(self) -> None:
        """Take in what has come; called by the session's timer."""
        self.recording.process()
        self.calibration.process()
        task = self._registering
        if task is not None and task.has_ended:
            self._registering = None
            # Of a video that was closed meanwhile nothing is taken: the next one may be of another patient.
            is_of_this, self._registering_in = self._registering_in is self._worker, None
            if task.error is None and is_of_this:
                self._take(task.result)
            elif isinstance(task.error, CRLMError) and is_of_this:
                self._problem = str(task.error)
            elif task.error is not None and not isinstance(task.error, CRLMError):
                self._problem = tr("The registration has failed, and it is a fault of this program; the log says more.")
                raise task.error
        state = (
            self.newest, self.is_playing, self.is_busy, self.problem, self.registration_text(), self.recording.text,
            self.recording.problem,
        )  # fmt: skip
        if state != self._seen:
            self._seen = state
            self.changed()

    def forget(self) -> None:
        """Another case: nothing of this patient is left."""
        self._end_video()
        self.calibration.discard()
        self.title, self.model, self.camera, self.on_sensor, self.start, self._problem = "", None, None, None, None, ""
        self._forget_registration()

    def close(self) -> None:
        """No thread and no process is left, and what was recorded is in its file."""
        self._end_video()
        self.recording.close()
        if self._registering is not None:
            self._registering.join(10.0)
            self._registering = None

    # Behind

    @property
    def _former_pose(self) -> np.ndarray | None:
        """Where the model is looked for first."""
        if self.alignment.is_on:
            return self.alignment.pose
        frame = None if self.newest is None else self.newest.frame
        if frame is None or self.model is None:
            return self.start
        if self.registered is not None:
            return self.registered.start_in(frame, self.on_sensor)
        ct, camera = self.place_of_ct(self.model.path), camera_to_reference(frame, self.on_sensor)
        return self.start if ct is None or camera is None or self.start is not None else invert_affine(camera) @ ct

    def _play(self, feed: FrameFeed) -> None:
        self._end_video()
        name, begin = self.network, self.begin
        self._worker = VideoWorker(feed, lambda: begin(name), self._shown)
        self._worker.on_sensor = self.on_sensor
        self.title, self._problem = feed.title, ""
        self._forget_registration()

    def _end_video(self) -> None:
        """Its registration goes with it: another video looks from elsewhere."""
        if self.recording.is_on:
            self.recording.stop()
        self.alignment.end()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()
        self.registered = None

    def _take(self, found: Registered) -> None:
        self.end_alignment()
        self.registered = found
        if self._worker is not None:
            self._worker.registered = found

    def _forget_registration(self) -> None:
        self.alignment.end()
        self._drop_registration()

    def _drop_registration(self) -> None:
        self.registered, self._scaled = None, ""
        if self._worker is not None:
            self._worker.registered = None
        self.changed()

    def _check_idle(self) -> None:
        if self._registering is not None:
            raise ConfigurationError(SCOPE_BUSY)
