"""Requests that wait for a worker: images that somebody waits for first, of live frames only the newest."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from ..errors import Cancelled, CRLMError
from .image import Image, Prediction


class Overtaken(Cancelled):
    """A live frame for which a newer one came before its turn."""


@dataclass(eq=False)
class Request:
    """An image on its way to a worker.

    model     name of the model that is asked
    labels    whose probabilities are wanted
    is_frame  True for a live frame, which may be overtaken by a newer one for the same model
    identity  of the frame, which comes back with the answer
    future    gets the answer
    news      what the worker has reported, fraction and sentence, and nobody has read yet
    """

    image: Image
    model: str
    labels: tuple[str, ...]
    is_frame: bool = False
    identity: Any = None
    future: Future[Prediction] = field(default_factory=Future)
    news: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=100))

    def fail(self, error: CRLMError) -> None:
        """End with an error, unless it has ended."""
        if not self.future.done():
            self.future.set_exception(error)


class RequestQueue:
    """Not for several threads at once: its owner locks.

    overtaken  how many frames have been dropped because a newer one came
    """

    def __init__(self) -> None:
        self.overtaken = 0
        self._images: deque[Request] = deque()
        self._newest_frames: dict[str, Request] = {}

    def add(self, request: Request) -> Request | None:
        """Returns the waiting frame that `request` overtakes, which its owner has to end; None without one."""
        if not request.is_frame:
            self._images.append(request)
            return None
        overtaken = self._newest_frames.pop(request.model, None)
        self._newest_frames[request.model] = request
        self.overtaken += overtaken is not None
        return overtaken

    def next(self) -> Request | None:
        """Take out whose turn it is: images in the order in which they came, then the frame that has waited longest.
        None when nothing waits. What was cancelled meanwhile is passed over.
        """
        while self._images or self._newest_frames:
            if self._images:
                request = self._images.popleft()
            else:
                request = self._newest_frames.pop(next(iter(self._newest_frames)))
            if request.future.set_running_or_notify_cancel():
                return request
        return None

    def remove(self, request: Request) -> bool:
        """Take out one that is no longer wanted; False when it does not wait here."""
        if request in self._images:
            self._images.remove(request)
            return True
        if self._newest_frames.get(request.model) is request:
            del self._newest_frames[request.model]
            return True
        return False

    def take_all(self) -> list[Request]:
        """Everything that waits; nothing does afterwards."""
        waiting = [*self._images, *self._newest_frames.values()]
        self._images.clear()
        self._newest_frames.clear()
        return waiting
