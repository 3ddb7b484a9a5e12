"""Options that take several values, such as `--box R A S X Y Z`, without swallowing the file name behind them.

argparse gives such an option every argument up to the next option. Here the numbers (or names of folds) that follow it
are put into one argument before argparse sees them, or else the one argument that follows.
"""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from functools import lru_cache

# Every option of `crlm` that takes more than one number.
OPTIONS = ("--box", "--fan", "--folds", "--image-to-probe", "--spacing")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_VALUE = rf"(?:fold_\w+|{_NUMBER})"
_VALUES = re.compile(rf"\s*{_VALUE}(?:[\s,]+{_VALUE})*\s*,?\s*\Z")


def gathered(arguments: Sequence[str], options: Sequence[str] = OPTIONS) -> list[str]:
    """`arguments` with the numbers behind each of `options` joined to it as one: '--spacing=1 1 2'."""
    result: list[str] = []
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            return [*result, word, *waiting]
        if word not in options:
            result.append(word)
            continue
        values = []
        while waiting and _VALUES.match(waiting[0]):
            values.append(waiting.pop(0))
        if not values and waiting and not waiting[0].startswith("-"):
            values.append(waiting.pop(0))
        # Without a value argparse says what is missing.
        result.append(f"{word}={' '.join(values)}" if values else word)
    return result


def values(text: str) -> list[str]:
    """Numbers parted by spaces or commas, or one word that may hold spaces (a file name)."""
    return text.replace(",", " ").split() if _VALUES.match(text) else [text]


@lru_cache
def numbers(option: str) -> Callable[[str], list[float]]:
    """The type of an option that takes numbers alone."""

    def parse(text: str) -> list[float]:
        try:
            return [float(word) for word in text.replace(",", " ").split()]
        except ValueError:
            raise ArgumentTypeError(f"{option} holds something that is not a number: '{text}'") from None

    return parse
