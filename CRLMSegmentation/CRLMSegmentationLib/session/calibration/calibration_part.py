"""The Calibrate step of a session: a stylus or a probe, from the live stream, with guidance; accepted by a person.

Beside it the whole system is measured on a phantom, whose targets are touched in the same way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ...calibration.accuracy.calibrations import ImageCalibration
from ...calibration.probe.phantom import read_phantom
from ...errors import CalibrationError, ConfigurationError
from ...sweep import Pose, TrackedFrame
from ...sweep.sweep import SIMULATED
from ...words import tr
from ..accuracy.accuracy_part import AccuracyPart
from ..accuracy.known_errors import KnownError, known_errors
from ..event import Event
from ..frame_source import FrameSource
from ..jobs.latest import Latest
from ..state import (
    FORMER_IMAGE,
    NO_CALIBRATION,
    NO_RESULT,
    NOTHING_ACCEPTED,
    NOTHING_COMES,
    NOTHING_MEASURED,
    OTHER_IMAGE_SIZE,
    RECORDING_GOES_ON,
    SIMULATED_IS_NOT_KEPT,
)
from ..stream import StreamPart
from ..tools import Tools
from .collecting import Collecting, End
from .guidance import CalibrationResult, Guidance, TipResult
from .probe_run import ProbeRun
from .saved_calibrations import add_to_saved, check_fits, loaded_text, read_saved
from .stylus_run import StylusRun
from .touch_run import AccuracyResult, TouchRun, touch_run

# A tool whose poses come with images is not looked for beside them.
_WITHOUT_IMAGES_S = 1.0


class CalibrationPart:
    """At most one calibration at a time; what it found waits until a person accepts or discards it.

    An accepted tip or ImageToProbe counts in place of what the stream says, as long as the same source is connected.

    is_recording  True while a recording goes on: its frames are all of one calibration
    has_volume    True while the case holds a sweep or a volume
    report        reports a sentence to people
    on_error      called with what a handler of an event raises

    file      the JSON that save() adds to and load() reads; None where a front end has none
    result    waits for accept() or discard(); None when nothing does
    problem   why the last calibration gave no result; ''
    changed   event: begun, ended, other guidance, another result or none
    """

    def __init__(
        self, stream: StreamPart, tools: Tools, accuracy: AccuracyPart, is_recording: Callable[[], bool],
        has_volume: Callable[[], bool], report: Callable[[str], None], on_error: Callable[[Exception], None],
    ) -> None:  # fmt: skip
        self.file: Path | None = None
        self.result: CalibrationResult | AccuracyResult | None = None
        self.problem = ""
        self.changed: Event[[]] = Event(on_error)
        self._stream, self._tools, self._accuracy = stream, tools, accuracy
        self._is_recording, self._has_volume = is_recording, has_volume
        self._report, self._on_error = report, on_error
        self._latest = Latest("Calibration")
        self._collecting: Collecting | None = None
        self._last_guidance = Guidance()
        self._identity = self._origin = ""
        self._with_images_s = 0.0
        self._image: tuple[np.ndarray, tuple[int, int]] | None = None
        self._accepted: dict[str, tuple[CalibrationResult, str]] = {}
        stream.frames_arrived.connect(self._on_frames)
        stream.poses_arrived.connect(self._on_poses)

    # What is known

    @property
    def is_running(self) -> bool:
        """True from start_stylus(), start_probe() or start_accuracy() until there is a result, or none."""
        return self._collecting is not None

    @property
    def is_ending(self) -> bool:
        """True while the result is computed."""
        return self._collecting is not None and self._collecting.is_ending

    @property
    def name(self) -> str:
        """What is being calibrated, for people; '' when nothing is."""
        return "" if self._collecting is None else self._collecting.run.name

    @property
    def calibrates(self) -> bool:
        """False while what runs is a measurement on a phantom."""
        return self._collecting is None or not isinstance(self._collecting.run, TouchRun)

    @property
    def instruction(self) -> str:
        """What to do, for people; '' when nothing is being calibrated."""
        return "" if self._collecting is None else tr(self._collecting.run.instruction)

    @property
    def guidance(self) -> Guidance:
        """How far the calibration is that runs, or that ended last."""
        return self._last_guidance if self._collecting is None else self._collecting.guidance

    @property
    def tools(self) -> list[str]:
        """Those that can be calibrated: tracked, or looked for."""
        return list(dict.fromkeys([*self._tools.names, *self._stream.tool_names]))

    @property
    def accepted(self) -> list[str]:
        """Of every accepted calibration one line for people."""
        return [result.text for result, _ in self._accepted.values()]

    @property
    def known_errors(self) -> list[KnownError]:
        """By how much each device errs, or why nobody knows."""
        frame = self._stream.image.frame
        size = frame.image_size if frame is not None and frame.pixels.size else None
        tips = {tool: self._tools.tip_to_tool(tool) for tool in self._tools.names}
        return known_errors(self._accuracy.calibrations, tips, size, self._sent_pixel_mm())

    # What can be done

    def start_stylus(self, tool: str) -> None:
        """Find the tip of this tool, from its poses that come now. Raises ConfigurationError when nothing comes."""
        self._start(StylusRun(tool))

    def start_probe(self, configuration: str | Path) -> None:
        """Find ImageToProbe from the images that come now.

        configuration  PLUS's, with the N-wire phantom and its PhantomToReference
        Raises ConfigurationError when nothing comes, or for what is missing or wrong in the configuration.
        """
        self._start(ProbeRun(read_phantom(configuration, self._accuracy.calibrations.phantom)))

    def start_accuracy(self, tool: str, targets: str | Path) -> None:
        """Measure the whole system on a phantom, whose targets are touched with this tool now.

        targets  points of 3D Slicer (`.mrk.json`) that were marked in the volume, or a PLUS file with Landmarks
        Raises ConfigurationError when nothing comes or the tip is not known, and what read_targets() raises.
        """
        tip_to_tool = self._tools.tip_to_tool(tool) if tool in self._tools.names else None
        self._start(touch_run(tool, tip_to_tool, targets, self._accuracy, self._origin == SIMULATED))

    def write_accuracy(self, path: str | Path | None = None) -> Path:
        """Write what was measured as a page with pictures; without a path beside `file`, under the time of it.

        Returns the path. Raises ConfigurationError when nothing was measured, FileFormatError for the disk.
        """
        result = self.result
        if not isinstance(result, AccuracyResult):
            raise ConfigurationError(NOTHING_MEASURED)
        if path is None:
            path = self._place(None).with_name(result.page_name)
        return result.write_page(path)

    def stop(self) -> None:
        """Take no more, and give the result of what came; process() takes it in. Raises ConfigurationError when
        nothing runs.
        """
        if self._collecting is None:
            raise ConfigurationError(NO_CALIBRATION)
        self._collecting.end()
        self.changed()

    def accept(self) -> None:
        """Use the result from now on. Raises ConfigurationError when there is none, and for an image while a recording
        goes on.
        """
        result = self.result
        if result is None or isinstance(result, AccuracyResult):
            raise ConfigurationError(NO_RESULT)
        if result.is_of_image and self._is_recording():
            raise ConfigurationError(RECORDING_GOES_ON)
        if isinstance(result, TipResult):
            self._tools.set_tip(result.tool, result.estimate.tip_to_tool)
        else:
            self._set_image(result.estimate.matrix, result.estimate.image_size)
        self._accuracy.set_calibrations(result.added_to(self._accuracy.calibrations))
        source = self._stream.source
        key = result.tool if isinstance(result, TipResult) else "image"
        self._accepted[key] = result, self._origin if source is None else source.origin
        self.result = None
        self.changed()

    def discard(self) -> None:
        """Forget a calibration that runs, or its result; what counted before goes on to count."""
        self._latest.drop()
        self._collecting = self.result = None
        self.problem = ""
        self.changed()

    def save(self, path: str | Path | None = None) -> Path:
        """Add what was accepted to the file of calibrations (`file` when left out); its other entries stay.

        Returns the path. Raises ConfigurationError when there is nothing to keep, FileFormatError when it cannot be.
        """
        place = self._place(path)
        if not self._accepted:
            raise ConfigurationError(NOTHING_ACCEPTED)
        if any(origin == SIMULATED for _, origin in self._accepted.values()):
            raise ConfigurationError(SIMULATED_IS_NOT_KEPT)
        return add_to_saved(place, [result for result, _ in self._accepted.values()])

    def load(self, path: str | Path | None = None) -> str:
        """Use the tips and the image of a file of calibrations (`file` when left out) with what is connected.

        Returns what is used, for people. Raises ConfigurationError when nothing is connected, a recording goes on, the
        images have another size than was calibrated, or for a file that makes no sense.
        """
        place = self._place(path)
        if self._stream.source is None:
            raise ConfigurationError(NOTHING_COMES)
        known = read_saved(place)
        if known.image is not None:
            self._check_image(known.image, place.name)
        for tool, tip in known.tips.items():
            self._tools.set_tip(tool, tip.tip_to_tool)
        if known.image is not None:
            self._set_image(known.image.image_to_probe, known.image.image_size)
        self._accuracy.set_calibrations(known)
        self.changed()
        return loaded_text(known, place.name)

    # What the session does

    def on_source(self, source: FrameSource | None) -> None:
        """Another source is connected, or none any more: a calibration belongs to one."""
        if source is None:
            if self._collecting is not None:
                self._collecting.end()
            return
        if source.identity == self._identity:
            self._stream.calibrate_image(None if self._image is None else self._image[0])
        else:
            if self._collecting is not None or self.result is not None:
                self._report(tr("The calibration was given up, because the images come from elsewhere now."))
            self.discard()
            self._image = None
            self._accepted.clear()
            self._tools.follow_stream()
        self._identity, self._origin = source.identity, source.origin

    def process(self, now_s: float) -> None:
        """Take in what has been computed, and compute on; called by the session's timer."""
        self._latest.process()
        if self._collecting is not None:
            before = self._collecting.guidance
            self._collecting.process(now_s)
            if self._collecting is not None and self._collecting.guidance is not before:
                self.changed()
        frame = self._stream.image.frame
        if self._image is not None and frame is not None and frame.pixels.size and frame.image_size != self._image[1]:
            self._image = None
            self._stream.calibrate_image(None)
            self._report(tr(OTHER_IMAGE_SIZE))

    def close(self) -> None:
        """Wait until nothing is computed any more."""
        self._collecting = None
        self._latest.close()

    # Behind

    def _start(self, run: StylusRun | ProbeRun | TouchRun) -> None:
        if self._stream.source is None:
            raise ConfigurationError(NOTHING_COMES)
        self.discard()
        self._last_guidance = Guidance()
        self._collecting = Collecting(run, self._latest, self._on_end)
        self._with_images_s = time.monotonic()
        self.changed()

    def _on_frames(self, frames: Sequence[TrackedFrame]) -> None:
        collecting = self._collecting
        if collecting is None:
            return
        for frame in frames:
            if not isinstance(collecting.run, (StylusRun, TouchRun)):
                collecting.take(frame)
            elif (pose := collecting.run.pose_of(frame.transforms, frame.timestamp)) is not None:
                collecting.take(pose)
                self._with_images_s = time.monotonic()

    def _on_poses(self, poses: Mapping[str, Pose], time_s: float) -> None:
        """Beside the images: ahead of those that wait for their poses, which would come too late after them."""
        collecting = self._collecting
        if collecting is None or not isinstance(collecting.run, (StylusRun, TouchRun)):
            return
        if time.monotonic() - self._with_images_s > _WITHOUT_IMAGES_S:
            pose = collecting.run.pose_of(poses, time_s)
            if pose is not None:
                collecting.take(pose)

    def _on_end(self, end: End) -> None:
        if self._collecting is not None:
            self._last_guidance = self._collecting.guidance
        self._collecting = None
        if isinstance(end, CalibrationError):
            self.problem = str(end)
        elif isinstance(end, Exception):
            self.problem = tr("The calibration failed, and it is a fault of this program; begin it again.")
            self._on_error(end)
        else:
            self.result = end
        self.changed()

    def _set_image(self, image_to_probe: np.ndarray, size: tuple[int, int]) -> None:
        self._stream.calibrate_image(image_to_probe)
        self._image = image_to_probe, size
        if self._has_volume():
            self._report(FORMER_IMAGE)

    def _check_image(self, image: ImageCalibration, name: str) -> None:
        if self._is_recording():
            raise ConfigurationError(RECORDING_GOES_ON)
        frame = self._stream.image.frame
        if frame is not None and frame.pixels.size:
            check_fits(image, name, frame.image_size, self._sent_pixel_mm())

    def _sent_pixel_mm(self) -> tuple[float, float] | None:
        """Of the newest image, where the sender places it itself."""
        frame = self._stream.image.frame
        if self._image is not None or frame is None or frame.image_to_reference is None:
            return None
        across, down = np.linalg.norm(frame.image_to_reference[:3, :2], axis=0).tolist()
        return across, down

    def _place(self, path: str | Path | None) -> Path:
        place = self.file if path is None else Path(path)
        if place is None:
            raise ConfigurationError(tr("Choose the file of calibrations first."))
        return place
