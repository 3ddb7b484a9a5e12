"""A progress bar on the terminal for steps that take longer than a moment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ...values.progress import Progress
from .printing import is_quiet

_SHOWN_AFTER_S = 0.5


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Gives `progress(fraction, text)`; a bar appears when the step takes longer than half a second."""
    from rich import progress as rich_progress
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    bar = rich_progress.Progress(
        TextColumn(f"{title:<12}"), BarColumn(30), TaskProgressColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[text]}"), console=console, transient=True,
        disable=is_quiet() or not console.is_terminal,
    )  # fmt: skip
    task = bar.add_task(title, total=1.0, text="")
    started = time.monotonic()
    shown = False

    def progress(fraction: float, text: str = "") -> None:
        nonlocal shown
        if not shown and time.monotonic() - started > _SHOWN_AFTER_S:
            bar.start()
            shown = True
        bar.update(task, completed=min(max(fraction, 0.0), 1.0), text=text)

    try:
        yield progress
    finally:
        if shown:
            bar.stop()
