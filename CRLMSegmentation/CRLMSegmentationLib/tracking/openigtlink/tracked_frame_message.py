"""PLUS's own message TRACKEDFRAME: an image with the raw transforms of its time, in one.

Specification: PlusLib, igtlPlusTrackedFrameMessage (a header of 86 bytes, XML, pixels) and IGSIO's
igsioTrackedFrame::PrintToXML. The matrix in the header is left alone: it does not say which frame it leads to.
"""

from __future__ import annotations

import math
import struct
from xml.etree import ElementTree

import numpy as np

from .image_message import ImageMessage
from .message_parts import Content, MalformedMessage

_HEADER = struct.Struct("> 3H 3H II H 64x")
_LONGEST_XML = 1 << 20
# igsioCommon's US_IMAGE_ORIENTATION: whether to flip rows and columns to come to MF; an undefined one counts as MF.
_FLIPS = {0: (False, False), 1: (False, True), 3: (True, True), 5: (False, False), 8: (True, False)}
_NAME = "TrackedFrame"


class TrackedFrameMessage(ImageMessage):
    """TRACKEDFRAME, read as an IMAGE whose metadata are the frame's fields, such as 'ProbeToTrackerTransform'.

    It has no name, and is called TrackedFrame. It is not sent.
    """

    device_name: str
    metadata: dict[str, str]

    def __init__(self, timestamp: float | None = None, device_name: str | None = None) -> None:
        super().__init__(timestamp=timestamp, device_name=device_name)
        self._message_type = "TRACKEDFRAME"

    def _pack_content(self) -> bytes:
        raise ValueError("TRACKEDFRAME is not sent")

    def _unpack_content(self, content: Content) -> None:
        if len(content) < _HEADER.size:
            raise MalformedMessage("a tracked frame without its header")
        scalar_type, components, _, *size, image_bytes, xml_bytes, orientation = _HEADER.unpack_from(content)
        if len(content) != _HEADER.size + xml_bytes + image_bytes or xml_bytes > _LONGEST_XML:
            raise MalformedMessage("a tracked frame with too many or too few bytes")
        if orientation not in _FLIPS or scalar_type not in self.scalar_types or components < 1:
            raise MalformedMessage("a tracked frame of no known kind")
        dtype = np.dtype(self.scalar_types[scalar_type]).newbyteorder("<")
        # Of a tracker alone there are no pixels.
        shape = size[::-1] if image_bytes else (0, 0, 0)
        if image_bytes != math.prod(shape) * components * dtype.itemsize:
            raise MalformedMessage("a tracked frame with too many or too few pixels")
        pixels = np.frombuffer(content, dtype, offset=_HEADER.size + xml_bytes)
        self.image = pixels.reshape(shape if components == 1 else (*shape, components))
        rows, columns = _FLIPS[orientation]
        self.image = self.image[:, :: -1 if rows else 1, :: -1 if columns else 1]
        self.ijk_to_world_matrix, self.world_coordinate_system = np.eye(4), "ras"
        self.device_name = self.device_name or _NAME
        self.metadata = {**self.metadata, **_fields(bytes(content[_HEADER.size : _HEADER.size + xml_bytes]))}


def _fields(xml: bytes) -> dict[str, str]:
    text = xml.split(b"\0", 1)[0].decode("utf8", errors="replace")
    if "<!" in text:
        raise MalformedMessage("a tracked frame that declares entities")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        raise MalformedMessage("a tracked frame whose description is no XML") from None
    return {one.get("Name", ""): one.get("Value", "") for one in root.iterfind("FrameField")}
