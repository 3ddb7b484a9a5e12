"""Between OpenIGTLink messages and the project's own values.

An IMAGE message gives the position of the image's center, an axis vector for each index (its length is the pixel size)
and says whether it speaks RAS or LPS (OpenIGTLink specification, IMAGE). PLUS names images `<Name>_<Frame>`.
"""

from __future__ import annotations

import numpy as np
from pyigtl import ImageMessage, TransformMessage

from ..errors import GeometryError
from ..geometry import as_affine
from ..sweep import Pose

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_STATUS_KEYS = ("TransformStatus", "Status", "status")


def pixels_of(message: ImageMessage) -> np.ndarray | None:
    """(v, u) grey pixels of a two-dimensional image; None when the message holds a volume or nothing."""
    image = np.asarray(message.image)
    if image.ndim not in (3, 4) or image.shape[0] != 1 or image.size == 0:
        return None
    image = image[0].astype(image.dtype.newbyteorder("="), copy=False)
    if image.ndim == 3 and image.shape[2] in (3, 4):
        # ITU-R BT.601 luma; a fourth component is transparency.
        return np.rint(image[..., :3] @ np.array([0.299, 0.587, 0.114])).astype(image.dtype)
    return np.ascontiguousarray(image if image.ndim == 2 else image[..., 0])


def pose_of_image(message: ImageMessage) -> Pose:
    """The (4, 4) pixel-to-RAS matrix in an IMAGE message; invalid when it is not an affine transform."""
    matrix = np.asarray(message.ijk_to_world_matrix, dtype=np.float64)
    if message.world_coordinate_system == "lps":
        matrix = _LPS_TO_RAS @ matrix
    return _checked(matrix, message)


def pose_of_transform(message: TransformMessage) -> Pose:
    """The (4, 4) matrix in a TRANSFORM message, invalid when its metadata say so or it is not affine."""
    return _checked(np.asarray(message.matrix, dtype=np.float64), message)


def image_message(pixels, image_to_world, name: str, timestamp: float) -> ImageMessage:
    """An IMAGE message in RAS with `pixels` (v, u) at `image_to_world` (4, 4)."""
    message = ImageMessage(np.asarray(pixels)[np.newaxis], device_name=name, timestamp=timestamp)
    message.ijk_to_world_matrix = np.asarray(image_to_world, dtype=np.float64)
    message.world_coordinate_system = "ras"
    return message


def transform_message(matrix, name: str, timestamp: float) -> TransformMessage:
    """A TRANSFORM message called `name`, such as 'StylusToReference'."""
    return TransformMessage(np.asarray(matrix, dtype=np.float64), device_name=name, timestamp=timestamp)


def _checked(matrix: np.ndarray, message) -> Pose:
    status = next((str(message.metadata[key]) for key in _STATUS_KEYS if key in message.metadata), "OK")
    try:
        return Pose(as_affine(matrix), status.upper() == "OK", status)
    except GeometryError:
        return Pose(matrix, False, "INVALID")
