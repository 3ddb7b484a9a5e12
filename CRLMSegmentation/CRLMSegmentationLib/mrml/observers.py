"""Observers on VTK objects that keep nobody alive and call nobody who has gone.

VTK holds what it calls. A session that nobody refers to any more, such as after an error, is taken apart by Python's
garbage collector, and what VTK calls with it: its scene would call into what is half gone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakMethod, finalize

from vtkmodules.vtkCommonCore import vtkWeakReference


def observe(observed: Any, event: int | str, method: Callable[[], None]) -> int:
    """Have VTK call the bound `method`, without arguments, at every `event` of `observed` while its object lives.

    Returns the tag for observed.RemoveObserver().
    """
    reference = WeakMethod(method)

    def call(*_: Any) -> None:
        alive = reference()
        if alive is not None:
            alive()

    tag = observed.AddObserver(event, call)
    weak = vtkWeakReference()
    weak.Set(observed)
    # Before anything of its owner is taken apart.
    finalize(method.__self__, _remove, weak, tag).atexit = False  # type: ignore[attr-defined]
    return tag


def _remove(weak: vtkWeakReference, tag: int) -> None:
    observed = weak.Get()
    if observed is not None:
        observed.RemoveObserver(tag)
