"""The segmentation engine: a process that stays warm, and the object through which the session uses it.

WorkerSegmenter has the interface of predictor.Segmenter, but the network runs in a process of its own: nothing that
happens there (memory that runs out, a driver that crashes, somebody who kills it) takes the navigation with it.
"""

from __future__ import annotations

import atexit
import os
import secrets
import subprocess
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .. import errors
from ..errors import Cancelled, CRLMError, SegmentationError
from ..python_process import child_environment, end_process, how_it_ended, start_python
from ..segmentation.postprocess import known_voxels
from ..values import Volume
from .channel import Channel, ChannelError
from .models.trained_model import Model
from .shared_block import SharedBlock, remove_blocks_of_dead_processes

Progress = Callable[[float, str], None]
WORKER_MODULE = "CRLMSegmentationLib.inference.worker"
# How often a waiting call asks whether it should be cancelled.
POLL_S = 0.02
# A worker that has not let go of a cancelled crop after this time hangs, and is replaced.
LONGEST_CANCEL_S = 15.0
# A process that dies again and again without having segmented anything is not started once more.
MOST_RESTARTS = 3
# OpenMP's waiting threads otherwise spin, which on a busy machine takes the time of those that compute.
_QUIET_WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
_open_engines: weakref.WeakSet = weakref.WeakSet()


@dataclass(frozen=True)
class EngineStatus:
    """What the engine is doing.

    state    'off', 'starting', 'ready', 'running' or 'failed'
    device   'cpu' or 'cuda'; what was asked for until it is known
    runtime  what runs the network, such as 'OpenVINO float32'; '' until it is known
    message  a sentence for the user
    """

    state: str
    device: str
    runtime: str = ""
    message: str = ""


