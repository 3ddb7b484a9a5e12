"""What commands print: lines for people, or with --json one strict JSON object and the lines beside it.

A command prints its lines with `print` and gives its facts to `print_facts()`. With --json the facts go to standard
output and every line to standard error; with --quiet only doubts and faults are printed.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any, TextIO


@dataclass(frozen=True)
class _Streams:
    """Where a command's output goes; None for nowhere, or for where it goes by itself."""

    facts: TextIO | None = None
    doubts: TextIO | None = None
    is_quiet: bool = False


_streams = _Streams()


@contextmanager
def printing(as_json: bool = False, quietly: bool = False) -> Iterator[None]:
    """What a command prints while it holds goes where --json and --quiet want it."""
    global _streams
    before = _streams
    lines = sys.stderr if as_json else sys.stdout
    _streams = _Streams(sys.stdout if as_json else None, lines, quietly)
    try:
        with ExitStack() as stack:
            if quietly:
                lines = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
            stack.enter_context(redirect_stdout(lines))
            yield
    finally:
        _streams = before


def is_quiet() -> bool:
    """True when neither lines nor progress are to be shown."""
    return _streams.is_quiet


def is_json() -> bool:
    """True when the facts are printed as JSON."""
    return _streams.facts is not None


def print_facts(facts: Mapping[str, Any]) -> None:
    """With --json one line, strict JSON: what is not a finite number is null. Without it nothing."""
    if _streams.facts is not None:
        print(json.dumps(plain(facts), allow_nan=False), file=_streams.facts, flush=True)


def plain(value: Any) -> Any:
    """`value` of what JSON knows: None for NaN and infinity, lists for arrays, text for anything else."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # of numpy, which `crlm --help` does not wait for
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def print_rows(rows: Mapping[str, object]) -> None:
    """A line for each name with its value as text(); nothing for an empty one."""
    width = max(map(len, rows), default=0) + 2
    for name, value in rows.items():
        shown = text(value)
        if shown:
            print(f"{name:<{width}}{shown}")


def print_doubt(sentence: str) -> None:
    """A sentence that has to be seen: amber at a terminal, and printed with --quiet, too."""
    stream = _streams.doubts or sys.stdout
    amber = stream.isatty() and "NO_COLOR" not in os.environ
    print(f"\033[33m{sentence}\033[0m" if amber else sentence, file=stream)


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


def text(value: object) -> str:
    """A value for people: four digits, 'unknown' for what is not known, lists and tables as text."""
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
