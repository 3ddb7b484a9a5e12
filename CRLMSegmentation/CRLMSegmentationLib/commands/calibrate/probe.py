"""`crlm calibrate probe`: where the image lies on its probe, from a recording of an N-wire phantom."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...calibration.accuracy.calibrations import Calibrations, ImageCalibration, today
from ...calibration.probe.phantom import NWirePhantom, read_phantom
from ...calibration.probe.plus_points import read_plus_points
from ...calibration.probe.probe_calibration import ProbeCalibration, ProbeEstimate, estimate_probe
from ...calibration.probe.wire_frame import WireFrame
from ...errors import CalibrationError
from ...files.calibrations.plus_calibration_file import write_plus_calibration
from ...sweep import SequenceReader, TrackedFrame
from ...sweep.transforms import compose
from ...values.progress import Progress
from ..options.calibrations_option import (
    add_calibrations_option,
    add_to_calibrations,
    check_calibrations,
    read_calibrations,
)
from ..options.outputs import Output, add_force_option, check_outputs
from ..options.printing import print_doubt, print_facts, print_rows
from ..options.progress import progress_bar

EXAMPLES = (
    "crlm calibrate probe phantom.igs.mha --plus-config plus.xml -o image.xml",
    "crlm calibrate probe phantom.igs.mha --plus-config plus.xml --points result.xml --validation second.igs.mha",
)
# Points that PLUS found belong to the image of this time.
_SAME_TIME_S = 1e-3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sweep", help="recording of an N-wire phantom, the probe moved along it and tilted to all sides"
    )
    parser.add_argument("--plus-config", required=True, metavar="XML",
                        help="PLUS configuration with the phantom's definition and its PhantomToReference")  # fmt: skip
    parser.add_argument("--points", metavar="XML", help="take the wires from this result of PLUS, not from the images")
    parser.add_argument("--validation", metavar="SWEEP", help="a second recording in which the calibration is tried")
    parser.add_argument("-o", "--output", metavar="XML", help="write ImageToProbe as a PLUS configuration")
    add_calibrations_option(parser)
    add_force_option(parser)


def run(arguments: argparse.Namespace) -> None:
    inputs = [arguments.sweep, arguments.plus_config, arguments.points, arguments.validation]
    check_outputs([Output("-o", arguments.output, (".xml",), False)], inputs, arguments.force)
    check_calibrations(arguments.calibrations, [*inputs, arguments.output])
    known = read_calibrations(arguments.calibrations) if arguments.calibrations else Calibrations()
    phantom = read_phantom(arguments.plus_config, known.phantom)
    with progress_bar("Find wires") as progress:
        found, images = _calibrated(arguments.sweep, phantom, arguments.points, progress)
        tried = _validated(found, arguments, phantom, progress)
    corners = found.corner_deviation_mm
    facts = {
        "image_to_probe": found.matrix, "frames_used": found.frames_used, "frames": images,
        "wires_seen": found.wires, "error_mm": found.error_mm, "validation_mm": tried,
        "corner_deviation_mm": corners, "turned_deg": found.turned_deg,
        "phantom_mm": found.phantom_mm, "missing": found.missing,
    }  # fmt: skip
    print_facts(facts)
    sizes = np.linalg.norm(found.matrix[:3, :2], axis=0)
    print_rows({
        "pixel": f"{sizes[0]:.4f} x {sizes[1]:.4f} mm",
        "images": f"{found.frames_used} of {images} used, {found.wires} wires in each",
        "error": f"{found.error_mm:.2f} mm (mean distance of the middle wires, without the largest 5 %)",
        "second recording": f"{tried:.2f} mm" if tried is not None else "",
        "corners known to": " ".join(f"{value:.1f}" for value in corners) + " mm (one standard deviation)",
        "probe turned": f"{found.turned_deg:.0f} degrees",
        "phantom": _phantom_text(found, phantom),
    })  # fmt: skip
    if found.missing:
        print_doubt(f"It could be better: {'; '.join(found.missing)}.")
    if phantom.registration is None:
        print_doubt("How well the phantom was registered is not known, and not in it (crlm calibrate phantom).")
    if arguments.output:
        notes = {"CornerStandardDeviationMm": f"{corners.max():.3f}", "FramesUsed": str(found.frames_used),
                 "ImageSize": "{} {}".format(*found.image_size)}  # fmt: skip
        print(write_plus_calibration(arguments.output, "Image", "Probe", found.matrix, found.error_mm, notes))
    made = ImageCalibration(
        found.matrix, found.image_to_probe.covariance, found.image_size, today(), found.error_mm
    )  # fmt: skip
    add_to_calibrations(arguments.calibrations, lambda known: known.with_image(made))


def _phantom_text(found: ProbeEstimate, phantom: NWirePhantom) -> str:
    registered = phantom.registration
    if registered is None or found.phantom_mm is None:
        return ""
    made = f", of {registered.date[:10]}" if registered.date else ""
    return (
        f"FRE {registered.fre_mm:.2f} mm{made}; its wires are known to {found.phantom_mm:.2f} mm (expected TRE), which "
        "is in the corners"
    )


def _calibrated(path: str, phantom: NWirePhantom, points: str | None, progress: Progress) -> tuple[ProbeEstimate, int]:
    """The calibration, and how many images there are."""
    if points:
        frames, size, images = _frames_of_plus(path, phantom, points)
        return estimate_probe(frames, phantom, size, images), images
    calibration = _seen(path, phantom, progress)
    return calibration.estimate(), calibration.images


def _validated(
    found: ProbeEstimate, arguments: argparse.Namespace, phantom: NWirePhantom, progress: Progress
) -> float | None:
    if not arguments.validation:
        return None
    if arguments.points:
        frames, _, images = _frames_of_plus(arguments.validation, phantom, arguments.points)
    else:
        calibration = _seen(arguments.validation, phantom, progress)
        frames, images = calibration.frames, calibration.images
    if not frames:
        raise CalibrationError(
            f"The wires of the phantom are seen in none of the {images} images of {arguments.validation}."
        )
    return found.validation_mm(frames, phantom)


def _seen(path: str, phantom: NWirePhantom, progress: Progress) -> ProbeCalibration:
    """Every image of a recording, looked at."""
    calibration = ProbeCalibration(phantom)
    for share, frame in _different_frames(path):
        calibration.add(frame)
        progress(share, f"{len(calibration.frames)} of {calibration.images} images with all wires")
    return calibration


def _frames_of_plus(path: str, phantom: NWirePhantom, points: str) -> tuple[list[WireFrame], tuple[int, int], int]:
    """The images of a recording for which PLUS's result has the wires; the size of an image, and how many there are."""
    found = read_plus_points(points, phantom.names)
    times = np.array([time for time, _ in found])
    frames, images, size = [], 0, (0, 0)
    for _, frame in _different_frames(path):
        images, size = images + 1, frame.image_size
        pose = compose(frame.transforms, "Probe", "Reference")
        nearest = int(np.argmin(np.abs(times - frame.timestamp)))
        if pose is not None and pose.valid and abs(times[nearest] - frame.timestamp) <= _SAME_TIME_S:
            frames.append(WireFrame(found[nearest][1], pose.matrix, frame.timestamp))
    if not frames:
        raise CalibrationError(
            f"{points} holds no points of the images of {Path(path).name}: no time is the same; give the result that "
            "was made of this recording."
        )
    return frames, size, images


def _different_frames(path: str) -> Iterator[tuple[float, TrackedFrame]]:
    """(share done, frame), without frames that are the one before once more."""
    reader = SequenceReader(path, {"ImageToProbe": np.eye(4)}, "Reference")
    before: TrackedFrame | None = None
    for number, frame in enumerate(reader):
        is_repeated = before is not None and frame.timestamp == before.timestamp
        if not (is_repeated and before is not None and np.array_equal(frame.pixels, before.pixels)):
            yield (number + 1) / len(reader), frame
        before = frame
