"""How the stream is: the line, the panel and the log say the same, and the latency is right whatever the clocks."""

import json
import math
import time
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.cli import main
from CRLMSegmentationLib.errors import RecordingError
from CRLMSegmentationLib.sweep import Sweep, TrackedFrame, read_sweep
from CRLMSegmentationLib.sweep.journal import MAGIC, journal_record
from CRLMSegmentationLib.sweep.recovery import journal_path
from CRLMSegmentationLib.sweep.sequence_files.packed_frame import pack_frame
from CRLMSegmentationLib.tracking import (
    HealthLog,
    Interruption,
    Receiver,
    Replayer,
    StreamStatus,
    health_line,
    health_record,
    health_rows,
)
from CRLMSegmentationLib.tracking import link_monitor as monitor_module
from CRLMSegmentationLib.tracking.age import Age
from CRLMSegmentationLib.tracking.frame_monitor import FrameMonitor
from CRLMSegmentationLib.tracking.latency import LatencyMeter
from CRLMSegmentationLib.tracking.link_monitor import LinkMonitor
from CRLMSegmentationLib.tracking.openigtlink.framing import FramingCounts


def good_status(**changes):
    values = dict(
        connected=True, connections=1, frames=90, frames_per_second=30.0, age=Age(0.03), silent_s=0.01, latency_s=0.02
    )
    return StreamStatus(**{**values, **changes})


def recorder(**changes):
    values = dict(frames=80, dropped=0, waiting=1, seconds_left=7200.0, warning="", problem="")
    return SimpleNamespace(**{**values, **changes})


def level_of(label, status, recording=None):
    return next(row.level for row in health_rows(status, recording) if row.label == label)


def test_a_good_stream_has_nothing_to_attend_to():
    rows = health_rows(good_status(), recorder())
    assert {row.level for row in rows} == {"ok"}
    assert [row.label for row in rows] == [
        "Connection", "Frames", "Latency", "Age", "Lost", "Without pose", "Skipped", "Repeated", "Damaged", "Waiting",
        "Image", "Interruptions", "Disk",
    ]  # fmt: skip
    line = health_line(good_status(), recorder())
    assert "30.0 frames/s" in line and "latency 20 ms" in line and "80 recorded" in line and "\n" not in line


@pytest.mark.real_ages
@pytest.mark.parametrize(
    "label, changes",
    [
        ("Connection", {"connected": False, "problem": "nobody listens there"}),
        ("Frames", {"frames_per_second": 0.0}),
        ("Latency", {"latency_s": 0.4}),
        ("Age", {"age": Age(3.0)}),
        ("Lost", {"dropped": 2}),
        ("Without pose", {"invalid": 60}),
        ("Damaged", {"crc_errors": 1}),
        ("Waiting", {"queued": 200}),
        ("Interruptions", {"closures": 1, "interruptions": (Interruption(1e9, 1.25, "reset"),)}),
    ],
)
def test_what_is_wrong_is_seen_in_its_row(label, changes):
    assert level_of(label, good_status(**changes)) != "ok"


def test_a_failing_disk_is_seen_in_the_line_and_the_panel():
    failing = recorder(problem="the disk failed", dropped=3)
    assert level_of("Disk", good_status(), failing) == "trouble" and "the disk failed" in health_line(
        good_status(), failing
    )
    assert level_of("Disk", good_status(), recorder(warning="only 1.0 GB are free")) == "attention"


