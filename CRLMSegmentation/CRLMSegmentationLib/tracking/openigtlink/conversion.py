"""Between OpenIGTLink messages and the project's own values.

An IMAGE message gives the position of the image's center, an axis vector for each index (its length is the pixel size)
and says whether it speaks RAS or LPS (OpenIGTLink specification, IMAGE; PLUS and the C++ library say RAS). PLUS names
images `<Name>_<Frame>`, and gives the status of each transform in metadata when it is asked for header version 2
(vtkPlusIgtlMessageCommon::PackTransformMessage).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from pyigtl import MessageBase, TransformMessage

from ...errors import CRLMError, GeometryError
from ...geometry import LPS_TO_RAS, as_affine, plane_axes
from ...sweep import Pose
from ...sweep.sequence_files.identifying_fields import is_identifying
from ...sweep.transforms import is_transform_name, parse_matrix
from .image_message import ImageMessage
from .messages import PositionMessage, TrackingDataMessage

_LUMA = np.array([0.299, 0.587, 0.114])
_TRANSFORM_FIELD = re.compile(r"([A-Za-z0-9]+To[A-Za-z0-9]+?)Transform(Status)?\Z")
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}\Z")
_LONGEST_FIELD, _MOST_FIELDS = 1024, 64
# Written anew with each frame, or of no use outside of the message.
_OWN_FIELDS = frozenset({"Timestamp", "UnfilteredTimestamp", "ImageStatus", "Status", "IGTL_DEVICE_NAME"})


def is_picture(message: ImageMessage) -> bool:
    """True for a two-dimensional image; False when the message holds a volume or nothing."""
    image = np.asarray(message.image)
    return image.ndim in (3, 4) and image.shape[0] == 1 and image.size > 0


def pixels_of(message: ImageMessage, keep_color: bool = False) -> np.ndarray | None:
    """The pixels of a two-dimensional image; None when the message holds a volume or nothing.

    keep_color  (v, u, 3) red, green, blue, also of a grey image; otherwise (v, u) grey
    """
    if not is_picture(message):
        return None
    image = np.asarray(message.image)[0]
    image = image.astype(image.dtype.newbyteorder("="), copy=False)
    if image.ndim == 3 and image.shape[2] in (3, 4):
        # A fourth component is transparency.
        color = image[..., :3]
        # ITU-R BT.601 luma.
        return np.ascontiguousarray(color) if keep_color else np.rint(color @ _LUMA).astype(image.dtype)
    grey = np.ascontiguousarray(image if image.ndim == 2 else image[..., 0])
    return np.repeat(grey[..., None], 3, axis=2) if keep_color else grey


def pose_of_image(message: ImageMessage) -> Pose:
    """The (4, 4) pixel-to-RAS matrix in an IMAGE message; invalid when it is not an affine transform.

    A single slice needs no thickness: where none is given, the third axis is upright on the other two, 1 mm long.
    """
    matrix = np.array(message.ijk_to_world_matrix, dtype=np.float64)
    if not matrix[:3, 2].any() and np.isfinite(matrix).all():
        matrix[:3, 2] = plane_axes(matrix)[:, 2]
    if message.world_coordinate_system == "lps":
        matrix = LPS_TO_RAS @ matrix
    return _checked(matrix, "OK")


def poses_of(message: MessageBase) -> dict[str, Pose]:
    """The transforms in a TRANSFORM, POSITION or TDATA message by name, as in 'StylusToReference' or a tool's own name.

    A pose is invalid when the metadata say so or its matrix is no affine transform.
    """
    status = message.metadata.get("TransformStatus") or message.metadata.get("Status") or "OK"
    if str(message.metadata.get("TransformValid", "1")).strip().lower() in ("0", "false") and status == "OK":
        status = "INVALID"
    if isinstance(message, TransformMessage):
        found = {message.device_name: (np.asarray(message.matrix, dtype=np.float64), status)}
    elif isinstance(message, PositionMessage):
        found = {message.device_name: (_matrix_of_position(message), status)}
    elif isinstance(message, TrackingDataMessage):
        found = {}
        for number, (name, matrix) in enumerate(message.elements):
            # PLUS cuts the names of the elements and gives the whole ones in metadata: '<name>Index': number.
            name = next((k[:-5] for k, v in message.metadata.items() if k.endswith("Index") and v == str(number)), name)
            found[name] = (matrix, message.metadata.get(f"{name}Status", "OK"))
    else:
        found = {}
    return {clean_text(name, 128): _checked(matrix, its_status) for name, (matrix, its_status) in found.items()}


def image_message(pixels: ArrayLike, image_to_world: ArrayLike, name: str, timestamp: float) -> ImageMessage:
    """An IMAGE message in RAS with `pixels`, (v, u) grey or (v, u, 3) colored, at `image_to_world` (4, 4)."""
    pixels = np.asarray(pixels)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    message = ImageMessage(pixels[np.newaxis], device_name=name, timestamp=timestamp)
    message.ijk_to_world_matrix = np.asarray(image_to_world, dtype=np.float64)
    message.world_coordinate_system = "ras"
    return message


def transform_message(matrix: ArrayLike, name: str, timestamp: float, status: str = "OK") -> TransformMessage:
    """A TRANSFORM message called `name`, such as 'StylusToReference', with the metadata that PLUS gives it."""
    message = TransformMessage(np.asarray(matrix, dtype=np.float64), device_name=name, timestamp=timestamp)
    message.metadata = {"TransformValid": "1" if status == "OK" else "0", "TransformStatus": status}
    return message


def transforms_in_metadata(metadata: Mapping[str, str]) -> dict[str, Pose]:
    """The raw transforms that PLUS sends along with an image: 'ProbeToTrackerTransform', '...TransformStatus'."""
    poses = {}
    for key, value in metadata.items():
        match = _TRANSFORM_FIELD.match(key)
        if match and not match[2] and is_transform_name(match[1]):
            try:
                matrix = parse_matrix(value, key)
            except CRLMError:
                continue
            poses[match[1]] = _checked(matrix, metadata.get(f"{key}Status", "OK"))
    return poses


def fields_in_metadata(metadata: Mapping[str, str], keep_identifying: bool = False) -> dict[str, str]:
    """What else is worth recording with a frame: cleaned text, without transforms and without who the patient is.

    keep_identifying  record who the patient and the staff are as well
    """
    fields: dict[str, str] = {}
    for key, value in metadata.items():
        if len(fields) == _MOST_FIELDS:
            break
        if not _FIELD_NAME.match(key) or key in _OWN_FIELDS or _TRANSFORM_FIELD.match(key):
            continue
        if is_identifying(key) and not keep_identifying:
            continue
        fields[key] = clean_text(value)
    return fields


def clean_text(text: object, longest: int = _LONGEST_FIELD) -> str:
    """Text from the network as one printable line."""
    return " ".join("".join(char if char.isprintable() else " " for char in str(text)[:longest]).split())


def _matrix_of_position(message: PositionMessage) -> np.ndarray:
    x, y, z, w = quaternion = np.asarray(message.quaternion, dtype=np.float64)
    norm = quaternion @ quaternion
    matrix = np.eye(4)
    if not norm > 0:
        return np.full((4, 4), np.nan)
    matrix[:3, :3] += (2 / norm) * np.array(
        [
            [-y * y - z * z, x * y - z * w, x * z + y * w],
            [x * y + z * w, -x * x - z * z, y * z - x * w],
            [x * z - y * w, y * z + x * w, -x * x - y * y],
        ]
    )
    matrix[:3, 3] = message.position
    return matrix


def _checked(matrix: np.ndarray, status: str) -> Pose:
    label = re.sub(r"[^A-Z_]", "", clean_text(status, 40).upper().replace(" ", "_")) or "INVALID"
    try:
        return Pose(as_affine(matrix), label == "OK", label)
    except GeometryError:
        return Pose(matrix, False, "INVALID" if label == "OK" else label)
