"""What commands print: strict JSON, and figures with as many digits as they mean."""

from __future__ import annotations

import json
import math
import os
import sys

import numpy as np


def print_json(value) -> None:
    """One line of JSON as its standard has it: what is not a finite number is null."""
    print(json.dumps(plain(value), allow_nan=False))


def plain(value):
    """`value` of what JSON knows: None for NaN and infinity, lists for arrays, text for anything else."""
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
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
    """A sentence that has to be seen: amber at a terminal."""
    amber = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    print(f"\033[33m{sentence}\033[0m" if amber else sentence)


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
