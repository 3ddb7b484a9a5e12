"""`crlm preop register --images`: a registration by landmarks refined by LC2 of the CT and the ultrasound volume."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ConfigurationError
from ...files import read_volume
from ...files.dicom_folder import CT_FRAME, read_dicom_ct
from ...geometry import transform_points
from ...values import Volume
from ...values.progress import Progress

if TYPE_CHECKING:
    from ...preoperative.into_operation import InOperation
    from ...preoperative.result_folder import Result


# LC2 that falls by less than this 6 mm beside says too little of a place that landmarks know to some millimetres. Of
# three simulated operations the one below it, 0.05, was moved from 2.2 to 3.5 mm, those above, 0.11 and 0.17, came
# nearer by 4.0 and 2.3 mm.
LEAST_PEAK = 0.1
_NOT_SURE = "Beside, the images fit nearly as well: the place is not sure."


def read_ct_of(result: Result, path: str | Path) -> Volume:
    """The CT in HU, of a DICOM folder or a volume file. Raises FileFormatError, and ConfigurationError for another CT
    than that of the masks.
    """
    ct = read_dicom_ct(path).volume if Path(path).is_dir() else replace(read_volume(path), frame=CT_FRAME)
    grid = result.structures.label_map
    if not ct.has_geometry_of(replace(grid, frame=CT_FRAME), tolerance_mm=0.01):
        raise ConfigurationError(
            f"{path} does not lie on the voxels of the masks: give the CT that they were found in."
        )
    return ct


def with_images(
    found: InOperation, result: Result, ct: Volume, volume: Volume, progress: Progress
) -> tuple[InOperation, tuple[str, ...]]:
    """The CT laid over the ultrasound `volume`, in Reference, from where the landmarks put it, and what speaks against
    that: then the landmarks alone count. Raises GeometryError where the two have nothing in common.
    """
    from ...preoperative.into_operation import refined_now, target_of
    from ...preoperative.vessel_refinement import Refinement
    from ...study.carry.lc2 import within_the_fan
    from ...study.carry.register import register

    to_reference = found.registration.ct_to_reference
    target = target_of(found, result, volume)
    laid = register(
        ct, within_the_fan(volume), [np.linalg.inv(to_reference)], target[None], near=True, progress=progress
    )
    doubts = laid.doubts or ((_NOT_SURE,) if laid.peak < LEAST_PEAK else ())
    if doubts:
        return found, doubts
    moved = np.linalg.inv(laid.fixed_to_moving)
    moved_mm = float(np.linalg.norm(transform_points(moved, target) - transform_points(to_reference, target)))
    refinement = Refinement(moved, moved_mm, laid.similarity, laid.similarity_at_start, by="images")
    return refined_now(found, refinement), ()
