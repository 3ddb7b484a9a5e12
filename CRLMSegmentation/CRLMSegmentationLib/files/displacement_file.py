"""Fields of displacements as ITK keeps them: an image of vectors in mm along L, P, S, which other programs read as a
displacement field transform (it maps the point x to x + its vector).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .coordinates import image_on_grid
from .paths import name_for_library
from .whole_file import written_whole


def write_displacements(displacements_mm: np.ndarray, ijk_to_ras: np.ndarray, path: str | Path) -> Path:
    """Write `displacements_mm` (k, j, i, 3), mm along R, A, S, at the grid of `ijk_to_ras` (4, 4).

    Raises FileFormatError when the disk refuses.
    """
    import SimpleITK

    path = Path(path)
    vectors = np.asarray(displacements_mm, dtype=np.float32) * np.array([-1, -1, 1], dtype=np.float32)
    image = image_on_grid(vectors, ijk_to_ras)
    name_for_library(path)
    with written_whole(path) as place:
        SimpleITK.WriteImage(image, name_for_library(place), useCompression=True)
    return path
