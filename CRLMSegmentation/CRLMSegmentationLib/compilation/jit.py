"""Compiling with numba, once per machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeVar, cast

import numba
import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """`function` compiled to machine code that runs without Python's lock.

    The result is kept beside the source, in NUMBA_CACHE_DIR or in the user's cache folder, whichever can be written,
    for as long as nothing changes that is compiled into it: see `kernel_sources`. Where none can be written, it is
    compiled anew in every process.
    """
    dispatcher: Any = numba.njit(nogil=True, error_model="numpy")(function)
    try:
        _hash_of_folder(_folder_of(function))  # now, so that it is that of the sources which this process runs
        # In the place of numba's own dispatcher.enable_caching().
        dispatcher._cache = _cache_class()(function)
    except (ImportError, AttributeError, TypeError, OSError, RuntimeError):
        # RuntimeError is numba's 'no locator available': no folder to keep it in. The others: another numba.
        pass
    return cast(Function, dispatcher)


def inlined(function: Function) -> Function:
    """`function` compiled into each of its callers. For numbers only: numba counts the references to an array that is
    handed over, at every call.
    """
    with suppress(OSError):
        _hash_of_folder(_folder_of(function))
    return cast(Function, numba.njit(forceinline=True, nogil=True, error_model="numpy")(function))


def kernel_sources(function: Callable[..., Any]) -> str:
    """The hash of all that is compiled into the machine code of `function`, in whatever folders it lies.

    These are the sources in its folder, in that of each compiled function that it calls, directly or through others,
    and in this one; which function stands behind each name; and each number, text, tuple or array that these functions
    take from a module or from around them, which numba compiles in as constants. The same in every process. Raises
    OSError where a source cannot be read.
    """
    folders = {Path(__file__).resolve().parent}
    digest = hashlib.sha256(_what_it_uses(function, folders, {}).encode())
    for folder in sorted(folders):
        digest.update(_hash_of_folder(folder).encode())
    return digest.hexdigest()


def _what_it_uses(function: Callable[..., Any], folders: set[Path], met: dict[Callable[..., Any], int]) -> str:
    """A function with what stands behind each of its names, and so on; adds the folders of all that are compiled."""
    if function in met:
        return f"number {met[function]}"
    met[function] = len(met)
    folders.add(_folder_of(function))
    found = []
    for name, value in _used_by(function):
        if isinstance(getattr(value, "py_func", None), FunctionType):
            found.append(f"{name} is {_what_it_uses(value.py_func, folders, met)}")
        elif isinstance(value, np.ndarray):
            found.append(f"{name} {value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}")
        elif isinstance(value, (bool, int, float, complex, str, bytes, tuple, np.generic)):
            found.append(f"{name} {value!r}")
    return f"{function.__module__}.{function.__qualname__} of ({'; '.join(found)})"


@cache
def _cache_class() -> Callable[[Callable[..., Any]], Any]:
    """numba's cache looks at the file of the kernel alone: machine code of what other files gave it would outlive them.
    And it takes what a function has from around it by its pickle, in which a compiled function has another number in
    every process: a kernel that is put together of others would be compiled, and kept, anew in each.
    """
    from numba.core.caching import FunctionCache

    class CacheOfAllSources(FunctionCache):
        def _index_key(self, sig: object, codegen: Any) -> tuple[object, ...]:
            return (sig, codegen.magic_tuple(), kernel_sources(self._py_func))

    return CacheOfAllSources


@cache
def _hash_of_folder(folder: Path) -> str:
    """The hash of all Python sources in `folder`, as they were when it was first asked for: at the import of a kernel.
    Raises OSError.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)} ".encode() + content)
    return digest.hexdigest()


def _folder_of(function: Callable[..., Any]) -> Path:
    return Path(function.__code__.co_filename).resolve().parent


def _used_by(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """What a function takes from around it: of its closure, of its module and, one by one, of modules that it names."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        yield name, cell.cell_contents
    names = set(_names_in(function.__code__))
    places, looked_at = [function.__globals__], set()
    while places:
        place = places.pop()
        for name in sorted(names & place.keys()):
            value = place[name]
            if isinstance(value, ModuleType):
                if value not in looked_at:
                    looked_at.add(value)
                    places.append(vars(value))
            else:
                yield name, value


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)
