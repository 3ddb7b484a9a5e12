"""The process of the segmentation engine: `python -m CRLMSegmentationLib.inference.worker WORD`.

Started by engine.py, never by hand. Loads the models that it is told, does a first pass, and then segments crops one
after the other; a second thread listens to the parent, so that a crop can be cancelled, and ends the process with all
its children when the parent has gone.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import traceback

import numpy as np

from ..errors import Cancelled, CRLMError
from ..python_process import end_this_process_group
from ..values import Volume
from .channel import Channel, ChannelError, channel_to_parent
from .shared_block import SharedBlock


class Worker:
    """Takes the messages of `channel` until it closes."""

    def __init__(self, channel: Channel):
        self._channel = channel
        self._waiting: queue.Queue[dict] = queue.Queue()
        self._cancelled_number = 0
        self._segmenter = None

    def run(self) -> None:
        threading.Thread(target=self._listen, name="parent", daemon=True).start()
        while True:
            message = self._waiting.get()
            if message["do"] == "load":
                self._load(message)
            elif message["do"] == "segment":
                self._segment(message)

    def _listen(self) -> None:
        try:
            while (message := self._channel.receive()) is not None:
                if message["do"] == "cancel":
                    self._cancelled_number = max(self._cancelled_number, message["number"])
                    if self._segmenter is not None:
                        self._segmenter.interrupt()
                else:
                    self._waiting.put(message)
        except ChannelError:
            pass
        end_this_process_group()

    def _load(self, message: dict) -> None:
        from .models.trained_model import load_model
        from .predictor import Segmenter

        try:
            self._channel.send({"is": "starting", "text": "Loading the model"})
            self._segmenter = Segmenter(
                [load_model(folder) for folder in message["models"]],
                message["device"],
                message["mirroring"],
                message["threads"],
                message["runtime"],
            )
            self._channel.send({"is": "starting", "text": "Warming up"})
            self._segmenter.warm_up()
        except CRLMError as error:
            self._channel.send({"is": "failed", "kind": type(error).__name__, "text": str(error)})
            os._exit(1)
        self._channel.send({"is": "ready", "text": self._segmenter.notice, **self._where()})

    def _segment(self, message: dict) -> None:
        number = message["number"]
        try:
            if self._cancelled_number >= number:
                raise _LetGo
            block = SharedBlock.open(message["block"])
            try:
                self._fill(block, message, number)
            finally:
                block.close()
            ended = {"is": "done"}
        except (_LetGo, Cancelled, FileNotFoundError):
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
        self._channel.send({**ended, "number": number, "status": self._segmenter.notice, **self._where()})

    def _fill(self, block: SharedBlock, message: dict, number: int) -> None:
        """The probability in place of the voxels."""
        shape = tuple(message["shape"])
        voxels = block.array(shape, np.dtype(message["dtype"])).copy()
        known = None if message["known_at"] is None else block.array(shape, bool, message["known_at"]).copy()

        def progress(fraction: float, text: str) -> None:
            self._channel.send({"is": "progress", "number": number, "fraction": fraction, "text": text})

        probability = self._segmenter.probability(
            Volume(voxels, message["ijk_to_ras"], known), progress, lambda: self._cancelled_number >= number
        )
        block.array(shape, np.float32)[...] = probability.voxels

    def _where(self) -> dict:
        return {"device": self._segmenter.device, "runtime": self._segmenter.runtime}


def _has_lost_its_device(error: Exception) -> bool:
    """True after an error that leaves CUDA unusable for the rest of this process: only a new one helps."""
    return isinstance(error, RuntimeError) and "CUDA error" in str(error)


class _LetGo(Exception):
    """The crop was cancelled before it was begun."""


def main() -> None:
    """Serve the parent at the other end of the channel that the first argument describes, until it goes."""
    # Ctrl-C in a terminal is for the parent, which then closes this process's pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Worker(channel_to_parent(sys.argv[1].encode())).run()


if __name__ == "__main__":
    main()
