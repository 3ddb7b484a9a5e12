"""What comes from the network is data: no path, no markup, no patient; and nobody uses pyigtl's own connections."""

import ast
import inspect
import re
from pathlib import Path

import CRLMSegmentationLib
import numpy as np
import pytest
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, read_sweep, write_sweep
from CRLMSegmentationLib.tracking import Receiver, Replayer
from CRLMSegmentationLib.tracking.openigtlink.conversion import image_message, transform_message
from CRLMSegmentationLib.tracking.openigtlink.server import Server
from CRLMSegmentationLib.tracking.pairing.frame_pairing import FramePairing

LIBRARY = Path(CRLMSegmentationLib.__file__).parent
CONNECTIONS_OF_PYIGTL = {"OpenIGTLinkClient", "OpenIGTLinkServer", "OpenIGTLinkBase", "comm"}
HOSTILE = (
    "../../etc/passwd",
    "%s%n",
    "<script>alert(1)</script>",
    "a\nSeq_Frame0000_Timestamp = 5",
    "\x1b[31mred",
    "\0",
    "x" * 5000,
)


def python_files():
    yield from LIBRARY.rglob("*.py")
    yield from LIBRARY.parent.glob("*.py")


def names_from_pyigtl(source):
    """What a program takes from pyigtl, of what is asked for."""
    if not any(name in source for name in CONNECTIONS_OF_PYIGTL):
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pyigtl" and node.level == 0:
            yield from (name.name for name in node.names)
            yield from node.module.split(".")[1:]
        elif isinstance(node, ast.Import):
            yield from (part for name in node.names if name.name.startswith("pyigtl") for part in name.name.split("."))
        elif isinstance(node, ast.Attribute) and node.attr in CONNECTIONS_OF_PYIGTL - {"comm"}:
            yield node.attr


def test_nothing_uses_the_connections_of_pyigtl():
    found = {
        str(path): set(names_from_pyigtl(path.read_text(encoding="utf-8"))) & CONNECTIONS_OF_PYIGTL
        for path in python_files()
    }
    assert {path: names for path, names in found.items() if names} == {}
    assert set(names_from_pyigtl("import pyigtl.comm\nx = pyigtl.OpenIGTLinkClient")) >= {"comm", "OpenIGTLinkClient"}


@pytest.mark.parametrize("function", [Server, Replayer])
def test_servers_listen_to_this_computer_alone_unless_told_otherwise(function):
    assert inspect.signature(function).parameters["host"].default == "127.0.0.1"
    server = Server()
    assert server._listener.getsockname()[0] == "127.0.0.1"
    server.stop()


def paired(metadata, keep_identifying=False):
    message = image_message(np.zeros((3, 4), np.uint8), np.eye(4), "Image_Reference", 1.0)
    message.metadata = metadata
    pairing = FramePairing(keep_identifying=keep_identifying)
    (frame,) = pairing.add_image(message, 0.0) + pairing.give_up_waiting(float("inf"))
    return frame


def test_who_the_patient_is_is_recorded_on_purpose_only(tmp_path):
    metadata = {
        "PatientName": "Doe^Jane",
        "Patient_ID": "4711",
        "OperatorsName": "Roe",
        "InstitutionName": "H",
        "DepthMm": "60",
    }
    assert dict(paired(metadata).fields) == {"DepthMm": "60"}
    kept = paired(metadata, keep_identifying=True)
    assert set(kept.fields) == set(metadata)
    write_sweep(Sweep([paired(metadata)]), tmp_path / "a.igs.mha", compressed=False)
    data = (tmp_path / "a.igs.mha").read_bytes()
    assert b"Jane" not in data and b"4711" not in data and b"Roe" not in data


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_within_its_field(text, tmp_path):
    frame = paired({"Comment": text, text: "value"})
    assert set(frame.fields) <= {"Comment"} | {text}
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", name) for name in frame.fields)
    write_sweep(Sweep([frame]), tmp_path / "a.igs.mha")
    (back,) = read_sweep(tmp_path / "a.igs.mha").frames
    assert back.timestamp == 1.0 and len(back.fields.get("Comment", "")) <= 1024
    assert back.fields.get("Comment", "").isprintable()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_become_no_transform_and_no_device(text):
    with Server().start() as server, Receiver(port=server.port) as receiver:
        server.wait_for_client(600)
        server.send(
            [transform_message(np.eye(4), text[:20].replace("\0", "?"), 1.0), transform_message(np.eye(4), "AToB", 1.0)]
        )
        server.send([image_message(np.zeros((3, 4), np.uint8), np.eye(4), "Image_Reference", 1.0)])
        frame = receiver.get(60)
        names = receiver.latest.transform_names()
    assert set(frame.transforms) <= {"AToB"}
    assert all(name.isprintable() and len(name) <= 128 for name in names)


def test_a_replayed_sweep_can_still_be_offered_to_others_on_purpose():
    sweep = Sweep([TrackedFrame(np.zeros((3, 4), np.uint8), np.eye(4), 0.0)])
    with Replayer(sweep, 0, host="0.0.0.0") as replayer, Receiver(port=replayer.port) as receiver:
        assert receiver.get(60) is not None
