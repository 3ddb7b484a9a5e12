"""`crlm preop register`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ConfigurationError, NotASequenceError
from ...files import read_volume
from ...files.transform_file import write_transform
from ...values import Volume
from ...values.volume import REFERENCE
from ..options.checks import check_there
from ..options.outputs import Output, check_outputs
from ..options.printing import print_doubt, print_facts
from ..options.progress import progress_bar

if TYPE_CHECKING:
    from ...preoperative.into_operation import InOperation
    from ...preoperative.result_folder import Result


def register(arguments: argparse.Namespace) -> None:
    """Write the transform and say how far a tumor may be off."""
    from ...preoperative.into_operation import KEEPS_ITS_SHAPE, ONLY_THERE, bring_into_operation
    from ...preoperative.landmark_registration import read_landmarks
    from ...preoperative.result_folder import read_result

    check_outputs(
        [Output("-o", arguments.output, (".tfm",))], [arguments.landmarks, arguments.reference], arguments.force
    )
    check_there([arguments.reference], "sweep or volume")
    landmarks = read_landmarks(arguments.landmarks)
    result = read_result(arguments.folder)
    extent, volume = _seen_in(arguments.reference)
    way = "--vessels" if arguments.vessels else "--images" if arguments.images else ""
    if way and volume is None:
        raise ConfigurationError(f"{way} needs a volume: make one of the sweep with `crlm reconstruct`.")
    found = bring_into_operation(result, landmarks, extent, str(arguments.reference))
    if volume is not None and way:
        found = _refined(found, result, volume, arguments)
    write_transform(found.ct_to_reference, arguments.output)
    print_facts({"transform": arguments.output, **found.as_plain()})
    fit = found.registration
    print(f"{arguments.output}: {len(landmarks.names)} landmarks fit to {fit.fre_mm:.1f} mm; error to be expected "
          f"at the tumor {found.error_mm:.1f} mm")  # fmt: skip
    if found.refined is not None:
        moved = found.refined
        print(f"  {moved.by} moved it by {moved.moved_mm:.1f} mm at the tumor; they fit to {moved.fit:.2f}, by "
              f"landmarks alone to {moved.fit_before:.2f}")  # fmt: skip
        print_doubt(f"doubt: {ONLY_THERE}")
    for name, residual in zip(landmarks.names, fit.residual_mm):
        print(f"  {name}: {residual:.1f} mm")
    print_doubt(f"doubt: {KEEPS_ITS_SHAPE}")


def _refined(found: InOperation, result: Result, volume: Volume, arguments: argparse.Namespace) -> InOperation:
    """By vessels or images, or as it was, with the reason said."""
    from ...preoperative.image_registration.refinement import read_ct_of, with_images
    from ...preoperative.into_operation import with_vessels

    ct = None if arguments.vessels else read_ct_of(result, arguments.images)
    try:
        if ct is None:
            return with_vessels(found, result, volume)
        with progress_bar("Register") as progress:
            return with_images(found, result, ct, volume, progress)
    except ConfigurationError as error:
        print_doubt(f"doubt: {error}")
        return found


def _seen_in(path: str | Path) -> tuple[tuple[np.ndarray, np.ndarray], Volume | None]:
    """Lowest and highest corner of a sweep or a volume, in Reference, and the volume, None for a sweep."""
    from ...sweep import read_sweep

    volume = None
    try:
        sweep = read_sweep(path)
    except NotASequenceError:
        volume = read_volume(path)
        if volume.frame != REFERENCE:
            raise ConfigurationError(f"{path} lies in the frame '{volume.frame}' and not in {REFERENCE}.") from None
        corners = volume.corners_ras()
    else:
        corners = sweep.corners_ras()
    return (corners.min(axis=0), corners.max(axis=0)), volume
