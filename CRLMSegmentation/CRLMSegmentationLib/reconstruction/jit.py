"""Compiling with numba, once per machine."""

from __future__ import annotations

import numba


def compiled(function):
    """`function` compiled to machine code that runs without Python's lock.

    The result is kept beside the source, in NUMBA_CACHE_DIR or in the user's cache folder, whichever can be written.
    Where none can, it is compiled anew in every process.
    """
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # numba's 'no locator available': no folder to keep it in
        return numba.njit(nogil=True, error_model="numpy")(function)


def inlined(function):
    """`function` compiled into each of its callers. For numbers only: numba counts the references to an array that is
    handed over, at every call."""
    return numba.njit(forceinline=True, nogil=True, error_model="numpy")(function)