def test_the_log_is_json_without_numbers_that_json_lacks(tmp_path):
    now = [0.0]
    log = HealthLog(tmp_path / "health.jsonl", every_s=1.0, clock=lambda: now[0])
    unfinished = StreamStatus(skipped=Counter(VIDEO=3), interruptions=(Interruption(5.0, math.inf, "reset"),))
    for now[0] in (0.0, 0.5, 1.0):
        log.write(unfinished, recorder(seconds_left=math.inf))
    log.close()
    lines = [
        json.loads(line, parse_constant=pytest.fail)
        for line in (tmp_path / "health.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert len(lines) == 2 and lines[0]["latency_s"] is None and lines[0]["recording"]["disk_seconds_left"] is None
    assert lines[0]["skipped"] == {"VIDEO": 3} and lines[0]["interruptions"][0]["duration_s"] is None
    assert abs(health_record(good_status())["time"] - time.time()) < 5
    with pytest.raises(RecordingError, match="cannot be written"):
        HealthLog(tmp_path / "nowhere" / "health.jsonl")


def test_the_latency_with_one_clock_and_with_two():
    same, other = LatencyMeter(), LatencyMeter()
    for number in range(10):
        sent, delay = 1000 + number / 10, 0.030 if number else 0.010
        same.arrived(sent, sent + delay)
        same.shown(sent, sent + delay + 0.005)
        # A sender whose clock is an hour behind.
        other.arrived(sent - 3600, sent + delay)
        other.shown(sent - 3600, sent + delay + 0.005)
    assert same.clocks_agree and same.latency_s == pytest.approx(0.035) and same.worst_s == pytest.approx(0.035)
    assert not other.clocks_agree and other.latency_s == pytest.approx(0.025, abs=1e-3)
    same.shown(5.0, 6.0)
    assert same.latency_s == pytest.approx(0.035), "a frame that never arrived counts for nothing"


def test_the_receiver_knows_its_latency():
    now = time.time()
    sweep = Sweep([TrackedFrame(np.zeros((8, 8), np.uint8), np.eye(4), now + number / 50) for number in range(10)])
    with Replayer(sweep, 0) as replayer, Receiver(port=replayer.port) as receiver:
        assert math.isnan(receiver.status.latency_s) and "latency" not in str(receiver.status)
        for frame in receiver.frames(until_closed=True):
            receiver.ultrasound.shown(frame)
        status = receiver.status
    assert 0 <= status.latency_s <= status.worst_latency_s < 60


def test_the_commands_watch_log_and_recover(tmp_path, capsys):
    frames = [TrackedFrame(np.full((8, 8), number, np.uint8), np.eye(4), number / 50) for number in range(30)]
    log = tmp_path / "health.jsonl"
    with Replayer(Sweep(frames), 0, loop=True) as replayer:
        port = str(replayer.port)
        assert main(["stream", "--port", port, "--seconds", "0.7", "--every", "0.2", "--log", str(log)]) == 0
        watched = capsys.readouterr()
        assert (
            "frames/s" in watched.out
            and "Connection" in watched.err
            and log.read_text(encoding="utf-8").count("\n") >= 2
        )
        # A recording of yesterday that was cut off in the same folder is finished at the start of the next one.
        journal_path(tmp_path / "old.igs.mha").write_bytes(MAGIC + journal_record(pack_frame(frames[3])))
        output = tmp_path / "new.igs.mha"
        assert main(["record", "-o", str(output), "--port", port, "--frames", "5", "--log", str(log)]) == 0
    assert "was recovered" in capsys.readouterr().err
    assert len(read_sweep(output)) == 5 and len(read_sweep(tmp_path / "old.igs.mha")) == 1
    assert (
        main(["record", "-o", str(output), "--image-delay", "0.1"]) == 1 and "--interpolate" in capsys.readouterr().err
    )
    assert main(["repair", str(tmp_path)]) == 0 and "nothing to repair" in capsys.readouterr().out
    journal_path(tmp_path / "x.igs.mha").write_bytes(MAGIC)
    assert main(["repair", str(tmp_path)]) == 1 and "1 of 1" in capsys.readouterr().err


def test_a_burst_is_no_higher_rate_than_it_was_measured_at():
    monitor = FrameMonitor()
    for number in range(40):
        monitor.frame_arrived(TrackedFrame(np.zeros((2, 3), np.uint8), None, 100 + number / 20, False))
    assert monitor.added_to(StreamStatus(), 0).frames_per_second == pytest.approx(20)


def test_an_interruption_lasts_from_the_last_byte_to_the_next_and_stopping_is_none(monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(monitor_module.time, "monotonic", lambda: clock[0])
    monitor = LinkMonitor()
    monitor.connected()
    monitor.received(FramingCounts(), 2)
    # The server is stopped: silence is noticed after 1.5 s, its computer takes a new connection, and is silent again.
    clock[0] += 1.5
    monitor.lost("the server has stopped answering", silent_s=1.5)
    clock[0] += 0.1
    monitor.connected()
    clock[0] += 1.5
    monitor.lost("the server has stopped answering", silent_s=1.5)
    clock[0] += 0.1
    monitor.connected()
    clock[0] += 1.8
    assert "since" in str(monitor.status().interruptions[0])
    monitor.received(FramingCounts(), 2)
    (interruption,) = monitor.status().interruptions
    assert interruption.duration_s == pytest.approx(5.0) and "5.0 s" in str(interruption)
    monitor.stopped()
    assert monitor.status().interruptions == (interruption,) and not monitor.status().connected
