"""The C++ OpenIGTLink programs that Debian ships, in every role: they send to us and take what we send.

Packages openigtlink-examples (sources) and libopenigtlink-dev; OPENIGTLINK_ROOT names a folder in which they were
unpacked when they are not installed.
"""

import os
import re
import shutil
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from CRLMSegmentationLib.tracking import Receiver
from CRLMSegmentationLib.tracking.openigtlink.conversion import image_message, pixels_of, poses_of, transform_message
from CRLMSegmentationLib.tracking.openigtlink.framing import MessageParser
from CRLMSegmentationLib.tracking.openigtlink.messages import (
    PolyDataMessage,
    StatusMessage,
    TrackingDataMessage,
    Utf8StringMessage,
)
from CRLMSegmentationLib.tracking.openigtlink.opening import Opening
from CRLMSegmentationLib.tracking.openigtlink.request_messages import RequestMessage
from CRLMSegmentationLib.tracking.openigtlink.server import Server

ROOT = Path(os.environ.get("OPENIGTLINK_ROOT", "/"))
EXAMPLES = ROOT / "usr/share/doc/openigtlink-examples/examples"
HEADERS = ROOT / "usr/include/openigtlink"
PROGRAMS = {"TrackerServer": "Tracker", "TrackerClient": "Tracker", "ImagerServer": "Imager", "ImagerClient": "Imager",
            "ReceiveServer": "Receiver", "ReceiveClient": "Receiver",
            "TrackingDataServer": "TrackingData", "TrackingDataClient": "TrackingData",
            "PolyDataServer": "PolyData", "PolyDataClient": "PolyData"}  # fmt: skip
POSE = np.array([[0.1, 0, 0, 5.5], [0, 0, -1, 6], [0, 0.2, 0, 7], [0, 0, 0, 1]])


@pytest.fixture(scope="module")
def peers(tmp_path_factory):
    """The folder of the built programs."""
    if not (EXAMPLES.is_dir() and HEADERS.is_dir()):
        pytest.skip("Debian's openigtlink-examples and libopenigtlink-dev are not there (see OPENIGTLINK_ROOT)")
    if shutil.which("g++") is None:
        pytest.skip("there is no g++ to build the C++ OpenIGTLink peers")
    folder = tmp_path_factory.mktemp("peers")
    libraries = ROOT / "usr/lib"

    def build(name):
        source = EXAMPLES / PROGRAMS[name] / f"{name}.cxx"
        command = ["g++", "-w", f"-I{HEADERS}", f"-I{HEADERS / 'igtlutil'}", source]
        command += [f"-L{libraries}", "-lOpenIGTLink", "-lpthread", f"-Wl,-rpath,{libraries}", "-o", folder / name]
        return subprocess.run(command, capture_output=True, encoding="utf-8")

    with ThreadPoolExecutor() as pool:
        for built in pool.map(build, PROGRAMS):
            if built.returncode:
                pytest.skip(f"the C++ OpenIGTLink peers cannot be built: {built.stderr[-500:]}")
    return folder


class running:
    """A peer as a process; `output()` is what it has written so far."""

    def __init__(self, *command):
        self._process = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        )
        self._lines = []
        self._reader = threading.Thread(target=lambda: self._lines.extend(self._process.stdout))
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def output(self):
        return "".join(self._lines)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_until(condition, timeout_s=600.0):
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def connected_to(port, timeout_s=600.0):
    """A connection to a peer that may still be starting."""
    deadline = time.monotonic() + timeout_s
    opening = Opening("127.0.0.1", port)
    while True:
        try:
            connection = opening.advance(0.05)
            if connection is not None:
                return connection
        except OSError:
            time.sleep(0.05)
            opening = Opening("127.0.0.1", port)
        assert time.monotonic() < deadline, "the peer was not reached"


def test_the_tracker_server_is_received(peers):
    port = free_port()
    with running(peers / "TrackerServer", port, 100), Receiver(port=port) as receiver:
        receiver.wait_until_connected(600)
        poses = []
        assert wait_until(lambda: receiver.latest.transform("Tracker") is not None)
        for _ in range(20):
            poses.append(receiver.latest.transform("Tracker").pose)
            time.sleep(0.02)
        status = receiver.status
    # By the program's source: positions on an ellipse of 50 mm, rotations from unit quaternions.
    for pose in poses:
        x, y, z = pose.matrix[:3, 3]
        assert pose.valid and x == pytest.approx(z, abs=1e-3) and x * x + y * y == pytest.approx(2500, abs=0.1)
        np.testing.assert_allclose(pose.matrix[:3, :3] @ pose.matrix[:3, :3].T, np.eye(3), atol=1e-5)
    assert len({pose.matrix[0, 3] for pose in poses}) > 5 and status.damaged == status.out_of_step == 0


def test_the_imager_server_is_received(peers):
    port = free_port()
    pictures = [(EXAMPLES / f"Imager/img/igtlTestImage{number}.raw").read_bytes() for number in range(1, 6)]
    with running(peers / "ImagerServer", port, 50, EXAMPLES / "Imager/img"), Receiver(port=port) as receiver:
        receiver.wait_until_connected(600)
        frames = [receiver.get(60) for _ in range(12)]
        status = receiver.status
    for number, frame in enumerate(frames):
        assert frame.pixels.shape == (256, 256) and frame.pixels.tobytes() == pictures[number % 5]
        assert not frame.valid, "an image without a frame of reference in its name has no place"
    assert status.damaged == status.out_of_step == 0