class WorkerSegmenter:
    """A model (or several, whose probabilities are averaged) in a process of its own, which is started at once.

    model      what load_model gave, or a sequence of such
    device     'auto' (CUDA where there is one), 'cpu' or 'cuda'
    mirroring  average over mirrored passes, eight times the work
    threads    processor threads at most; None for a number that suits the machine
    runtime    'torch'; 'auto' for the fastest that agrees with torch on a fixed crop; 'openvino' (float32),
               'openvino-bfloat16' or 'openvino-int8' for that one, with an error where it cannot be had

    Can be used from any thread, one crop at a time. close() ends the process; so does the end of this process, however
    it comes about.
    """

    def __init__(
        self,
        model: Model | Sequence[Model],
        device: str = "auto",
        mirroring: bool = False,
        threads: int | None = None,
        runtime: str = "auto",
    ):
        self.models = (model,) if isinstance(model, Model) else tuple(model)
        if not self.models:
            raise SegmentationError("No model was given to segment with.")
        self._load = {
            "do": "load",
            "models": [str(one.folder.resolve()) for one in self.models],
            "device": device,
            "mirroring": bool(mirroring),
            "threads": threads,
            "runtime": runtime,
        }
        self._changed = threading.Condition()
        self._one_crop = threading.Lock()
        self._status = EngineStatus("off", device)
        self._worker: _Worker | None = None
        self._closed = False
        self._failure: CRLMError | None = None
        self._restarts = 0
        _open_engines.add(self)
        self._start()

    @property
    def model(self) -> Model:
        """The (first) model; its card says margin and threshold."""
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
        worker = self._worker
        return worker.process_id if worker is not None else None

    def wait_until_ready(self, timeout_s: float | None = None) -> EngineStatus:
        """Wait until the model is loaded and the first pass done. Raises SegmentationError or ModelError when that
        failed, and SegmentationError when it takes longer than `timeout_s`.
        """
        until = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            while self._status.state == "starting":
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    raise SegmentationError(f"The segmentation was not ready after {timeout_s:g} s.")
                self._changed.wait(left)
            self._raise_when_failed()
            return self._status

    def probability(
        self, volume: Volume, progress: Progress | None = None, should_cancel: Callable[[], bool] | None = None
    ) -> Volume:
        """As Segmenter.probability. `progress` and `should_cancel` are called in this thread.

        Returns at once with Cancelled when `should_cancel` says so; the process is then ready for the next crop as
        soon as the layer of the network that it is in has ended. Raises SegmentationError when the process ends in
        the middle, with the reason; a new one is then on its way.
        """
        should_cancel = should_cancel or (lambda: False)
        while not self._one_crop.acquire(timeout=POLL_S):
            if should_cancel():
                raise Cancelled("The segmentation was cancelled.")
        try:
            return self._probability(volume, progress or (lambda fraction, text: None), should_cancel)
        finally:
            self._one_crop.release()

    def close(self) -> None:
        """End the process, and its children, at once; can be called twice. Whoever waits for a crop gets an error."""
        with self._changed:
            self._closed = True
            worker, self._worker = self._worker, None
            self._set("off", message="The segmentation is switched off.")
        if worker is not None:
            worker.end()

    def __enter__(self) -> WorkerSegmenter:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    # One crop

    def _probability(self, volume: Volume, report: Progress, should_cancel) -> Volume:
        worker = self._idle_worker(report, should_cancel)
        voxels = np.ascontiguousarray(volume.voxels)
        # The probability takes the place of the voxels, so that one block is enough.
        room = max(voxels.nbytes, voxels.size * 4)
        known = known_voxels(volume)
        tells_more = bool((known & (voxels == 0)).any())  # than the voxels that are not 0 tell already
        block = SharedBlock.create(room + (known.nbytes if tells_more else 0))
        try:
            block.array(voxels.shape, voxels.dtype)[...] = voxels
            if tells_more:
                block.array(voxels.shape, bool, room)[...] = known
            request = worker.ask(
                {
                    "do": "segment",
                    "block": block.name,
                    "shape": voxels.shape,
                    "dtype": voxels.dtype.str,
                    "ijk_to_ras": volume.ijk_to_ras.tolist(),
                    "known_at": room if tells_more else None,
                }
            )
            self._wait_for(worker, request, report, should_cancel)
            self._restarts = 0
            return volume.on_grid(block.array(voxels.shape, np.float32).copy())
        finally:
            block.close()

    def _idle_worker(self, report: Progress, should_cancel) -> _Worker:
        """The process when it is ready for a crop; a new one is started where the last one failed."""
        with self._changed:
            if self._worker is None and not self._closed:
                self._restarts = 0
                self._start()
        told = None
        while True:
            with self._changed:
                status, worker = self._status, self._worker
                self._raise_when_failed()
                if status.state == "ready":
                    return worker
                overdue = worker.overdue()
                if not overdue:
                    self._changed.wait(POLL_S)
            if overdue:
                worker.end(f"it did not let go of a cancelled crop for {LONGEST_CANCEL_S:g} s")
            if status.message != told:
                told = status.message
                report(0.0, told)
            if should_cancel():
                raise Cancelled("The segmentation was cancelled.")

    def _wait_for(self, worker: _Worker, request: _Request, report: Progress, should_cancel) -> None:
        while True:
            with self._changed:
                if not request.news and request.ended is None:
                    self._changed.wait(POLL_S)
                news, ended = list(request.news), request.ended
                request.news.clear()
            for fraction, text in news:
                report(fraction, text)
            if ended == "done":
                return
            if ended is not None:
                raise _error_of(request)
            if should_cancel():
                worker.cancel(request)
                raise Cancelled("The segmentation was cancelled.")

    # The process

    def _start(self) -> None:
        with self._changed:
            self._set("starting", device=self._load["device"], runtime="", message="The segmentation is starting.")
            self._worker = _Worker(self._load, self._changed, self._on_status, self._on_end)

    def _on_status(self, worker: _Worker, **changes) -> None:
        with self._changed:
            if worker is self._worker:
                self._set(**changes)

    def _on_end(self, worker: _Worker, may_work: bool, error: CRLMError) -> None:
        """A process that was killed, or had been ready, is replaced; one that could not load would fail again."""
        with self._changed:
            if worker is not self._worker or self._closed:
                return
            self._worker = None
            self._restarts += 1
            if may_work and self._restarts <= MOST_RESTARTS:
                self._start()
                self._set(message=f"{error} A new one is starting.")
            else:
                self._failure = error
                self._set("failed", message=str(error))

    def _set(self, state: str | None = None, **changes) -> None:
        if state is not None:
            changes["state"] = state
        self._status = replace(self._status, **changes)
        self._changed.notify_all()

    def _raise_when_failed(self) -> None:
        if self._status.state == "failed":
            raise type(self._failure)(str(self._failure))
        if self._status.state == "off":
            raise SegmentationError(self._status.message)


class _Request:
    """A crop on its way: what was told about it, and how it ended ('done', 'cancelled', 'error')."""

    def __init__(self, number: int):
        self.number = number
        self.news: deque[tuple[float, str]] = deque(maxlen=100)
        self.ended: str | None = None
        self.error = ("SegmentationError", "")

    def end_with(self, error: CRLMError) -> None:
        """The process has gone."""
        self.error = (type(error).__name__, f"{error} A new one is starting: segment again.")
        self.ended = "error"


