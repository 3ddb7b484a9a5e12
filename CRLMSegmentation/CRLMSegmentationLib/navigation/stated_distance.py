"""How a distance and its error are written: the one place that says '7.5 mm ± 1.8'.

What stands behind ± is where 95 of 100 errors lie (Budget.within_mm). Where a source of error is not known it says 'at
least', and why; where nothing is known that can be told in tenths of a millimetre, that the error is unknown: 'at least
0.0' would be read as 'exact'.
"""

from __future__ import annotations

from ..calibration.accuracy.budget import Budget
from ..words import tr

# Sentences longer than this are for a tooltip.
_MOST_REASONS = 2


def distance_text(distance_mm: float, budget: Budget | None) -> str:
    """'7.5 mm ± 1.8', or '7.5 mm ± at least 1.2'; '7.5 mm, error unknown' where nothing is known of it."""
    number, within = f"{distance_mm:.1f} mm", _within(budget)
    return f"{number} ± {within}" if within else tr("{number}, error unknown", number=number)


def error_text(budget: Budget | None) -> str:
    """The error alone, to stand below a large number: '± 1.8 mm' or '± at least 1.2 mm'."""
    within = _within(budget)
    return tr("± {within} mm", within=within) if within else tr("error unknown")


def _within(budget: Budget | None) -> str:
    """'1.8' or 'at least 1.2'; '' where nothing is known."""
    if budget is None:
        return ""
    number = f"{budget.within_mm:.1f}"
    if budget.is_complete:
        return number
    return "" if float(number) == 0 else tr("at least {number}", number=number)


def reason_text(budget: Budget | None, most: int = _MOST_REASONS) -> str:
    """Why the error may be larger, in one line: '' when all of it is known; no more than `most` sources by name."""
    if budget is None or budget.is_complete:
        return ""
    reasons = list(dict.fromkeys(budget.unknown.values()))
    rest = len(reasons) - most
    return "; ".join(reasons[:most]) + (tr("; and {rest} more", rest=rest) if rest > 0 else "")


def explanation(budget: Budget | None) -> str:
    """All of it, for a tooltip: what each source adds, and what is not known."""
    if budget is None:
        return tr("Nothing is known of the error.")
    parts = ", ".join(f"{tr(source)} {1.96 * value:.1f}" for source, value in budget.deviations_mm.items())
    known = tr("95 of 100 distances are within this. By source, in mm: {parts}.", parts=parts or tr("none known"))
    return known if budget.is_complete else tr("{known} Not known: {reason}.", known=known, reason=budget.reason)
