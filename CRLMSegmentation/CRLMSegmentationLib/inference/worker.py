"""The process of the segmentation engine: `python -m CRLMSegmentationLib.inference.worker PASSWORD`.

Started by worker_process.py, never by hand. Loads the models that it is given, does a first pass of each, and then
answers one request after the other; a second thread listens to the parent, so that a request can be cancelled, and ends
the process with all its children when the parent has gone.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

from ..errors import Cancelled, CRLMError
from ..python_process import end_this_process_group
from ..words import tr
from .channel import Channel, ChannelError, channel_to_parent
from .reused_block import OpenedBlock

if TYPE_CHECKING:
    from .predictor import LocalPredictor


class Worker:
    """Handles the messages of `channel` until it closes."""

    def __init__(self, channel: Channel):
        self._channel = channel
        self._waiting: queue.Queue[dict[str, Any]] = queue.Queue()
        self._cancelled_number = 0
        self._predictors: dict[str, LocalPredictor] = {}
        self._running: LocalPredictor | None = None
        self._block = OpenedBlock()

    def run(self) -> None:
        """Does not come back: the process ends with its parent."""
        threading.Thread(target=self._listen, name="parent", daemon=True).start()
        while True:
            message = self._waiting.get()
            if message["do"] == "load":
                self._load(message)
            elif message["do"] == "predict":
                self._predict(message)

    def _listen(self) -> None:
        try:
            while (message := self._channel.receive()) is not None:
                if message["do"] == "cancel":
                    self._cancelled_number = max(self._cancelled_number, message["number"])
                    running = self._running
                    if running is not None:
                        running.interrupt()
                else:
                    self._waiting.put(message)
        except ChannelError:
            pass
        end_this_process_group()

    def _load(self, message: dict[str, Any]) -> None:
        from .models.trained_model import load_model
        from .predictor import LocalPredictor

        try:
            for name, folders in message["models"].items():
                self._channel.send({"is": "starting", "text": "Loading the model"})
                predictor = LocalPredictor(
                    [load_model(folder) for folder in folders],
                    message["device"],
                    message["mirroring"],
                    message["threads"],
                    message["runtime"],
                )
                self._channel.send({"is": "starting", "text": "Warming up"})
                predictor.warm_up()
                self._predictors[name] = predictor
        except CRLMError as error:
            self._channel.send({"is": "failed", "kind": type(error).__name__, "text": str(error)})
            os._exit(1)
        self._channel.send({"is": "ready", **self._where()})

    def _predict(self, message: dict[str, Any]) -> None:
        number = message["number"]
        try:
            if self._cancelled_number >= number:
                raise Cancelled(tr("The request was cancelled before it was begun."))
            self._answer(message)
            ended = {"is": "done"}
        except (Cancelled, FileNotFoundError):
            ended = {"is": "cancelled"}
        except CRLMError as error:
            ended = {"is": "error", "kind": type(error).__name__, "text": str(error)}
        except MemoryError:
            ended = {
                "is": "error",
                "kind": "SegmentationError",
                "text": "The memory is not large enough for this crop: draw a smaller box.",
            }
        except Exception as error:
            # A fault of ours must not leave the session waiting; its traceback goes to standard error.
            traceback.print_exc()
            if _has_lost_its_device(error):
                print(f"the graphics card failed: {error}".splitlines()[0], file=sys.stderr, flush=True)
                os._exit(1)
            ended = {
                "is": "error",
                "kind": "SegmentationError",
                "text": f"The segmentation failed unexpectedly ({type(error).__name__}: {error}).",
            }
        self._channel.send({**ended, "number": number, **self._where()})

    def _answer(self, message: dict[str, Any]) -> None:
        """The probabilities in place of the image."""
        number = message["number"]

        def progress(fraction: float, text: str) -> None:
            if message["with_progress"]:
                self._channel.send({"is": "progress", "number": number, "fraction": fraction, "text": text})

        self._running = self._predictors[message["model"]]
        try:
            image = self._block.read_image(message)
            prediction = self._running.predict(
                image, message["labels"], progress, lambda: self._cancelled_number >= number
            )
        finally:
            self._running = None
        self._block.write(prediction.probabilities)

    def _where(self) -> dict[str, str]:
        """Device, runtime and notice of all models, each once."""

        def together(texts: list[str]) -> str:
            return ", ".join(dict.fromkeys(text for text in texts if text))

        predictors = list(self._predictors.values())
        return {
            "device": together([predictor.device for predictor in predictors]),
            "runtime": together([predictor.runtime for predictor in predictors]),
            "notice": " ".join(dict.fromkeys(one.notice for one in predictors if one.notice)),
        }


def _has_lost_its_device(error: Exception) -> bool:
    """True after an error that leaves CUDA unusable for the rest of this process: only a new one helps."""
    return isinstance(error, RuntimeError) and "CUDA error" in str(error)


def main() -> None:
    """Serve the parent at the other end of the channel that the first argument describes, until it goes."""
    # Ctrl-C in a terminal is for the parent, which then closes this process's pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Worker(channel_to_parent(sys.argv[1].encode())).run()


if __name__ == "__main__":
    main()
