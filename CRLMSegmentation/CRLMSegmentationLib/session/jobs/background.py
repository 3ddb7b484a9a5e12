"""Jobs that are computed in threads of their own, while the session's thread goes on.

Such a job touches no node. Its progress and its result wait until the session's thread fetches them with process(), so
that everything in the scene happens in one thread. A job that needs the scene is computed by process(), slice by slice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

from ...errors import Cancelled, CRLMError
from ..state import Step
from .job import Job
from .task import Task

_logger = logging.getLogger(__name__)
# Of each process(), for jobs that are computed in it.
_SLICE_S = 0.015


class SlicedTask:
    """As Task, for a generator that is run by process() in the session's thread."""

    def __init__(self, slices: Generator[None, None, Any]):
        self.result: Any = None
        self.error: Exception | None = None
        self.seconds = 0.0
        self.has_ended = False
        self._slices = slices
        self._started_s = time.perf_counter()

    def process(self) -> None:
        """Run it for a moment."""
        until = time.perf_counter() + _SLICE_S
        try:
            while not self.has_ended and time.perf_counter() < until:
                next(self._slices)
        except StopIteration as end:
            self._end(end.value, None)
        except Exception as error:
            self._end(None, error)

    def stop(self) -> None:
        """End it now; it tidies up."""
        if not self.has_ended:
            self._slices.close()
            self._end(None, Cancelled("cancelled"))

    def join(self, _timeout_s: float | None = None) -> bool:
        return self.has_ended

    def _end(self, result: Any, error: Exception | None) -> None:
        self.result, self.error, self.has_ended = result, error, True
        self.seconds = time.perf_counter() - self._started_s


class RunningJob:
    """One job, in its thread or in slices."""

    def __init__(self, job: Job):
        self.job = job
        self.progress: tuple[float, str] | None = None
        self._cancelled = threading.Event()
        self.task: SlicedTask | Task
        if job.slices is not None:
            self.task = SlicedTask(job.slices(self._report, self._cancelled.is_set))
        else:
            self.task = Task(lambda: job.run(self._report, self._cancelled.is_set), f"{job.step.value} job")

    def process(self) -> None:
        """Do what is to be done in the session's thread."""
        if isinstance(self.task, SlicedTask):
            self.task.process()

    def cancel(self) -> None:
        self._cancelled.set()
        if isinstance(self.task, SlicedTask):
            self.task.stop()

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
            running.process()
            progress, running.progress = running.progress, None
            if progress is not None and not running.is_cancelled:
                self._on_progress(step, *progress)
            if not running.task.has_ended:
                continue
            del self._running[step]
            following = self._next.pop(step, None)
            if following is None:
                self._report_end(running)
            else:
                self.start(following)

    def close(self, timeout_s: float = 5.0) -> bool:
        """Cancel everything and wait for it; False when a thread goes on (it is a daemon and ends by itself)."""
        self._next.clear()
        running, self._running = list(self._running.values()), {}
        for one in running:
            one.cancel()
        until = time.monotonic() + timeout_s
        # All of them are waited for, whatever the first says.
        ended = [one.task.join(max(0.0, until - time.monotonic())) for one in running]
        return all(ended)

    def _report_end(self, running: RunningJob) -> None:
        error = running.task.error
        if isinstance(error, Cancelled) or (running.is_cancelled and (error is None or isinstance(error, CRLMError))):
            self._on_cancelled(running.job)
        elif error is None:
            self._on_done(running.job, running.task.result, running.task.seconds)
        else:
            if not isinstance(error, CRLMError):
                _logger.error("The step %s has failed.", running.job.step.value, exc_info=error)
            self._on_failed(running.job, error)
