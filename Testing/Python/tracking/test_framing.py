"""The parser: whole messages however the bytes arrive, nothing bad gets through, and the stream is never lost."""

import itertools
import os
import random
import struct
import tracemalloc

import numpy as np
import pytest
from CRLMSegmentationLib.errors import StreamError
from CRLMSegmentationLib.tracking.openigtlink.conversion import image_message, transform_message
from CRLMSegmentationLib.tracking.openigtlink.crc import crc64
from CRLMSegmentationLib.tracking.openigtlink.framing import MessageParser
from CRLMSegmentationLib.tracking.openigtlink.messages import StatusMessage, Utf8StringMessage
from CRLMSegmentationLib.tracking.openigtlink.packing import pack_message
from hypothesis import given, settings
from hypothesis import strategies as st
from pyigtl import TransformMessage
from pyigtl.messages import CRC64

POSE = np.array([[0.1, 0, 0, 5], [0, 0, -1, 6], [0, 0.2, 0, 7], [0, 0, 0, 1]])
# 10,000 and more on demand: CRLM_FUZZ_MESSAGES=20000
FUZZ_MESSAGES = int(os.environ.get("CRLM_FUZZ_MESSAGES", "1500"))


def good_messages(number=0, size=(30, 40)):
    pixels = np.random.default_rng(number).integers(0, 256, size, dtype=np.uint8)
    return [
        image_message(pixels, POSE, "Image_Reference", 12.25 + number),
        transform_message(POSE, "StylusToReference", 12.25 + number),
        Utf8StringMessage("größer", device_name="CMD_1", timestamp=12.25 + number),
        StatusMessage(text="fine", timestamp=12.25 + number),
    ]


def packed(kind=b"TRANSFORM", body=b"", version=1, length=None, crc=None, name=b"x"):
    """A message made by hand, so that it can be wrong in any way."""
    length = len(body) if length is None else length
    crc = CRC64(body) if crc is None else crc
    return struct.pack("> H 12s 20s II Q Q", version, kind, name, 0, 0, length, crc) + body


GOOD = pack_message(good_messages()[1])


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, (1 << 14) - 1, 1 << 14, (1 << 14) + 5, 100_003])
def test_the_checksum_is_that_of_the_protocol(length):
    data = random.Random(length).randbytes(length)
    assert crc64(data) == CRC64(data)


def test_the_checksum_of_the_standard_check_string():
    # CRC-64/ECMA-182 in the catalogue of parametrised CRC algorithms (G. Cook): check value for '123456789'.
    assert crc64(b"123456789") == 0x6C40DF5F0B497347
    assert crc64(b"\0" * (1 << 14) + b"123456789") == 0x6C40DF5F0B497347


@given(st.lists(st.integers(1, 1500), min_size=1, max_size=30), st.sampled_from([1, 2]))
@settings(max_examples=50, deadline=None)
def test_messages_are_whole_however_the_stream_is_cut(cuts, version):
    data = b"".join(pack_message(message, version) for message in good_messages()) * 3
    parser, found, start = MessageParser(), [], 0
    for length in [*cuts, len(data)]:
        found += parser.feed(data[start : start + length])
        start += length
    assert [message.message_type for message in found] == ["IMAGE", "TRANSFORM", "STRING", "STATUS"] * 3
    assert parser.highest_version == version and parser.waiting_bytes == 0


@pytest.mark.parametrize("length", [1, 7, 58, 1 << 10, 1 << 16])
def test_pieces_of_one_byte_to_64_kilobytes(length):
    data = b"".join(pack_message(message) for message in good_messages())
    data = data * (1 if length == 1 else 20)
    parser = MessageParser()
    found = [m for start in range(0, len(data), length) for m in parser.feed(data[start : start + length])]
    assert len(found) == 4 * (1 if length == 1 else 20) and found[0].timestamp == 12.25


def test_timestamps_keep_their_microseconds():
    for timestamp in (0.0, 1.0, 12.25, 1_700_000_000.123456, 1_700_000_000.9999999):
        (read,) = MessageParser().feed(pack_message(TransformMessage(POSE, timestamp=timestamp)))
        assert abs(read.timestamp - timestamp) < 3e-7


