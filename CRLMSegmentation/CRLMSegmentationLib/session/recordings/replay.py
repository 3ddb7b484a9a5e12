"""A recording on disk as a live stream: a server in a process of its own, and a client here."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np

from ...python_process import end_process, start_python
from ...sweep import TrackedFrame
from ...tracking import StreamStatus
from ..case.case_source import REPLAYED, SIMULATED, file_identity
from ..jobs.task import Task
from ..stream import NetworkSource, ReceivedPose

_SERVER = __package__ + ".replay_server"


class ReplaySource:
    """Serves a sequence file on a free port of this computer, as PLUS would, and receives it from there.

    plus_configuration  XML with the calibration, when the file holds none
    calibration         (4, 4) by name, over those of the configuration
    speed               1 for the recorded rate; None as fast as it is taken
    loop                begin again after the last frame
    close_at_end        close the connection after the last frame
    own_thread          False to receive in poll(), where Python's threads starve
    origin              'replayed', or 'simulated' for what no scanner has ever sent; a recording that says so itself
                        is known to be, as soon as it is served
    """

    def __init__(
        self, path, plus_configuration=None, speed: float | None = 1.0, loop: bool = True, calibration=None,
        reference: str = "Reference", close_at_end: bool = False, own_thread: bool = True,
        origin: str = REPLAYED,
    ):  # fmt: skip
        self.name = f"replay of {Path(path).name}"
        self.origin, self.identity = origin, file_identity(path)
        self._reference, self._own_thread = reference, own_thread
        self._words = [str(path), "--reference", reference]
        if plus_configuration:
            self._words += ["--plus-config", str(plus_configuration)]
        if calibration:
            numbers = {name: np.asarray(matrix).ravel().tolist() for name, matrix in calibration.items()}
            self._words += ["--calibration", json.dumps(numbers)]
        if speed is not None:
            self._words += ["--speed", repr(float(speed))]
        self._words += ["--loop"] * bool(loop) + ["--close-at-end"] * bool(close_at_end)
        self._process: subprocess.Popen | None = None
        self._answer: Task | None = None
        self._source: NetworkSource | None = None
        self._problem = "the recording is being opened"

    @property
    def status(self) -> StreamStatus:
        return self._source.status if self._source is not None else StreamStatus(problem=self._problem)

    def start(self) -> None:
        process = start_python(
            _SERVER, self._words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._process = process
        self._answer = Task(lambda: _first_line(process), "replay server")

    def stop(self) -> None:
        if self._source is not None:
            self._source.stop()
        if self._process is not None:
            end_process(self._process)
            self._answer.join(2.0)
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                stream.close()
            self._process = None

    def poll(self) -> list[TrackedFrame]:
        self._connect()
        return self._source.poll() if self._source is not None else []

    def shown(self, frame: TrackedFrame) -> None:
        self._source.shown(frame)

    def transforms(self) -> dict[str, ReceivedPose]:
        return self._source.transforms() if self._source is not None else {}

    def _connect(self) -> None:
        """Once the server has said where it is."""
        if self._source is not None or self._process is None or not self._answer.has_ended:
            return
        answer = self._answer.result or {}
        if "port" not in answer:
            self._problem = answer.get("error", self._problem)
            return
        if answer.get("origin") == SIMULATED:
            self.origin = SIMULATED
        self._source = NetworkSource(
            "127.0.0.1", int(answer["port"]), own_thread=self._own_thread, reference=self._reference
        )
        self._source.start()


def _first_line(process: subprocess.Popen) -> dict:
    """What the server says when it serves, or why it does not."""
    try:
        return json.loads(process.stdout.readline())
    except ValueError:
        words = process.stderr.read().strip().splitlines()
        return {"error": f"the replay server did not start ({words[-1] if words else 'it said nothing'})"}
