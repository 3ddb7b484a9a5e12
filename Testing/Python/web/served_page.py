"""`crlm web` in a process of its own, and the browser that it is looked at with."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
LIBRARY = REPOSITORY / "CRLMSegmentation"
STEPS = ("connect", "record", "box", "segment", "navigate")
_START_S = 600
# The same browser; the first one has no window and takes half of the processor time.
_CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser")
NO_CHROMIUM = "Chromium is not on this machine (on Debian: apt install chromium-headless-shell)"


def chromium_program() -> str | None:
    """The program that CRLM_CHROMIUM names, or one of this machine."""
    return os.environ.get("CRLM_CHROMIUM") or next(filter(None, map(shutil.which, _CHROMIUM)), None)


def _command_of(task: Path) -> bytes:
    try:
        return (task / "cmdline").read_bytes()
    except OSError:  # it ended meanwhile
        return b""


class ServedPage:
    """`crlm web` in a process of its own; address: with the token when it has one.

    frame_rate  pictures a second of a view at most: they are most of what a page costs, and three a second are enough
                to see that one has changed; None for the page's own
    library     the folder that the library is imported from
    """

    def __init__(
        self, folder: Path, *arguments: str, frame_rate: float | None = 3, library: Path = LIBRARY
    ):  # fmt: skip
        self.folder = folder
        self._log = (folder / "terminal.txt").open("w+")
        threads = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2"}
        environment = {**os.environ, "PYTHONPATH": str(library), **threads}
        command = [sys.executable, "-m", "CRLMSegmentationLib.cli", "web", "--no-browser", "--port", "0"]
        if frame_rate is not None:
            command += ["--frame-rate", str(frame_rate)]
        self.process = subprocess.Popen(
            [*command, "--folder", str(folder), *arguments], env=environment, stdout=self._log, stderr=subprocess.STDOUT
        )
        self.address = self._wait_for_address()

    @property
    def terminal(self) -> str:
        """What it has written so far."""
        return Path(self._log.name).read_text(encoding="utf-8")

    @contextmanager
    def held_worker(self):
        """The process that segments stands still meanwhile, so that there is time to look at it and to cancel."""
        (worker,) = (
            int(task.name)
            for task in Path("/proc").iterdir()
            if task.name.isdigit()
            and b"inference.worker" in _command_of(task)
            and f"PPid:\t{self.process.pid}\n" in (task / "status").read_text(encoding="utf-8")
        )
        os.kill(worker, signal.SIGSTOP)
        try:
            yield
        finally:
            # One that is cancelled and does not stop in time is ended, and another is started in its place.
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGCONT)

    def close(self) -> int:
        """End it as Ctrl-C does; its exit status."""
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(600)
        finally:
            self.process.kill()
            self._log.close()

    def _wait_for_address(self) -> str:
        until = time.monotonic() + _START_S
        while time.monotonic() < until and self.process.poll() is None:
            found = re.search(r"The page is at (\S+)", self.terminal)
            if found:
                return found.group(1)
            time.sleep(0.1)
        self.process.kill()
        raise AssertionError(f"The page was not served:\n{self.terminal}")
