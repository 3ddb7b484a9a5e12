"""The session as a front end drives it: a stream over a real connection, jobs in the background, a worker process that
is cancelled and killed, and nothing left behind.
"""

import os
import shutil
import signal
import threading
import time

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ConfigurationError, RecordingError, SegmentationError
from CRLMSegmentationLib.reconstruction import ReconstructionSettings
from CRLMSegmentationLib.session.session import Session
from CRLMSegmentationLib.session.state import Step, StepStatus
from CRLMSegmentationLib.sweep import read_sweep, write_sweep
from CRLMSegmentationLib.sweep.recorder import Recorder, journal_path
from CRLMSegmentationLib.values import Box
from scene_case import on_scene
from small_case import TUMOR_CENTER

SETTINGS = ReconstructionSettings(spacing_mm=(1.0, 1.0, 1.0), fill="distance")


def until(session, condition, timeout_s=600.0):
    """Tick as a timer would until the condition holds; fails with what the session says when it never does."""
    end = time.monotonic() + timeout_s
    while not condition():
        session.process()
        assert time.monotonic() < end, [(step.value, session.state[step]) for step in Step]
        time.sleep(0.01)


@pytest.fixture(params=[False, True], ids=["threads", "pumped"])
def live(request, tmp_path, sweep):
    """A session that receives the sweep again and again over a connection, with its own thread and without."""
    write_sweep(sweep, tmp_path / "sweep.igs.mha")
    session = Session(yields=request.param)
    session.volume.settings = SETTINGS
    session.recording.folder = tmp_path / "recordings"
    session.stream.replay(tmp_path / "sweep.igs.mha", speed=4.0)
    until(session, lambda: session.stream.status is not None and session.stream.status.frames > 2)
    yield session
    session.close()


def test_from_the_stream_to_a_volume_that_grew_under_the_probe(live, sweep):
    on_scene(live)
    until(live, lambda: live.state.status(Step.CONNECT) is StepStatus.DONE)
    assert "replay of sweep.igs.mha" in live.state[Step.CONNECT].message
    until(live, lambda: live.view.live_image_node() is not None)
    live.recording.start()
    with pytest.raises(RecordingError, match="going on"):
        live.recording.start()
    until(live, lambda: live.recording.state.frames >= 2 * len(sweep))
    until(live, lambda: live.view.volume_node() is not None)
    assert live.volume.value is None, "while it grows it is no volume to segment"
    assert live.recording.state.invalid >= 1 and live.recording.state.spacing_mm == 1.0
    assert "frames in" in live.recording.state.text and live.recording.state.path.parent.name == "recordings"
    recorded = live.recording.stop()
    assert live.recording.state is None and live.case.clock_s is not None
    until(live, lambda: not live.is_computing)
    assert live.state.status(Step.RECONSTRUCT) is StepStatus.DONE and live.volume.value is not None
    on_disk = read_sweep(live.recording.path)
    assert len(on_disk) == len(recorded)
    np.testing.assert_array_equal(on_disk.frames[-1].pixels, recorded.frames[-1].pixels)
    assert len(on_disk.valid_frames) == len(recorded.valid_frames)
    grown = live.volume.value
    live.volume.start()
    assert live.jobs.running is Step.RECONSTRUCT
    until(live, lambda: not live.is_computing)
    # The growing volume keeps the lattice that its first frame laid; both lie where the sweep was.
    np.testing.assert_allclose(live.volume.value.center_ras, grown.center_ras, atol=4.0)


def test_disconnecting_loses_image_and_tools(live):
    until(live, lambda: live.stream.is_live and live.tools.names == ["Stylus"])
    live.stream.disconnect()
    assert live.stream.status is None and live.state[Step.CONNECT].message == "disconnected"
    live.process(time.monotonic() + 1e4)
    assert [reading.status.value for reading in live.tools.readings(time.monotonic() + 1e4)] == ["lost"]


