"""What a session publishes over OpenIGTLink, as another program receives it."""

import re
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from CRLMSegmentationLib.errors import StreamError
from CRLMSegmentationLib.session import actions
from CRLMSegmentationLib.sweep import Pose
from link_listener import Listener


@pytest.fixture
def listen(session):
    session.publishing.start(0)
    listeners = []

    def start() -> Listener:
        listeners.append(Listener(session.publishing.port))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.close()


def until(session, listener, is_so) -> None:
    end = time.monotonic() + 600
    while not is_so():
        assert time.monotonic() < end, {name: len(messages) for name, messages in listener.heard.items()}
        session.process()
        listener.read()


def stylus_at(session, place_ras) -> None:
    pose = np.eye(4)
    pose[:3, 3] = place_ras
    session.tools.update("StylusToReference", Pose(pose))


def test_the_tumor_and_the_distance_are_those_of_the_session(session, volume, box, mask, listen):
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.set(mask)
    stylus_at(session, box.center_ras)
    listener = listen()
    until(session, listener, lambda: listener.heard.get("StylusToTumor") and listener.heard.get("Tumor"))

    surface = listener.heard["Tumor"][-1]
    assert len(surface.points) == session.tumor.surface.GetNumberOfPoints() > 0
    bounds = session.tumor.surface.GetBounds()
    np.testing.assert_allclose([surface.points.min(0), surface.points.max(0)], [bounds[::2], bounds[1::2]], rtol=1e-6)
    assert len(surface.triangles()) == session.tumor.surface.GetNumberOfPolys()

    reading, facts = session.tools.reading("Stylus"), listener.facts("StylusToTumor")
    assert facts["status"] == "live" and facts["margin"] == "inside the tumor"
    assert facts["distance_mm"] == pytest.approx(reading.signed_distance_mm, abs=1e-6) and facts["distance_mm"] < 0
    np.testing.assert_allclose(facts["closest_point_mm"], reading.closest_point_ras, atol=1e-6)
    np.testing.assert_allclose(listener.heard["StylusTipToReference"][-1].matrix[:3, 3], box.center_ras, atol=1e-3)


@pytest.mark.real_ages
def test_a_tool_that_is_lost_has_no_pose_and_no_distance(session, volume, box, mask, listen):
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.set(mask)
    stylus_at(session, box.center_ras)
    listener = listen()
    until(session, listener, lambda: "StylusToTumor" in listener.heard)
    until(session, listener, lambda: listener.facts("StylusToTumor")["status"] == "lost")
    facts, poses = listener.facts("StylusToTumor"), len(listener.heard.get("StylusTipToReference", []))
    assert facts["distance_mm"] is facts["closest_point_mm"] is facts["error_95_mm"] is None
    told = len(listener.heard["StylusToTumor"])
    until(session, listener, lambda: len(listener.heard["StylusToTumor"]) > told + 3)
    assert len(listener.heard.get("StylusTipToReference", [])) == poses


def test_a_tumor_that_is_out_of_date_is_taken_back_and_who_comes_later_has_the_new_one(
    session, volume, box, mask, listen
):
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.set(mask)
    first = listen()
    until(session, first, lambda: "Tumor" in first.heard and len(first.heard["Tumor"][-1].points))
    session.tumor.make_stale()
    until(session, first, lambda: not len(first.heard["Tumor"][-1].points))
    session.tumor.set(mask)
    second = listen()
    until(session, second, lambda: "Tumor" in second.heard and len(second.heard["Tumor"][-1].points))


def test_nothing_is_sent_while_the_session_cannot_be_trusted(session, volume, box, mask, listen):
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.set(mask)
    stylus_at(session, box.center_ras)
    listener = listen()
    until(session, listener, lambda: "StylusToTumor" in listener.heard and len(listener.heard["Tumor"][-1].points))
    session.report_fault(RuntimeError("a part has failed"))
    until(session, listener, lambda: listener.facts("StylusToTumor")["status"] == "lost")
    assert listener.facts("StylusToTumor")["distance_mm"] is None
    assert not len(listener.heard["Tumor"][-1].points)
    until(session, listener, lambda: session.fault is None and len(listener.heard["Tumor"][-1].points))


def test_the_port_is_free_again_after_it(session):
    publishing = session.publishing
    assert publishing.port is None and publishing.clients == 0
    publishing.start(0)
    port = publishing.port
    publishing.stop()
    assert publishing.port is None
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(StreamError, match="cannot be used"):
            publishing.start(port)
        assert publishing.port is None
        session.process()
    publishing.start(port)
    session.close()
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_it_is_switched_on_and_off_and_says_who_listens(session, listen):
    port = session.publishing.port
    assert session.publishing.text == f"Sending at port {port}: no program is connected"
    assert "already" in actions.PUBLISH.why_not(session)
    listener = listen()
    until(session, listener, lambda: session.publishing.clients == 1)
    assert session.publishing.text == f"Sending at port {port}: 1 program is connected"
    heard = []
    session.add_listener(lambda state: heard.append(session.publishing.port))
    actions.STOP_PUBLISHING.run(session)
    assert heard == [None] and session.publishing.text == "" and actions.PUBLISH.can_run(session)
    assert "Nothing is sent" in actions.STOP_PUBLISHING.why_not(session)
    # At a port that another program has: a sentence, and it stays off.
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(StreamError, match="port"):
        actions.PUBLISH.run(session, other.getsockname()[1])
    assert session.publishing.port is None


def test_the_clients_of_the_guide_receive_distance_and_surface(session, volume, box, mask, capsys):
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.set(mask)
    session.publishing.start(0)
    guide = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "other-programs.md"
    said = []
    for code in re.findall(r"```python\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL):
        assert "18945" in code
        code = code.replace("18945", str(session.publishing.port)).replace("sleep(0.1)", "sleep(0.02)")
        client = threading.Thread(target=exec, args=(compile(code, "client.py", "exec"), {}), daemon=True)
        client.start()
        while client.is_alive():
            stylus_at(session, box.center_ras)
            session.process()
            client.join(0.01)
        said.append(capsys.readouterr().out)
    assert re.search(r"^live -\d+\.\d+ \d\.\d s ago$", said[0], re.MULTILINE)
    assert said[1].startswith(f"{session.tumor.surface.GetNumberOfPoints()} points, ")
