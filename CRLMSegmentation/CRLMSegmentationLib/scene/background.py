"""Jobs that are computed in threads of their own, while the session's thread goes on.

A job touches no node. Its progress and its result wait until the session's thread fetches them with process(), so
that everything in the scene happens in one thread.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Callable

from ..errors import Cancelled, CRLMError
from .job import Job
from .state import Step
from .task import Task

_logger = logging.getLogger(__name__)


class RunningJob:
    """One job in its thread."""

    def __init__(self, job: Job):
        self.job = job
        self.progress: tuple[float, str] | None = None
        self._cancelled = threading.Event()
        self.task = Task(lambda: job.run(self._report, self._cancelled.is_set), f"{job.step.value} job")

    def cancel(self) -> None:
        self._cancelled.set()

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    def _report(self, fraction: float, text: str = "") -> None:
        if self._cancelled.is_set():
            raise Cancelled("cancelled")
        self.progress = float(fraction), str(text)


class BackgroundJobs:
    """At most one running job of each step; one that is started while another runs waits until that has been cancelled.

    on_progress(step, fraction, text), on_done(job, result, seconds), on_failed(job, error), on_cancelled(job)
    are called by process().
    """

    def __init__(
        self,
        on_progress: Callable[[Step, float, str], None],
        on_done: Callable[[Job, object, float], None],
        on_failed: Callable[[Job, Exception], None],
        on_cancelled: Callable[[Job], None],
    ):
        self._on_progress, self._on_done = on_progress, on_done
        self._on_failed, self._on_cancelled = on_failed, on_cancelled
        self._running: dict[Step, RunningJob] = {}
        self._next: dict[Step, Job] = {}

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that run or wait to run, in the order of the workflow."""
        return tuple(step for step in Step if step in self._running or step in self._next)

    def start(self, job: Job) -> None:
        """Run the job in a thread of its own, after one of the same step, which is cancelled, has ended."""
        running = self._running.get(job.step)
        if running is None:
            self._running[job.step] = RunningJob(job)
            return
        running.cancel()
        self._next[job.step] = job

    def cancel(self, step: Step | None = None) -> None:
        """Ask the jobs of `step`, or all, to stop; process() tells when they have."""
        for wanted in [step] if step is not None else list(Step):
            waiting = self._next.pop(wanted, None)
            if wanted in self._running:
                self._running[wanted].cancel()
            elif waiting is not None:
                self._on_cancelled(waiting)

    def job_of(self, step: Step) -> Job | None:
        """The job of that step that will be the last to end; None when there is none."""
        running = self._running.get(step)
        return self._next.get(step) or (running.job if running is not None else None)

    def process(self) -> None:
        """Tell of progress and of jobs that have ended."""
        for step, running in list(self._running.items()):
            progress, running.progress = running.progress, None
            if progress is not None and not running.is_cancelled:
                self._on_progress(step, *progress)
            if not running.task.has_ended:
                continue
            del self._running[step]
            following = self._next.pop(step, None)
            if following is None:
                self._tell_end(running)
            else:
                self.start(following)

    def close(self, timeout_s: float = 5.0) -> bool:
        """Cancel everything and wait for it; False when a thread goes on (it is a daemon and ends by itself)."""
        self._next.clear()
        running, self._running = list(self._running.values()), {}
        for one in running:
            one.cancel()
        until = time.monotonic() + timeout_s
        return all([one.task.join(max(0.0, until - time.monotonic())) for one in running])

    def _tell_end(self, running: RunningJob) -> None:
        error = running.task.error
        if isinstance(error, Cancelled) or (running.is_cancelled and (error is None or isinstance(error, CRLMError))):
            self._on_cancelled(running.job)
        elif error is None:
            self._on_done(running.job, running.task.result, running.task.seconds)
        else:
            if not isinstance(error, CRLMError):
                _logger.error("The step %s has failed.", running.job.step.value, exc_info=error)
            self._on_failed(running.job, error)
