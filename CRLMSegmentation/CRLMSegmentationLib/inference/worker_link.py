"""One worker process as long as it lives: started, loaded, listened to, one request at a time."""

from __future__ import annotations

import threading
from typing import Any, Protocol

from .. import errors
from ..errors import Cancelled, CRLMError, SegmentationError
from .channel import ChannelError
from .image import Prediction
from .protocol import Connect, Connection
from .request_queue import Request
from .reused_block import BlockClosed, ReusedBlock

# A worker that has not released a cancelled request after this time hangs, and is replaced.
LONGEST_CANCEL_S = 15.0
NO_MEMORY = "The memory is not large enough for this crop: draw a smaller box."


class LinkOwner(Protocol):
    """What a link reports to, from its own thread."""

    def on_status(self, link: WorkerLink, **changes: str) -> None:
        """Something about the process has changed: fields of EngineStatus."""

    def on_answer(self, link: WorkerLink) -> None:
        """The process has answered a request: it works."""

    def on_idle(self, link: WorkerLink) -> None:
        """The process can take a request."""

    def on_end(self, link: WorkerLink, error: CRLMError, may_work: bool) -> None:
        """The process has gone, unasked; another one may work."""


class WorkerLink:
    """Starts a worker and listens to it in a thread of its own, until it ends.

    connect  starts the process
    load     the message that says what to load
    changed  the condition of the engine, which is notified of all that happens
    """

    def __init__(self, connect: Connect, load: dict[str, Any], changed: threading.Condition, owner: LinkOwner):
        self._connect, self._load, self._changed, self._owner = connect, load, changed, owner
        self._connection: Connection | None = None
        self._block = ReusedBlock()
        self._request: Request | None = None
        self._number = 0
        self._was_ready = False
        self._end_wanted = False
        self._reason = ""
        self._failure: CRLMError | None = None
        self._gone: CRLMError | None = None
        self._watch: threading.Timer | None = None
        self._thread = threading.Thread(target=self._run, name="segmentation process", daemon=True)

    def start(self) -> None:
        """Begin; called once."""
        self._thread.start()

    @property
    def process_id(self) -> int | None:
        connection = self._connection
        return connection.process_id if connection is not None else None

    @property
    def is_idle(self) -> bool:
        """True when it is loaded and has no request; asked with the condition held."""
        return self._was_ready and self._request is None and self._gone is None

    def reserve(self, request: Request) -> None:
        """Mark it as busy with `request`, with the condition held; send() follows without it."""
        self._number += 1
        self._request = request
        if not request.is_frame:
            self._owner.on_status(self, state="running", message="Segmenting")

    def send(self, request: Request) -> None:
        """Hand over the request that was reserved. Where the process has gone meanwhile, it ends with the reason."""
        with self._changed:
            if self._gone is not None:
                self._fail(request, self._gone)
                return
            number = self._number
        try:
            message = self._block.put(request.image, len(request.labels))
        except BlockClosed:
            return  # the process has gone: its thread says why
        except (CRLMError, MemoryError) as error:
            self._release(number)
            self._owner.on_status(self, state="ready", message="")
            request.fail(error if isinstance(error, CRLMError) else SegmentationError(NO_MEMORY))
            self._owner.on_idle(self)
            return
        self._send(
            {
                "do": "predict",
                "number": number,
                "model": request.model,
                "labels": request.labels,
                "with_progress": not request.is_frame,
                **message,
            }
        )

    def cancel(self, request: Request) -> None:
        """Report to the process that `request` is no longer wanted; it is busy until it has released it."""
        with self._changed:
            if self._request is not request:
                return
            number = self._number
            self._owner.on_status(self, message="Releasing the cancelled crop")
        self._send({"do": "cancel", "number": number})
        self._watch = threading.Timer(LONGEST_CANCEL_S, self._end_if_still_at, (request, LONGEST_CANCEL_S))
        self._watch.daemon = True
        self._watch.start()

    def end(self, reason: str = "") -> None:
        """End the process at once; `reason` for the user when that was not asked for."""
        with self._changed:
            self._end_wanted, self._reason = True, self._reason or reason
            connection = self._connection
        if connection is not None:
            connection.end()
        if threading.current_thread() is not self._thread:
            self._thread.join(5)

    def _end_if_still_at(self, request: Request, seconds: float) -> None:
        with self._changed:
            hangs = self._request is request and self._gone is None
        if hangs:
            self.end(f"it did not release a cancelled crop for {seconds:g} s")

    def _send(self, message: dict[str, Any]) -> None:
        connection = self._connection
        try:
            if connection is not None:
                connection.send(message)
        except (OSError, ValueError):
            pass  # the process has gone: the thread is about to notice and to say why

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
        with self._changed:
            if self._end_wanted:
                return
            self._connection = connection = self._connect()
        if connection.connect():
            self._send(self._load)
            while (message := connection.receive()) is not None:
                self._handle(message)

    def _handle(self, message: dict[str, Any]) -> None:
        kind = message.get("is")
        if kind == "starting":
            self._owner.on_status(self, message=str(message["text"]))
        elif kind == "ready":
            self._was_ready = True
            self._report_ready(message)
        elif kind == "failed":
            self._failure = error_named(message["kind"], message["text"])
        elif kind == "progress":
            with self._changed:
                if self._request is not None and message["number"] == self._number:
                    self._request.news.append((float(message["fraction"]), str(message["text"])))
                    self._changed.notify_all()
        elif kind in ("done", "cancelled", "error") and message["number"] == self._number:
            self._answer(kind, message)

    def _answer(self, kind: str, message: dict[str, Any]) -> None:
        """How a request ended. Its answer is copied before another one may use the block."""
        request = self._request
        if request is None:
            return
        if kind == "done":
            probabilities = self._block.probabilities(len(request.labels), request.image.shape)
            if not request.future.done():
                request.future.set_result(Prediction(probabilities, request.labels, request.identity))
            self._owner.on_answer(self)
        elif kind == "cancelled":
            request.fail(Cancelled("The segmentation was cancelled."))
        else:
            request.fail(error_named(message.get("kind", ""), message.get("text", "")))
        self._release(message["number"])
        self._report_ready(message)

    def _release(self, number: int) -> None:
        with self._changed:
            if number == self._number:
                self._request = None
            if self._watch is not None:
                self._watch.cancel()
            self._changed.notify_all()

    def _report_ready(self, message: dict[str, Any]) -> None:
        self._owner.on_status(
            self, state="ready", device=message["device"], runtime=message["runtime"], message=message.get("notice", "")
        )
        self._owner.on_idle(self)

    def _finish(self) -> None:
        """The process has gone: say why, to whoever waits for an answer and to the engine."""
        ending = self._connection.ending() if self._connection is not None else None
        self._block.close()
        error = self._failure
        if error is None:
            reason = self._reason or (ending.reason if ending else "it was never started")
            error = SegmentationError(f"The segmentation process ended ({reason}).")
        with self._changed:
            self._gone = error
            request, self._request = self._request, None
            unasked = not self._end_wanted or bool(self._reason)
            watch = self._watch
        if watch is not None:
            watch.cancel()
        if unasked:
            was_killed = self._failure is None and ending is not None and ending.was_killed
            self._owner.on_end(self, error, self._was_ready or was_killed)
        if request is not None:
            self._fail(request, error)
        with self._changed:
            self._changed.notify_all()

    def _fail(self, request: Request, error: CRLMError) -> None:
        """End a request whose process has gone."""
        again = " A new one is starting: segment again." if not self._end_wanted or self._reason else ""
        request.fail(type(error)(f"{error}{again}"))


def error_named(kind: str, text: str) -> CRLMError:
    """The project's exception of that name with that text."""
    found = getattr(errors, kind, SegmentationError)
    return found(text) if isinstance(found, type) and issubclass(found, CRLMError) else SegmentationError(text)
