"""Who is answered when: crops before frames, of frames the newest, each with what came with it; and one block for all.

The worker process is played by the test (fixtures/fake_worker.py), so that nothing depends on how fast anything is.
"""

import os
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from CRLMSegmentationLib.errors import Cancelled, ModelError, SegmentationError
from CRLMSegmentationLib.inference.engine import MOST_RESTARTS, WorkerPredictor
from CRLMSegmentationLib.inference.image import Image
from CRLMSegmentationLib.inference.models.trained_model import load_model
from CRLMSegmentationLib.inference.request_queue import Overtaken, Request, RequestQueue
from CRLMSegmentationLib.inference.shared_block import PREFIX, SharedBlock

LONGEST_S = 600


def image(value, shape=(1, 1, 8, 9)) -> Image:
    return Image(np.full(shape, value, np.uint8), (1.0, 1.0, 1.0))


def own_blocks() -> set[Path]:
    folders = {Path("/dev/shm"), Path(tempfile.gettempdir())}
    return {path for folder in folders if folder.is_dir() for path in folder.glob(f"{PREFIX}{os.getpid()}-*")}


def mapped_blocks() -> list[str]:
    """Blocks of which this process still holds the memory, with or without a name; Linux says so."""
    maps = Path("/proc/self/maps")
    lines = maps.read_text(encoding="utf-8").splitlines() if maps.is_file() else []
    return [line for line in lines if f"{PREFIX}{os.getpid()}-" in line]


@pytest.fixture(scope="module")
def model(exported_model):
    return load_model(exported_model)


@pytest.fixture
def engine(model, fake_workers):
    with WorkerPredictor({"crop": model, "frames": model}, "cpu", connect=fake_workers) as engine:
        yield engine
    assert not own_blocks() and not mapped_blocks()


@pytest.fixture
def worker(engine, fake_workers):
    """The first process, ready."""
    worker = fake_workers.wait_for(1)
    worker.is_ready()
    engine.wait_until_ready(LONGEST_S)
    return worker


def in_thread(ask):
    """(thread, what it gave or raised)."""
    ended = []

    def run():
        try:
            ended.append(ask())
        except Exception as error:
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, ended


def test_the_newest_frame_wins_and_its_answer_says_which_it_is(engine, worker):
    futures = [engine.submit_frame(image(value), identity=value / 10, model="frames") for value in range(1, 6)]
    first = worker.wait_for_requests(1)
    for overtaken in futures[1:4]:
        assert isinstance(overtaken.exception(LONGEST_S), Overtaken)
    assert engine.frames_overtaken == 3 and not futures[4].done()
    worker.answers(first, 0.25)
    answer = futures[0].result(LONGEST_S)
    assert answer.identity == 0.1 and answer.labels == ("tumor",) and (answer.of("tumor") == 0.25).all()
    second = worker.wait_for_requests(2)
    assert (worker.images[1].channels == 5).all() and second["model"] == "frames"
    worker.answers(second, 0.75)
    assert futures[4].result(LONGEST_S).identity == 0.5 and (futures[4].result().of("tumor") == 0.75).all()


def test_a_crop_goes_before_frames_that_came_earlier_and_before_none_that_runs(engine, worker):
    running = engine.submit_frame(image(1), "running", model="frames")
    first = worker.wait_for_requests(1)
    waiting = engine.submit_frame(image(2), "waiting", model="frames")
    thread, crop = in_thread(lambda: engine.predict(image(3), model="crop"))
    while not engine._queue._images:
        assert thread.is_alive()
    assert worker.cancelled == [] and not running.done()
    worker.answers(first, 0.1)
    second = worker.wait_for_requests(2)
    assert (worker.images[1].channels == 3).all() and second["model"] == "crop"
    assert engine.status.state == "running" and not waiting.done()
    worker.answers(second, 0.2)
    thread.join(LONGEST_S)
    assert (crop[0].of("tumor") == np.float32(0.2)).all()
    third = worker.wait_for_requests(3)
    assert (worker.images[2].channels == 2).all() and engine.frames_overtaken == 0
    worker.answers(third, 0.3)
    assert waiting.result(LONGEST_S).identity == "waiting"


