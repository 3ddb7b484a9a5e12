"""A probe that is being calibrated from the live stream, on an N-wire phantom."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from ...calibration.probe.bright_dots import bright_dots
from ...calibration.probe.phantom import NWirePhantom
from ...calibration.probe.probe_calibration import (
    WANTED_ABOUT_DEG,
    WANTED_CORNER_MM,
    WANTED_FRAMES,
    WANTED_TURN_DEG,
    ProbeCalibration,
    ProbeEstimate,
)
from ...errors import CalibrationError
from ...sweep import TrackedFrame
from ...words import mark, tr
from .guidance import Guidance, ImageResult

# Where the configuration does not say how large a pixel is, bright spots are counted as if it were so.
_PIXEL_MM = 0.1


class ProbeRun:
    """Takes images in the session's thread, and makes of them what is shown, in any one other.

    phantom  with its registration to Reference
    """

    name = "probe"
    instruction = mark("Keep all wires in the image; move the probe along the phantom, tilt and turn it to all sides.")
    lot, most_waiting = 12, 60

    def __init__(self, phantom: NWirePhantom) -> None:
        self._phantom = phantom
        self._calibration = ProbeCalibration(phantom)
        self._estimate: ProbeEstimate | None = None
        self._seen = ""
        self._marks: set[int] = set()
        self._wires: tuple[tuple[float, float], ...] = ()

    def add(self, frames: Sequence[TrackedFrame]) -> None:
        """Look at images; in the thread that computes."""
        different = [frame for frame in frames if self._is_different(frame)]
        for number, frame in enumerate(different):
            lost = self._calibration.lost
            has_all = self._calibration.add(frame)
            if self._calibration.lost > lost:
                # The same image may come again with its pose.
                self._marks.discard(_mark_of(frame))
            if number == len(different) - 1:
                self._see(frame, has_all, self._calibration.lost > lost)
        if different:
            self._estimate = None

    def guidance(self) -> Guidance:
        """How far it is; in the thread that computes."""
        calibration = self._calibration
        found_in = len(calibration.frames)
        lost = tr(", {lost} without the probe's pose", lost=calibration.lost) if calibration.lost else ""
        figures = [
            (tr("This image"), self._seen),
            (
                tr("Images"),
                tr(
                    "{found_in} of {images} with all wires{lost}",
                    found_in=found_in,
                    images=calibration.images,
                    lost=lost,
                ),
            ),
        ]
        try:
            found = self._found()
        except CalibrationError as error:
            return Guidance(tuple(figures), (str(error),), 0.0, self._wires)
        worst_mm = float(found.corner_deviation_mm.max())
        figures += [
            (
                tr("Probe turned by"),
                tr(
                    "{turned_deg:.0f} of {wanted_turn_deg:.0f} degrees",
                    turned_deg=found.turned_deg,
                    wanted_turn_deg=WANTED_TURN_DEG,
                ),
            ),
            (
                tr("Corners known to"),
                tr("{worst_mm:.1f} of {wanted_corner_mm:g} mm", worst_mm=worst_mm, wanted_corner_mm=WANTED_CORNER_MM),
            ),
        ]
        shares = (
            found.frames_used / WANTED_FRAMES, found.turned_deg / WANTED_TURN_DEG,
            float(found.turned_about_deg.min()) / WANTED_ABOUT_DEG, WANTED_CORNER_MM / max(worst_mm, 1e-9),
        )  # fmt: skip
        return Guidance(tuple(figures), tuple(found.missing), min(1.0, *shares), self._wires)

    def result(self) -> ImageResult:
        """What was found; in the thread that computes. Raises CalibrationError with why there is nothing."""
        return ImageResult(self._found())

    def _found(self) -> ProbeEstimate:
        if self._estimate is None:
            self._estimate = self._calibration.estimate()
        return self._estimate

    def _is_different(self, frame: TrackedFrame) -> bool:
        """False for an image that came before: once more in a replay it tells nothing new, and would be counted."""
        mark = _mark_of(frame)
        is_new = mark not in self._marks
        self._marks.add(mark)
        return is_new

    def _see(self, frame: TrackedFrame, has_all: bool, is_lost: bool) -> None:
        """What this image shows, for people."""
        wanted = len(self._phantom.names)
        self._wires = ()
        if is_lost:
            self._seen = tr("the probe or the reference is lost")
        elif has_all:
            size = np.array(frame.image_size, dtype=float)
            self._wires = tuple((float(u), float(v)) for u, v in self._calibration.frames[-1].points / size)
            self._seen = tr("all {wanted} wires are seen", wanted=wanted)
        else:
            dots = len(bright_dots(frame.pixels, self._phantom.pixel_mm or _PIXEL_MM, self._phantom.dot_shape))
            self._seen = tr("not all of the {wanted} wires are seen ({dots} bright spots)", wanted=wanted, dots=dots)


def _mark_of(frame: TrackedFrame) -> int:
    """The same for the same image, and hardly ever for another."""
    return zlib.crc32(frame.pixels.tobytes())
