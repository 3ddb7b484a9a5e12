"""The post-processing of SLiPPA's own code, mended so that it runs, as a peer for laparoscope.py.

Borgars et al., 'Intraoperative Segmentation through Deep Learning and Mask Post-processing in Laparoscopic Liver
Surgery'; the code is github.com/ARMADILLO-VISION/SLiPPA (MIT), of which a checkout is read and nothing is kept here. It
needs OpenCV with its contributed modules (`pip install opencv-contrib-python-headless` in an environment of its own).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np

# Their numbers of the landmarks, in our order: ridge, ligament, silhouette.
_CLASSES = np.array([2, 3, 1], dtype=np.uint8)
# What cannot run, and what it says now: an index out of range, and a result that is never returned.
_MENDS = (
    ("u_coords[np.argmax(u_coords[:, 10])]", "u_coords[np.argmax(u_coords[:, 0])]"),
    ("    mask = thinning(mask)\n    mask = redilate(mask)", "    mask = thinning(mask)\n    return redilate(mask)"),
)


def slippa_postprocessing(checkout: Path) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Their `process_mask`: of a picture (3, v, u) float, 0 to 1, and a mask (v, u) uint8 of their classes, a mask.

    Raises ValueError when the checkout is of another state than the one that is mended here.
    """
    path = checkout / "utils" / "postprocess.py"
    text = path.read_text(encoding="utf-8")
    for wrong, right in _MENDS:
        if wrong not in text:
            raise ValueError(f"{path} has no '{wrong.strip()}': it is not the code that is mended here.")
        # The pair of steps stands twice in process_mask; only the last one is what is to be returned.
        before, _, after = text.rpartition(wrong)
        text = before + right + after
    module = ModuleType("slippa_postprocess")
    exec(compile(text, str(path), "exec"), module.__dict__)
    module.cv.setNumThreads(1)
    process: Callable[[np.ndarray, np.ndarray], np.ndarray] = module.process_mask
    return process


def classes_of(probabilities: np.ndarray) -> np.ndarray:
    """(v, u) uint8 of their classes, of probabilities (3, v, u) in our order: one landmark for a pixel, as theirs."""
    best = probabilities.argmax(axis=0)
    found: np.ndarray = np.where(probabilities.max(axis=0) >= 0.5, _CLASSES[best], 0).astype(np.uint8)
    return found
