"""Part 'correct-worker': the engine's process on the card, from its start to its death and its successor."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import wait

import numpy as np
from CRLMSegmentationLib.errors import Cancelled, SegmentationError
from CRLMSegmentationLib.inference.engine import WorkerPredictor
from CRLMSegmentationLib.inference.predictor import LocalPredictor
from CRLMSegmentationLib.inference.request_queue import Overtaken
from models import box_of_speckle, default_2d, default_3d, frame_of_speckle, shipped
from record import Record

LONGEST_S = 600.0


def run(record: Record, argument: str) -> None:
    models = {
        "box": shipped(True)[0],
        "default": default_3d(record.work, record.quick, folds=1),
        "frames": default_2d(record.work, record.quick),
    }
    image, frame = box_of_speckle(record.quick), frame_of_speckle(record.quick)
    _measure_start(record, image, models["box"], "the shipped network")
    _measure_start(record, image, models["default"], "the default network")
    expected = LocalPredictor(models["box"], "cpu").predict(image).probabilities
    with WorkerPredictor(models, record.device, runtime="torch") as engine:
        engine.wait_until_ready(LONGEST_S)
        _check_answer(record, engine, image, expected, "an answer")
        _check_frames(record, engine, frame)
        _check_cancel(record, engine, image)
        _check_answer(record, engine, image, expected, "an answer after a cancel")
        _check_killed(record, engine, image)
        engine.wait_until_ready(LONGEST_S)
        _check_answer(record, engine, image, expected, "an answer of the successor")


def _measure_start(record: Record, image, model, name: str) -> None:
    """From nothing to the first answer, the first passes included (on a card: the capture of the graph)."""
    started = time.perf_counter()
    with WorkerPredictor(model, record.device, runtime="torch") as engine:
        engine.wait_until_ready(LONGEST_S)
        ready_s = time.perf_counter() - started
        engine.predict(image)
        record.figure(f"first answer after the start, {name}",
                      {"ready_s": round(ready_s, 3), "answer_s": round(time.perf_counter() - started, 3),
                       "runtime": engine.status.runtime, "device": engine.status.device})  # fmt: skip


def _check_answer(record: Record, engine: WorkerPredictor, image, expected: np.ndarray, name: str) -> None:
    answer = engine.predict(image, model="box").probabilities
    difference = float(np.abs(answer - expected).max())
    record.check(name, difference <= 0.02, largest_difference=difference, status=engine.status.state)


def _check_frames(record: Record, engine: WorkerPredictor, frame) -> None:
    """Handed in faster than they can be answered: the newest is answered, each answer bears its own number."""
    futures = [engine.submit_frame(frame, number, model="frames") for number in range(20)]
    wait(futures, LONGEST_S)
    answered = [one.result().identity for one in futures if one.exception() is None]
    overtaken = sum(isinstance(one.exception(), Overtaken) for one in futures)
    record.check("live frames, newest first", answered[-1] == 19 and len(answered) + overtaken == 20,
                 answered=answered, overtaken=overtaken)  # fmt: skip


def _check_cancel(record: Record, engine: WorkerPredictor, image) -> None:
    begun, cancelled_at = threading.Event(), [0.0]

    def should_cancel() -> bool:
        if begun.is_set() and not cancelled_at[0]:
            cancelled_at[0] = time.perf_counter()
        return bool(cancelled_at[0])

    try:
        engine.predict(image, progress=lambda fraction, text: begun.set(), should_cancel=should_cancel, model="default")
        record.check("a request that was cancelled", not cancelled_at[0], note="it was over before it could be")
    except Cancelled:
        at_once_s = time.perf_counter() - cancelled_at[0]
        record.check("a request that was cancelled", True, seconds=round(at_once_s, 4))


def _check_killed(record: Record, engine: WorkerPredictor, image) -> None:
    """Somebody kills the process in the middle of a request: its sender hears why, and another one comes."""
    before = engine.process_id
    assert before is not None

    def kill(fraction: float, text: str) -> None:
        if engine.process_id == before:
            os.kill(before, signal.SIGKILL)

    try:
        engine.predict(image, progress=kill, model="default")
        sentence = ""
    except SegmentationError as error:
        sentence = str(error)
    engine.wait_until_ready(LONGEST_S)
    record.check("a worker that was killed", "killed" in sentence and engine.process_id not in (None, before),
                 said=sentence, status=engine.status.state)  # fmt: skip
