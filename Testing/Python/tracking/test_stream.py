"""Receiver, server and replayer over a real socket on this computer."""

import os
import socket
import threading
import time

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError, RecordingError, StreamError
from CRLMSegmentationLib.session.frame_source import NetworkSource
from CRLMSegmentationLib.sweep import Pose, Sweep, TrackedFrame, read_sweep
from CRLMSegmentationLib.tracking import CommandReply, Receiver, Replayer, record
from CRLMSegmentationLib.tracking.openigtlink.conversion import image_message, transform_message
from CRLMSegmentationLib.tracking.openigtlink.framing import MessageParser
from CRLMSegmentationLib.tracking.openigtlink.messages import StatusMessage
from CRLMSegmentationLib.tracking.openigtlink.packing import pack_announcement, pack_message
from CRLMSegmentationLib.tracking.openigtlink.server import Server

IMAGE_TO_PROBE = np.diag([0.1, 0.2, 1.0, 1.0])


def translation(x, y, z):
    matrix = np.eye(4)
    matrix[:3, 3] = x, y, z
    return matrix


@pytest.fixture
def a_sweep():
    random = np.random.default_rng(0)
    return Sweep(
        [
            TrackedFrame(
                random.integers(0, 256, (24, 32), dtype=np.uint8),
                translation(number / 4, 0, 0) @ IMAGE_TO_PROBE,
                100 + number / 50,
                valid=number not in (3, 4),
                transforms={"StylusToReference": Pose(translation(0, number, 0), number != 5)},
            )
            for number in range(40)
        ]
    )


def wait_until(condition, timeout_s=600.0):
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def received(sweep, ask_for_metadata=True, **options):
    with Replayer(sweep, 0, speed=None, **options) as replayer:
        with Receiver(port=replayer.port, ask_for_metadata=ask_for_metadata) as receiver:
            return list(receiver.frames(until_closed=True, timeout_s=600)), receiver.status


@pytest.mark.parametrize("ask_for_metadata", [True, False])
@pytest.mark.parametrize("mode", ["image_image", "image_reference"])
def test_every_frame_arrives_in_order_with_its_own_pose(a_sweep, mode, ask_for_metadata):
    frames, status = received(a_sweep, ask_for_metadata, mode=mode)
    assert len(frames) == 40 and status.frames == 40 and status.invalid == 2
    assert status.dropped == status.damaged == status.out_of_step == 0
    for sent, got in zip(a_sweep.frames, frames):
        np.testing.assert_array_equal(got.pixels, sent.pixels)
        assert got.valid == sent.valid and got.timestamp == pytest.approx(sent.timestamp, abs=1e-6)
        if sent.valid:
            np.testing.assert_allclose(got.image_to_reference, sent.image_to_reference, atol=1e-5)
    stylus = [frame.transforms.get("StylusToReference") for frame in frames]
    assert stylus[5] is None, "a tool that was not seen must not be given its old place"
    assert all(pose.matrix[1, 3] == number for number, pose in enumerate(stylus) if number != 5)


def test_the_real_recording_is_replayed_and_received_as_it_is(shared_data):
    from CRLMSegmentationLib.sweep import read_plus_configuration

    calibration = read_plus_configuration(shared_data / "SpinePhantom.xml").transforms
    sweep = read_sweep(shared_data / "SpinePhantomFreehand.igs.mha", calibration)
    frames, _ = received(sweep)
    assert len(frames) == len(sweep)
    corner = np.array([819, 615, 0, 1])
    for sent, got in zip(sweep.frames, frames):
        np.testing.assert_array_equal(got.pixels, sent.pixels)
        # A message holds 32 bit numbers.
        np.testing.assert_allclose(got.image_to_reference @ corner, sent.image_to_reference @ corner, atol=1e-4)
        assert {"ProbeToReference", "StylusToReference"} <= set(got.transforms)


