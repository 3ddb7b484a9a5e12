"""Environment variables that libraries read as one whole number, and end with a traceback where it is none.

OpenMP allows a list in OMP_NUM_THREADS (one number for each level of nesting), and clusters set it so; numexpr, which
nnU-Net imports, wants one number. What is meant is kept, what means nothing is left out.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

# With the smallest number that makes sense.
SMALLEST = {
    "OMP_NUM_THREADS": 1,
    "NUMEXPR_NUM_THREADS": 1,
    "NUMEXPR_MAX_THREADS": 1,
    "NUMBA_NUM_THREADS": 1,
    "nnUNet_def_n_proc": 1,
    "nnUNet_n_proc_DA": 0,
}


def correct_thread_variables(environment: MutableMapping[str, str] = os.environ) -> None:
    """Leave the first number of a list, and remove what is no number or too small, so that the default holds."""
    for name, smallest in SMALLEST.items():
        first = environment.get(name, "").split(",")[0].strip()
        if name not in environment or (first == environment[name] and _is_number(first, smallest)):
            continue
        if _is_number(first, smallest):
            environment[name] = first
        else:
            del environment[name]


def _is_number(text: str, smallest: int) -> bool:
    return text.isascii() and text.isdigit() and int(text) >= smallest
