"""One image to learn from, and what is to be found in it."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import GeometryError
from ...values import Volume


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """An image of a case, as a task cuts it.

    name      unique within the case; '' for the only one
    channels  what the network sees, on one grid; of a 2D task a single plane (k = 1)
    labels    uint8 label map on the same grid
    group     such as 'tight' or 'straying': figures are reported for each group by itself
    """

    name: str
    channels: tuple[Volume, ...]
    labels: Volume
    group: str = ""

    def __post_init__(self) -> None:
        if not all(channel.has_geometry_of(self.labels) for channel in self.channels):
            raise GeometryError(f"The channels and the labels of the image '{self.name}' do not lie on the same grid.")
