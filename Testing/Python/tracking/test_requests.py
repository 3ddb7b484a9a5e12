"""Questions and wishes: tracking data on request, newest messages on demand, surfaces and texts beside the frames."""

import socket
import time

import numpy as np
import pytest
from CRLMSegmentationLib.sweep import Pose, Sweep, TrackedFrame
from CRLMSegmentationLib.tracking import Receiver, Replayer
from CRLMSegmentationLib.tracking.openigtlink.conversion import transform_message
from CRLMSegmentationLib.tracking.openigtlink.framing import MessageParser
from CRLMSegmentationLib.tracking.openigtlink.messages import (
    MESSAGE_CLASSES,
    PolyDataMessage,
    TrackingDataMessage,
    Utf8StringMessage,
)
from CRLMSegmentationLib.tracking.openigtlink.packing import pack_message
from CRLMSegmentationLib.tracking.openigtlink.polydata_message import PolyDataAttribute
from CRLMSegmentationLib.tracking.openigtlink.request_messages import RequestMessage, StartTrackingDataMessage
from CRLMSegmentationLib.tracking.openigtlink.server import Server

LONG_NAME = "UltrasoundProbeHolderToReference"


def translation(x):
    matrix = np.eye(4)
    matrix[0, 3] = x
    return matrix


def wait_until(condition, timeout_s=600.0):
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


class Peer:
    """A client by hand."""

    def __init__(self, port):
        self.connection = socket.create_connection(("127.0.0.1", port))
        self.connection.settimeout(600)
        self.parser, self.waiting = MessageParser(), []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def send(self, message, version=1):
        self.connection.sendall(pack_message(message, version))

    def next(self, kind):
        while True:
            while self.waiting:
                message = self.waiting.pop(0)
                if message.message_type == kind:
                    return message
            self.waiting += self.parser.feed(self.connection.recv(1 << 16))


def tracking(x):
    return TrackingDataMessage([("StylusToReference", translation(x))], device_name="Tracker")


def test_tracking_data_go_to_those_who_asked_at_their_interval():
    with Server() as server, Peer(server.port) as all_of_it, Peer(server.port) as few, Peer(server.port) as none:
        all_of_it.send(StartTrackingDataMessage(0, "Reference"))
        few.send(StartTrackingDataMessage(60_000, "Reference"))
        assert all_of_it.next("RTS_TDATA").status == 0 and few.next("RTS_TDATA").status == 0
        assert wait_until(lambda: server.client_count == 3)
        for x in range(5):
            server.send([transform_message(translation(x), "AToReference", 1.0)], tracking(x))
        assert [all_of_it.next("TDATA").elements[0][1][0, 3] for _ in range(5)] == [0, 1, 2, 3, 4]
        assert few.next("TDATA").elements[0][1][0, 3] == 0
        all_of_it.send(RequestMessage("STP_TDATA"))
        all_of_it.next("RTS_TDATA")
        server.send([transform_message(translation(9), "LastToReference", 1.0)], tracking(9))
        for peer, kinds in ((all_of_it, {"TRANSFORM"}), (few, {"TRANSFORM"}), (none, {"TRANSFORM"})):
            seen = set()
            while True:
                message = peer.waiting.pop(0) if peer.waiting else None
                if message is None:
                    peer.waiting += peer.parser.feed(peer.connection.recv(1 << 16))
                    continue
                seen.add(message.message_type)
                if message.device_name == "LastToReference":
                    break
            assert seen == kinds


@pytest.fixture
def a_sweep():
    transforms = {"StylusToReference": Pose(translation(7)), LONG_NAME: Pose(translation(8))}
    return Sweep(
        [TrackedFrame(np.full((4, 5), 9, np.uint8), np.eye(4), 5 + n / 50, transforms=transforms) for n in range(20)]
    )


@pytest.mark.parametrize("ask_for_metadata", [True, False])
def test_the_receiver_gets_tools_as_tracking_data_again_after_a_reconnection(a_sweep, ask_for_metadata):
    listener = Receiver(port=1, ask_for_metadata=ask_for_metadata)
    listener.start_tracking_data(20)
    assert listener.latest.transform_names() == []
    for _ in range(2):
        with Server() as server, Receiver(port=server.port, ask_for_metadata=ask_for_metadata) as receiver:
            receiver.start_tracking_data(10, "Reference")
            assert wait_until(lambda: server.wants_tracking_data)
            server.send([], tracking(3))
            assert wait_until(lambda: receiver.latest.transform("StylusToReference") is not None)
            receiver.stop_tracking_data()
            assert wait_until(lambda: not server.wants_tracking_data)
    first = Server().start()
    port = first.port
    with Receiver(port=port, ask_for_metadata=ask_for_metadata) as receiver:
        receiver.start_tracking_data()
        assert wait_until(lambda: first.wants_tracking_data)
        first.stop()
        with Server(port=port) as second:
            assert wait_until(lambda: second.wants_tracking_data)


