"""What a study can teach a network: each task is a row of data and its own few functions, and is registered here."""

from __future__ import annotations

from ...errors import ConfigurationError
from . import crop, frames, full, landmarks, lvt
from .task import PlannedTask, Task

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        crop.TASK, full.TASK, frames.TASK, lvt.TASK, lvt.EXCLUSIVE_TASK, lvt.MULTI_CLASS_TASK, landmarks.TASK
    )
}  # fmt: skip
# What a study does where nothing is said.
DEFAULT_TASKS = (crop.TASK.name, full.TASK.name)

__all__ = ["DEFAULT_TASKS", "TASKS", "PlannedTask", "Task", "task_named"]


def task_named(name: str) -> Task:
    """The task of that name. Raises ConfigurationError, which lists them all."""
    if name not in TASKS:
        raise ConfigurationError(f"There is no task '{name}': use one of {', '.join(TASKS)}.")
    return TASKS[name]