def test_headers_of_version_2_carry_metadata_and_long_names():
    message = transform_message(POSE, "ReferenceHolderToTrackerBase", 1, "OUT_OF_VIEW")
    message.metadata["Größe"] = "groß"
    (read,) = MessageParser().feed(pack_message(message, 2))
    assert read.metadata["TransformStatus"] == "OUT_OF_VIEW" and read.metadata["Größe"] == "groß"
    assert read.device_name == "ReferenceHolderToTrackerBase"
    np.testing.assert_allclose(read.matrix, POSE, atol=1e-6)


def test_a_long_name_is_refused_in_version_1_where_it_would_become_another():
    with pytest.raises(ValueError, match="longer"):
        pack_message(transform_message(POSE, "ReferenceHolderToTrackerBase", 1))


def test_pyigtl_and_we_write_the_same_bytes_in_version_1():
    message = good_messages()[1]
    ours, theirs = pack_message(message), message.pack()
    # All but the last bits of the fraction of a second, where pyigtl cuts off and we round.
    assert ours[:38] == theirs[:38] and ours[42:] == theirs[42:]


@pytest.mark.parametrize(
    "bad, count",
    [
        (GOOD[:-1] + bytes([GOOD[-1] ^ 1]), "crc_errors"),
        (packed(crc=5), "crc_errors"),
        (packed(b"SENSOR", b"12345", crc=5), "crc_errors"),
        (packed(body=b"\0" * 44), "malformed"),
        (packed(b"IMAGE", b"\0" * 20), "malformed"),
        (packed(b"STRING", struct.pack("> H H", 3, 60000) + b"ab"), "malformed"),
        (packed(b"TDATA", b"\0" * 71), "malformed"),
        (packed(b"STATUS", b"\0" * 5), "malformed"),
        (packed(version=2, body=struct.pack("> H H I I", 12, 60000, 0, 0) + b"\0" * 48), "malformed"),
        (packed(version=2, body=struct.pack("> H H I I", 0, 0, 0, 0) + b"\0" * 48), "malformed"),
        (packed(version=2, body=b"\0" * 3), "malformed"),
        (packed(length=1 << 40), "too_long"),
        (packed(length=(1 << 64) - 1), "too_long"),
        (packed(length=2 << 20), "too_long"),
        (packed(b"IMAGE", length=1 << 28), "too_long"),
        (packed(version=77), "out_of_step"),
        (packed(kind=b"\xff\xfe\x01"), "out_of_step"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3, "out_of_step"),
        # Cut off in the middle, so that the next message lies in what was announced as its body.
        (GOOD[:-20], "crc_errors"),
        (GOOD[:70], "crc_errors"),
        (GOOD[:30], "out_of_step"),
        # Longer than announced.
        (GOOD + b"\0" * 33, "out_of_step"),
    ],
    ids=itertools.count(),
)
def test_a_bad_message_is_counted_and_the_ones_around_it_arrive(bad, count):
    parser = MessageParser()
    before, after = good_messages(1), good_messages(2)
    stream = b"".join(map(pack_message, before)) + bad + b"".join(map(pack_message, after))
    found = parser.feed(stream)
    found = [message for message in found if message.timestamp >= 13]
    assert [message.timestamp for message in found] == [13.25] * 4 + [14.25] * 4
    assert getattr(parser.counts, count) >= 1


def test_an_image_that_contradicts_itself_is_not_waited_for():
    body = bytearray(pack_message(good_messages()[0])[58:])
    parser = MessageParser()
    # Announces 60 MB; its own header says 1200 pixels.
    found = parser.feed(packed(b"IMAGE", bytes(body), length=60 << 20) + GOOD)
    assert len(found) == 1 and parser.counts.malformed == 1


