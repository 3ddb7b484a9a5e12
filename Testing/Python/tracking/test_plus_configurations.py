"""The PLUS configurations that ship: sound by themselves, and served by a real PlusServer where there is one.

PLUS_SERVER names the program (PlusServer 2.9); PLUS is not packaged by Debian and takes an hour to build.
"""

import os
import socket
import subprocess
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from CRLMSegmentationLib.sweep import read_plus_configuration, read_sweep
from CRLMSegmentationLib.sweep.transforms import find_path
from CRLMSegmentationLib.tracking import record

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "Resources" / "PLUS"
SAMPLE = ROOT / "CRLMSegmentation" / "Resources" / "SampleData" / "SimulatedLiverSweep.igs.mha"
NAMES = sorted(path.name for path in FOLDER.glob("*.xml"))


def test_three_kinds_ship():
    types = {name: {device.get("Type") for device in devices(FOLDER / name)} for name in NAMES}
    assert any(kinds <= {"SavedDataSource", "VirtualCapture"} for kinds in types.values()), "a replay"
    assert any("UsSimulator" in kinds for kinds in types.values()), "PLUS's own simulator"
    assert any({"BkProFocusOem", "AuroraTracker"} <= kinds for kinds in types.values()), "a scanner with a tracker"
    assert any("PolarisTracker" in (FOLDER / name).read_text(encoding="utf-8") for name in NAMES)


def devices(path):
    return list(ElementTree.parse(path).getroot().iter("Device"))


@pytest.mark.parametrize("name", NAMES)
def test_what_a_configuration_names_is_there(name):
    path = FOLDER / name
    root = ElementTree.parse(path).getroot()
    made = {}
    for device in root.iter("Device"):
        sources = {source.get("Id"): source.get("Type") for source in device.iterfind("DataSources/DataSource")}
        needed = [channel.get("Id") for channel in device.iterfind("InputChannels/InputChannel")]
        assert all(channel in made for channel in needed), "PLUS connects channels to devices above"
        if not needed:
            assert sources, f"{device.get('Id')} gives nothing without DataSources"
        for channel in device.iterfind("OutputChannels/OutputChannel"):
            made[channel.get("Id")] = device.get("Id")
            video = channel.get("VideoDataSourceId")
            assert video is None or sources[video] == "Video"
            assert all(sources[source.get("Id")] == "Tool" for source in channel.iterfind("DataSource"))
    server = root.find("PlusOpenIGTLinkServer")
    assert server.get("OutputChannelId") in made and server.get("ListeningPort") == "18944"
    assert int(server.get("MaxNumberOfIgtlMessagesToSend")) >= 10, "with 1 PLUS leaves frames out when it falls behind"
    for model in root.iter("SpatialModel"):
        assert model.get("ModelFile") is None or (FOLDER / model.get("ModelFile")).is_file()
    for saved in root.iter("Device"):
        assert saved.get("SequenceFile", SAMPLE.name) == SAMPLE.name
    fixed = read_plus_configuration(path).transforms
    assert find_path(fixed, "Image", "Probe") and find_path(fixed, "StylusTip", "Stylus")


def test_the_sample_is_one_that_plus_takes():
    """PLUS skips a frame at time 0 ('not newer than the last one')."""
    sweep = read_sweep(SAMPLE)
    assert sweep.frames[0].timestamp > 0.5
    head = SAMPLE.read_bytes().split(b"ElementDataFile")[0]
    assert b"ImageToReferenceTransform" not in head and b"ImageToProbeTransform" in head


@pytest.fixture
def served(tmp_path):
    """Starts PlusServer with a configuration of ours that serves the sample; gives the port."""
    program = os.environ.get("PLUS_SERVER", "")
    if not Path(program).is_file():
        pytest.skip("there is no PlusServer (PLUS_SERVER names it); PLUS is not packaged and takes long to build")
    processes = []

    def start(name):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        tree = ElementTree.parse(FOLDER / name)
        tree.getroot().find("PlusOpenIGTLinkServer").set("ListeningPort", str(port))
        for element in tree.getroot().iter():
            for attribute, folder in (("SequenceFile", SAMPLE.parent), ("ModelFile", FOLDER)):
                if element.get(attribute):
                    element.set(attribute, str(folder / element.get(attribute)))
        tree.write(tmp_path / name)
        command = [program, f"--config-file={tmp_path / name}", "--verbose=2"]
        log = open(tmp_path / "plus.log", "w+b")
        processes.append((subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, stdin=subprocess.PIPE), log))
        return port

    yield start
    for process, log in processes:
        process.kill()
        process.wait()
        log.close()


def received(port, path, frames):
    """`frames` frames that the server sent; it takes a while to listen."""
    for _ in range(60):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.5)
    record(path, port=port, frames=frames, timeout_s=600)
    return read_sweep(path)


def test_a_real_plus_server_replays_the_sample(served, tmp_path):
    sent = read_sweep(SAMPLE)
    by_pixels = {frame.pixels.tobytes(): frame for frame in sent.frames}
    for frame in received(served("Replay.xml"), tmp_path / "a.igs.mha", 60).frames:
        original = by_pixels[frame.pixels.tobytes()]
        assert frame.valid == original.valid
        if frame.valid:
            np.testing.assert_allclose(frame.image_to_reference, original.image_to_reference, atol=1e-4)
    assert b"ERROR" not in (tmp_path / "plus.log").read_bytes()


def test_a_real_plus_server_simulates_a_tumor_where_the_configuration_says(served, tmp_path):
    center = np.array([66.08, -97.95, 20.24, 1.0])
    depths = []
    for frame in received(served("Simulator.xml"), tmp_path / "a.igs.mha", 100).valid_frames:
        u, v, off, _ = np.linalg.inv(frame.image_to_reference) @ center
        if abs(off * 0.4464) < 2 and 30 < u < 210 and 30 < v < 160:
            inside, above = (frame.pixels[int(v) + d - 2 : int(v) + d + 3, int(u) - 2 : int(u) + 3] for d in (0, -28))
            depths.append(float(above.mean()) - float(inside.mean()))
    assert depths and min(depths) > 3, "the tumor is darker than the tissue above it"
