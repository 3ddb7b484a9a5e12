"""The plane of an ultrasound image in space, and how a view or a probe lies on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..geometry import plane_axes, transform_points


@dataclass(frozen=True, eq=False)
class ImagePlane:
    """Where an image lies; made by image_plane().

    image_to_reference  (4, 4) float64, pixel (u, v, 0, 1) to mm, as it was measured: it may be skewed by a little
    size                number of pixels along u and v
    axes                (3, 3) orthonormal and right-handed, see geometry.plane_axes
    """

    image_to_reference: np.ndarray
    size: tuple[int, int]
    axes: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """(3,) unit vector along the rows of pixels."""
        return self.axes[:, 0]

    @property
    def down(self) -> np.ndarray:
        """(3,) unit vector along the columns of pixels: away from the probe."""
        return self.axes[:, 1]

    @property
    def toward_viewer(self) -> np.ndarray:
        """(3,) unit normal, out of the image as it is shown, with its first row at the top."""
        return -self.axes[:, 2]

    @property
    def pixel_mm(self) -> tuple[float, float]:
        """The distance between neighbouring pixels along u and v."""
        along_u, along_v = np.linalg.norm(self.image_to_reference[:3, :2], axis=0)
        return float(along_u), float(along_v)

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height of the image, pixel edges included."""
        return self.pixel_mm[0] * self.size[0], self.pixel_mm[1] * self.size[1]

    @property
    def middle(self) -> np.ndarray:
        """(3,) mm of the middle of the image."""
        return transform_points(self.image_to_reference, ((self.size[0] - 1) / 2, (self.size[1] - 1) / 2, 0))

    @property
    def top(self) -> np.ndarray:
        """(3,) mm of the middle of the first row of pixels, where the probe's face is."""
        return transform_points(self.image_to_reference, ((self.size[0] - 1) / 2, 0, 0))

    def slice_to_reference(self) -> np.ndarray:
        """(4, 4) rigid, as 3D Slicer's SliceToRAS: x right, y up, z toward the viewer, from the middle of the image."""
        return _rigid(np.column_stack([self.right, -self.down, self.toward_viewer]), self.middle)

    def probe_face_to_reference(self) -> np.ndarray:
        """(4, 4) rigid, as a probe stands on its image: x right, y down into the tissue, from the top of the image."""
        return _rigid(self.axes, self.top)


def image_plane(image_to_reference: ArrayLike, size: tuple[int, int] = (1, 1)) -> ImagePlane | None:
    """The plane of an image under its pose; None for one that spans no plane or is not finite.

    image_to_reference  (4, 4), pixel (u, v, 0, 1) to mm
    size                number of pixels along u and v; where the middle and the edges do not matter, any
    """
    matrix = np.asarray(image_to_reference, dtype=np.float64)
    axes = plane_axes(matrix)
    if not np.isfinite(matrix).all() or not np.isfinite(axes).all():
        return None
    return ImagePlane(matrix, size, axes)


def _rigid(axes: np.ndarray, origin: np.ndarray) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = axes, origin
    return matrix
