"""The segmentation engine: a process that stays warm, and the object through which others use it.

WorkerPredictor answers as predictor.LocalPredictor does, but the networks run in a process of their own: nothing that
happens there (memory that runs out, a driver that crashes, somebody who kills it) takes the navigation with it.

All models of an engine share one process. There is then one queue, in which a crop goes before the live frames of any
model, one block of shared memory and one CUDA context; the price is that a death takes all of them, and all come back.
"""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import Cancelled, CRLMError, SegmentationError
from ..values.progress import Progress, ShouldCancel
from ..words import tr
from .image import Image, Prediction
from .models.ensemble import models_of, wanted_labels
from .models.trained_model import Model
from .protocol import Connect, LivePredictor
from .request_queue import Overtaken, Request, RequestQueue
from .worker_link import WorkerLink
from .worker_process import WorkerProcess

# How often a waiting call asks whether it should be cancelled.
POLL_S = 0.02
# A process that dies again and again without having answered anything is not started once more.
MOST_RESTARTS = 3
# The name of the model where there is only one.
ONLY = ""
_open_engines: weakref.WeakSet[WorkerPredictor] = weakref.WeakSet()


@dataclass(frozen=True)
class EngineStatus:
    """What the engine is doing.

    state    'off', 'starting', 'ready', 'running' (an image that somebody waits for) or 'failed'
    device   'cpu' or 'cuda'; what was asked for until it is known
    runtime  what runs the networks, such as 'OpenVINO float32'; '' until it is known
    message  a sentence for the user
    """

    state: str
    device: str
    runtime: str = ""
    message: str = ""


