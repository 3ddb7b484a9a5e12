"""Frames compressed one by one make one valid stream, with the checksum that any reader expects."""

import gzip
import zlib

import numpy as np
import pytest
from CRLMSegmentationLib.errors import SequenceFileError
from CRLMSegmentationLib.sweep import TrackedFrame
from CRLMSegmentationLib.sweep.sequence_files.packed_frame import (
    CompressedStream,
    combined_adler32,
    combined_crc32,
    pack_frame,
)
from hypothesis import given, settings
from hypothesis import strategies as st


@given(st.binary(max_size=300), st.binary(max_size=300))
@settings(deadline=None)
def test_checksums_of_two_parts_are_those_of_the_whole(first, second):
    assert combined_adler32(zlib.adler32(first), zlib.adler32(second), len(second)) == zlib.adler32(first + second)
    assert combined_crc32(zlib.crc32(first), zlib.crc32(second), len(second)) == zlib.crc32(first + second)


@pytest.mark.parametrize("form, decompress", [("zlib", zlib.decompress), ("gzip", gzip.decompress)])
def test_pieces_make_one_stream_compressed_or_not(form, decompress):
    frames = [np.random.default_rng(number).integers(0, 9, (70, 90), dtype=np.uint8) for number in range(5)]
    stream, written = CompressedStream(form), b""
    for number, pixels in enumerate(frames):
        packed = pack_frame(TrackedFrame(pixels, np.eye(4), 0.0), compressed=number != 2)
        stream.add(packed.raw_bytes, packed.adler32, packed.crc32)
        written += packed.piece
    assert decompress(stream.start + written + stream.end()) == b"".join(pixels.tobytes() for pixels in frames)


def test_pixels_of_big_endian_machines_are_turned():
    packed = pack_frame(TrackedFrame(np.array([[1, 256]], ">u2"), None, 0.0))
    assert packed.dtype == "<u2" and zlib.decompressobj(-15).decompress(packed.piece) == b"\1\0\0\1"


@pytest.mark.parametrize(
    "pixels", [np.zeros((2, 3), np.complex64), np.zeros((2, 3, 2), np.uint8), np.zeros((2, 3), bool)]
)
def test_what_sequence_files_cannot_hold_is_reported(pixels):
    with pytest.raises(SequenceFileError, match="cannot be written"):
        pack_frame(TrackedFrame(pixels, None, 0.0))
