"""Who is outlined when, what comes back with an outline, and what happens when the network cannot.

The worker process is played by the test (fixtures/fake_worker.py), so that nothing depends on how fast anything is.
"""

import threading
import time

import numpy as np
import pytest
from CRLMSegmentationLib.errors import ModelError
from CRLMSegmentationLib.inference.engine import WorkerPredictor
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.live.frame_model import load_frame_model
from CRLMSegmentationLib.live.outliner import Outliner
from CRLMSegmentationLib.sweep import TrackedFrame
from dark_model import write_dark_model

LONGEST_S = 600


def frame(number, shape=(40, 50), pixel_mm=0.5, valid=True, dtype=np.uint8):
    pose = np.diag([pixel_mm, pixel_mm, 1.0, 1.0])
    pose[2, 3] = number
    return TrackedFrame(np.full(shape, number, dtype), pose if valid else None, number / 10, valid)


def until(condition):
    ends = time.monotonic() + LONGEST_S
    while not condition():
        assert time.monotonic() < ends, "it has not come to that"
        time.sleep(0.001)


@pytest.fixture
def live(ready_worker):
    """(outliner, worker), the worker ready."""
    predictor, worker = ready_worker
    with Outliner(predictor) as outliner:
        yield outliner, worker


def test_the_newest_frame_wins_and_its_outline_is_its_own(live):
    outliner, worker = live
    frames = [frame(number) for number in range(1, 6)]
    for one in frames:
        outliner.submit(one, received_s=one.timestamp)
    first = worker.wait_for_requests(1)
    until(lambda: outliner.status.dropped == 3)
    worker.answers(first, 0.9)
    second = worker.wait_for_requests(2)
    assert [int(image.channels.max()) for image in worker.images] == [1, 5]
    worker.answers(second, 0.8)
    assert outliner.wait(LONGEST_S)
    found = outliner.take()
    assert [one.frame for one in found] == [frames[0], frames[4]]
    for one in found:
        assert one.timestamp == one.frame.timestamp == one.received_s
        assert one.image_to_reference is one.frame.image_to_reference
        assert len(one.polygons) == 1 and one.area_mm2 == pytest.approx(40 * 50 * 0.25, rel=0.02)
        assert one.latency_s > 0
    status = outliner.status
    assert (status.frames, status.outlined, status.dropped, status.failed) == (5, 2, 3, 0)
    assert status.problem == "" and status.p95_ms > 0 and outliner.take() == []


def test_probability_below_the_threshold_gives_no_outline(live):
    outliner, worker = live
    outliner.submit(frame(1))
    worker.answers(worker.wait_for_requests(1), 0.4)
    assert outliner.wait(LONGEST_S)
    (found,) = outliner.take()
    assert found.polygons == () and found.area_mm2 == 0


def test_the_network_gets_the_spacing_of_the_pose_or_of_the_frames_before(live):
    outliner, worker = live
    # Before any pose: the network's own, so that nothing is resampled.
    for number, one in enumerate([frame(1, valid=False), frame(2, pixel_mm=0.2), frame(3, valid=False)], 1):
        outliner.submit(one)
        worker.answers(worker.wait_for_requests(number), 0.9)
        assert outliner.wait(LONGEST_S)
    assert [image.spacing_mm[1:] for image in worker.images] == [(0.5, 0.5), (0.2, 0.2), (0.2, 0.2)]
    unknown, known, same = outliner.take()
    assert unknown.area_mm2 is None and unknown.image_to_reference is None
    assert same.area_mm2 == pytest.approx(known.area_mm2) and same.image_to_reference is None


def test_frames_of_another_size_are_outlined_at_their_own(live):
    outliner, worker = live
    for number, one in enumerate([frame(1), frame(2, shape=(64, 33))], 1):
        outliner.submit(one)
        worker.answers(worker.wait_for_requests(number), 0.9)
        assert outliner.wait(LONGEST_S)
    found = outliner.take()
    assert [np.ptp(one.polygons[0], axis=0).round().tolist() for one in found] == [[50, 40], [33, 64]]


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((8, 9, 3), np.uint8), "in color"),
        (np.zeros((0, 0), np.uint8), "no image"),
        (np.full((8, 9), np.nan), "no numbers"),
    ],
)
def test_a_frame_that_cannot_be_outlined_is_reported_and_the_next_one_is(live, pixels, words):
    outliner, worker = live
    outliner.submit(TrackedFrame(pixels, np.eye(4), 0.0))
    assert outliner.wait(LONGEST_S)
    assert words in outliner.status.problem and outliner.status.failed == 1
    outliner.submit(frame(2))
    worker.answers(worker.wait_for_requests(1), 0.9)
    assert outliner.wait(LONGEST_S)
    assert outliner.status.problem == "" and outliner.status.outlined == 1