def test_a_recording_that_cannot_be_opened_says_why(session, tmp_path):
    session.stream.replay(tmp_path / "missing.igs.mha")
    until(
        session,
        lambda: (
            "missing.igs.mha" in session.state[Step.CONNECT].message and "read" in session.state[Step.CONNECT].message
        ),
    )
    assert session.state.status(Step.CONNECT) is StepStatus.RUNNING
    with pytest.raises(RecordingError, match="No frame"):
        session.recording.start()
        session.recording.stop()


def test_a_server_that_is_not_there_is_waited_for(session):
    session.stream.connect("127.0.0.1", 9)
    until(session, lambda: session.stream.status.problem != "")
    assert "waiting for 127.0.0.1:9" in session.state[Step.CONNECT].message
    session.stream.disconnect()


def test_recordings_that_were_cut_off_are_recovered_and_told(session, sweep, tmp_path):
    recorder = Recorder(tmp_path / "cut-off.igs.mha")
    for frame in sweep.frames:
        recorder.add(frame)
    while recorder.frames < len(sweep):
        time.sleep(0.01)
    # As after a crash: the journal stays, and nobody holds it.
    journal = journal_path(tmp_path / "cut-off.igs.mha")
    content = journal.read_bytes()
    recorder.stop()
    (tmp_path / "cut-off.igs.mha").unlink()
    journal.write_bytes(content)
    session.recording.folder = tmp_path
    until(session, lambda: session.state.notices)
    assert "cut-off.igs.mha" in session.state.notices[0]
    assert len(read_sweep(tmp_path / "cut-off.igs.mha")) == len(sweep)
    assert "cut-off" not in session.case.event_log


def test_reconstruction_can_be_cancelled_and_a_new_sweep_stops_it(session, sweep):
    session.recording.set_sweep(sweep)
    session.volume.start(ReconstructionSettings(spacing_mm=(0.2, 0.2, 0.2), fill="distance"))
    session.jobs.cancel()
    until(session, lambda: session.jobs.running is None)
    assert session.state.status(Step.RECONSTRUCT) is StepStatus.READY
    assert session.state[Step.RECONSTRUCT].message == "cancelled" and session.volume.value is None
    session.volume.start(ReconstructionSettings(spacing_mm=(0.2, 0.2, 0.2), fill="distance"))
    session.recording.set_sweep(sweep)
    until(session, lambda: session.jobs.running is None)
    assert session.volume.value is None and session.state.status(Step.RECONSTRUCT) is StepStatus.READY


def test_margin_shell_follows_the_margin(view, session, mask, volume):
    session.volume.set(volume)
    assert session.view.margin_node() is None
    session.tumor.set(mask)
    until(session, lambda: session.view.margin_node() is not None)
    sizes = []
    for margin_mm in (3.0, 12.0):
        session.structures.set_margin_mm(margin_mm)
        until(session, lambda: not session.is_computing)
        bounds = np.array(session.view.margin_node().GetPolyData().GetBounds()).reshape(3, 2)
        sizes.append(np.ptp(bounds, axis=1))
    np.testing.assert_allclose(sizes[1] - sizes[0], 18.0, atol=0.3)
    session.structures.set_margin_mm(0.0)
    assert session.view.margin_node() is None
    for wrong in (-1.0, 21.0):
        with pytest.raises(ConfigurationError, match="margin"):
            session.structures.set_margin_mm(wrong)
    session.structures.set_margin_mm(5.0)
    session.box.place(TUMOR_CENTER)
    until(session, lambda: not session.is_computing)
    assert session.view.margin_node() is None, "no shell around a tumor that is out of date"


def test_outline_on_the_live_image(session, sweep, mask, volume):
    session.volume.set(volume)
    session.tumor.set(mask)
    frame = sweep.frames[4]
    session.stream.show_frame(frame)
    (outline,) = session.structures.contours()
    inside = np.argwhere(frame.pixels > 130)[:, ::-1]
    # Where the picture is bright is the tumor: its outline surrounds it.
    np.testing.assert_allclose(outline.mean(axis=0), inside.mean(axis=0), atol=1.5)
    np.testing.assert_allclose(np.ptp(outline, axis=0), np.ptp(inside, axis=0), atol=3)
    session.stream.show_frame(frame.with_changes(valid=False))
    assert session.structures.contours() == []


