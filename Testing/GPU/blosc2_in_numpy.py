"""A stand-in for blosc2 that keeps arrays as NumPy's files, not compressed: what nnU-Net trains from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from inert_module import absent


@dataclass(frozen=True)
class _Chunk:
    """How many bytes an array takes."""

    cbytes: int


@dataclass(frozen=True)
class _Array:
    schunk: _Chunk


class _Opened(np.memmap):
    """A part of it is a copy, as blosc2 gives one: nnU-Net writes into what it has cut out, and torch would write into
    the file's own pages.
    """

    def __getitem__(self, key: Any) -> Any:
        return np.array(super().__getitem__(key))


def set_nthreads(count: int) -> None:
    """Nothing is compressed."""


def asarray(array: np.ndarray, urlpath: str | None = None, **how: Any) -> _Array:
    if urlpath is not None:
        with open_file(urlpath, "wb") as file:
            np.save(file, array)
    return _Array(_Chunk(array.nbytes))


open_file = open


def open(urlpath: str, **how: Any) -> np.ndarray:
    array: np.ndarray = np.load(urlpath, mmap_mode="r").view(_Opened)
    return array


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return absent(f"blosc2.{name}")
