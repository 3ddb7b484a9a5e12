"""Times on a card and on the wall: medians of twenty after a warm-up."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from record import Record

REPEATS, QUICK_REPEATS, WARM_UP = 20, 2, 3


def timed(record: Record, task: Callable[[], Any], repeats: int | None = None) -> dict[str, float]:
    """Milliseconds of `task`: median, smallest and largest on the wall until the card is idle, and on a card the
    median between two events of its stream. Fewer repeats where the part's time would not be enough for all.
    """
    import torch

    on_card = record.device == "cuda"
    repeats = repeats or (QUICK_REPEATS if record.quick else REPEATS)
    for _ in range(1 if record.quick else WARM_UP):
        task()
    wall, card = [], []
    for number in range(repeats):
        if on_card:
            first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            torch.cuda.synchronize()
            first.record()
        started = time.perf_counter()
        task()
        if on_card:
            last.record()
            torch.cuda.synchronize()
            card.append(first.elapsed_time(last))
        wall.append(1e3 * (time.perf_counter() - started))
        if number >= 2 and record.seconds_left() < 5 + 0.002 * wall[-1]:
            break
    found = {"median_ms": np.median(wall), "least_ms": min(wall), "most_ms": max(wall), "repeats": len(wall)}
    if card:
        found["card_median_ms"] = np.median(card)
    return {name: round(float(value), 3) for name, value in found.items()}


def profiled(record: Record, name: str, task: Callable[[], Any], rows: int = 18) -> None:
    """What takes the time of one `task`, as torch's profiler tells it, into the part's figures."""
    import torch

    activities = [torch.profiler.ProfilerActivity.CPU]
    if record.device == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    with torch.profiler.profile(activities=activities) as profile:
        task()
        if record.device == "cuda":
            torch.cuda.synchronize()
    by = "self_cuda_time_total" if record.device == "cuda" else "self_cpu_time_total"
    table = profile.key_averages().table(sort_by=by, row_limit=rows, max_name_column_width=60)
    record.figure(f"profile, {name}", table.splitlines())
