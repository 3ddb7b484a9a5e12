"""Messages between the session and its worker: framed, bounded, and not disturbed by what libraries print."""

import io
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from CRLMSegmentationLib.inference.channel import LARGEST_MESSAGE_BYTES, Channel, ChannelError

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3] / "CRLMSegmentation")}


def received(content: bytes):
    return Channel(io.BytesIO(content), io.BytesIO()).receive()


def test_what_is_sent_arrives_in_order():
    stream = io.BytesIO()
    sender = Channel(io.BytesIO(), stream)
    messages = [{"do": "segment", "number": 3}, {"text": "groß \u2014 \n"}, {}]
    for message in messages:
        sender.send(message)
    receiver = Channel(io.BytesIO(stream.getvalue()), io.BytesIO())
    assert [receiver.receive() for _ in messages] == messages
    assert receiver.receive() is None


@pytest.mark.parametrize("content", [b"\x00\x00\x00\x05no", b""])
def test_a_side_that_breaks_off_has_gone(content):
    assert received(content) is None


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x00",
        struct.pack(">I", LARGEST_MESSAGE_BYTES + 1),
        struct.pack(">I", 4) + b"{{{{",
        struct.pack(">I", 6) + b"[1, 2]",
        b"Traceback (most recent call last):",
    ],
)
def test_what_is_no_message_is_refused(content):
    with pytest.raises(ChannelError):
        received(content)


def test_what_a_child_prints_does_not_get_between_its_messages():
    program = (
        "print('printed before', flush=True)\n"
        "import os, sys\n"
        "from CRLMSegmentationLib.inference.channel import channel_to_parent\n"
        "channel = channel_to_parent(sys.argv[1].encode())\n"
        "print('printed by Python')\n"
        "os.write(1, b'printed by a library in C')\n"
        "channel.send({'input is empty': sys.stdin.read() == ''})\n"
        "channel.send(channel.receive())\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, "the-password"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )
    channel = Channel(child.stdout, child.stdin)
    assert channel.skip_to(b"the-password")
    assert channel.receive() == {"input is empty": True}
    channel.send({"echo": 1})
    assert channel.receive() == {"echo": 1}
    assert channel.receive() is None
    printed = child.stderr.read()
    assert b"printed by Python" in printed and b"library in C" in printed
    channel.close()
    child.stderr.close()
    assert child.wait() == 0


def test_the_library_needs_nothing_heavy_to_talk():
    """The navigation's own process must not load torch to use the engine."""
    program = (
        "import sys\n"
        "import CRLMSegmentationLib.inference.engine, CRLMSegmentationLib.segmentation.segment\n"
        "print([name for name in ('torch', 'nnunetv2', 'openvino', 'scipy', 'vtkmodules') if name in sys.modules])\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, encoding="utf-8", check=True
    )
    assert said.stdout.strip() == "[]"
    assert Path(sys.executable).exists()