class WorkerPredictor:
    """Models in a process of their own, which is started at once.

    models     what load_model gave; a sequence of such, whose probabilities are averaged; or a table of names to these
    device     'auto' (CUDA where there is one), 'cpu' or 'cuda'
    mirroring  average over mirrored passes, eight times the work
    threads    processor threads at most; None for a number that suits the machine
    runtime    'torch'; 'auto' for the fastest that agrees with torch on a fixed window; 'openvino' (float32),
               'openvino-bfloat16' or 'openvino-int8' for that one, with an error where it cannot be had
    connect    starts the process, for tests

    Can be used from any thread. close() ends the process; so does the end of this process, however it comes about.
    """

    def __init__(
        self,
        models: Model | Sequence[Model] | Mapping[str, Model | Sequence[Model]],
        device: str = "auto",
        mirroring: bool = False,
        threads: int | None = None,
        runtime: str = "auto",
        connect: Connect = WorkerProcess,
    ):
        named = models if isinstance(models, Mapping) else {ONLY: models}
        if not named:
            raise SegmentationError(tr("No model was given to segment with."))
        self._models = {name: models_of(one) for name, one in named.items()}
        self._load: dict[str, Any] = {
            "do": "load",
            "models": {name: [str(one.folder.resolve()) for one in models] for name, models in self._models.items()},
            "device": device,
            "mirroring": bool(mirroring),
            "threads": threads,
            "runtime": runtime,
        }
        self._connect = connect
        self._changed = threading.Condition()
        self._queue = RequestQueue()
        self._status = EngineStatus("off", device)
        self._link: WorkerLink | None = None
        self._closed = False
        self._failure: CRLMError = SegmentationError("The segmentation could not be started.")
        self._restarts = 0
        _open_engines.add(self)
        self._start()

    @property
    def models(self) -> tuple[Model, ...]:
        """Those whose mean the first answer is."""
        return next(iter(self._models.values()))

    @property
    def model(self) -> Model:
        """The first model; its card says margin and threshold."""
        return self.models[0]

    @property
    def device(self) -> str:
        return self._status.device

    @property
    def status(self) -> EngineStatus:
        """Can be asked at any time; waits for nothing."""
        return self._status

    @property
    def process_id(self) -> int | None:
        """Of the process that runs now; None when there is none."""
        link = self._link
        return link.process_id if link is not None else None

    @property
    def frames_overtaken(self) -> int:
        """Live frames that were dropped because a newer one came before their turn."""
        return self._queue.overtaken

    def wait_until_ready(self, timeout_s: float | None = None) -> EngineStatus:
        """Wait until the models are loaded and the first passes done. Raises SegmentationError or ModelError when that
        failed, and SegmentationError when it takes longer than `timeout_s`.
        """
        until = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            while self._status.state == "starting":
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    raise SegmentationError(
                        tr("The segmentation was not ready after {timeout_s:g} s.", timeout_s=timeout_s)
                    )
                self._changed.wait(left)
            self._raise_when_failed()
            return self._status

    def predict(
        self,
        image: Image,
        labels: Sequence[str] | None = None,
        progress: Progress | None = None,
        should_cancel: ShouldCancel | None = None,
        model: str | None = None,
    ) -> Prediction:
        """As LocalPredictor.predict, of the model of that name. `progress` and `should_cancel` are called in this
        thread.

        It goes before all live frames. Returns at once with Cancelled when `should_cancel` says so; the process is then
        ready for the next image as soon as the layer of the network that it is in has ended. Raises SegmentationError
        when the process ends in the middle, with the reason; a new one is then on its way.
        """
        request = self._request(image, labels, model)
        with self._changed:
            if self._link is None and not self._closed:
                self._restarts = 0
                self._start()
            self._raise_when_failed()
            self._queue.add(request)
        self._send_next()
        self._wait_for(request, progress or (lambda fraction, text: None), should_cancel or (lambda: False))
        return request.future.result()

    def submit_frame(
        self, image: Image, identity: Any = None, labels: Sequence[str] | None = None, model: str | None = None
    ) -> Future[Prediction]:
        """Ask about a live frame and wait for nothing: the answer comes with `identity`, such as the frame's time.

        A frame that still waits when a newer one for the same model comes ends with Overtaken. The future's callbacks
        run in a thread of the engine. Raises ModelError for a label or a number of channels that the model has not.
        """
        request = self._request(image, labels, model, is_frame=True, identity=identity)
        with self._changed:
            if self._status.state in ("failed", "off"):
                overtaken = None
                request.fail(self._why_failed())
            else:
                overtaken = self._queue.add(request)
        if overtaken is not None:
            overtaken.fail(Overtaken("A newer frame came before this one's turn."))
        self._send_next()
        return request.future

    def close(self) -> None:
        """End the process, and its children, at once; can be called twice. Whoever waits gets an error."""
        with self._changed:
            self._closed = True
            link, self._link = self._link, None
            self._set("off", message="The segmentation is switched off.")
            waiting, error = self._queue.take_all(), self._why_failed()
        if link is not None:
            link.end()
        self._fail(waiting, error)

    def __enter__(self) -> WorkerPredictor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Requests

    def _request(
        self,
        image: Image,
        labels: Sequence[str] | None,
        model: str | None,
        is_frame: bool = False,
        identity: Any = None,
    ) -> Request:
        name = next(iter(self._models)) if model is None else model
        if name not in self._models:
            raise SegmentationError(
                tr("The engine has no model '{name}': it has {models}.", name=name, models=", ".join(self._models))
            )
        return Request(image, name, wanted_labels(self._models[name][0], image, labels), is_frame, identity)

    def _send_next(self) -> None:
        """Give the process what waits, if it is idle. The image is copied outside of the lock."""
        with self._changed:
            link = self._link
            request = self._queue.next() if link is not None and link.is_idle else None
            if link is None or request is None:
                return
            link.reserve(request)
        link.send(request)

    def _wait_for(self, request: Request, report: Progress, should_cancel: ShouldCancel) -> None:
        """Until it has ended: its own progress, and before its turn what the engine is doing."""
        reported = ""
        while True:
            with self._changed:
                if not request.news and not request.future.done():
                    self._changed.wait(POLL_S)
                news, ended = list(request.news), request.future.done()
                request.news.clear()
                message = "" if request.future.running() or ended else self._status.message
            for fraction, text in news:
                report(fraction, text)
            if ended:
                return
            if message and message != reported:
                reported = message
                report(0.0, message)
            if should_cancel():
                self._cancel(request)
                raise Cancelled(tr("The segmentation was cancelled."))

    def _cancel(self, request: Request) -> None:
        with self._changed:
            waited, link = self._queue.remove(request), self._link
        if not waited and link is not None:
            link.cancel(request)

    def _fail(self, waiting: Sequence[Request], error: CRLMError) -> None:
        for request in waiting:
            request.fail(error)
        with self._changed:
            self._changed.notify_all()

    # The process: see worker_link.LinkOwner

    def _start(self) -> None:
        with self._changed:
            self._set("starting", device=self._load["device"], runtime="", message="The segmentation is starting.")
            self._link = WorkerLink(self._connect, self._load, self._changed, self)
            self._link.start()

    def on_status(self, link: WorkerLink, **changes: str) -> None:
        """Of the process."""
        with self._changed:
            if link is self._link:
                self._set(**changes)

    def on_answer(self, link: WorkerLink) -> None:
        """It works: the next death is the first one again."""
        self._restarts = 0

    def on_idle(self, link: WorkerLink) -> None:
        """Its turn is whoever waits."""
        self._send_next()

    def on_end(self, link: WorkerLink, error: CRLMError, may_work: bool) -> None:
        """A process that was killed, or had been ready, is replaced; one that could not load would fail again."""
        with self._changed:
            if link is not self._link or self._closed:
                return
            self._link = None
            self._restarts += 1
            if may_work and self._restarts <= MOST_RESTARTS:
                self._start()
                self._set(message=f"{error} A new one is starting.")
                return
            self._failure = error
            self._set("failed", message=str(error))
            # Taken out at once: what is asked from now on waits for the next process.
            waiting = self._queue.take_all()
        self._fail(waiting, error)

    def _set(self, state: str | None = None, **changes: str) -> None:
        if state is not None:
            changes["state"] = state
        self._status = replace(self._status, **changes)
        self._changed.notify_all()

    def _why_failed(self) -> CRLMError:
        if self._status.state == "failed":
            return type(self._failure)(str(self._failure))
        return SegmentationError(self._status.message)

    def _raise_when_failed(self) -> None:
        if self._status.state in ("failed", "off"):
            raise self._why_failed()


if TYPE_CHECKING:  # it keeps the interface
    _live_predictor: type[LivePredictor] = WorkerPredictor


@atexit.register
def _close_all() -> None:
    for engine in list(_open_engines):
        engine.close()
