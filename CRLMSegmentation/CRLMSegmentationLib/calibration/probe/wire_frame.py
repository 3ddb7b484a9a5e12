"""One image of a phantom: where its wires are seen, and where the probe was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class WireFrame:
    """Wires that were found in one image.

    points              (wires, 2) pixels (u, v), in the order of the phantom's definition
    probe_to_reference  (4, 4) mm
    time_s              of the image
    """

    points: np.ndarray
    probe_to_reference: np.ndarray
    time_s: float
