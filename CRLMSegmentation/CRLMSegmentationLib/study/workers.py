"""One function over many cases: in this process, in several, or on a Dask cluster. A failed case stops nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from ..errors import ConfigurationError, CRLMError
from ..values.progress import Progress


@dataclass(frozen=True)
class Outcome:
    """What became of one item: its place in the list, and either a result or the reason why there is none."""

    number: int
    result: Any = None
    error: str = ""


def for_each(
    function: Callable[[Any], Any],
    items: Sequence[Any],
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
    title: str = "Case",
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Outcome]:
    """`function(item)` for every item, as outcomes in the order in which they are done.

    function   importable by name (it travels to other processes); CRLMError and any other exception become an Outcome
    workers    processes on this machine; with 1 everything runs here
    progress   hears how many are done, and about how long the others will take
    scheduler  address of a Dask scheduler (tcp://host:port), whose workers must see the same files
    """
    started = clock()
    for done, outcome in enumerate(_outcomes(function, items, workers, scheduler), 1):
        if progress:
            text = f"{title} {done} of {len(items)}" + (f" failed: {outcome.error}" if outcome.error else "")
            left_s = (clock() - started) * (len(items) - done) / done
            progress(done / len(items), text + (f", about {duration(left_s)} left" if left_s >= 60 else ""))
        yield outcome


def duration(seconds: float) -> str:
    """Roughly, for people: '40 s', '25 min', '3.5 h'."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _outcomes(
    function: Callable[[Any], Any], items: Sequence[Any], workers: int, scheduler: str | None
) -> Iterator[Outcome]:
    if scheduler is None and workers <= 1:
        for number, item in enumerate(items):
            yield _attempt(function, number, item)
        return
    with _executor(workers, scheduler) as executor:
        waiting = {executor.submit(_attempt, function, number, item): number for number, item in enumerate(items)}
        broken = []
        for future in as_completed(waiting):
            try:
                yield future.result()
            except BrokenProcessPool:
                broken.append(waiting[future])
            except Exception as error:  # a lost cluster worker, a result that cannot travel
                yield Outcome(waiting[future], error=_reason(error))
    # A process that was killed (out of memory, a crash in native code) takes its neighbours' work with it: each item
    # that was not done gets a process of its own, so that only the guilty one fails.
    for number in sorted(broken):
        with _executor(1, None) as executor:
            try:
                yield executor.submit(_attempt, function, number, items[number]).result()
            except BrokenProcessPool:
                yield Outcome(number, error="its process was killed (out of memory?)")


def _attempt(function: Callable[[Any], Any], number: int, item: Any) -> Outcome:
    try:
        return Outcome(number, function(item))
    except CRLMError as error:
        return Outcome(number, error=str(error))
    except Exception as error:
        return Outcome(number, error=_reason(error))


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no reason given'}"


@contextmanager
def _executor(workers: int, scheduler: str | None) -> Iterator[Executor]:
    if scheduler is None:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield pool
        return
    try:
        from distributed import Client
    except ImportError:
        raise ConfigurationError("--scheduler needs Dask: pip install 'dask[distributed]'.") from None
    try:
        client = Client(scheduler, timeout="10s", set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ConfigurationError(f"There is no Dask scheduler at {scheduler} ({error}).") from None
    with client, client.get_executor(pure=False, retries=1) as executor:
        yield executor
