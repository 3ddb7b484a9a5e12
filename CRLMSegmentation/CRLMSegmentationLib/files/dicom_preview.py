"""A small picture of a DICOM series, by which a person tells it from the others: its middle slice."""

from __future__ import annotations

import numpy as np

from .dicom_folder import SeriesSummary
from .paths import name_for_library

# In HU: soft tissue and contrast, the usual window of an abdomen.
WINDOW_CENTER_HU, WINDOW_WIDTH_HU = 50.0, 400.0
_SIDE_PX = 96


def series_picture(series: SeriesSummary, side_px: int = _SIDE_PX) -> np.ndarray | None:
    """uint8 grey levels (rows, columns), at most side_px along each: every n-th pixel of the middle slice, as it is
    stored. A CT is shown in the window of an abdomen, another image from its 1st to its 99th percentile. None for a
    slice that cannot be read.
    """
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(name_for_library(series.files[len(series.files) // 2]))
    reader.SetImageIO("GDCMImageIO")
    try:
        pixels = SimpleITK.GetArrayFromImage(reader.Execute())
    except RuntimeError:
        return None
    plane = pixels.reshape(-1, *pixels.shape[-2:])[0] if pixels.ndim == 3 else None
    if plane is None:
        return None
    step = max(1, int(np.ceil(max(plane.shape) / side_px)))
    small = plane[::step, ::step].astype(np.float32)
    if series.modality == "CT":
        low = WINDOW_CENTER_HU - WINDOW_WIDTH_HU / 2
        return as_grey(small, low, low + WINDOW_WIDTH_HU)
    low, high = np.percentile(small, (1, 99))
    return as_grey(small, float(low), float(high))


def as_grey(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """uint8 of the same shape: `low` and below is black, `high` and above white."""
    scaled = (values.astype(np.float32) - low) * (255.0 / max(high - low, 1e-6))
    grey: np.ndarray = np.clip(scaled, 0, 255).astype(np.uint8)
    return grey
