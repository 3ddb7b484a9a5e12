"""What is in a sequence file, for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..missing_frames import missing_before
from ..transform_tree import DERIVED_FIELD, REFERENCE_FIELD
from ..transforms import find_path
from .sequence_formats import read_sequence_header
from .sequence_pixels import SequencePixels
from .sequence_reader import frames_by_transform, seconds

# Frames of ultrasound do not follow each other as slowly as this: such times are in another unit.
_SLOWEST_INTERVAL_S = 5.0


def describe_sequence(path: str | Path) -> dict[str, Any]:
    """What is in a sequence file: size, frames, transforms with their number of OK, times.

    The pixels are read through once, a frame at a time. What cannot be known is None. A recording of a tracker alone
    has image_size [0, 0] or [1, 1]. Raises SequenceFileError when the pixels are not all there.
    """
    header = read_sequence_header(path)
    if header.has_images:
        for _ in SequencePixels(header):
            pass
    valid = frames_by_transform(header)
    fields = {name: value for name, value in header.fields.items() if name not in (DERIVED_FIELD, REFERENCE_FIELD)}
    reference = header.fields.get(REFERENCE_FIELD, "Reference")
    times = np.array([seconds(fields.get("Timestamp"), header.path) for fields in header.frame_fields])
    known = times[np.isfinite(times)]
    duration = float(known[-1] - known[0]) if known.size > 1 else None
    return {
        "file": str(header.path),
        "image_size": list(header.image_size),
        "frames": header.frame_count,
        "dtype": header.dtype.name if header.has_images else None,
        "compression": header.compression,
        "duration_s": duration,
        "frames_per_second": (known.size - 1) / duration if duration and duration > 0 else None,
        "valid_frames_by_transform": valid,
        "reference": reference,
        "holds_image_to_reference": find_path(valid, "Image", reference) is not None,
        "doubts_about_times": doubts_about_times(times),
        "fields": fields,
    }


def doubts_about_times(times: np.ndarray) -> list[str]:
    """Sentences about `times` (n,) in seconds, NaN where a frame has none; empty for times that can be relied on."""
    known = times[np.isfinite(times)]
    doubts = []
    if known.size < times.size:
        doubts.append(f"{times.size - known.size} of {times.size} frames have no time.")
    steps = np.diff(known)
    if (steps < 0).any():
        doubts.append(f"The times go backwards at {np.count_nonzero(steps < 0)} places.")
    if (steps == 0).any():
        doubts.append(f"{np.count_nonzero(steps == 0)} frames have the time of the frame before.")
    if missing := sum(missing_before(known)):
        doubts.append(f"About {missing} frames are missing between them, by the gaps between their times.")
    if steps.size and (interval := float(np.median(steps))) >= _SLOWEST_INTERVAL_S:
        doubts.append(f"The times are {interval:.4g} apart: they are read as seconds and look like milliseconds.")
    return doubts
