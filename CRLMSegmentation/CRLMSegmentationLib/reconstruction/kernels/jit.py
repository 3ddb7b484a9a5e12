"""Compiling with numba, once per machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """`function` compiled to machine code that runs without Python's lock.

    The result is kept beside the source, in NUMBA_CACHE_DIR or in the user's cache folder, whichever can be written,
    for as long as no kernel changes: not `function` itself and none that is compiled into it. Where none can be
    written, it is compiled anew in every process.
    """
    dispatcher = numba.njit(nogil=True, error_model="numpy")(function)
    try:
        kernel_sources(_folder_of(function))
        # In the place of numba's own dispatcher.enable_caching().
        dispatcher._cache = _cache_class()(function)
    except (ImportError, AttributeError, TypeError, OSError, RuntimeError):
        # RuntimeError is numba's 'no locator available': no folder to keep it in. The others: another numba.
        pass
    return dispatcher


def inlined(function: Function) -> Function:
    """`function` compiled into each of its callers. For numbers only: numba counts the references to an array that is
    handed over, at every call.
    """
    return numba.njit(forceinline=True, nogil=True, error_model="numpy")(function)


@lru_cache(maxsize=1)
def _cache_class():
    """numba's cache looks at the file of the kernel alone; machine code of what other files gave it would
    outlive them.
    """
    from numba.core.caching import FunctionCache

    class CacheOfAllSources(FunctionCache):
        def _index_key(self, sig, codegen):
            return (*super()._index_key(sig, codegen), kernel_sources(_folder_of(self._py_func)))

    return CacheOfAllSources


@lru_cache(maxsize=8)
def kernel_sources(folder: Path) -> str:
    """The hash of all of the library's sources in `folder` and in this file's, in which kernels are. Raises OSError."""
    digest = hashlib.sha256()
    for place in sorted({folder, Path(__file__).resolve().parent}):
        for path in sorted(place.glob("*.py")):
            content = path.read_bytes()
            digest.update(f"{path.name} {len(content)} ".encode() + content)
    return digest.hexdigest()


def _folder_of(function) -> Path:
    return Path(function.__code__.co_filename).resolve().parent
