"""A registration by landmarks refined by the images: LC2 of the CT and the ultrasound volume, see register.py."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ...errors import ConfigurationError, GeometryError
from ...files import read_volume
from ...files.dicom_folder import CT_FRAME, read_dicom_ct
from ...geometry import transform_points
from ...values import Volume
from ...values.progress import Progress
from ...words import mark, tr
from ..into_operation import InOperation, refined_now, target_of
from ..result_folder import Result
from ..vessel_refinement import BY_IMAGES, Refinement
from .lc2 import within_the_fan
from .register import register

# LC2 that falls by less than this 6 mm beside says too little of a place that landmarks know to some millimetres. Of
# three simulated operations the one below it, 0.05, was moved from 2.2 to 3.5 mm, those above, 0.11 and 0.17, came
# nearer by 4.0 and 2.3 mm.
LEAST_PEAK = 0.1
_NOT_SURE = mark("Beside, the images fit nearly as well: the place is not sure.")
_NOTHING_IN_COMMON = mark("The CT and the ultrasound have nothing in common where the landmarks put it.")
_STAYS = mark("The CT stays registered by landmarks alone.")


def read_ct_of(result: Result, path: str | Path) -> Volume:
    """The CT in HU, of a DICOM folder or a volume file. Raises FileFormatError, and ConfigurationError for another CT
    than that of the masks.
    """
    ct = read_dicom_ct(path).volume if Path(path).is_dir() else replace(read_volume(path), frame=CT_FRAME)
    grid = result.structures.label_map
    if not ct.has_geometry_of(replace(grid, frame=CT_FRAME), tolerance_mm=0.01):
        raise ConfigurationError(
            tr("{path} does not lie on the voxels of the masks: give the CT that they were found in.", path=path)
        )
    return ct


def with_images(
    found: InOperation, result: Result, ct: Volume, volume: Volume, progress: Progress | None = None
) -> InOperation:
    """The CT in HU laid over the ultrasound `volume`, in Reference, from where the landmarks put it, now.

    Raises ConfigurationError with what speaks against what came out: then what the landmarks say stays. Half a minute
    to two of processor time.
    """
    if find_spec("torch") is None:
        raise ConfigurationError(
            tr("The images are compared by PyTorch, which is not installed: refine by the vessels.")
        )
    to_reference = found.registration.ct_to_reference
    target = target_of(found, result, volume)
    start = np.linalg.inv(to_reference)
    try:
        laid = register(ct, within_the_fan(volume), [start], target[None], near=True, progress=progress)
    except GeometryError:
        raise ConfigurationError(f"{tr(_NOTHING_IN_COMMON)} {tr(_STAYS)}") from None
    doubts = laid.doubts or ((tr(_NOT_SURE),) if laid.peak < LEAST_PEAK else ())
    if doubts:
        raise ConfigurationError(" ".join([*doubts, tr(_STAYS)]))
    moved = np.linalg.inv(laid.fixed_to_moving)
    moved_mm = float(np.linalg.norm(transform_points(moved, target) - transform_points(to_reference, target)))
    return refined_now(found, Refinement(moved, moved_mm, laid.similarity, laid.similarity_at_start, by=BY_IMAGES))