def test_unknown_types_are_skipped_and_counted():
    parser = MessageParser()
    found = parser.feed(packed(b"SENSOR", b"12345") + GOOD)
    assert len(found) == 1 and parser.counts.skipped == {"SENSOR": 1}


def test_a_long_message_of_an_unknown_type_is_passed_over_without_being_kept():
    parser = MessageParser()
    parser.feed(packed(b"HOLOGRAM", length=5 << 20))
    for _ in range(5):
        assert parser.feed(b"\0" * (1 << 20)) == []
        assert parser.waiting_bytes < 100
    assert len(parser.feed(GOOD)) == 1 and parser.counts.skipped == {"HOLOGRAM": 1}


def test_names_from_the_network_are_one_printable_line():
    (read,) = MessageParser().feed(packed(b"STRING", b"\0\3\0\0", name=b"a\n=\x1b[31mb\xff"))
    assert read.device_name.isprintable() and "\n" not in read.device_name


def one_that_is_bad(chance: random.Random) -> bytes:
    """A message that is wrong in one of many ways."""
    good = pack_message(chance.choice(good_messages(chance.randrange(5))), chance.choice((1, 2)))
    what = chance.randrange(8)
    if what == 0:
        length = chance.randrange(1, len(good))
        # A message that lacks nothing but a last zero is made whole by the zero that begins the next one.
        return good[:length] if good[length] or length < len(good) - 1 else good[: length - 1] + b"x"
    if what == 1:
        flipped = bytearray(good)
        for _ in range(chance.randrange(1, 8)):
            flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        return bytes(flipped)
    if what == 2:
        return packed(chance.choice([b"IMAGE", b"TDATA", b"COMMAND", b"XYZ"]), length=chance.getrandbits(64))
    if what == 3:
        body = chance.randbytes(chance.randrange(200))
        return packed(chance.choice([b"IMAGE", b"TRANSFORM", b"STRING", b"POSITION", b"COMMAND", b"STATUS"]), body,
                      chance.choice((1, 2, 3)))  # fmt: skip
    if what == 4:
        return chance.randbytes(chance.randrange(1, 500))
    if what == 5:
        return good[58:]
    if what == 6:
        return packed(chance.randbytes(12), chance.randbytes(40), version=chance.getrandbits(16))
    return good + chance.randbytes(chance.randrange(1, 100))


def test_good_messages_arrive_among_thousands_of_bad_ones_in_flat_memory():
    chance = random.Random(7)
    parser, sent, arrived = MessageParser(), [], []
    peak_after_start = None
    tracemalloc.start()
    try:
        for number in range(FUZZ_MESSAGES):
            name = f"Good{number}ToReference"
            data = one_that_is_bad(chance) + pack_message(transform_message(POSE, name, number))
            sent.append(name)
            while data:
                cut = chance.randrange(1, 2000)
                arrived += [message.device_name for message in parser.feed(data[:cut])]
                data = data[cut:]
            if number == FUZZ_MESSAGES // 3:
                tracemalloc.reset_peak()
                peak_after_start = tracemalloc.get_traced_memory()[0]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # What still waits for the announced rest of a damaged message at the end.
    parser_end = b"".join(pack_message(message) for message in good_messages(9, (400, 400))) * 420
    arrived += [message.device_name for message in parser.feed(parser_end)]
    arrived = [name for name in arrived if name.startswith("Good")]
    assert arrived == sent
    assert peak - peak_after_start < 80 << 20


@given(st.binary(min_size=58, max_size=400))
@settings(max_examples=200, deadline=None)
def test_rubbish_never_raises(rubbish):
    MessageParser().feed(rubbish)


def test_a_peer_that_sends_only_damage_is_left():
    body = bytearray(pack_message(image_message(np.zeros((4000, 4000), np.uint8), POSE, "Image_Reference", 1))[58:])
    # Headers within headers, each with a body of 16 MB that has to be checked.
    start = packed(b"IMAGE", length=len(body), crc=1) + bytes(body[:72])
    with pytest.raises(StreamError, match="damaged"):
        parser = MessageParser()
        for _ in range(20):
            parser.feed(start * 8000)
