"""Calibrates the image of a probe on an N-wire phantom: image by image, with what is still missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import CalibrationError
from ...geometry import transform_points
from ...sweep.tracked_frame import TrackedFrame
from ...sweep.transforms import compose
from ...words import mark, tr
from .bright_dots import bright_dots
from .checks import check_fit, check_frames, check_orientation, check_slip, turned_about_deg, turned_deg
from .image_to_probe import ImageToProbe, reported_error_mm, solve_image_to_probe, wire_errors_mm
from .phantom import NWirePhantom
from .phantom_registration import image_covariance_of
from .wire_frame import WireFrame
from .wire_pattern import FoundPattern, find_pattern

WANTED_FRAMES, WANTED_TURN_DEG, WANTED_CORNER_MM = 100, 20.0, 1.0
# What a turn about each axis of the image (to the right, down, out of it) is called, and how far it has to be.
_TURNS, WANTED_ABOUT_DEG = (
    (mark("tilted forward and back"), mark("turned about the beam"), mark("rocked from side to side")),
    10.0,
)
# When the configuration does not say how large a pixel is.
_PIXEL_MM = (0.078, 0.1, 0.15, 0.2, 0.3, 0.05)


@dataclass(frozen=True, eq=False)
class ProbeEstimate:
    """A calibration of the image, and what it was made of.

    image_to_probe  see ImageToProbe
    frames          the images in which all wires were found
    image_size      width and height in pixels
    wires           how many the phantom has
    phantom_mm      the expected error (TRE, root mean square) of the phantom's place at its wires; None where nobody
                    knows how well it was registered, so that the corners are known less well than they are said to be
    """

    image_to_probe: ImageToProbe
    frames: list[WireFrame]
    image_size: tuple[int, int]
    wires: int
    phantom_mm: float | None = None

    @property
    def matrix(self) -> np.ndarray:
        """(4, 4) pixel (u, v, 0, 1) to mm in Probe."""
        return self.image_to_probe.matrix

    @property
    def frames_used(self) -> int:
        """Images of which at least one middle wire is used."""
        return int(self.image_to_probe.used.any(axis=1).sum())

    @property
    def error_mm(self) -> float:
        """The mean error of the middle wires as PLUS reports it."""
        return self.image_to_probe.error_mm

    @property
    def corner_deviation_mm(self) -> np.ndarray:
        """(4,) how well each corner of the image is known: standard deviation in its worst direction."""
        return self.image_to_probe.corner_deviation_mm(self.image_size)

    @property
    def turned_deg(self) -> float:
        """The widest angle between any two poses of the probe."""
        return turned_deg(self.frames)

    @property
    def turned_about_deg(self) -> np.ndarray:
        """(3,) the same about the image's axes: to the right, down the beam, and out of the image."""
        return turned_about_deg(self.frames, self.matrix)

    def validation_mm(self, frames: list[WireFrame], phantom: NWirePhantom) -> float:
        """The same error in the images of another recording."""
        return reported_error_mm(wire_errors_mm(self.matrix, frames, phantom))

    @property
    def missing(self) -> list[str]:
        """What more would make it better, each a few words for people."""
        turned, worst = self.turned_deg, float(self.corner_deviation_mm.max())
        wanted = {
            tr(
                "{frames_used} of {wanted_frames} images", frames_used=self.frames_used, wanted_frames=WANTED_FRAMES
            ): self.frames_used < WANTED_FRAMES,
            tr(
                "probe turned {turned:.0f} of {wanted_turn_deg:.0f} degrees",
                turned=turned,
                wanted_turn_deg=WANTED_TURN_DEG,
            ): turned < WANTED_TURN_DEG,
            tr(
                "corners of the image known to {worst:.1f} of {wanted_corner_mm:g} mm",
                worst=worst,
                wanted_corner_mm=WANTED_CORNER_MM,
            ): worst > WANTED_CORNER_MM,
        }
        for name, angle_deg in zip(_TURNS, self.turned_about_deg.tolist()):
            so_far = tr(
                "{how} {angle:.0f} of {wanted:.0f} degrees", how=tr(name), angle=angle_deg, wanted=WANTED_ABOUT_DEG
            )
            wanted[so_far] = angle_deg < WANTED_ABOUT_DEG
        return [text for text, is_missing in wanted.items() if is_missing]