def test_region_growing_from_one_click(session, volume, box, mask):
    with pytest.raises(SegmentationError, match="no volume"):
        session.tumor.start_region_growing(TUMOR_CENTER)
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.start_region_growing(TUMOR_CENTER + (0, 300, 0))
    until(session, lambda: session.jobs.running is None)
    assert session.state.status(Step.SEGMENT) is StepStatus.FAILED and "outside" in session.state[Step.SEGMENT].message
    session.tumor.start_region_growing(TUMOR_CENTER)
    until(session, lambda: not session.is_computing)
    assert session.state.status(Step.SEGMENT) is StepStatus.DONE
    found = session.tumor.mask.voxels > 0
    overlap = 2 * (found & (mask.voxels > 0)).sum() / (found.sum() + mask.voxels.sum())
    assert overlap > 0.85
    assert any("region growing" in doubt for doubt in session.state.doubts)
    before = session.tumor.figures["volume_ml"]
    session.tumor.set_threshold(0.8)
    until(session, lambda: not session.is_computing)
    assert session.tumor.figures["volume_ml"] < before


# The worker process


@pytest.fixture(scope="module")
def engine_session(volume):
    session = Session()
    session.volume.set(volume)
    session.engine.start()
    until(session, lambda: session.engine.status.state not in ("starting", "off"))
    yield session
    session.close()


@pytest.fixture
def segmenting(engine_session, box):
    """Its session, with a box that no test has had before."""
    session = engine_session
    until(session, lambda: not session.is_computing)
    session.box.set(Box(box.center_ras + np.random.default_rng().uniform(-1, 1, 3), box.size_mm))
    return session


def test_the_worker_segments_in_the_background(segmenting):
    assert segmenting.engine.status.state == "ready" and segmenting.engine.process_id is not None
    assert segmenting.engine.status.device in ("cpu", "cuda") and segmenting.engine.status.runtime
    segmenting.tumor.start()
    assert segmenting.jobs.running is Step.SEGMENT
    assert segmenting.state.status(Step.SEGMENT) is StepStatus.RUNNING
    until(segmenting, lambda: not segmenting.is_computing)
    assert segmenting.state.status(Step.SEGMENT) is StepStatus.DONE
    assert segmenting.tumor.result.probability.voxels.dtype == np.float32
    assert segmenting.tumor.has_probability and 0 < segmenting.tumor.threshold < 1


def test_cancelling_leaves_no_tumor_and_a_ready_worker(segmenting):
    process = segmenting.engine.process_id
    segmenting.tumor.start()
    segmenting.jobs.cancel()
    until(segmenting, lambda: segmenting.jobs.running is None)
    assert segmenting.tumor.surface is None and segmenting.state[Step.SEGMENT].message == "cancelled"
    until(segmenting, lambda: segmenting.engine.status.state == "ready")
    assert segmenting.engine.process_id == process


def test_a_new_box_stops_what_was_begun_for_the_old_one(segmenting, box):
    segmenting.tumor.start()
    segmenting.box.set(Box(box.center_ras, box.size_mm + 1))
    until(segmenting, lambda: segmenting.jobs.running is None)
    assert segmenting.tumor.surface is None and segmenting.tumor.result is None
    assert "its input has changed" in segmenting.state[Step.SEGMENT].message


def test_a_worker_that_is_killed_is_told_and_replaced(segmenting):
    killed = segmenting.engine.process_id
    os.kill(killed, signal.SIGKILL)
    until(segmenting, lambda: segmenting.engine.process_id not in (killed, None))
    until(segmenting, lambda: segmenting.engine.status.state == "ready")
    segmenting.tumor.start()
    until(segmenting, lambda: not segmenting.is_computing)
    assert segmenting.state.status(Step.SEGMENT) is StepStatus.DONE