def test_crops_are_answered_in_the_order_in_which_they_came(engine, worker):
    threads = []
    for value in (1, 2, 3):
        threads.append(in_thread(lambda value=value: engine.predict(image(value))))
        while value > 1 and len(engine._queue._images) < value - 1:
            assert threads[-1][0].is_alive()
        worker.wait_for_requests(1)
    for number in (1, 2, 3):
        request = worker.wait_for_requests(number)
        assert (worker.images[-1].channels == number).all()
        worker.answers(request, number / 10)
    for value, (thread, ended) in zip((1, 2, 3), threads):
        thread.join(LONGEST_S)
        assert (ended[0].of("tumor") == np.float32(value / 10)).all()


def test_a_death_in_between_ends_what_ran_and_keeps_what_waits(engine, worker, fake_workers):
    running, waiting = (engine.submit_frame(image(value), value, model="frames") for value in (1, 2))
    worker.wait_for_requests(1)
    worker.sends = False
    worker.dies()
    error = running.exception(LONGEST_S)
    assert isinstance(error, SegmentationError) and "killed from outside" in str(error)
    replacement = fake_workers.wait_for(2)
    assert not waiting.done() and "A new one is starting" in engine.status.message
    replacement.is_ready()
    replacement.answers(replacement.wait_for_requests(1), 0.5)
    assert waiting.result(LONGEST_S).identity == 2 and (replacement.images[0].channels == 2).all()
    assert len(mapped_blocks()) <= 2  # both sides of the block of the process that lives


def test_a_process_that_dies_again_and_again_ends_all_that_waits(engine, worker, fake_workers):
    waiting = engine.submit_frame(image(1), model="frames")
    for number in range(1, MOST_RESTARTS + 2):
        fake_workers.wait_for(number).dies("exit code 3", was_killed=number > 1)
    assert "exit code 3" in str(waiting.exception(LONGEST_S))
    with engine._changed:
        assert engine._changed.wait_for(lambda: engine.status.state == "failed", LONGEST_S)
    assert "exit code 3" in str(engine.submit_frame(image(2)).exception(LONGEST_S))
    assert len(fake_workers.started) == MOST_RESTARTS + 1


def test_a_late_answer_to_a_cancelled_crop_is_nobodys(engine, worker):
    with pytest.raises(Cancelled):
        engine.predict(image(1), should_cancel=lambda: bool(worker.requests))
    cancelled = worker.requests[0]
    frame = engine.submit_frame(image(2), "next", model="frames")
    assert worker.cancelled == [cancelled["number"]] and len(worker.requests) == 1  # busy until it has released it
    worker.answers(cancelled, 0.9)
    request = worker.wait_for_requests(2)
    worker.says(**{"is": "done", "number": cancelled["number"], "device": "cpu", "runtime": "fake"})
    worker.answers(request, 0.4)
    assert (frame.result(LONGEST_S).of("tumor") == np.float32(0.4)).all()


def test_what_is_cancelled_while_it_waits_is_never_sent(engine, worker):
    frame = engine.submit_frame(image(1), model="frames")
    request = worker.wait_for_requests(1)
    with pytest.raises(Cancelled):
        engine.predict(image(2), should_cancel=lambda: True)
    later = engine.submit_frame(image(3), model="frames")
    assert later.cancel()
    last = engine.submit_frame(image(4), model="crop")
    worker.answers(request, 0.1)
    frame.result(LONGEST_S)
    worker.answers(worker.wait_for_requests(2), 0.2)
    last.result(LONGEST_S)
    assert [int(one.channels.max()) for one in worker.images] == [1, 4] and worker.cancelled == []


