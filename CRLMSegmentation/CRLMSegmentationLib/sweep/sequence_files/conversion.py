"""A recording written anew: in the other format, and as the tree of transforms that PLUS takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...values.progress import Progress
from ..transform_tree import REFERENCE_FIELD
from .sequence_formats import read_sequence_header
from .sequence_pixels import SequencePixels
from .sequence_writer import SequenceWriter

_NO_PIXELS = np.zeros((0, 0), np.uint8)
# Under the one name or the other, by format.
_IMAGE_STATUS_FIELDS = ("ImageStatus", "Status")


def convert_sequence(
    source: str | Path,
    target: str | Path,
    calibration: Mapping[str, np.ndarray] | None = None,
    reference: str | None = None,
    compressed: bool = True,
    progress: Progress | None = None,
) -> Path:
    """Write the sequence file `source` to `target` (`.mha` or `.nrrd`), in memory bounded by one frame.

    calibration  (4, 4) by name: fixed transforms to write into it, where nothing recorded says the same
    reference    the frame of reference of the images; None for the one that `source` was recorded in

    Times, fields and poses stay as they are; a pose that follows from others is not written, and read all the same (see
    transform_tree). Images come in orientation MF and grey. No pose is needed: trackers alone are converted as well.
    Raises SequenceFileError; `target` is whole or not there.
    """
    header = read_sequence_header(source)
    reference = header.fields.pop(REFERENCE_FIELD, None) if reference is None else reference
    images = SequencePixels(header) if header.has_images else [_NO_PIXELS] * header.frame_count
    with SequenceWriter(target, compressed, header.fields, reference or "Reference", calibration) as writer:
        for number, (pixels, fields) in enumerate(zip(images, header.frame_fields)):
            writer.add_image(pixels, _with_one_status(fields))
            if progress:
                progress((number + 1) / header.frame_count, f"frame {number + 1} of {header.frame_count}")
    return Path(target)


def _with_one_status(fields: Mapping[str, str]) -> dict[str, str]:
    fields = dict(fields)
    status = next((status for name in _IMAGE_STATUS_FIELDS if (status := fields.pop(name, None)) is not None), "OK")
    return fields if status.upper() == "OK" else {**fields, "ImageStatus": status}
