"""The calibrations of a simulated chain, made with its own tracker by the calibrations of the project."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...calibration.probe.image_to_probe import solve_image_to_probe, tracker_covariance
from ...calibration.probe.phantom import NWirePhantom
from ...calibration.probe.phantom_registration import image_covariance_of, register_phantom
from ...calibration.probe.wire_frame import WireFrame
from ...calibration.stylus.stylus_calibration import estimate_tip
from ...geometry import transform_points
from ..calibration.nwire_sweep import NWireTruth, probe_poses, wire_points
from ..calibration.pivoting import TrackerField, pivoting_hand
from ..lesion_shape import random_rotation
from ..ultrasound.motion import rigid
from .settings import ChainSettings

# The wires of PLUS's fCal phantom 1.2: x and z of the front and back ends of each, 40 mm apart.
_WIRES = (
    ((20, 10), (40, 10), (45, 10), (20, 10), (25, 10), (45, 10)),
    ((20, 5), (25, 5), (50, 5), (20, 5), (45, 5), (50, 5)),
    ((20, 0), (45, 0), (50, 0), (20, 0), (25, 0), (50, 0)),
)
_LANDMARKS_MM = np.array([[x, y, z] for x in (-10.0, 80.0) for y in (-10.0, 50.0) for z in (-20.0, 25.0)])
_DIMPLES, _PIVOT_S, _PIVOT_DEG = 2, 20.0, 50.0
_IMAGES, _WAY_MM, _TURN_DEG = 150, 24.0, 40.0


@dataclass(frozen=True, eq=False)
class Calibrated:
    """What a calibration found, and what it says of its own error.

    tip_mm, tip_covariance_mm2          (3,), (3, 3) in the stylus' frame
    image_to_probe, image_covariance    (4, 4), (9, 9) as ImageToProbe.covariance, with what the phantom's registration
                                        and the tracker add
    """

    tip_mm: np.ndarray
    tip_covariance_mm2: np.ndarray
    image_to_probe: np.ndarray
    image_covariance: np.ndarray


class Tracked:
    """A tracker, and the sensor Reference in its volume.

    reference_to_tracker  (4, 4) where that is
    """

    def __init__(self, tracker: TrackerField, reference_to_tracker: np.ndarray) -> None:
        self._tracker, self._reference = tracker, reference_to_tracker

    def measured(self, in_reference: np.ndarray) -> np.ndarray:
        """(n, 4, 4) what is said of the true poses (n, 4, 4) of a sensor in Reference."""
        sensor = self._tracker.measured(self._reference @ in_reference)
        reference = self._tracker.measured(np.repeat(self._reference[None], len(in_reference), axis=0))
        return np.asarray(np.linalg.inv(reference) @ sensor)


def calibrate_stylus(
    tracked: Tracked, tip_mm: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(3,) tip and (3, 3) covariance, by pivoting in two dimples. Raises CalibrationError where that fails."""
    poses, times, start = [], [], 0.0
    for _ in range(_DIMPLES):
        true, at = pivoting_hand(tip_mm, random.uniform(-60, 60, 3), _PIVOT_DEG, _PIVOT_S, random)
        poses.append(true)
        times.append(start + at)
        start = times[-1][-1] + 1.0
    found = estimate_tip(tracked.measured(np.concatenate(poses)), np.concatenate(times))
    return found.tip_mm, found.covariance_mm2


def calibrate_image(
    tracked: Tracked, image_to_probe: np.ndarray, image_size: tuple[int, int], touches: tuple[np.ndarray, np.ndarray],
    settings: ChainSettings, random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """(4, 4) ImageToProbe and (9, 9) covariance, on an N-wire phantom whose landmarks were touched with the stylus.

    touches  (3,) the tip as it is, and as it was calibrated
    """
    truth, ends = drawn_phantom(image_to_probe, image_size, random)
    placed = truth.phantom_to_reference
    true_tip, said_tip = touches
    hands = np.array([rigid(random_rotation(random), np.zeros(3)) for _ in _LANDMARKS_MM])
    places = transform_points(placed, _LANDMARKS_MM) + random.normal(0, settings.touch_mm, _LANDMARKS_MM.shape)
    hands[:, :3, 3] = places - hands[:, :3, :3] @ true_tip
    said = tracked.measured(hands)
    registered = register_phantom(_LANDMARKS_MM, said[:, :3, :3] @ said_tip + said[:, :3, 3])
    poses = probe_poses(truth, _IMAGES, _WAY_MM, _TURN_DEG, random)
    points = wire_points(truth, poses)
    points = points + random.normal(0, settings.point_pixels, points.shape)
    said = tracked.measured(poses)
    frames = [WireFrame(wires, pose, number / 12) for number, (wires, pose) in enumerate(zip(points, said))]
    names = [str(number) for number in range(ends.shape[0] * 3)]
    found = solve_image_to_probe(frames, NWirePhantom(names, ends, registered.phantom_to_reference))
    covariance = found.covariance + image_covariance_of(registered, found.matrix, said)
    return found.matrix, covariance + tracker_covariance(settings.tracking_mm, settings.tracking_deg, found.matrix)


def drawn_phantom(
    image_to_probe: np.ndarray, image_size: tuple[int, int], random: np.random.Generator
) -> tuple[NWireTruth, np.ndarray]:
    """PLUS's fCal phantom somewhere in Reference, and (patterns, 3, 2, 3) the ends of its wires in Phantom."""
    ends = np.array([[[(a, 0, b) for a, b in pair] for pair in zip(row[:3], row[3:])] for row in _WIRES], dtype=float)
    ends[:, :, 1, 1] = 40.0
    placed = rigid(random_rotation(random), random.uniform(-30, 30, 3))
    truth = NWireTruth(
        ends.reshape(-1, 2, 3), placed, image_to_probe, image_size,
        np.array([35.0, 20, 5]), np.array([-1.0, 0, 0]), np.array([0.0, 0, -1]),
    )  # fmt: skip
    return truth, ends
