"""A module in the place of one that is not installed: it can be imported, and what is called in it raises an error."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class _Absent(type):
    """A class for every name that is asked for, so that it can stand in an annotation or an isinstance()."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return absent(f"{cls.__name__}.{name}")

    def __call__(cls, *values: Any, **named: Any) -> Any:
        raise RuntimeError(f"{cls.__name__} was called, and is not installed here: this is a stand-in.")


def absent(name: str) -> Any:
    return _Absent(name, (), {})


def fill(name: str) -> None:
    """Let the module of that name have every name, and every module below it."""
    module = sys.modules[name]
    module.__getattr__ = lambda wanted: _attribute(name, wanted)  # type: ignore[method-assign]
    _below.tops.add(name)


def _attribute(module: str, name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return absent(f"{module}.{name}")


class _Below(MetaPathFinder, Loader):
    def __init__(self) -> None:
        self.tops: set[str] = set()

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name.partition(".")[0] in self.tops else None

    def exec_module(self, module: ModuleType) -> None:
        module.__getattr__ = lambda wanted: _attribute(module.__name__, wanted)  # type: ignore[method-assign]


_below = _Below()
sys.meta_path.append(_below)
