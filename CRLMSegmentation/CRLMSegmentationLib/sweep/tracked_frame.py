"""One ultrasound image with the poses that were measured at its time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..values import ImagePlane, image_plane


@dataclass(frozen=True, eq=False)
class Pose:
    """A tracked transform at one time.

    matrix  (4, 4) float64, mm
    valid   False when the tracker said that it did not see the tool (any PLUS status other than OK)
    status  the tracker's own word: OK, INVALID, OUT_OF_VIEW, MISSING, ...
    """

    matrix: np.ndarray
    valid: bool = True
    status: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrix", np.asarray(self.matrix, dtype=np.float64).reshape(4, 4))
        if not self.status:
            object.__setattr__(self, "status", "OK" if self.valid else "INVALID")


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """One ultrasound image and its pose.

    pixels              (v, u) or rows, columns; in working orientation MF: u towards the marked side, v away from
                        the transducer. uint8 as a rule; (0, 0) for poses that were measured without an image; (v, u, 3)
                        red, green, blue of a stream that keeps its colors (a laparoscope's): such frames make no sweep
    image_to_reference  (4, 4) float64: pixel (u, v, 0, 1) to Reference mm, pixel spacing included; None when unknown
    timestamp           seconds on the recorder's clock
    valid               True when `image_to_reference` was really measured at this time. An invalid frame is kept in
                        recordings and left out of volumes
    transforms          every transform recorded with the frame under its PLUS name, such as 'StylusToReference' or
                        'ProbeToTracker' (without 'ImageToReference', which is above)
    fields              other text recorded with the frame, name to value
    """

    pixels: np.ndarray
    image_to_reference: np.ndarray | None
    timestamp: float
    valid: bool = True
    transforms: Mapping[str, Pose] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def image_size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def plane(self) -> ImagePlane | None:
        """Where the image lies; None without a pose, or with one that spans no plane."""
        return None if self.image_to_reference is None else image_plane(self.image_to_reference, self.image_size)

    @property
    def dtype(self) -> np.dtype:
        """Of the pixels."""
        return self.pixels.dtype

    def with_changes(self, **changes: Any) -> TrackedFrame:
        """A copy with some attributes replaced."""
        return replace(self, **changes)