def test_one_block_serves_all_requests_that_fit(engine, worker, monkeypatch):
    made = []
    create = SharedBlock.create
    monkeypatch.setattr(SharedBlock, "create", lambda size: made.append(size) or create(size))
    for number in range(1, 31):
        asked = image(number, (1, 4, 40, 50)) if number % 3 == 0 else image(number)
        answer = engine.submit_frame(asked, number, model="frames")
        worker.answers(worker.wait_for_requests(number), 0.5)
        assert answer.result(LONGEST_S).of("tumor").shape == asked.shape
    assert len(made) == 1 and len(worker.blocks) == 1
    larger = engine.submit_frame(image(7, (1, 40, 100, 120)), model="frames")
    worker.answers(worker.wait_for_requests(31), 0.5)
    assert larger.result(LONGEST_S).of("tumor").shape == (40, 100, 120)
    assert len(made) == 2 and len(worker.blocks) == 2 and not own_blocks()


def test_no_room_for_an_image_ends_that_request_alone(engine, worker, monkeypatch):
    def no_room(size):
        raise SegmentationError("There is no room.")

    def no_memory(size):
        raise MemoryError

    with monkeypatch.context() as full:
        full.setattr(SharedBlock, "create", no_room)
        assert "no room" in str(engine.submit_frame(image(1), model="frames").exception(LONGEST_S))
        with pytest.raises(SegmentationError, match="no room"):
            engine.predict(image(1))
        full.setattr(SharedBlock, "create", no_memory)
        with pytest.raises(SegmentationError, match="draw a smaller box"):
            engine.predict(image(1))
    assert engine.status.state == "ready"
    answer = engine.submit_frame(image(2), model="frames")
    worker.answers(worker.wait_for_requests(1), 0.5)
    assert answer.result(LONGEST_S)


def test_what_is_known_goes_along_when_it_is_more_than_what_is_not_black(engine, worker):
    channels = np.arange(72, dtype=np.uint8).reshape(1, 1, 8, 9) // 9
    for number, known in enumerate((None, channels[0] != 0, np.ones((1, 8, 9), bool)), start=1):
        engine.submit_frame(Image(channels, (1, 1, 1), known), model="frames")
        worker.answers(worker.wait_for_requests(number), 0.5)
        assert np.array_equal(worker.images[-1].channels, channels)
        assert (worker.images[-1].known is None) == (number < 3)
    assert worker.images[-1].known.all()


def test_closing_ends_whoever_waits_and_a_wrong_name_is_refused(model, fake_workers):
    engine = WorkerPredictor({"crop": model, "frames": model}, "cpu", connect=fake_workers)
    waiting = engine.submit_frame(image(1), model="frames")
    with pytest.raises(SegmentationError, match="no model 'ct': it has crop, frames"):
        engine.predict(image(1), model="ct")
    with pytest.raises(ModelError, match="no label 'liver'"):
        engine.submit_frame(image(1), labels=["liver"])
    worker = fake_workers.wait_for(1)
    assert set(worker.loaded["models"]) == {"crop", "frames"}
    engine.close()
    assert "switched off" in str(waiting.exception(LONGEST_S))
    assert "switched off" in str(engine.submit_frame(image(1)).exception(LONGEST_S))


def test_frames_of_two_models_do_not_overtake_each_other():
    queue = RequestQueue()
    one, other, newer = (Request(image(1), name, ("tumor",), is_frame=True) for name in ("a", "b", "a"))
    assert queue.add(one) is None and queue.add(other) is None
    assert queue.add(newer) is one and queue.overtaken == 1
    assert queue.next() is other and queue.next() is newer and queue.next() is None


def test_a_request_takes_no_answer_twice():
    request = Request(image(1), "", ("tumor",))
    request.future.set_result(SimpleNamespace())
    request.fail(SegmentationError("too late"))
    assert request.future.exception() is None