def test_a_replay_answers_what_it_is_asked_for(a_sweep):
    with Replayer(a_sweep, 0, speed=None, close_at_end=False) as replayer, Peer(replayer.port) as peer:
        for _ in range(20):
            assert peer.next("IMAGE").image.max() == 9
        peer.send(RequestMessage("GET_IMAGE"))
        assert peer.next("IMAGE").timestamp == pytest.approx(5 + 19 / 50)
        peer.send(RequestMessage("GET_TRANS", device_name="StylusToReference"))
        assert peer.next("TRANSFORM").matrix[0, 3] == 7
        peer.send(RequestMessage("GET_TDATA"), version=2)
        data = peer.next("TDATA")
        assert len(data.elements) == 3 and data.metadata[f"{LONG_NAME}Index"] in "012"
        # What it does not have is not answered, and does no harm.
        peer.send(RequestMessage("GET_POLYDATA"))
        peer.send(RequestMessage("GET_IMAGE"))
        assert peer.next("IMAGE") is not None


def test_requests_have_the_types_of_the_protocol():
    for kind in ("GET_IMAGE", "GET_TRANS", "GET_TDATA", "GET_POLYDATA", "STP_TDATA", "STP_POLYDATA"):
        (read,) = MessageParser().feed(pack_message(RequestMessage(kind, device_name="x")))
        assert read.message_type == kind and read.device_name == "x"
    assert RequestMessage("GET_TRANS").wanted_type == "TRANSFORM"
    (start,) = MessageParser().feed(pack_message(StartTrackingDataMessage(50, "Reference")))
    assert (start.interval_ms, start.coordinate_name) == (50, "Reference")
    (reply,) = MessageParser().feed(pack_message(MESSAGE_CLASSES["RTS_TDATA"](status=1)))
    assert reply.message_type == "RTS_TDATA" and reply.status == 1


def test_a_surface_keeps_its_points_cells_and_numbers():
    points = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    triangles, lines = np.array([[0, 1, 2], [2, 3, 4]], np.uint32), [np.array([0, 1]), np.array([1, 2, 3])]
    values = PolyDataAttribute("Distance", np.arange(5, dtype=np.float32)[:, np.newaxis])
    normals = PolyDataAttribute("Normals", np.ones((2, 3), np.float32), "normal", of_cells=True)
    message = PolyDataMessage(points, triangles, lines=lines, attributes=[values, normals], device_name="Tumor")
    for version in (1, 2):
        (read,) = MessageParser().feed(pack_message(message, version))
        np.testing.assert_array_equal(read.points, points)
        np.testing.assert_array_equal(read.triangles(), triangles)
        assert [list(line) for line in read.lines] == [[0, 1], [1, 2, 3]]
        assert [(one.name, one.kind, one.of_cells) for one in read.attributes] == [
            ("Distance", "scalar", False), ("Normals", "normal", True),
        ]  # fmt: skip
        np.testing.assert_array_equal(read.attributes[0].values.ravel(), range(5))


def test_a_square_is_two_triangles():
    (read,) = MessageParser().feed(pack_message(PolyDataMessage(np.zeros((4, 3)), [[0, 1, 2, 3]])))
    np.testing.assert_array_equal(read.triangles(), [[0, 1, 2], [0, 2, 3]])


def test_other_messages_wait_for_whoever_asks_and_never_grow():
    with Server() as server, Receiver(port=server.port) as receiver:
        server.wait_for_client(600)
        server.send([PolyDataMessage(np.zeros((3, 3)), [[0, 1, 2]], device_name="Tumor")])
        server.send([Utf8StringMessage(f"text {number}", device_name=f"Note{number}") for number in range(30)])
        assert wait_until(lambda: receiver.latest.message("STRING", "Note29") is not None)
        assert (
            len(receiver.latest.message_names("STRING")) in (15, 16)
            and receiver.latest.message("POLYDATA", "Tumor") is None
        )
        server.send([PolyDataMessage(np.zeros((3, 3)), [[0, 1, 2]], device_name="Tumor")])
        assert wait_until(lambda: receiver.latest.message("POLYDATA", "Tumor") is not None)
        surface, age = receiver.latest.message("POLYDATA", "Tumor")
    assert (
        len(surface.triangles()) == 1
        and 0 <= age.seconds < 60
        and receiver.latest.message_names("POLYDATA") == ["Tumor"]
    )
