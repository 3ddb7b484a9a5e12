"""The parser: whole messages however the bytes arrive, and nothing bad gets through."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyigtl import StringMessage, TransformMessage

from CRLMSegmentationLib.errors import StreamError
from CRLMSegmentationLib.openigtlink.conversion import image_message, pixels_of, pose_of_image
from CRLMSegmentationLib.openigtlink.framing import MessageParser

POSE = np.array([[0.1, 0, 0, 5], [0, 0, -1, 6], [0, 0.2, 0, 7], [0, 0, 0, 1]])


def stream_of_messages():
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    return [
        image_message(pixels, POSE, "Image_Reference", 12.25),
        TransformMessage(POSE, device_name="StylusToReference", timestamp=12.25),
        StringMessage("hello", device_name="CMD_1", timestamp=12.25),
    ]


@given(st.lists(st.integers(1, 300), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_messages_are_whole_however_the_stream_is_cut(cuts):
    data = b"".join(message.pack() for message in stream_of_messages()) * 3
    parser, found, start = MessageParser(), [], 0
    for length in [*cuts, len(data)]:
        found += parser.feed(data[start : start + length])
        start += length
    assert [message.message_type for message in found] == ["IMAGE", "TRANSFORM", "STRING"] * 3


def test_one_byte_at_a_time():
    data = b"".join(message.pack() for message in stream_of_messages())
    parser = MessageParser()
    found = [message for byte in data for message in parser.feed(bytes([byte]))]
    assert len(found) == 3 and found[0].timestamp == 12.25


def test_headers_of_version_2_with_metadata():
    message = TransformMessage(POSE, device_name="ProbeToReference", timestamp=1)
    message.header_version, message.metadata = 2, {"TransformStatus": "OUT_OF_VIEW"}
    (read,) = MessageParser().feed(message.pack())
    assert read.metadata == {"TransformStatus": "OUT_OF_VIEW"}
    np.testing.assert_allclose(read.matrix, POSE, atol=1e-6)


def test_a_wrong_crc_is_counted_and_the_stream_goes_on():
    bad = bytearray(stream_of_messages()[0].pack())
    bad[-1] ^= 1
    parser = MessageParser()
    found = parser.feed(bytes(bad) + stream_of_messages()[1].pack())
    assert [message.message_type for message in found] == ["TRANSFORM"] and parser.counts.crc_errors == 1


def header(kind=b"TRANSFORM", body_bytes=0, version=1):
    return struct.pack("> H 12s 20s II Q Q", version, kind, b"x", 0, 0, body_bytes, 0)


def test_unknown_types_are_skipped_and_counted():
    parser = MessageParser()
    found = parser.feed(header(b"SENSOR", 5) + b"12345" + stream_of_messages()[1].pack())
    assert len(found) == 1 and parser.counts.skipped == {"SENSOR": 1}


def test_a_body_that_is_not_what_its_header_says_is_counted():
    good = stream_of_messages()[1]
    short = good.pack()[58:-4]
    from pyigtl.messages import CRC64

    data = struct.pack("> H 12s 20s II Q Q", 1, b"TRANSFORM", b"x", 0, 0, len(short), CRC64(short)) + short
    parser = MessageParser()
    assert len(parser.feed(data + good.pack())) == 1 and parser.counts.malformed == 1


def test_a_long_message_is_skipped_without_being_kept():
    parser = MessageParser()
    parser.feed(header(b"TRANSFORM", 5 << 20))
    for _ in range(5):
        assert parser.feed(b"\0" * (1 << 20)) == []
        assert len(parser._waiting) < 100
    assert len(parser.feed(stream_of_messages()[1].pack())) == 1 and parser.counts.too_long == 1


@pytest.mark.parametrize("bad", [header(body_bytes=1 << 40), header(version=77), header(kind=b"\xff\xfe\x01")])
def test_headers_that_cannot_be_believed_end_the_connection(bad):
    with pytest.raises(StreamError):
        MessageParser().feed(bad)


@given(st.binary(min_size=58, max_size=400))
@settings(max_examples=200, deadline=None)
def test_rubbish_never_raises_anything_else(rubbish):
    try:
        MessageParser().feed(rubbish)
    except StreamError:
        pass


def test_an_image_keeps_its_pixels_and_place():
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    (read,) = MessageParser().feed(image_message(pixels, POSE, "Image_Reference", 1).pack())
    np.testing.assert_array_equal(pixels_of(read), pixels)
    # Pixel (u, v) = (3, 2) worked out by hand: x = 0.1 * 3 + 5, y = 6, z = 0.2 * 2 + 7.
    np.testing.assert_allclose(pose_of_image(read).matrix @ [3, 2, 0, 1], [5.3, 6, 7.4, 1], atol=1e-5)


def test_the_body_of_an_image_follows_the_specification():
    body = image_message(np.zeros((3, 4), np.uint8), POSE, "Image_Reference", 1).pack()[58:]
    version, components, scalar, endian, system = struct.unpack("> H B B B B", body[:6])
    assert (version, components, scalar, system) == (1, 1, 3, 1)
    assert struct.unpack("> H H H", body[6:12]) == (4, 3, 1)
    t, s, center = (struct.unpack("> 3f", body[start : start + 12]) for start in (12, 24, 48))
    np.testing.assert_allclose(t, (0.1, 0, 0), atol=1e-6)
    np.testing.assert_allclose(s, (0, 0, 0.2), atol=1e-6)
    # The position is the image's center, between the pixels: u = 1.5, v = 1.
    np.testing.assert_allclose(center, (5.15, 6, 7.2), atol=1e-5)


def test_an_image_in_lps_is_turned():
    message = image_message(np.zeros((3, 4), np.uint8), POSE, "Image_Reference", 1)
    message.world_coordinate_system = "lps"
    (read,) = MessageParser().feed(message.pack())
    np.testing.assert_allclose(pose_of_image(read).matrix @ [0, 0, 0, 1], [-5, -6, 7, 1], atol=1e-5)
