"""A picture as a network for landmarks sees it, and what its label maps mean.

Landmarks cross, so each has a probability of its own. In a label map a pixel holds the sum of 1 for a ridge, 2 for a
ligament and 4 for a silhouette: to nnU-Net's files these are regions of several values.
"""

from __future__ import annotations

import numpy as np

from ...values import Label, LabelSet
from ...values.landmarks import LANDMARKS
from ..camera.opencv import opencv
from ..picture import as_colors

# Width and height, as in Borgars et al. (SLiPPA): pictures of other proportions are pressed together.
NETWORK_SIZE = (416, 320)
CHANNELS = ("red", "green", "blue")
BITS = {name: 1 << number for number, name in enumerate(LANDMARKS)}
LABELS = LabelSet(
    (
        Label("background", 0),
        *(Label(name, tuple(value for value in range(1, 8) if value & bit)) for name, bit in BITS.items()),
    ),
    regions_class_order=tuple(BITS.values()),
)


def network_picture(picture: np.ndarray) -> np.ndarray:
    """(320, 416, 3) uint8: `picture` (v, u) or (v, u, 3), uint8 or uint16, at the network's size; finer pixels are
    averaged. Raises LaparoscopeError where OpenCV is not installed.
    """
    cv2 = opencv()
    small: np.ndarray = cv2.resize(as_colors(picture), NETWORK_SIZE, interpolation=cv2.INTER_AREA)
    return small


def label_map_of(lines: np.ndarray) -> np.ndarray:
    """(v, u) uint8 sums of BITS, of boolean `lines` (3, v, u) in the order of LANDMARKS."""
    label_map = np.zeros(lines.shape[1:], dtype=np.uint8)
    for line, bit in zip(lines, BITS.values()):
        label_map |= np.uint8(bit) * line.astype(np.uint8)
    return label_map


def lines_in(label_map: np.ndarray) -> np.ndarray:
    """(3, v, u) boolean, in the order of LANDMARKS, of a label map (v, u) of sums of BITS."""
    return np.stack([(label_map & bit) > 0 for bit in BITS.values()])


def network_label_map(label_map: np.ndarray) -> np.ndarray:
    """(320, 416) uint8: `label_map` (v, u) at the network's size; a pixel belongs to a line that fills half of it."""
    cv2 = opencv()
    size = {"dsize": NETWORK_SIZE, "interpolation": cv2.INTER_AREA}
    shares = [cv2.resize(line.astype(np.float32), **size) for line in lines_in(label_map)]
    return label_map_of(np.stack(shares) >= 0.5)
