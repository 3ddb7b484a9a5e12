"""Messages and their meaning: places in space, poses with status, commands."""

import struct

import numpy as np
import pytest
from CRLMSegmentationLib.sweep import Pose
from CRLMSegmentationLib.tracking.openigtlink.commands import (
    Command,
    CommandReply,
    command_message,
    command_of,
    reply_message,
    reply_of,
)
from CRLMSegmentationLib.tracking.openigtlink.conversion import (
    fields_in_metadata,
    image_message,
    pixels_of,
    pose_of_image,
    poses_of,
    transform_message,
    transforms_in_metadata,
)
from CRLMSegmentationLib.tracking.openigtlink.crc import crc64
from CRLMSegmentationLib.tracking.openigtlink.framing import MessageParser
from CRLMSegmentationLib.tracking.openigtlink.messages import (
    ImageMessage,
    PositionMessage,
    StatusMessage,
    TrackingDataMessage,
    Utf8StringMessage,
)
from CRLMSegmentationLib.tracking.openigtlink.packing import pack_message
from CRLMSegmentationLib.tracking.pairing.interpolation import interpolate_matrix, interpolate_pose
from scipy.spatial.transform import Rotation

POSE = np.array([[0.1, 0, 0, 5], [0, 0, -1, 6], [0, 0.2, 0, 7], [0, 0, 0, 1]])


def sent(message, version=1):
    (read,) = MessageParser().feed(pack_message(message, version))
    return read


def test_an_image_keeps_its_pixels_and_place():
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    read = sent(image_message(pixels, POSE, "Image_Reference", 1))
    np.testing.assert_array_equal(pixels_of(read), pixels)
    # Pixel (u, v) = (3, 2) worked out by hand: x = 0.1 * 3 + 5, y = 6, z = 0.2 * 2 + 7.
    np.testing.assert_allclose(pose_of_image(read).matrix @ [3, 2, 0, 1], [5.3, 6, 7.4, 1], atol=1e-5)


def test_the_body_of_an_image_follows_the_specification():
    body = pack_message(image_message(np.zeros((3, 4), np.uint8), POSE, "Image_Reference", 1))[58:]
    version, components, scalar, _endian, system = struct.unpack("> H B B B B", body[:6])
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
    np.testing.assert_allclose(pose_of_image(sent(message)).matrix @ [0, 0, 0, 1], [-5, -6, 7, 1], atol=1e-5)


@pytest.mark.parametrize("dtype", ["u1", "u2", ">u2", "i2", "f4"])
def test_images_of_other_types(dtype):
    pixels = np.arange(6).reshape(2, 3).astype(dtype)
    read = pixels_of(sent(image_message(pixels, np.eye(4), "Image_Reference", 1)))
    np.testing.assert_array_equal(read, pixels)
    assert read.dtype.isnative and read.dtype == pixels.dtype.newbyteorder("=")


def test_images_of_big_endian_senders():
    data = bytearray(pack_message(image_message(np.array([[1, 2]], np.uint16), np.eye(4), "Image_Reference", 1)))
    data[58 + 4] = 1
    data[58 + 72 :] = b"\1\0\2\0"
    struct.pack_into("> Q", data, 50, crc64(bytes(data[58:])))
    (read,) = MessageParser().feed(bytes(data))
    np.testing.assert_array_equal(pixels_of(read), [[256, 512]])


def test_color_becomes_grey():
    message = ImageMessage(np.array([[[[255, 0, 0], [0, 255, 0], [10, 10, 10]]]], dtype=np.uint8), timestamp=1)
    np.testing.assert_array_equal(pixels_of(sent(message)), [[76, 150, 10]])


def test_a_volume_is_no_frame():
    assert pixels_of(sent(ImageMessage(np.zeros((2, 3, 4), np.uint8)))) is None


def part_of_image(pixels, offset, whole):
    data = bytearray(pack_message(image_message(pixels, np.eye(4), "Image_Image", 1)))
    struct.pack_into("> 3H", data, 58 + 6, *whole, 1)
    struct.pack_into("> 3H", data, 58 + 60, *offset, 0)
    struct.pack_into("> Q", data, 50, crc64(bytes(data[58:])))
    return bytes(data)


def test_a_part_of_an_image_knows_its_place():
    (read,) = MessageParser().feed(part_of_image(np.ones((2, 3), np.uint8), (4, 1), (10, 8)))
    assert read.is_part and read.part_offset == (4, 1, 0) and read.whole_size == (10, 8, 1)
    parser = MessageParser()
    assert parser.feed(part_of_image(np.ones((2, 3), np.uint8), (8, 1), (10, 8))) == []
    assert parser.counts.malformed == 1


