"""What makes a calibration of the image one that only looks fine: each is refused with what to do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import CalibrationError
from ...geometry import transform_points
from ...words import tr
from .image_to_probe import ImageToProbe, image_corners, solve_image_to_probe, wire_errors_mm
from .phantom import NWirePhantom
from .wire_frame import WireFrame
from .wire_pattern import FoundPattern

FEWEST_FRAMES = 20
# The middle wires have to move across the image by so much.
_LEAST_WAY_PIXELS, _LEAST_TURN_DEG = 30.0, 1.0
_LARGEST_ERROR_MM, _LARGEST_PIXEL_OFF, _LARGEST_ASPECT = 3.0, 0.3, 1.5
# One half of the recording that fits the calibration of the other this badly was made with another sensor's place.
_SLIPPED_MM, _SLIPPED_TIMES = 4.0, 4.0


def turned_deg(frames: Sequence[WireFrame]) -> float:
    """The widest angle between any two poses of the probe."""
    rotations = np.array([frame.probe_to_reference[:3, :3] for frame in frames]).reshape(-1, 9)
    traces = rotations @ rotations.T
    return float(np.degrees(np.arccos(np.clip((traces.min() - 1) / 2, -1, 1))))


def turned_about_deg(frames: Sequence[WireFrame], image_to_probe: np.ndarray) -> np.ndarray:
    """(3,) how far the probe was turned about the image's axes: to the right, down the beam, and out of the image."""
    from scipy.spatial.transform import Rotation

    poses = Rotation.from_matrix(np.array([frame.probe_to_reference[:3, :3] for frame in frames]))
    turns = (poses.mean().inv() * poses).as_rotvec(degrees=True)
    axes = np.linalg.svd(image_to_probe[:3, :3])
    return np.asarray(np.ptp(turns @ (axes[0] @ axes[2]), axis=0))


def check_orientation(patterns: Sequence[FoundPattern]) -> None:
    """Raise CalibrationError when most images are flipped against the phantom's definition."""
    if not patterns:
        return
    if np.mean([found.is_upside_down for found in patterns]) > 0.5:
        raise CalibrationError(
            tr(
                "The images are upside down (the phantom's first pattern lies lowest): their orientation "
                "is wrong, such as "
                "MN for MF, or the phantom stands on its head; set UltrasoundImageOrientation, and record again."
            )
        )
    if np.mean([found.is_mirrored for found in patterns]) > 0.5:
        raise CalibrationError(
            tr(
                "The images are mirrored (the wires run from left to right, and a PLUS phantom has them from right to "
                "left): their orientation is wrong, such as UF for MF, or the probe was held the other way round; set "
                "UltrasoundImageOrientation or turn the probe, and record again."
            )
        )


def check_frames(frames: Sequence[WireFrame], images: int) -> None:
    """Raise CalibrationError when the images are too few or too alike, or their poses or times cannot be right."""
    if len(frames) < FEWEST_FRAMES:
        raise CalibrationError(
            tr(
                "All wires of the phantom are seen in {frames} of {images} images; {fewest_frames} and "
                "more are needed: keep the wires inside the image and the probe square to them, and "
                "check that the configuration is of this phantom.",
                frames=len(frames),
                images=images,
                fewest_frames=FEWEST_FRAMES,
            )
        )
    times = np.array([frame.time_s for frame in frames])
    if not np.isfinite(times).all():
        raise CalibrationError(
            tr(
                "The recording has no timestamps, so that it is not known whether images and poses "
                "belong together; record "
                "again with timestamps."
            )
        )
    if not (np.diff(times) > 0).any():
        raise CalibrationError(tr("The times of the images stand still; record again with the sender's clock right."))
    poses = np.array([frame.probe_to_reference for frame in frames])
    if (np.linalg.det(poses[:, :3, :3]) < 0).any():
        raise CalibrationError(tr("The poses of the probe are mirrored (left-handed): check the tracker's axes."))
    way = np.ptp(np.array([frame.points[1::3] for frame in frames]), axis=0).max()
    turned = turned_deg(frames)
    if way < _LEAST_WAY_PIXELS or turned < _LEAST_TURN_DEG:
        raise CalibrationError(
            tr(
                "The probe hardly moves in this recording (the wires by {way:.0f} pixels, the probe by "
                "{turned:.1f} degrees); move it along the phantom, and tilt and turn it to all sides.",
                way=way,
                turned=turned,
            )
        )


def check_fit(found: ImageToProbe, phantom: NWirePhantom, image_size: tuple[int, int]) -> None:
    """Raise CalibrationError when the phantom does not fit, or the image lies where none can."""
    sizes = np.linalg.norm(found.matrix[:3, :2], axis=0)
    off = max(sizes) / phantom.pixel_mm - 1 if phantom.pixel_mm else 0.0
    if found.error_mm > _LARGEST_ERROR_MM or max(sizes) / min(sizes) > _LARGEST_ASPECT or abs(off) > _LARGEST_PIXEL_OFF:
        raise CalibrationError(
            tr(
                "The phantom does not fit the images: its wires lie {error_mm:.1f} mm from where they "
                "are seen, with pixels of {sizes:.3f} x {sizes_2:.3f} mm; check the phantom's definition "
                "and its registration (PhantomToReference), and that neither it nor a sensor was moved.",
                error_mm=found.error_mm,
                sizes=sizes[0],
                sizes_2=sizes[1],
            )
        )
    check_upright(found.matrix, image_size)


def check_upright(matrix: np.ndarray, image_size: tuple[int, int]) -> None:
    """Raise CalibrationError when an ImageToProbe (4, 4) has the image's bottom nearer to the sensor than its top."""
    top_left, top_right, bottom_left, bottom_right = transform_points(
        matrix, np.column_stack([image_corners(image_size), np.zeros(4)])
    )
    if np.linalg.norm(bottom_left + bottom_right) < np.linalg.norm(top_left + top_right):
        raise CalibrationError(
            tr(
                "The probe's sensor would lie nearer to the bottom of the image than to its top: the images are upside "
                "down, such as MN for MF; set UltrasoundImageOrientation, and record again."
            )
        )


def check_slip(frames: list[WireFrame], phantom: NWirePhantom) -> None:
    """Raise CalibrationError when one half of the recording contradicts the calibration of the other."""
    half = len(frames) // 2
    first, second = frames[:half], frames[half:]
    for own, other in ((first, second), (second, first)):
        solved = solve_image_to_probe(own, phantom)
        across = float(np.median(wire_errors_mm(solved.matrix, other, phantom)))
        within = float(np.median(solved.errors_mm))
        if across > max(_SLIPPED_MM, _SLIPPED_TIMES * within):
            raise CalibrationError(
                tr(
                    "The calibration of one half of the recording is {across:.1f} mm off in the other: the "
                    "sensor slipped on the probe, or the phantom was moved; fix them, register the phantom "
                    "and record again.",
                    across=across,
                )
            )