def test_taking_a_frame_waits_for_nothing(live, monkeypatch):
    """The thread that shows the images hands frames in: copying one to the worker is not its work."""
    outliner, worker = live
    predictor, may_go = outliner._predictor, threading.Event()
    send = predictor.submit_frame
    monkeypatch.setattr(predictor, "submit_frame", lambda *a, **k: may_go.wait(LONGEST_S) and send(*a, **k))
    outliner.submit(frame(1))
    assert outliner.status.frames == 1 and not outliner.wait(0) and not outliner.wait_for_turn(0)
    may_go.set()
    worker.answers(worker.wait_for_requests(1), 0.9)
    assert outliner.wait(LONGEST_S) and outliner.status.outlined == 1


def test_a_worker_that_dies_costs_the_frame_that_it_had(live, fake_workers):
    outliner, worker = live
    outliner.submit(frame(1))
    worker.wait_for_requests(1)
    worker.dies("out of memory")
    assert outliner.wait(LONGEST_S)
    assert "out of memory" in outliner.status.problem and outliner.status.failed == 1
    second = fake_workers.wait_for(2)
    outliner.submit(frame(2))
    second.is_ready()
    second.answers(second.wait_for_requests(1), 0.9)
    assert outliner.wait(LONGEST_S)
    assert [one.timestamp for one in outliner.take()] == [0.2] and outliner.status.problem == ""


def test_what_fails_in_the_thread_is_reported_and_the_next_frame_is_outlined(dark_model, fake_workers):
    def fail_once(outline, probability):
        seen.append(outline.timestamp)
        if len(seen) == 1:
            raise ValueError("broken")

    seen = []
    with WorkerPredictor(load_model(dark_model), "cpu", connect=fake_workers) as predictor:
        worker = fake_workers.wait_for(1)
        worker.is_ready()
        with Outliner(predictor, on_outline=fail_once) as outliner:
            for number in (1, 2):
                outliner.submit(frame(number))
                worker.answers(worker.wait_for_requests(number), 0.9)
                assert outliner.wait(LONGEST_S)
                assert ("broken" in outliner.status.problem) == (number == 1)
            assert seen == [0.1, 0.2] and outliner.status.failed == outliner.status.outlined == 1


def test_what_is_marked_more_faintly_than_tumors_is_not_outlined(tmp_path, fake_workers):
    uncertainty = {"inner": 0.9, "outer": 0.1, "least_mean": 0.7}
    folder = write_dark_model(tmp_path / "model", uncertainty=uncertainty)
    with WorkerPredictor(load_model(folder), "cpu", connect=fake_workers) as predictor:
        worker = fake_workers.wait_for(1)
        worker.is_ready()
        with Outliner(predictor) as outliner:
            for number, value in enumerate((0.69, 0.71), 1):
                outliner.submit(frame(number))
                worker.answers(worker.wait_for_requests(number), value)
                assert outliner.wait(LONGEST_S)
            assert [len(one.polygons) for one in outliner.take()] == [0, 1]


def test_models_that_outline_no_live_frames_are_refused(dark_model, exported_model, tmp_path):
    assert load_frame_model(dark_model).is_2d
    with pytest.raises(ModelError, match="task 'crop'"):
        load_frame_model(exported_model)
    with pytest.raises(ModelError, match="task 'landmarks'"):
        load_frame_model(write_dark_model(tmp_path / "other", task="landmarks"))


def test_the_least_area_is_that_of_the_card(tmp_path, fake_workers):
    folder = write_dark_model(tmp_path / "model", least_area_mm2=1000.0)
    with WorkerPredictor(load_model(folder), "cpu", connect=fake_workers) as predictor:
        worker = fake_workers.wait_for(1)
        worker.is_ready()
        with Outliner(predictor) as outliner:
            for number, one in enumerate([frame(1), frame(2, shape=(80, 60))], 1):
                outliner.submit(one)
                worker.answers(worker.wait_for_requests(number), 0.9)
                assert outliner.wait(LONGEST_S)
            assert [len(one.polygons) for one in outliner.take()] == [0, 1]
    with (
        WorkerPredictor(
            load_model(write_dark_model(tmp_path / "broken", least_area_mm2="x")), "cpu", connect=fake_workers
        ) as predictor,
        pytest.raises(ModelError, match="no area"),
    ):
        Outliner(predictor)
