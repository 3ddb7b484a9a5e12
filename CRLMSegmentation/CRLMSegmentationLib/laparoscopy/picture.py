"""A laparoscope's picture as colours of 8 bits, whatever the camera writes."""

from __future__ import annotations

import numpy as np


def as_colors(picture: np.ndarray) -> np.ndarray:
    """(v, u, 3) uint8 of `picture` (v, u) or (v, u, 3), uint8 or uint16."""
    if picture.dtype == np.uint16:
        # Cameras of 10 and 12 bits write the same type as those of 16.
        bits = next(bits for bits in (8, 10, 12, 16) if int(picture.max()) < 2**bits)
        picture = (picture >> (bits - 8)).astype(np.uint8)
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=-1)
