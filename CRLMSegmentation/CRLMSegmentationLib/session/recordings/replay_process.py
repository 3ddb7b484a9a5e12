"""The process that serves a recording as PLUS would (replay_server.py), seen from its parent."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import StreamError
from ...python_process import end_process, start_python
from ...words import tr
from ..jobs.task import Task

_SERVER = __package__ + ".replay_server"


@dataclass(frozen=True)
class ReplayAnswer:
    """What the server says once: its port, how many frames it serves, their origin; or the problem, and port 0."""

    port: int = 0
    frames: int = 0
    origin: str = ""
    problem: str = ""


class ReplayProcess:
    """Serves a sequence file on a free port of this computer, over OpenIGTLink, until it is stopped.

    plus_configuration  XML with the calibration, when the file holds none
    calibration         (4, 4) by name, over those of the configuration
    reference           frame of reference; None for the one that was recorded
    speed               1 for the recorded rate; None as fast as it is taken
    loop                begin again after the last frame
    close_at_end        close the connections after the last frame

    As a context manager it waits until the server is there, and gives its port; StreamError when it does not come.
    """

    def __init__(
        self,
        path: str | Path,
        plus_configuration: str | Path | None = None,
        calibration: Mapping[str, np.ndarray] | None = None,
        reference: str | None = None,
        speed: float | None = 1.0,
        loop: bool = False,
        close_at_end: bool = True,
    ) -> None:
        self._arguments = [str(path)]
        if plus_configuration:
            self._arguments += ["--plus-config", str(plus_configuration)]
        if calibration:
            numbers = {name: np.asarray(matrix).ravel().tolist() for name, matrix in calibration.items()}
            self._arguments += ["--calibration", json.dumps(numbers)]
        if reference:
            self._arguments += ["--reference", reference]
        if speed is not None:
            self._arguments += ["--speed", repr(float(speed))]
        self._arguments += ["--loop"] * bool(loop) + ["--close-at-end"] * bool(close_at_end)
        self._process: subprocess.Popen[str] | None = None
        self._task: Task | None = None

    def start(self) -> None:
        """Start the server; answer() says when it is there."""
        process = start_python(
            _SERVER,
            self._arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        self._process = process
        self._task = Task(lambda: _first_line(process), "replay server")

    def answer(self) -> ReplayAnswer | None:
        """What the server said; None while it has said nothing, and when there is none."""
        if self._process is None or self._task is None or not self._task.has_ended:
            return None
        found: ReplayAnswer | None = self._task.result
        return found or ReplayAnswer(problem=tr("the replay server said nothing"))

    def stop(self) -> None:
        """End the server at once; can be called twice."""
        if self._process is None or self._task is None:
            return
        end_process(self._process)
        self._task.join(2.0)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        self._process = None

    def __enter__(self) -> int:
        self.start()
        assert self._task is not None
        self._task.join()
        answer = self.answer()
        if answer is None or answer.problem:
            self.stop()
            raise StreamError(answer.problem if answer is not None else tr("The replay server did not start."))
        return answer.port

    def __exit__(self, *_: object) -> None:
        self.stop()


def _first_line(process: subprocess.Popen[str]) -> ReplayAnswer:
    """What the server says when it serves, or why it does not."""
    assert process.stdout is not None and process.stderr is not None
    try:
        found = json.loads(process.stdout.readline())
        return ReplayAnswer(
            found.get("port", 0), found.get("frames", 0), found.get("origin", ""), found.get("error", "")
        )
    except ValueError:
        lines = process.stderr.read().strip().splitlines()
        reason = lines[-1] if lines else tr("it said nothing")
        return ReplayAnswer(problem=tr("the replay server did not start ({reason})", reason=reason))
