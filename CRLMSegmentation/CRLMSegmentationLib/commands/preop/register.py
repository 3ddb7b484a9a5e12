"""`crlm preop register`."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

import numpy as np

from ...errors import ConfigurationError, NotASequenceError
from ...files import read_volume
from ...files.transform_file import write_transform
from ...geometry import corners_of_extent, transform_points
from ...values.volume import REFERENCE
from ..options.checks import check_there
from ..options.outputs import Output, check_outputs
from ..options.printing import print_doubt, print_facts

# Landmarks on the liver lie no further from what the ultrasound saw of it.
_FAR_MM = 150.0


def register(arguments: argparse.Namespace) -> None:
    """Write the transform and say how far a tumor may be off."""
    from ...preoperative.landmark_registration import read_landmarks
    from ...preoperative.landmark_registration import register as fit
    from ...preoperative.result_folder import read_result

    check_outputs(
        [Output("-o", arguments.output, (".tfm",))], [arguments.landmarks, arguments.reference], arguments.force
    )
    check_there([arguments.reference], "sweep or volume")
    landmarks = read_landmarks(arguments.landmarks)
    result = read_result(arguments.folder)
    found = fit(landmarks)
    away_mm = _distance_to(arguments.reference, landmarks.reference)
    if away_mm > _FAR_MM:
        raise ConfigurationError(
            f"The landmarks lie {away_mm:.0f} mm away from all that {arguments.reference} shows: are they in "
            f"{REFERENCE}, and of this operation?"
        )
    lesions = [
        {"number": one.number, "error_mm": found.error_mm(np.array(one.center_ras_mm))}
        for one in result.measures.lesions
    ]
    center = result.structures.label_map.center_ras
    error_mm = max((one["error_mm"] for one in lesions), default=found.error_mm(center))
    write_transform(found.ct_to_reference, arguments.output)
    left_out = found.left_out_mm()
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    print_facts({
        "transform": arguments.output, "ct_to_reference": found.ct_to_reference, "error_mm": error_mm,
        "lesions": lesions, "landmarks": dict(zip(landmarks.names, found.residual_mm.tolist())),
        "fre_mm": found.fre_mm, "fle_mm": found.fle_mm, "left_out_mm": left_out, "made_at": now,
    })  # fmt: skip
    print(f"{arguments.output}: {len(landmarks.names)} landmarks fit to {found.fre_mm:.1f} mm; error to be expected "
          f"at the tumor {error_mm:.1f} mm")  # fmt: skip
    for name, residual in zip(landmarks.names, found.residual_mm):
        print(f"  {name}: {residual:.1f} mm")
    print_doubt("doubt: this error is that of a liver that keeps its shape; in the operation it does not")


def _distance_to(path: str | Path, points: np.ndarray) -> float:
    """mm from the nearest of `points` (n, 3) to the box around a sweep or volume, both in Reference."""
    lower, upper = _extent_of(path)
    beyond = np.maximum(np.maximum(lower - points, points - upper), 0.0)
    return float(np.linalg.norm(beyond, axis=1).min())


def _extent_of(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    from ...sweep import read_sweep

    try:
        sweep = read_sweep(path)
    except NotASequenceError:
        volume = read_volume(path)
        if volume.frame != REFERENCE:
            raise ConfigurationError(f"{path} lies in the frame '{volume.frame}' and not in {REFERENCE}.") from None
        corners = volume.corners_ras()
    else:
        width, height = sweep.image_size
        frame = corners_of_extent((0, 0, 0), (width - 1, height - 1, 0))
        corners = np.concatenate([transform_points(pose, frame) for pose in sweep.image_to_reference()])
    return corners.min(axis=0), corners.max(axis=0)
