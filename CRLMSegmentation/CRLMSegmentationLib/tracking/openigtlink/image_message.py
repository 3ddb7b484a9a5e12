"""IMAGE as the specification has it, with its sizes checked, in pyigtl's form (its own believes every size).

Specification: OpenIGTLink protocol version 3, page IMAGE.
"""

from __future__ import annotations

import math
import struct

import numpy as np
from pyigtl import ImageMessage as PyigtlImageMessage

from .message_parts import Content, MalformedMessage

_IMAGE_HEADER = struct.Struct("> H B B B B 3H 12f 6H")


class ImageMessage(PyigtlImageMessage):
    """IMAGE whose sizes are checked before they are believed, and which may hold a part of an image only.

    image               (k, j, i) or (k, j, i, components) voxels of the part that was sent
    whole_size          (i, j, k) of the whole image, which ijk_to_world_matrix belongs to
    part_offset         (i, j, k) of the first voxel of the part
    """

    whole_size: tuple[int, int, int] | None = None
    part_offset: tuple[int, int, int] = (0, 0, 0)

    @property
    def is_part(self) -> bool:
        return self.whole_size is not None and self.whole_size != tuple(self.image.shape[2::-1])

    def _unpack_content(self, content: Content) -> None:
        if len(content) < _IMAGE_HEADER.size:
            raise MalformedMessage("an image without its header")
        values = _IMAGE_HEADER.unpack_from(content)
        components, scalar_type, endian, coordinates = values[1:5]
        whole, offset, size = values[5:8], values[20:23], values[23:26]
        if scalar_type not in self.scalar_types or components < 1 or 0 in size:
            raise MalformedMessage("an image of no known kind")
        if any(start + length > full for start, length, full in zip(offset, size, whole)):
            raise MalformedMessage("a part outside of its image")
        dtype = np.dtype(self.scalar_types[scalar_type]).newbyteorder(">" if endian == 1 else "<")
        if len(content) - _IMAGE_HEADER.size != math.prod(size) * components * dtype.itemsize:
            raise MalformedMessage("an image with too many or too few pixels")
        self.whole_size, self.part_offset = whole, offset
        self.world_coordinate_system = "lps" if coordinates == 2 else "ras"
        matrix = np.eye(4)
        matrix[:3] = np.array(values[8:20], dtype=np.float64).reshape(4, 3).T
        # The position in the message is that of the image's center, between its pixels.
        matrix[:3, 3] -= matrix[:3, :3] @ ((np.array(whole) - 1) / 2)
        self.ijk_to_world_matrix = matrix
        shape = size[::-1] if components == 1 else (*size[::-1], components)
        self.image = np.frombuffer(content, dtype, offset=_IMAGE_HEADER.size).reshape(shape)


def size_of_image_content(start: Content) -> int | None:
    """Bytes of an IMAGE's content by its own header, which `start` begins with; None when that makes no sense."""
    values = _IMAGE_HEADER.unpack_from(start)
    if values[2] not in ImageMessage.scalar_types or values[1] < 1:
        return None
    value_bytes: int = np.dtype(ImageMessage.scalar_types[values[2]]).itemsize
    return _IMAGE_HEADER.size + int(math.prod(values[23:26]) * values[1]) * value_bytes