def test_what_was_imported_can_be_chosen_beside_what_ships(session, tmp_path, monkeypatch):
    from CRLMSegmentationLib.inference.models.trained_model import load_model

    monkeypatch.setenv("CRLM_MODELS", str(tmp_path))
    shutil.copytree(load_model().folder, tmp_path / "from-our-hospital")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.json").write_text("{}")
    choices = {choice.name: choice for choice in session.engine.model_choices()}
    assert list(choices)[:1] == [load_model().name] and list(choices)[-2:] == ["broken", "from-our-hospital"]
    assert choices["broken"].problem and not choices["from-our-hospital"].problem
    session.engine.set_model("from-our-hospital")
    session.engine.start()
    until(session, lambda: session.engine.status.state != "starting")
    assert session.engine.status.state == "ready"


def test_a_model_that_is_none_is_told_and_another_can_be_chosen(session, volume, box, tmp_path):
    session.volume.set(volume)
    session.box.set(box)
    session.engine.set_model(tmp_path)
    session.engine.start()
    until(session, lambda: session.engine.status.state == "failed")
    assert str(tmp_path) in session.engine.status.message
    session.tumor.start()
    until(session, lambda: session.jobs.running is None)
    assert session.state.status(Step.SEGMENT) is StepStatus.FAILED
    with pytest.raises(SegmentationError, match="no device"):
        session.engine.set_device("quantum")
    choices = session.engine.model_choices()
    assert choices and all(choice.title and choice.description for choice in choices)


# What stays behind


def _children():
    return {int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _parent(pid) == os.getpid()}


def _parent(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return int(stat.read().rsplit(")", 1)[1].split()[1])
    except (OSError, ValueError):
        return None


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes are counted in /proc")
@pytest.mark.parametrize("pumped", [False, True])
def test_a_closed_session_leaves_no_thread_process_or_socket(sweep, tmp_path, volume, box, pumped):
    threads, children = set(threading.enumerate()), _children()
    session = Session(yields=pumped)
    write_sweep(sweep, tmp_path / "sweep.igs.mha")
    session.recording.folder = tmp_path / "recordings"
    session.stream.replay(tmp_path / "sweep.igs.mha", speed=4.0)
    session.engine.start()
    until(session, lambda: session.stream.status is not None and session.stream.status.frames > 2)
    session.recording.start()
    until(session, lambda: session.recording.state.frames > 3)
    session.volume.set(volume)
    session.box.set(box)
    session.tumor.start()
    assert _children() - children
    session.close()
    session.close()
    end = time.monotonic() + 600
    while (set(threading.enumerate()) - threads or _children() - children) and time.monotonic() < end:
        time.sleep(0.05)
    left = [thread.name for thread in set(threading.enumerate()) - threads]
    assert left in ([], ["Checksum"]) and not _children() - children
    (recorded,) = (tmp_path / "recordings").glob("*.igs.mha")
    assert len(read_sweep(recorded)) > 3, "what was being recorded is on disk"


def test_a_listener_that_fails_stops_nobody(session, volume):
    heard = []
    session.add_listener(lambda state: 1 / 0)
    session.add_listener(heard.append)
    session.volume.set(volume)
    assert heard


def test_an_idle_session_tells_nothing(session, volume):
    session.volume.set(volume)
    session.process()
    heard = []
    session.add_listener(heard.append)
    for _ in range(5):
        session.process()
    assert heard == []


def test_a_delay_that_cannot_be_measured_is_told(session, sweep):
    with pytest.raises(RecordingError, match="no sweep"):
        session.recording.start_delay_estimate()
    session.recording.set_sweep(sweep)
    session.recording.start_delay_estimate()
    until(session, lambda: not session.is_computing)
    assert "tracked frames" in session.state.notices[-1] and session.stream.image_delay_s == 0.0


def test_health_is_told_while_connected(live):
    assert live.stream.health_rows and all(row.label and row.text for row in live.stream.health_rows)
    live.stream.disconnect()
    assert live.stream.health_rows == ()
