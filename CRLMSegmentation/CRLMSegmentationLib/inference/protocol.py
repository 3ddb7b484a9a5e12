"""The interfaces between an engine, its worker process and those who ask: what a test can hand in of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from ..values.progress import Progress, ShouldCancel
from .image import Image, Prediction
from .models.trained_model import Model


class Predictor(Protocol):
    """What answers, in this process (predictor.LocalPredictor) or in another one (engine.WorkerPredictor)."""

    @property
    def model(self) -> Model:
        """The model that answers where none is named."""

    def predict(
        self,
        image: Image,
        labels: Sequence[str] | None = None,
        progress: Progress | None = None,
        should_cancel: ShouldCancel | None = None,
    ) -> Prediction:
        """The probability of each of `labels`, by default of all but the background. Waits for the answer."""


class LivePredictor(Predictor, Protocol):
    """What also answers for live frames, without being waited for."""

    def submit_frame(
        self, image: Image, identity: Any = None, labels: Sequence[str] | None = None
    ) -> Future[Prediction]:
        """The answer comes with `identity`; a frame that was overtaken by a newer one ends with Overtaken."""


class Connection(Protocol):
    """A worker process as the engine sees it: messages out and in, and how it ended. send() may come from any
    thread.
    """

    @property
    def process_id(self) -> int | None:
        """None where there is no process."""

    def connect(self) -> bool:
        """Wait until the other side is there; False when it ended before."""

    def send(self, message: dict[str, Any]) -> None:
        """Raises OSError or ValueError when the other side has gone."""

    def receive(self) -> dict[str, Any] | None:
        """Wait for the next message; None when the other side has gone. Raises ChannelError for what is no message."""

    def end(self) -> None:
        """End it at once, with its children, and wait until it is gone; can be called twice, from any thread."""

    def ending(self) -> Ending:
        """How it ended, after receive() gave None or end() was called."""


@dataclass(frozen=True)
class Ending:
    """How a worker process ended.

    reason      for people, such as 'exit code 1: no module named torch'
    was_killed  True when it did not end by itself, so that another one may do better
    """

    reason: str
    was_killed: bool


# Starts a worker process. Raises CRLMError when that cannot be done.
Connect = Callable[[], Connection]
