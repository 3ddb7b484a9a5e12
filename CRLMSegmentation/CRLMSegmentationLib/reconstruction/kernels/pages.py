"""Having the system give memory before it is needed.

Large arrays of zeros have no memory at first: the system finds it page by page as they are written to, which can take
longer than what is to be written.
"""

from __future__ import annotations

import numpy as np

from ...compilation.jit import compiled

_SMALLEST_PAGE_BYTES = 4096


def touch_pages(flat: np.ndarray, first: int, end: int) -> None:
    """Have memory for the elements `first` to `end` - 1 of a flat array, whose values stay what they are."""
    _add_nothing(flat, first, end, _SMALLEST_PAGE_BYTES // flat.itemsize, flat.dtype.type(0))


@compiled
def _add_nothing(flat: np.ndarray, first: int, end: int, step: int, nothing: np.generic) -> None:
    """`nothing` is 0; the compiler does not know it, and so writes."""
    for at in range(first, end, step):
        flat[at] += nothing