class ProbeCalibration:
    """A probe that is being calibrated: fed image by image, it says at any moment what is still missing.

    phantom  with its registration to Reference
    """

    def __init__(self, phantom: NWirePhantom) -> None:
        self._phantom = phantom
        self._pixel_mm = phantom.pixel_mm
        self._patterns: list[FoundPattern] = []
        self.frames: list[WireFrame] = []
        self.image_size: tuple[int, int] | None = None
        self.images = self.lost = 0

    def add(self, frame: TrackedFrame) -> bool:
        """Take one image with its transforms; True when all wires are seen in it and the probe was tracked."""
        pose = compose(frame.transforms, "Probe", "Reference")
        self.images += 1
        self.image_size = frame.image_size
        if pose is None or not pose.valid or not np.isfinite(pose.matrix).all():
            self.lost += 1
            return False
        found = self._find(frame.pixels)
        if found is None:
            return False
        self._patterns.append(found)
        self.frames.append(WireFrame(found.points, pose.matrix, frame.timestamp))
        return True

    def estimate(self) -> ProbeEstimate:
        """The calibration as of now. Raises CalibrationError with what is wrong and what to do."""
        if self.images and self.lost == self.images:
            raise CalibrationError(
                tr("The probe or the reference was lost in every image; check what the tracker sees.")
            )
        check_orientation(self._patterns)
        return estimate_probe(self.frames, self._phantom, self.image_size or (0, 0), self.images)

    @property
    def missing(self) -> list[str]:
        """What is still to be done, each a few words for people; [] when it is as good as it should be."""
        try:
            return self.estimate().missing
        except CalibrationError as error:
            return [str(error)]

    def _find(self, pixels: np.ndarray) -> FoundPattern | None:
        if self._pixel_mm:
            return self._find_at(pixels, self._pixel_mm)
        for pixel_mm in _PIXEL_MM:
            found = self._find_at(pixels, pixel_mm)
            if found is not None:
                # What a dot is depends on the size of a pixel: once more with that which the phantom tells.
                self._pixel_mm = found.pixel_mm(self._phantom)
                return self._find_at(pixels, self._pixel_mm)
        return None

    def _find_at(self, pixels: np.ndarray, pixel_mm: float) -> FoundPattern | None:
        return find_pattern(bright_dots(pixels, pixel_mm, self._phantom.dot_shape), self._phantom, pixel_mm)


def phantom_known_mm(phantom: NWirePhantom) -> float | None:
    """The expected error of the phantom's place at that end of a wire where it is largest; None where nobody knows."""
    if phantom.registration is None:
        return None
    places = transform_points(phantom.phantom_to_reference, phantom.ends_mm.reshape(-1, 3))
    return max(phantom.registration.expected_error_mm(place) for place in places)


def estimate_probe(
    frames: Sequence[WireFrame], phantom: NWirePhantom, image_size: tuple[int, int], images: int
) -> ProbeEstimate:
    """The calibration from images in which all wires were found, of `images` in all.

    Raises CalibrationError when they are too few, too alike, or fit no calibration.
    """
    frames = list(frames)
    check_frames(frames, images)
    found = solve_image_to_probe(frames, phantom)
    check_fit(found, phantom, image_size)
    check_slip(frames, phantom)
    if phantom.registration is not None:
        # The phantom's error is the same in all images, so that no residual shows it.
        poses = np.array([frame.probe_to_reference for frame in frames])
        of_phantom = image_covariance_of(phantom.registration, found.matrix, poses)
        found = replace(found, covariance=found.covariance + of_phantom)
    return ProbeEstimate(found, frames, image_size, len(phantom.names), phantom_known_mm(phantom))