class _Worker:
    """One process, and the thread that starts it and listens to it until it ends."""

    def __init__(self, load: dict, changed: threading.Condition, on_status, on_end):
        self._load, self._changed, self._on_status, self._on_end = load, changed, on_status, on_end
        self._process: subprocess.Popen | None = None
        self._channel: Channel | None = None
        self._request: _Request | None = None
        self._cancelled_at: float | None = None
        self._numbers = 0
        self._was_ready = False
        self._end_wanted = False
        self._reason = ""
        self._failure: CRLMError | None = None
        self._gone: CRLMError | None = None
        self._printed: deque[str] = deque(maxlen=30)
        self._thread = threading.Thread(target=self._run, name="segmentation process", daemon=True)
        self._thread.start()

    def ask(self, message: dict) -> _Request:
        """Hand a crop over. Where the process has gone meanwhile, the request has ended with the reason."""
        with self._changed:
            self._numbers += 1
            request = _Request(self._numbers)
            if self._gone is not None:
                request.end_with(self._gone)
                return request
            self._request = request
            self._on_status(self, state="running", message="Segmenting")
        self._send({**message, "number": request.number})
        return request

    def cancel(self, request: _Request) -> None:
        with self._changed:
            if request.ended is not None:
                return
            self._cancelled_at = time.monotonic()
            self._on_status(self, message="Letting go of the cancelled crop")
        self._send({"do": "cancel", "number": request.number})

    @property
    def process_id(self) -> int | None:
        process = self._process
        return process.pid if process is not None else None

    def overdue(self) -> bool:
        """True when a cancelled crop has been held for too long."""
        return self._cancelled_at is not None and time.monotonic() - self._cancelled_at > LONGEST_CANCEL_S

    def end(self, reason: str = "") -> None:
        """End the process at once; `reason` for the user when that was not asked for."""
        with self._changed:
            self._end_wanted, self._reason = True, self._reason or reason
            process = self._process
        if process is not None:
            end_process(process)
        if threading.current_thread() is not self._thread:
            self._thread.join(5)

    def _send(self, message: dict) -> None:
        try:
            self._channel.send(message)
        except (OSError, ValueError, AttributeError):
            pass  # the process has gone: its thread is about to notice and to say why

    def _run(self) -> None:
        try:
            self._listen()
        except CRLMError as error:
            self._failure = error
        except ChannelError as error:
            self._reason = f"it sent {error}"
        finally:
            self._finish()

    def _listen(self) -> None:
        remove_blocks_of_dead_processes()
        word = secrets.token_hex(16)
        with self._changed:
            if self._end_wanted:
                return
            self._process = start_python(
                WORKER_MODULE,
                [word],
                env=child_environment(**_without_users_own(_QUIET_WAITING)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=-1,
            )
        errors_reader = threading.Thread(target=self._keep_what_is_printed, name="segmentation output", daemon=True)
        errors_reader.start()
        channel = Channel(self._process.stdout, self._process.stdin)
        if channel.skip_to(word.encode()):
            self._channel = channel
            self._send(self._load)
            while (message := channel.receive()) is not None:
                self._take(message)
        end_process(self._process)
        errors_reader.join(2)
        channel.close()

    def _take(self, message: dict) -> None:
        kind = message.get("is")
        with self._changed:
            request = self._request
            about_request = request is not None and message.get("number") == request.number
            if kind == "starting":
                self._on_status(self, message=str(message["text"]))
            elif kind == "ready":
                self._was_ready = True
                self._on_status(
                    self, state="ready", device=message["device"], runtime=message["runtime"], message=message["text"]
                )
            elif kind == "failed":
                self._failure = _error_named(message["kind"], message["text"])
            elif kind == "progress" and about_request:
                request.news.append((float(message["fraction"]), str(message["text"])))
            elif kind in ("done", "cancelled", "error") and about_request:
                request.error = (message.get("kind", ""), message.get("text", ""))
                request.ended = kind
                self._request = self._cancelled_at = None
                self._on_status(
                    self,
                    state="ready",
                    device=message["device"],
                    runtime=message["runtime"],
                    message=message.get("status", ""),
                )
            self._changed.notify_all()

    def _finish(self) -> None:
        """The process has gone: say why, to whoever waits for a crop and to the engine."""
        process = self._process
        if process is not None:
            end_process(process)
        error = self._failure
        if error is None:
            reason = self._reason or (how_it_ended(process.returncode) if process else "it was never started")
            said = next((line for line in reversed(self._printed) if line.strip()), "")
            if said and not self._reason and process and process.returncode >= 0:
                reason = f"{reason}: {said.strip()}"
            error = SegmentationError(f"The segmentation process ended ({reason}).")
        with self._changed:
            self._gone = error
            if self._request is not None and self._request.ended is None:
                self._request.end_with(error)
            if not self._end_wanted or self._reason:
                was_killed = self._failure is None and process is not None and process.returncode < 0
                self._on_end(self, self._was_ready or was_killed, error)
            self._changed.notify_all()

    def _keep_what_is_printed(self) -> None:
        for line in self._process.stderr:
            self._printed.append(line.decode(errors="replace"))
        self._process.stderr.close()


def _without_users_own(settings: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in settings.items() if name not in os.environ}


def _error_named(kind: str, text: str) -> CRLMError:
    found = getattr(errors, kind, SegmentationError)
    return found(text) if isinstance(found, type) and issubclass(found, CRLMError) else SegmentationError(text)


def _error_of(request: _Request) -> CRLMError:
    if request.ended == "cancelled":
        return Cancelled("The segmentation was cancelled.")
    return _error_named(*request.error)


@atexit.register
def _close_all() -> None:
    for engine in list(_open_engines):
        engine.close()
