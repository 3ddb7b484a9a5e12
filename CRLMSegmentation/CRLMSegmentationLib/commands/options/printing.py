"""What commands print: strict JSON, and figures with as many digits as they mean."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Sequence
from contextlib import contextmanager, redirect_stdout
from typing import TextIO

_where_doubts_go: TextIO | None = None  # standard output while the rest of it is silenced


def print_json(value) -> None:
    """One line of JSON as its standard has it: what is not a finite number is null."""
    print(json.dumps(plain(value), allow_nan=False))


def plain(value):
    """`value` of what JSON knows: None for NaN and infinity, lists for arrays, text for anything else."""
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # of numpy, which `crlm --help` does not wait for
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def print_rows(rows: dict[str, object]) -> None:
    """A line for each name with its value as text(); nothing for an empty one."""
    width = max(map(len, rows), default=0) + 2
    for name, value in rows.items():
        shown = text(value)
        if shown:
            print(f"{name:<{width}}{shown}")


def print_doubt(sentence: str) -> None:
    """A sentence that has to be seen: amber at a terminal, and printed with --quiet, too."""
    stream = _where_doubts_go or sys.stdout
    amber = stream.isatty() and "NO_COLOR" not in os.environ
    print(f"\033[33m{sentence}\033[0m" if amber else sentence, file=stream)


@contextmanager
def quiet(wanted: bool):
    """While it holds nothing is printed but doubts and faults, and no progress is shown."""
    global _where_doubts_go
    if not wanted:
        yield
        return
    _where_doubts_go = sys.stdout
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
            yield
    finally:
        _where_doubts_go = None


def is_quiet() -> bool:
    return _where_doubts_go is not None


def in_runs(numbers: Sequence[int], most: int = 12) -> str:
    """Ascending whole numbers as a person writes them: '0, 4 to 17, 20'; the first runs when there are many."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number])
    shown = [" to ".join(map(str, run)) for run in runs[:most]]
    return ", ".join(shown) + (f" and {len(runs) - most} more places" if len(runs) > most else "")


def text(value) -> str:
    """A value for people: four digits, 'unknown' for what is not known, lists and tables in words."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {text(item)}" for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return " ".join(text(item) for item in value)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 10000 else f"{value:.0f}"
    return str(value)
