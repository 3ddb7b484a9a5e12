"""The process behind an engine: started with a channel to it, its standard error kept for the day it ends."""

from __future__ import annotations

import os
import secrets
import subprocess
import threading
from collections import deque
from typing import IO, Any

from ..python_process import child_environment, end_process, how_it_ended, start_python
from .channel import Channel
from .protocol import Ending
from .shared_block import remove_blocks_of_dead_processes

WORKER_MODULE = "CRLMSegmentationLib.inference.worker"
# OpenMP's waiting threads otherwise spin, which on a busy machine takes the time of those that compute.
_QUIET_WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
_LINES_KEPT = 30


class WorkerProcess:
    """`python -m CRLMSegmentationLib.inference.worker`, which ends with this process; a protocol.Connection."""

    def __init__(self) -> None:
        remove_blocks_of_dead_processes()
        self._password = secrets.token_hex(16)
        self._process = start_python(
            WORKER_MODULE,
            [self._password],
            env=child_environment(**_without_users_own(_QUIET_WAITING)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=-1,
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._channel = Channel(self._process.stdout, self._process.stdin)
        self._printed: deque[str] = deque(maxlen=_LINES_KEPT)
        self._ending = threading.Lock()
        self._reader = threading.Thread(
            target=self._keep_what_is_printed, args=(self._process.stderr,), name="segmentation output", daemon=True
        )
        self._reader.start()

    @property
    def process_id(self) -> int | None:
        return self._process.pid

    def connect(self) -> bool:
        return self._channel.skip_to(self._password.encode())

    def send(self, message: dict[str, Any]) -> None:
        self._channel.send(message)

    def receive(self) -> dict[str, Any] | None:
        return self._channel.receive()

    def end(self) -> None:
        with self._ending:
            end_process(self._process)

    def ending(self) -> Ending:
        self.end()
        self._reader.join(2)
        self._channel.close()
        reason = how_it_ended(self._process.returncode)
        was_killed = self._process.returncode < 0
        last = next((line.strip() for line in reversed(self._printed) if line.strip()), "")
        return Ending(f"{reason}: {last}" if last and not was_killed else reason, was_killed)

    def _keep_what_is_printed(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._printed.append(line.decode(errors="replace"))
        stream.close()


def _without_users_own(settings: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in settings.items() if name not in os.environ}
