"""What a network is asked about, and what it answers: arrays, their spacing, channels and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import ModelError, SegmentationError
from ..words import tr


@dataclass(frozen=True, eq=False)
class Image:
    """What a network is asked about: a volume or, with one plane, a frame.

    channels    (c, k, j, i) real numbers of any dtype
    spacing_mm  along k, j, i
    known       boolean (k, j, i): where there is a value at all; None: wherever a channel is not 0, as nnU-Net has it

    Raises SegmentationError for shapes that do not fit, a spacing that is none, and values that are not finite numbers.
    """

    channels: np.ndarray
    spacing_mm: Sequence[float]
    known: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.channels.ndim != 4 or not self.channels.size:
            raise SegmentationError(
                tr("An image has channels [c, k, j, i]; this array has shape {shape}.", shape=self.channels.shape)
            )
        spacing = tuple(float(value) for value in self.spacing_mm)
        if len(spacing) != 3 or not all(0 < value < float("inf") for value in spacing):
            raise SegmentationError(
                tr("The spacing of an image is three lengths in mm, and this is {spacing}.", spacing=spacing)
            )
        if self.known is not None and self.known.shape != self.shape:
            raise SegmentationError(
                tr(
                    "What is known has shape {shape}, and the image {shape_2}.",
                    shape=self.known.shape,
                    shape_2=self.shape,
                )
            )
        if self.channels.dtype.kind not in "biu" and not np.isfinite(self.channels).all():
            raise SegmentationError(tr("The image holds values that are not finite numbers: make it again."))
        object.__setattr__(self, "spacing_mm", spacing)

    @classmethod
    def of_frame(cls, pixels: np.ndarray, spacing_mm: Sequence[float] = (1.0, 1.0)) -> Image:
        """A frame, (j, i) grey or (j, i, c) in colour, with the spacing along j and i; all of it is known."""
        planes = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
        channels = np.ascontiguousarray(planes)[:, None]
        # The thickness of a frame means nothing; as far as the pixels, so that no axis stands out.
        spacing = (float(spacing_mm[0]), *spacing_mm)
        return cls(channels, spacing, all_known(channels.shape[1:]))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Along k, j, i."""
        k, j, i = self.channels.shape[1:]
        return k, j, i

    def known_or_nonzero(self) -> np.ndarray:
        """Boolean (k, j, i): `known`, or where a channel is not 0."""
        if self.known is not None:
            return self.known
        nonzero: np.ndarray = (self.channels != 0).any(axis=0)
        return nonzero


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a network answered.

    probabilities  float32 (n, k, j, i), 0 to 1, on the voxels of the image
    labels         their n names
    identity       what came with the request, such as the time of a frame, so that an answer is shown on that frame
                   alone
    """

    probabilities: np.ndarray
    labels: tuple[str, ...]
    identity: Any = None

    def of(self, label: str) -> np.ndarray:
        """float32 (k, j, i): the probability of one label. Raises ModelError for one that was not asked for."""
        if label not in self.labels:
            raise ModelError(
                tr(
                    "There is no answer for the label '{label}', only for {labels}.",
                    label=label,
                    labels=", ".join(self.labels),
                )
            )
        probability: np.ndarray = self.probabilities[self.labels.index(label)]
        return probability


@lru_cache(maxsize=4)
def all_known(shape: tuple[int, ...]) -> np.ndarray:
    """Boolean of `shape`, True everywhere, not to be written to: frames come often, and mostly in one size."""
    known = np.ones(shape, dtype=bool)
    known.flags.writeable = False
    return known
