"""Outlines the tumor in live frames as fast as the network can: the newest frame wins.

submit() only takes a frame and returns at once: one thread hands frames to the worker process, and a frame that still
waits there when a newer one comes is dropped and counted. Answers are made into outlines in another thread, and taken
by who asks.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from queue import SimpleQueue

import numpy as np

from ..errors import CRLMError
from ..inference.image import Prediction
from ..inference.protocol import LivePredictor
from ..inference.request_queue import Overtaken
from ..sweep import TrackedFrame
from ..words import tr
from .frame_model import frame_label, least_area_mm2, network_image
from .outline import FrameOutline, outlined

# Over which the rate of the network is counted.
_RATE_OVER_S = 2.0
_LATENCIES_KEPT = 300


@dataclass(frozen=True)
class OutlinerStatus:
    """What has become of the frames so far.

    frames    handed in
    outlined  answered by the network, whether it marked anything or not
    dropped   not answered because a newer one came first
    failed    not answered because the network could not, or the frame cannot be outlined
    problem   a sentence: why the last frame was not answered; '' when it was
    frames_per_second  outlined within the last two seconds
    p95_ms    19 of 20 frames of the last 300 had their outline within this time; NaN before the first
    """

    frames: int = 0
    outlined: int = 0
    dropped: int = 0
    failed: int = 0
    problem: str = ""
    frames_per_second: float = 0.0
    p95_ms: float = math.nan


# Called with each outline and the probability, (v, u) float32, that it was found in.
OnOutline = Callable[[FrameOutline, np.ndarray], object]


@dataclass(frozen=True, eq=False)
class _Asked:
    """A frame on its way; times are of time.monotonic()."""

    frame: TrackedFrame
    received_s: float
    submitted_s: float


class Outliner:
    """Outlines frames with one predictor of a model for the task 'frames'.

    predictor  answers for live frames; its owner closes it, after this
    threshold  probability from which a pixel is tumor; None for the model's own
    on_outline called with every outline in the outliner's thread, in the order of the frames; they are not kept for
               take() then

    May be used from any thread, and as a context. Raises ModelError for a model that does not outline live frames.
    """

    def __init__(
        self, predictor: LivePredictor, threshold: float | None = None, on_outline: OnOutline | None = None
    ) -> None:
        self._predictor, self._model = predictor, predictor.model
        self._label = frame_label(self._model)
        self._threshold = self._model.card.threshold if threshold is None else float(threshold)
        self._least_area_mm2 = least_area_mm2(self._model)
        self._on_outline = on_outline
        self._pixel_mm: dict[tuple[int, int], tuple[float, float]] = {}
        self._changed = threading.Condition()
        self._status = OutlinerStatus()
        self._last_problem = ""
        self._unanswered = self._unfinished = 0
        self._finished_s: deque[float] = deque(maxlen=1000)
        self._latencies_s: deque[float] = deque(maxlen=_LATENCIES_KEPT)
        self._outlines: deque[FrameOutline] = deque()
        self._answers: SimpleQueue[tuple[_Asked, Prediction] | None] = SimpleQueue()
        self._frames: SimpleQueue[_Asked | None] = SimpleQueue()
        self._sends = threading.Thread(target=self._send, name="frames to outline", daemon=True)
        self._thread = threading.Thread(target=self._work, name="outlines", daemon=True)
        self._sends.start()
        self._thread.start()

    def __enter__(self) -> Outliner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, frame: TrackedFrame, received_s: float | None = None) -> None:
        """Take a frame and return at once; it is outlined unless a newer one comes before its turn.

        received_s  time.monotonic() from which its age counts; now, when left out
        """
        now_s = time.monotonic()
        self._count(frames=1)
        with self._changed:
            self._unanswered += 1
            self._unfinished += 1
        self._frames.put(_Asked(frame, now_s if received_s is None else received_s, now_s))

    def take(self) -> list[FrameOutline]:
        """The outlines that have been found since the last call, in the order of their frames."""
        with self._changed:
            found = list(self._outlines)
            self._outlines.clear()
        return found

    def wait_for_turn(self, timeout_s: float | None = None) -> bool:
        """Wait until the network has nothing to do, so that the next frame overtakes none; False when that takes
        longer.
        """
        with self._changed:
            return self._changed.wait_for(lambda: self._unanswered == 0, timeout_s)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until every frame that was handed in has ended; False when that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: self._unfinished == 0, timeout_s)

    @property
    def status(self) -> OutlinerStatus:
        """Can be asked at any time; waits for nothing."""
        since_s = time.monotonic() - _RATE_OVER_S
        with self._changed:
            recent = sum(one > since_s for one in self._finished_s)
            latencies = list(self._latencies_s)
        p95_ms = 1000 * float(np.percentile(latencies, 95)) if latencies else math.nan
        return replace(self._status, frames_per_second=recent / _RATE_OVER_S, p95_ms=p95_ms)

    @property
    def last_problem(self) -> str:
        """The sentence of the last frame that was not outlined, whatever came after it; ''."""
        return self._last_problem

    def close(self) -> None:
        """End the threads, once the answers that have come are outlines. Can be called twice."""
        self._frames.put(None)
        self._sends.join()
        self._answers.put(None)
        self._thread.join()

    def _send(self) -> None:
        while (asked := self._frames.get()) is not None:
            try:
                image = network_image(asked.frame, self._model, self._pixel_size(asked.frame))
                future = self._predictor.submit_frame(image, identity=asked.frame.timestamp, labels=[self._label])
            except CRLMError as error:
                self._end(str(error))
            except Exception as error:  # nobody reads this thread's traceback, and the next frame may do
                self._end(
                    tr("A frame could not be handed on ({name}: {error}).", name=type(error).__name__, error=error)
                )
            else:
                future.add_done_callback(partial(self._ended, asked))

    def _ended(self, asked: _Asked, done: Future[Prediction]) -> None:
        """In a thread of the engine, which must not wait: the work is done in our own."""
        error = done.exception()
        if error is None:
            self._answers.put((asked, done.result()))
            with self._changed:
                self._unanswered -= 1
                self._changed.notify_all()
        elif isinstance(error, Overtaken):
            self._end(None)
        else:
            self._end(str(error))

    def _end(self, problem: str | None) -> None:
        """A frame has no answer: one with a `problem` has failed, else it was overtaken."""
        if problem is None:
            self._count(dropped=1)
        else:
            self._count(problem, failed=1)
        with self._changed:
            self._unanswered -= 1
            self._unfinished -= 1
            self._changed.notify_all()

    def _work(self) -> None:
        while (answer := self._answers.get()) is not None:
            try:
                self._outline(*answer)
            except Exception as error:  # nobody reads this thread's traceback, and the next frame may do
                self._count(
                    tr("A frame could not be outlined ({name}: {error}).", name=type(error).__name__, error=error),
                    failed=1,
                )
            with self._changed:
                self._unfinished -= 1
                self._changed.notify_all()

    def _outline(self, asked: _Asked, answer: Prediction) -> None:
        probability = answer.of(self._label)[0]
        size = self._pixel_size(asked.frame)
        pixel_mm2 = None if size is None else size[0] * size[1]
        drawn = np.zeros_like(probability) if self._is_too_faint(probability) else probability
        found = outlined(asked.frame, drawn, self._threshold, self._least_area_mm2, pixel_mm2)
        now_s = time.monotonic()
        found = replace(found, received_s=asked.received_s, latency_s=now_s - asked.submitted_s)
        if self._on_outline is not None:
            self._on_outline(found, probability)
        with self._changed:
            self._finished_s.append(now_s)
            self._latencies_s.append(found.latency_s)
            if self._on_outline is None:
                self._outlines.append(found)
        self._count("", outlined=1)

    def _is_too_faint(self, probability: np.ndarray) -> bool:
        """True where all that is marked is less sure, on the mean, than the model marks tumors (its card says how)."""
        limit = self._model.card.least_mean_probability
        if limit is None:
            return False
        marked = probability[probability >= self._threshold]
        return bool(marked.size) and float(marked.mean(dtype=np.float64)) < limit

    def _pixel_size(self, frame: TrackedFrame) -> tuple[float, float] | None:
        """mm along u and v of the frame, or of the last one of its size whose pose was known."""
        plane = frame.plane if frame.valid else None
        if plane is not None:
            self._pixel_mm = {frame.image_size: plane.pixel_mm}
        return self._pixel_mm.get(frame.image_size)

    def _count(self, problem: str | None = None, **more: int) -> None:
        with self._changed:
            counts = {name: getattr(self._status, name) + count for name, count in more.items()}
            if problem is not None:
                counts["problem"] = problem
                self._last_problem = problem or self._last_problem
            self._status = replace(self._status, **counts)
