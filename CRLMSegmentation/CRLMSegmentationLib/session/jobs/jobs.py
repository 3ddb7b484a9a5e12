"""Steps that take long: begun, computed here or in the background, and taken in only while their input is the same."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from typing import Any

from ...errors import Cancelled, CRLMError
from ...values.progress import Progress, ShouldCancel
from ...words import tr
from ..state import Step, StepStatus
from ..workflow import Workflow
from .background import BackgroundJobs
from .blas_threads import OneBlasThread
from .job import Job

_logger = logging.getLogger(__name__)


class Jobs:
    """The jobs of one session.

    handlers  by step: what takes the result of a job of that step
    """

    def __init__(self, workflow: Workflow):
        self.handlers: dict[Step, Callable[[Any], object]] = {}
        self._workflow = workflow
        self._blas = OneBlasThread()
        self._background = BackgroundJobs(self.set_progress, self._on_done, self.fail, self._on_cancelled)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that are being computed in the background."""
        return self._background.steps

    @property
    def running(self) -> Step | None:
        """The step that is being computed; None when none is."""
        return next(iter(self.steps), None)

    def begin(
        self,
        step: Step,
        compute: Callable[[Any, Any], Any] | None,
        slices: Callable[[Any, Any], Generator[None, None, Any]] | None = None,
    ) -> Job:
        """The job of what the step is made from now; compute takes (progress, should_cancel) and touches no node.

        slices  in place of compute, for what is computed in the session's thread; see Job
        """
        self._workflow.state.progress = 0.0
        self._workflow.set(step, StepStatus.RUNNING)
        self._workflow.notify()
        return Job(step, compute, self._workflow.revisions[step], slices)

    def start(self, job: Job) -> None:
        """Compute in the background; process() takes the result in."""
        self._background.start(job)

    def run(self, job: Job, progress: Progress | None = None, should_cancel: ShouldCancel | None = None) -> Any:
        """Compute here and take the result in; returns it. Raises what the step raises, after the state tells it."""
        try:
            with self._workflow.state.timed(job.step.value.lower()):
                result = job.run(progress, should_cancel)
            self.finish(job, result)
        except Cancelled:
            self._on_cancelled(job)
            raise
        except CRLMError as error:
            self.fail(job, error)
            raise
        return result

    def cancel(self, step: Step | None = None) -> None:
        """Stop the jobs of `step`, or all."""
        self._background.cancel(step)

    def process(self) -> None:
        """Take in what has been computed in the background."""
        self._background.process()

    def close(self) -> None:
        """No thread is left. Can be repeated."""
        self._background.close()
        self._blas.close()

    def finish(self, job: Job, result: Any) -> bool:
        """Take what a job computed; returns False, and drops it, when what it was made from has changed meanwhile."""
        if job.revision != self._workflow.revisions[job.step]:
            self._end_without_result(job, tr("the result was dropped, because its input has changed"))
            return False
        self.handlers[job.step](result)
        return True

    def fail(self, job: Job, error: Exception) -> None:
        """Tell that a job ended with an error."""
        if job.revision != self._workflow.revisions[job.step]:
            self._end_without_result(job)
            return
        self._workflow.set(job.step, StepStatus.FAILED, str(error) or type(error).__name__)
        self._workflow.notify()

    def set_progress(self, step: Step, fraction: float, text: str) -> None:
        """Tell how far a running job is; to be called in the session's thread."""
        self._workflow.state.progress = fraction
        self._workflow.touch()
        self._workflow.set(step, self._workflow.state.status(step), text)
        self._workflow.notify()

    def _on_done(self, job: Job, result: Any, seconds: float) -> None:
        self._workflow.state.timings_s[job.step.value.lower()] = seconds
        try:
            self.finish(job, result)
        except CRLMError as error:
            self.fail(job, error)
        except Exception as error:
            # Else the step would be running for ever.
            _logger.exception("The result of the step %s cannot be taken in.", job.step.value)
            self.fail(job, error)

    def _on_cancelled(self, job: Job) -> None:
        is_outdated = job.revision != self._workflow.revisions[job.step]
        self._end_without_result(job, tr("stopped, because its input has changed") if is_outdated else tr("cancelled"))

    def _end_without_result(self, job: Job, message: str = "") -> None:
        """The job has ended without a result; when something else was done for the step meanwhile, that stands."""
        if self._workflow.state.status(job.step) is StepStatus.RUNNING:
            self._workflow.rest(job.step, message)
        self._workflow.notify()
