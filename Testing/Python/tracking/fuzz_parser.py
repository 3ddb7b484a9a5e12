"""A coverage-guided fuzzer on everything that bytes from the network go through: parser, messages, pairing, commands.

    python Testing/Python/openigtlink/fuzz_parser.py -runs=10000       (or -max_total_time=600; libFuzzer's options)

An input is either a piece of raw stream, or a body that gets a right header and checksum, so that it is unpacked. Good
messages stand before and behind it: they have to arrive. Whatever raises, or loses one of them, is a crash.
"""

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "CRLMSegmentation"))

with atheris.instrument_imports(include=["CRLMSegmentationLib.tracking", "CRLMSegmentationLib.sweep"]):
    from CRLMSegmentationLib.sweep.sequence_files.frame_fields import frame_fields
    from CRLMSegmentationLib.tracking.openigtlink.commands import command_of, reply_of
    from CRLMSegmentationLib.tracking.openigtlink.conversion import image_message, poses_of, transform_message
    from CRLMSegmentationLib.tracking.openigtlink.framing import MessageParser
    from CRLMSegmentationLib.tracking.openigtlink.messages import MESSAGE_CLASSES
    from CRLMSegmentationLib.tracking.openigtlink.packing import pack_announcement, pack_message
    from CRLMSegmentationLib.tracking.pairing.frame_pairing import FramePairing

import struct

import numpy as np
from CRLMSegmentationLib.errors import StreamError
from pyigtl.messages import CRC64

KINDS = [*sorted(MESSAGE_CLASSES), "SENSOR"]
DEVICES = (b"Image_Reference", b"Image_Image", b"ProbeToReference", b"CMD_1", b"ACK_1", b"\xff\n%s<b>")
BEFORE = pack_message(transform_message(np.eye(4), "BeforeToReference", 1.0))
BEHIND = pack_message(transform_message(np.eye(4), "BehindToReference", 2.0))
IMAGE = pack_message(image_message(np.zeros((4, 5), np.uint8), np.eye(4), "Image_Reference", 3.0))


def messages_of(parser, data, cut):
    cut = cut % (len(data) + 1)
    return parser.feed(data[:cut]) + parser.feed(data[cut:])


def use(messages):
    """What a receiver does with them."""
    pairing = FramePairing({"ImageToProbe": np.eye(4)}, interpolation_gap_s=0.5)
    frames = []
    for message in messages:
        if message.message_type == "IMAGE":
            frames += pairing.add_image(message, 0.0)
        else:
            frames += pairing.add_transforms(message.timestamp, poses_of(message))
            command_of(message)
            reply_of(message) if message.message_type in ("STRING", "RTS_COMMAND") else None
    for frame in frames + pairing.give_up_waiting(float("inf")):
        for name, value in frame_fields(frame).items():
            assert "\n" not in name + value and (name + value).isprintable()


def test_one_input(data):
    if len(data) < 4:
        return
    mode, cut, body = data[0], data[1] << 8 | data[2], data[3:]
    if mode < 64:
        # A raw stream: it may announce more than it holds, so the good message behind it need not come yet.
        parser = MessageParser()
        try:
            messages = messages_of(parser, BEFORE + body + BEHIND, cut)
        except StreamError:
            return
        assert messages[0].device_name == "BeforeToReference"
        use(messages)
        return
    kind = KINDS[mode % len(KINDS)]
    version, device = 1 + (cut & 1), DEVICES[cut % len(DEVICES)]
    head = struct.pack("> H 12s 20s II Q Q", version, kind.encode(), device, 5, 0, len(body), CRC64(body))
    parser = MessageParser()
    if kind in ("TRANSFORM", "IMAGE"):
        # These are not waited for when they contradict themselves: cut in two, the parser goes through their bodies.
        cut = 0
    messages = messages_of(parser, BEFORE + IMAGE + head + body + BEHIND, cut)
    names = [message.device_name for message in messages]
    assert names[:2] == ["BeforeToReference", "Image_Reference"] and names[-1] == "BehindToReference", names
    assert parser.waiting_bytes == 0 and parser.counts.out_of_step == 0 and parser.counts.crc_errors == 0
    assert parser.counts.received + parser.counts.malformed + sum(parser.counts.skipped.values()) == 4
    use(messages)


def seeds():
    """One good message of each kind, as inputs."""
    from CRLMSegmentationLib.tracking.openigtlink.messages import (  # fmt: skip
        CommandMessage,
        CommandReplyMessage,
        ImageMessage,
        PolyDataMessage,
        PositionMessage,
        StatusMessage,
        TrackingDataMessage,
        Utf8StringMessage,
    )
    from CRLMSegmentationLib.tracking.openigtlink.polydata_message import PolyDataAttribute
    from CRLMSegmentationLib.tracking.openigtlink.request_messages import StartTrackingDataMessage

    values = PolyDataAttribute("a", np.zeros((3, 1), np.float32))
    good = [
        ImageMessage(np.zeros((1, 2, 3), np.uint8)), ImageMessage(np.zeros((1, 2, 3, 3), np.uint8)),
        ImageMessage(np.zeros((1, 2, 3), np.uint16)), transform_message(np.eye(4), "ProbeToReference", 1.0),
        PositionMessage((1, 2, 3)), TrackingDataMessage([("ToolToReference", np.eye(4))]), StatusMessage(text="fine"),
        Utf8StringMessage("<Command Name='a' b='c'/>"), CommandMessage(1, "Start", "<Command Name='Start'/>"),
        CommandReplyMessage(1, "Start", "<CommandReply Status='SUCCESS'/>"), StartTrackingDataMessage(50, "Reference"),
        PolyDataMessage(np.eye(3), np.array([[0, 1, 2]]), [[0]], [[0, 1]], attributes=[values]),
    ]  # fmt: skip
    for number, message in enumerate(good):
        message.metadata = {"TransformStatus": "OK", "ProbeToTrackerTransform": "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1"}
        start = 64 + (KINDS.index(message.message_type) - 64) % len(KINDS)
        yield bytes([start, 0, number * 2 + 1]) + pack_message(message, 2)[58:]
        yield bytes([start, 0, number * 2]) + pack_message(message, 1)[58:]
        yield bytes([0, 0, 70]) + pack_message(message, 2) + pack_announcement()


def main():
    import resource
    import tempfile

    # A new process takes over the peak memory of the one that started it, which libFuzzer would count as its own.
    limit_mb = 1024 + resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds()):
            (Path(folder) / f"seed-{number}").write_bytes(seed)
        options = ["-max_len=2048", f"-rss_limit_mb={limit_mb}", "-timeout=10"]
        options.append(f"-artifact_prefix={tempfile.gettempdir()}/")
        atheris.Setup([sys.argv[0], *options, *sys.argv[1:], folder], test_one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
