"""PLUS's TRACKEDFRAME: image and raw transforms in one message. The bytes are laid out as PlusServer 2.9 sends them."""

import struct

import numpy as np
import pytest
from CRLMSegmentationLib.tracking.openigtlink.crc import crc64
from CRLMSegmentationLib.tracking.openigtlink.framing import MessageParser
from CRLMSegmentationLib.tracking.pairing.frame_pairing import FramePairing

MF, UN, NO_ORIENTATION_OF_A_PICTURE = 5, 3, 11
IMAGE_TO_PROBE = np.diag([0.5, 0.5, 1.0, 1.0])


def tracked_frame(number=0, status="OK", orientation=MF, pixels=None, xml=None, image_bytes=None):
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4) if pixels is None else pixels
    kinds = {"uint8": 3, "uint16": 5}
    raw = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    if xml is None:
        matrix = f"1 0 0 {number} 0 1 0 0 0 0 1 0 0 0 0 1"
        fields = {
            "ProbeToTrackerTransform": matrix, "ProbeToTrackerTransformStatus": status,
            "ReferenceToTrackerTransform": "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1", "ReferenceToTrackerTransformStatus": "OK",
            "DepthMm": "55",
        }  # fmt: skip
        entries = "".join(f'  <FrameField Name="{name}" Value="{value}" />\n' for name, value in fields.items())
        xml = f'<TrackedFrame Timestamp="1.7959e+09" ImageDataValid="true">\n{entries}</TrackedFrame>\n'
    xml = xml.encode()
    size = *pixels.shape[1::-1], 1
    head = struct.pack("> 3H 3H II H", kinds[pixels.dtype.name], 1, 1, *size,
                       len(raw) if image_bytes is None else image_bytes, len(xml), orientation)  # fmt: skip
    body = head + struct.pack("< 16f", *np.eye(4).ravel()) + xml + raw
    body = struct.pack("> HHII", 12, 0, 0, 0) + body
    stamp = 100 + number / 20
    fraction = int((stamp % 1) * 2**32)
    head = struct.pack("> H 12s 20s II Q Q", 2, b"TRACKEDFRAME", b"", int(stamp), fraction, len(body), crc64(body))
    return head + body


def received(data):
    parser, pairing, frames = MessageParser(), FramePairing({"ImageToProbe": IMAGE_TO_PROBE}), []
    for message in parser.feed(data):
        frames += pairing.add_image(message, 0.0)
    return frames + pairing.give_up_waiting(np.inf), parser.counts, pairing


def test_image_poses_status_and_fields_come_out_of_one_message():
    frames, counts, _ = received(b"".join(tracked_frame(n, "OK" if n != 3 else "OUT_OF_VIEW") for n in range(6)))
    assert counts.received == 6 and len(frames) == 6
    assert [frame.valid for frame in frames] == [True, True, True, False, True, True]
    np.testing.assert_array_equal(frames[0].pixels, np.arange(12).reshape(3, 4))
    for number, frame in enumerate(frames):
        assert frame.image_to_reference[0, 3] == number and frame.image_to_reference[0, 0] == 0.5
        assert frame.timestamp == pytest.approx(100 + number / 20) and frame.fields["DepthMm"] == "55"
        assert set(frame.transforms) == {"ProbeToTracker", "ReferenceToTracker"}


def test_other_orientations_come_to_the_working_one_and_unusable_ones_are_refused():
    frames, _, _ = received(tracked_frame(orientation=UN))
    np.testing.assert_array_equal(frames[0].pixels, np.arange(12).reshape(3, 4)[::-1, ::-1])
    frames, counts, _ = received(tracked_frame(orientation=NO_ORIENTATION_OF_A_PICTURE))
    assert frames == [] and counts.malformed == 1


def test_pixels_of_16_bits():
    pixels = np.array([[1, 256, 65535]], np.uint16)
    (frame,), _, _ = received(tracked_frame(pixels=pixels))
    np.testing.assert_array_equal(frame.pixels, pixels)


@pytest.mark.parametrize(
    "options",
    [
        {"image_bytes": 11},
        {"image_bytes": 2**31},
        {"xml": "<TrackedFrame"},
        {"xml": '<!DOCTYPE x [<!ENTITY y "z">]><TrackedFrame/>'},
    ],
)
def test_what_makes_no_sense_is_counted_and_left_out(options):
    frames, counts, _ = received(tracked_frame(**options) + tracked_frame(1))
    assert len(frames) == 1 and counts.malformed == 1 and counts.received == 1


def test_a_tracker_alone_sends_no_image():
    frames, counts, pairing = received(tracked_frame(pixels=np.zeros((0, 0), np.uint8)))
    assert frames == [] and counts.malformed == 0 and pairing.other_images == 1