def test_the_c_library_means_the_same_place_by_an_image_matrix(peers):
    port = free_port()
    matrices = []
    with running(peers / "ImagerServer", port, 50, EXAMPLES / "Imager/img"):
        connection = connected_to(port)
        parser = MessageParser()
        while len(matrices) < 3:
            for message in parser.feed(connection.receive(1.0) or b""):
                assert message.world_coordinate_system == "ras" and pixels_of(message) is not None
                matrices.append(message.ijk_to_world_matrix)
        connection.close()
    for matrix in matrices:
        # The program puts the image at (0, 0, 0) with a spacing of 1 x 1 x 5 mm. That is the place of its center.
        np.testing.assert_allclose((matrix @ [127.5, 127.5, 0, 1])[:3], 0, atol=1e-4)
        np.testing.assert_allclose(np.linalg.norm(matrix[:3, :3], axis=0), (1, 1, 5), rtol=1e-5)


@pytest.mark.parametrize("program, kind", [("TrackerClient", "TRANSFORM"), ("ImagerClient", "IMAGE")])
def test_clients_are_received(peers, program, kind):
    received = []
    server = Server(on_message=received.append).start()
    try:
        folder = [EXAMPLES / "Imager/img"] if program == "ImagerClient" else []
        with running(peers / program, "127.0.0.1", server.port, 100, *folder):
            assert wait_until(lambda: len(received) >= 10)
    finally:
        server.stop()
    assert {message.message_type for message in received} == {kind}
    if kind == "TRANSFORM":
        assert all(pose.valid for message in received for pose in poses_of(message).values())


def some_messages():
    pixels = np.zeros((48, 64), np.uint8)
    return [
        transform_message(POSE, "ProbeToReference", 1234.5),
        image_message(pixels, POSE, "Image_Reference", 1234.5),
        Utf8StringMessage("hello there", device_name="Note", timestamp=1234.5),
        StatusMessage(text="all is well", device_name="Status", timestamp=1234.5),
        TrackingDataMessage([("StylusToReference", POSE)], device_name="Tools", timestamp=1234.5),
    ]


def assert_understood(output):
    assert "Time stamp: 1234.5" in output
    assert "Receiving TRANSFORM" in output and re.search(r"0\.1,\s*0,\s*0,\s*5\.5", output)
    assert "Receiving IMAGE" in output and "Dimensions            : (64, 48, 1)" in output
    assert "Spacing               : (0.1, 0.2, 1)" in output and "Device Name           : Image_Reference" in output
    assert "hello there" in output and "all is well" in output


def test_what_our_server_sends_is_understood(peers):
    server = Server().start()
    try:
        with running(peers / "ReceiveClient", "127.0.0.1", server.port) as client:
            assert server.wait_for_client(600)
            for _ in range(3):
                server.send(some_messages())
            assert wait_until(lambda: client.output().count("StylusToReference") >= 3)
            output = client.output()
    finally:
        server.stop()
    assert_understood(output)
    assert output.count("Receiving IMAGE") == 3


def test_what_our_client_sends_is_understood(peers):
    port = free_port()
    with running(peers / "ReceiveServer", port) as server, Receiver(port=port) as receiver:
        receiver.wait_until_connected(600)
        for message in some_messages():
            receiver.send(message)
        assert wait_until(lambda: "all is well" in server.output())
        output = server.output()
    assert_understood(output)


def test_a_tracking_data_server_sends_when_asked(peers):
    port = free_port()
    with running(peers / "TrackingDataServer", port) as server, Receiver(port=port) as receiver:
        receiver.wait_until_connected(600)
        receiver.start_tracking_data(20, "Patient")
        assert wait_until(lambda: len(receiver.latest.transform_names()) >= 3)
        pose = receiver.latest.transform(receiver.latest.transform_names()[0]).pose
        receiver.stop_tracking_data()
        assert wait_until(lambda: "STP_TDATA" in server.output())
        assert receiver.status.damaged == receiver.status.out_of_step == 0
    assert pose.valid and np.linalg.det(pose.matrix[:3, :3]) == pytest.approx(1, abs=1e-4)


def test_a_tracking_data_client_gets_what_it_asked_for(peers):
    with Server() as server, running(peers / "TrackingDataClient", "127.0.0.1", server.port, 50) as client:
        assert wait_until(lambda: server.wants_tracking_data)
        data = TrackingDataMessage([("StylusToReference", POSE)], device_name="Tools")

        def understood():
            server.send([], data)
            return "StylusToReference" in client.output() and re.search(r"0\.1,\s*0,\s*0,\s*5\.5", client.output())

        assert wait_until(understood)


def test_a_surface_server_sends_when_asked(peers):
    port = free_port()
    with running(peers / "PolyDataServer", port), Receiver(port=port) as receiver:
        receiver.wait_until_connected(600)
        receiver.send(RequestMessage("GET_POLYDATA"))
        assert wait_until(lambda: receiver.latest.message_names("POLYDATA"))
        surface, _ = receiver.latest.message("POLYDATA", receiver.latest.message_names("POLYDATA")[0])
    # A cube with values and normals (PolyDataServer.cxx).
    assert surface.points.shape == (8, 3) and len(surface.polygons) == 6 and len(surface.triangles()) == 12
    assert surface.attributes


def test_a_surface_client_gets_what_it_asked_for(peers):
    def answer(message):
        wanted = getattr(message, "wanted_type", None)
        return [PolyDataMessage([[1.5, 2, 3], [4, 5, 6], [7, 8, 9]], [[0, 1, 2]], device_name="Tumor")] * (
            wanted == "POLYDATA"
        )

    with Server(on_message=answer) as server, running(peers / "PolyDataClient", "127.0.0.1", server.port) as client:
        # The program prints the first point of a cell twice.
        assert wait_until(lambda: "cell[0] = (0, 0, 1, 2)" in client.output())
        assert "point[0] = (1.5, 2, 3)" in client.output()