class _running:
    """A started server as a context."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        return self.server.start()

    def __exit__(self, *_):
        self.server.stop()


def test_a_server_speaks_version_2_only_to_those_who_have_shown_it():
    with _running(Server()) as server:
        old = socket.create_connection(("127.0.0.1", server.port))
        new = socket.create_connection(("127.0.0.1", server.port))
        new.sendall(pack_announcement())
        parsers = {old: MessageParser(), new: MessageParser()}
        parsers[new].feed(new.recv(1000))
        assert parsers[new].counts.received == 1, "GET_STATUS is answered"
        server.send([transform_message(np.eye(4), "ProbeToReference", 1.0)])
        versions = {}
        for connection, parser in parsers.items():
            while connection not in versions:
                for message in parser.feed(connection.recv(1000)):
                    if message.message_type == "TRANSFORM":
                        versions[connection] = message.header_version, message.metadata
            connection.close()
    assert versions[old] == (1, {})
    assert versions[new] == (2, {"TransformValid": "1", "TransformStatus": "OK"})


def test_the_receiver_reconnects_by_itself(a_sweep):
    first = Replayer(a_sweep, 0, speed=None).start()
    port = first.port
    with Receiver(port=port) as receiver:
        assert len([receiver.get(60) for _ in range(40)]) == 40
        first.stop()
        assert wait_until(lambda: not receiver.status.connected) and receiver.status.problem
        with Replayer(a_sweep, port, speed=None):
            again = [receiver.get(60) for _ in range(40)]
        status = receiver.status
    assert all(frame is not None for frame in again) and status.connections == 2
    assert 0 < status.interruptions[0].duration_s < 60 and status.interruptions[0].reason


def test_three_clients_of_which_one_is_stalled():
    # 60 MB, more than the socket buffers and the queue of a client that never reads.
    pixels = np.zeros((512, 512), np.uint8)
    with _running(Server(queue_bytes=16 << 20)) as server:
        stalled = socket.create_connection(("127.0.0.1", server.port))
        with Receiver(port=server.port) as one, Receiver(port=server.port) as two:
            assert wait_until(lambda: server.client_count == 3)
            for number in range(240):
                # The next one goes out when the two have this one, however long that takes on a busy machine.
                server.send([image_message(pixels, np.eye(4), "Image_Reference", 100 + number / 120)])
                if number:
                    # The first one waits for the second, which tells whether the sender's clock runs.
                    times = {round((receiver.get(30).timestamp - 100) * 120) for receiver in (one, two)}
                    assert times == {number - 1}
            assert server.released_clients == 1 and wait_until(lambda: server.client_count == 2)
        stalled.close()


def test_a_server_that_is_not_there_or_silent_gives_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with Receiver(port=port) as receiver, pytest.raises(StreamError, match="No image came"):
            next(receiver.frames(timeout_s=0.5))
    with Receiver(port=port) as receiver, pytest.raises(StreamError, match="No OpenIGTLink server answers"):
        receiver.wait_until_connected(0.5)


def test_a_host_that_nobody_knows_is_named(monkeypatch):
    def unknown(*_arguments, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    # The network's own answer may take seconds, or never come.
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with Receiver("no-such-host.invalid") as receiver:
        assert wait_until(lambda: "not known" in receiver.link_status().problem)
        with pytest.raises(StreamError, match=r"the host no-such-host.invalid is not known"):
            receiver.wait_until_connected(0.1)


@pytest.mark.parametrize("port", [-1, 65536, 65536 + 18944, 18944.5, "18944", None])
def test_a_port_that_is_none_is_refused_before_another_program_is_reached(a_sweep, port):
    for make in (
        lambda: Receiver(port=port), lambda: Server(port=port), lambda: Replayer(a_sweep, port),
        lambda: NetworkSource("127.0.0.1", port),
    ):  # fmt: skip
        with pytest.raises(StreamError, match="is no port; give a whole number from 1 to 65535"):
            make()
    with pytest.raises(StreamError, match="is no port"):
        Receiver(port=0)


def test_a_slow_replay_is_not_later_and_later_by_its_own_times(a_sweep):
    for speed, seconds in ((0.5, 2 * 39 / 50), (1.0, 39 / 50), (4.0, 39 / 50), (None, 39 / 50)):
        replayer = Replayer(a_sweep, 0, speed=speed)
        sent = [timestamp for timestamp, _, _ in replayer._timeline()]
        replayer.stop()
        assert sent[-1] - sent[0] == pytest.approx(seconds)


def test_a_port_in_use_and_senseless_options_give_a_sentence(a_sweep):
    with Replayer(a_sweep, 0) as replayer, pytest.raises(StreamError, match="cannot be used"):
        Replayer(a_sweep, replayer.port)
    with pytest.raises(StreamError, match="not known"):
        Replayer(a_sweep, 0, host="no-such-host.invalid")
    for options in ({"mode": "x"}, {"speed": 0}, {"speed": float("nan")}):
        with pytest.raises(ConfigurationError):
            Replayer(a_sweep, 0, **options)
    with pytest.raises(ConfigurationError, match="no frame"):
        Replayer(Sweep([]), 0)


@pytest.mark.parametrize("rubbish", [b"\xff" * 500, b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20000])
def test_rubbish_from_the_peer_ends_in_reconnection_not_in_a_crash(a_sweep, rubbish):
    with socket.create_server(("127.0.0.1", 0)) as server:
        with Receiver(port=server.getsockname()[1]) as receiver:
            connection, _ = server.accept()
            try:
                connection.sendall(rubbish)
            except OSError:
                pass
            again, _ = server.accept()
            assert "not OpenIGTLink" in receiver.status.interruptions[0].reason
            again.sendall(pack_message(image_message(a_sweep.frames[0].pixels, np.eye(4), "Image_Reference", 5)))
            frame = receiver.get(60)
            connection.close()
            again.close()
    assert frame is not None and frame.valid


def test_a_server_that_stops_answering_is_connected_to_anew(a_sweep):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with Receiver(port=listener.getsockname()[1], silence_s=0.1, answer_s=0.3) as receiver:
            connection, _ = listener.accept()
            # It answers once, then it hangs without closing.
            connection.sendall(pack_message(StatusMessage()))
            again, _ = listener.accept()
            assert receiver.status.interruptions[0].reason == "the server has stopped answering"
            connection.close()
            # One that never answered is no worse for being silent.
            time.sleep(0.8)
            assert receiver.status.connected and "nothing has come" in receiver.status.problem
            again.close()


def test_a_silent_server_of_ours_is_known_to_be_alive(a_sweep):
    with Replayer(a_sweep, 0, speed=None, close_at_end=False) as replayer:
        with Receiver(port=replayer.port, silence_s=0.2, answer_s=0.3) as receiver:
            assert len([receiver.get(60) for _ in range(40)]) == 40
            time.sleep(1.2)
            status = receiver.status
    assert status.connected and status.connections == 1 and status.age.seconds > 1 and not status.problem


@pytest.mark.parametrize("version", [1, 2])
def test_commands_reach_the_server_and_its_reply_comes_back(a_sweep, version):
    taken = []

    def answer(command):
        taken.append(command)
        return CommandReply(True, "done", {"Extra": "1"})

    with Replayer(a_sweep, 0, loop=True, on_command=answer) as replayer:
        with Receiver(port=replayer.port, ask_for_metadata=version == 2) as receiver:
            receiver.get(60)
            reply = receiver.commands.run("StartRecording", {"OutputFilename": "a.igs.mha"})
    assert reply.succeeded and reply.text == "done"
    assert taken[0].name == "StartRecording" and taken[0].parameters == {"OutputFilename": "a.igs.mha"}


def test_a_command_nobody_answers_and_a_command_without_connection(a_sweep):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with Receiver(port=silent.getsockname()[1]) as receiver:
            receiver.wait_until_connected(600)
            with pytest.raises(StreamError, match="not answered"):
                receiver.commands.run("StopRecording", timeout_s=0.2)
    with pytest.raises(StreamError, match="no connection"):
        receiver.commands.run("StopRecording")
    with Replayer(a_sweep, 0, loop=True) as replayer, Receiver(port=replayer.port) as receiver:
        receiver.get(60)
        assert not receiver.commands.run("StopRecording").succeeded


def test_a_command_that_was_begun_and_is_never_answered_fails_after_a_while():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with Receiver(port=silent.getsockname()[1]) as receiver:
            receiver.wait_until_connected(600)
            number = receiver.commands.begin("NoSuchCommand")
            assert receiver.commands.reply_to(number) is None
            reply = receiver.commands.reply_to(number, timeout_s=0.0)
            assert (
                not reply.succeeded
                and "NoSuchCommand" in reply.text
                and receiver.commands.reply_to(number, 0.0) is None
            )


def test_frames_that_nobody_takes_are_counted_not_kept_for_ever(a_sweep):
    with Replayer(a_sweep, 0, speed=None) as replayer:
        with Receiver(port=replayer.port, queue_bytes=10 * 24 * 32) as receiver:
            assert wait_until(lambda: receiver.status.closures > 0)
            status = receiver.status
            kept = list(receiver.frames(until_closed=True))
    assert (status.frames, status.dropped, status.queued, len(kept)) == (40, 30, 10, 10)
    np.testing.assert_array_equal(kept[9].pixels, a_sweep.frames[9].pixels)


def test_the_latest_place_of_a_tool(a_sweep):
    with Replayer(a_sweep, 0, speed=None, close_at_end=False) as replayer, Receiver(port=replayer.port) as receiver:
        assert len([receiver.get(60) for _ in range(40)]) == 40
        latest = receiver.latest.transform("StylusToReference")
        assert latest.pose.matrix[1, 3] == 39 and 0 <= latest.age.seconds < 60
        assert latest.stamp_s == pytest.approx(100 + 39 / 50)
        assert receiver.latest.transform_names() == ["ImageToReference", "StylusToReference"]
        assert receiver.latest.transform("NeedleToReference") is None


def test_status_is_one_line(a_sweep):
    _, status = received(a_sweep)
    assert str(status).startswith("not connected: ")
    status.connected, status.problem = True, ""
    assert "40 frames" in str(status) and "2 without a valid pose" in str(status) and "\n" not in str(status)


def test_record_writes_what_was_sent(a_sweep, tmp_path):
    with Replayer(a_sweep, 0, speed=None) as replayer:
        summary = record(tmp_path / "r.igs.mha", port=replayer.port, until_closed=True)
    back = read_sweep(summary.files[0])
    assert (summary.frames, summary.invalid, summary.dropped) == (40, 2, 0) and len(back.valid_frames) == 38
    assert [path.name for path in tmp_path.iterdir()] == ["r.igs.mha"]
    with Replayer(a_sweep, 0, speed=None) as replayer, pytest.raises(RecordingError, match="not overwritten"):
        record(tmp_path / "r.igs.mha", port=replayer.port, until_closed=True)


@pytest.mark.parametrize("limit", ["frames", "seconds", "should_stop"])
def test_record_stops_when_it_is_to(a_sweep, tmp_path, limit):
    seen = []
    options = {
        "frames": {"frames": 55},
        "seconds": {"seconds": 0.3},
        "should_stop": {"should_stop": lambda: len(seen) > 5},
    }
    with Replayer(a_sweep, 0, loop=True, speed=5.0) as replayer:
        summary = record(tmp_path / "r.igs.mha", port=replayer.port, on_frame=seen.append, **options[limit])
    assert len(read_sweep(tmp_path / "r.igs.mha")) == summary.frames == len(seen) > 5
    if limit == "frames":
        assert summary.frames == 55


def test_a_stream_that_dies_leaves_what_came(a_sweep, tmp_path):
    with Replayer(a_sweep, 0, speed=None) as replayer, pytest.raises(StreamError, match="received before is in"):
        record(tmp_path / "r.igs.mha", port=replayer.port, timeout_s=1.0)
    assert len(read_sweep(tmp_path / "r.igs.mha")) == 40


def test_record_from_nowhere_leaves_nothing(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(StreamError):
            record(tmp_path / "r.igs.mha", port=silent.getsockname()[1], timeout_s=0.3)
    assert list(tmp_path.iterdir()) == []


def test_nothing_runs_on_after_stop_and_stopping_is_quick(a_sweep):
    before = threading.active_count()
    received(a_sweep)
    assert threading.active_count() == before
    # While it tries to reach a server, while it is connected, and while a frame is on its way.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for receiver in (Receiver(port=1), Receiver(port=silent.getsockname()[1])):
            receiver.start()
            wait_until(lambda: receiver.status.problem or receiver.status.connected)
            receiver.stop()
            assert threading.active_count() == before
    receiver.stop()


def test_idle_threads_do_not_turn_the_processor(a_sweep):
    with Replayer(a_sweep, 0, speed=None, close_at_end=False) as replayer, Receiver(port=replayer.port) as receiver:
        assert len([receiver.get(60) for _ in range(40)]) == 40
        before = time.process_time()
        time.sleep(2.0)
        used = time.process_time() - before
    # A busy loop would use two seconds; the checks of three idle threads use some milliseconds.
    assert used < 0.4


@pytest.mark.parametrize("own_thread", [True, False])
def test_a_receiver_that_was_stopped_starts_again_with_nothing_old(own_thread):
    with _running(Server()) as server:
        receiver = Receiver(port=server.port)
        for turn in range(3):
            receiver.start(own_thread)
            receiver.wait_until_connected(600)
            assert not receiver.was_closed and receiver.status.connected
            assert wait_until(lambda: (receiver.pump(), server.client_count == 1)[1])
            for number in range(3):
                pixels = np.full((4, 5), 10 * turn + number, np.uint8)
                server.send([image_message(pixels, np.eye(4), "Image_Reference", 100 + turn + number / 10)])
            # The last one is not taken, and is old when it starts again.
            assert [int(receiver.get(60).pixels[0, 0]) for _ in range(2)] == [10 * turn, 10 * turn + 1]
            receiver.stop()
            receiver.stop()
            assert not receiver.status.connected and receiver.status.interruptions == ()
            # Until the server knows that it has gone, it takes the old connection for the new one.
            assert wait_until(lambda: server.client_count == 0)


def test_a_receiver_among_more_than_a_thousand_open_files(a_sweep):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip(f"this computer allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2048, hard))
    files = []
    try:
        files += [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
        frames, _ = received(a_sweep)
    finally:
        for file in files:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(frames) == 40
