"""A recorded pass of the tracked probe over the liver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import SequenceFileError
from ..geometry import corners_of_extent, transform_points
from ..words import tr
from .tracked_frame import TrackedFrame

# The field of a sweep, or of its frames, that says of simulated ones that they are.
ORIGIN_FIELD, SIMULATED = "DataOrigin", "simulated"


@dataclass(frozen=True, eq=False)
class Sweep:
    """Tracked frames of one size and dtype, in the order of recording.

    frames  TrackedFrame, ...
    name    for people
    fields  text recorded once for the whole sweep, name to value
    reference  the frame of reference: the one to which `image_to_reference` of the frames leads
    notes   sentences for people about how it was read; not written to files
    """

    frames: Sequence[TrackedFrame]
    name: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    reference: str = "Reference"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for number, frame in enumerate(self.frames):
            first = self.frames[0]
            if (frame.image_size, frame.dtype) != (first.image_size, first.dtype):
                raise SequenceFileError(
                    tr(
                        "Frame {number} of {name} is {kind}, but frame 0 is {kind_2}: the frames of one sweep "
                        "must have one size and one type of pixels.",
                        number=number,
                        name=self.name or "the sweep",
                        kind=_kind(frame),
                        kind_2=_kind(first),
                    )
                )

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def image_size(self) -> tuple[int, int]:
        """Width and height of every frame in pixels."""
        return self.frames[0].image_size

    @property
    def valid_frames(self) -> list[TrackedFrame]:
        """The frames whose pose was measured: what a volume is made of."""
        return [frame for frame in self.frames if frame.valid and frame.image_to_reference is not None]

    def without_repeated_frames(self) -> Sweep:
        """Without frames that are the frame before once more, with its time and pixels, as PLUS records them."""
        kept = [
            frame for before, frame in zip((None, *self.frames), self.frames)
            if before is None or frame.timestamp != before.timestamp or not np.array_equal(frame.pixels, before.pixels)
        ]  # fmt: skip
        return self if len(kept) == len(self.frames) else replace(self, frames=kept)

    @property
    def duration_s(self) -> float:
        """Seconds from the first to the last frame."""
        return float(self.frames[-1].timestamp - self.frames[0].timestamp) if len(self.frames) > 1 else 0.0

    @property
    def frames_per_second(self) -> float:
        """Mean rate of recording; NaN when it cannot be known."""
        return (len(self.frames) - 1) / self.duration_s if self.duration_s > 0 else float("nan")

    def image_to_reference(self) -> np.ndarray:
        """(n, 4, 4) float64 of the valid frames."""
        return np.array([frame.image_to_reference for frame in self.valid_frames]).reshape(-1, 4, 4)

    def corners_ras(self) -> np.ndarray:
        """(n, 3) RAS mm in Reference: the corners of the valid frames."""
        width, height = self.image_size
        frame = corners_of_extent((0, 0, 0), (width - 1, height - 1, 0))
        corners = [transform_points(pose, frame) for pose in self.image_to_reference()]
        return np.concatenate(corners) if corners else np.empty((0, 3))


def _kind(frame: TrackedFrame) -> str:
    return f"{frame.image_size[0]} x {frame.image_size[1]} pixels of {frame.dtype}"