def test_tracking_data_positions_and_status():
    other = np.eye(4)
    other[:3, 3] = 1, 2, 3
    tracked = TrackingDataMessage([("ProbeToReference", POSE), ("StylusToReference", other)], timestamp=3)
    tracked.metadata = {"StylusToReferenceStatus": "OUT_OF_VIEW", "StylusToReferenceIndex": "1"}
    poses = poses_of(sent(tracked, 2))
    np.testing.assert_allclose(poses["ProbeToReference"].matrix, POSE, atol=1e-6)
    assert poses["ProbeToReference"].valid and poses["StylusToReference"].status == "OUT_OF_VIEW"
    np.testing.assert_allclose(poses["StylusToReference"].matrix, other)

    rotation = Rotation.from_euler("xyz", [20, -30, 40], degrees=True)
    message = PositionMessage((1, 2, 3), rotation.as_quat(), device_name="StylusToReference")
    pose = poses_of(sent(message))["StylusToReference"]
    np.testing.assert_allclose(pose.matrix[:3, :3], rotation.as_matrix(), atol=1e-6)
    np.testing.assert_allclose(pose.matrix[:3, 3], (1, 2, 3))

    status = sent(StatusMessage(13, -5, "NOT_READY", "warming up"))
    assert (status.code, status.subcode, status.error_name, status.text) == (13, -5, "NOT_READY", "warming up")


@pytest.mark.parametrize("metadata", [{"TransformStatus": "MISSING"}, {"TransformValid": "0"}])
def test_a_transform_that_is_said_to_be_invalid_is(metadata):
    message = transform_message(POSE, "ProbeToReference", 1)
    message.metadata = metadata
    assert not poses_of(sent(message, 2))["ProbeToReference"].valid


@pytest.mark.parametrize("matrix", [np.full((4, 4), np.nan), np.zeros((4, 4)), np.diag([1, 1, 0, 1])])
def test_a_matrix_that_is_none_is_no_pose(matrix):
    assert not poses_of(sent(transform_message(matrix, "ProbeToReference", 1)))["ProbeToReference"].valid


def test_metadata_of_plus_become_transforms_and_fields():
    metadata = {
        "ProbeToTrackerTransform": " ".join(map(str, np.eye(4).ravel())),
        "ProbeToTrackerTransformStatus": "OUT_OF_VIEW",
        "BadToTrackerTransform": "1 2 3",
        "DepthMm": "90\nElementDataFile = /etc/passwd",
        "Timestamp": "12",
        "PatientName": "Somebody",
        "PATIENT_ID": "17",
        "Referring Physician": "Somebody",
        "a=b": "c",
    }
    poses = transforms_in_metadata(metadata)
    assert list(poses) == ["ProbeToTracker"] and poses["ProbeToTracker"].status == "OUT_OF_VIEW"
    assert fields_in_metadata(metadata) == {"DepthMm": "90 ElementDataFile = /etc/passwd"}


@pytest.mark.parametrize("version", [1, 2])
def test_commands_and_replies_in_both_forms(version):
    command = Command("StartRecording", {"OutputFilename": 'a "b" <c>.igs.mha'}, 42)
    read = sent(command_message(command, version), version)
    assert read.device_name == ("CMD_42" if version == 1 else "StartRecording")
    assert command_of(read) == (command, version)
    reply = reply_of(sent(reply_message(CommandReply(True, "recording <on>"), command, version), version))
    assert reply.succeeded and reply.text == "recording <on>" and reply.identifier == 42
    assert reply_of(read) is None


def test_commands_are_data():
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbb">]><Command Name="&b;"/>'
    assert command_of(sent(Utf8StringMessage(bomb, device_name="CMD_1")))[0] == Command("", {}, 1)
    assert command_of(sent(Utf8StringMessage("x", device_name="CMD_x"))) is None


def pose_at(angle_degrees, position, scale=(1, 1, 1)):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("z", angle_degrees, degrees=True).as_matrix() @ np.diag(scale)
    matrix[:3, 3] = position
    return matrix


@pytest.mark.parametrize("scale", [(1, 1, 1), (0.1, 0.2, 1), (0.1, 0.1, -0.1)])
def test_half_way_between_two_poses(scale):
    between = interpolate_matrix(pose_at(10, (0, 0, 0), scale), pose_at(50, (4, 2, 0), scale), 0.25)
    np.testing.assert_allclose(between, pose_at(20, (1, 0.5, 0), scale), atol=1e-9)


def test_poses_are_interpolated_only_between_near_and_valid_neighbours():
    samples = [(1.0, Pose(pose_at(0, (0, 0, 0)))), (1.1, Pose(pose_at(10, (1, 0, 0)))),
               (1.2, Pose(pose_at(20, (2, 0, 0)), False, "MISSING")), (2.0, Pose(pose_at(0, (0, 0, 0))))]  # fmt: skip
    assert interpolate_pose(samples, 1.05, 0.2).matrix[0, 3] == pytest.approx(0.5)
    assert interpolate_pose(samples, 1.1, 0.2) is samples[1][1]
    assert interpolate_pose(samples, 1.15, 0.2).status == "MISSING"
    assert interpolate_pose(samples[:2], 1.15, 0.2) is None and interpolate_pose(samples, 0.9, 0.2) is None
    assert interpolate_pose([samples[0], samples[3]], 1.5, 0.2) is None
