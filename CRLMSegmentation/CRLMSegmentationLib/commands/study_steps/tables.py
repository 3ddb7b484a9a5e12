"""Tables of figures for people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def table_of(what: str, figures: Sequence[str], rows: Mapping[str, Mapping[str, float | None]]) -> str:
    """Markdown: a row for each of `rows`, by its name; '-' for what is not defined."""
    lines = [f"| {what} | {' | '.join(name.replace('_', ' ') for name in figures)} |"]
    lines.append("| --- " * (1 + len(figures)) + "|")
    for name, one in rows.items():
        values = [one[key] for key in figures]
        cells = " | ".join("-" if value is None or not math.isfinite(value) else f"{value:.3f}" for value in values)
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)
