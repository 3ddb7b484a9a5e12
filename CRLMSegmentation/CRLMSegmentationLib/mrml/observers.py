"""Observers on VTK objects that keep nobody alive and call nobody who has gone.

VTK holds what it calls. A session that nobody refers to any more, such as after an error, is taken apart by Python's
garbage collector, and what VTK calls with it: its scene would call into what is half gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakMethod, finalize

from vtkmodules.vtkCommonCore import vtkWeakReference

# What is observed, by the owner of the methods that are called.
_KEPT: dict[int, list[tuple[vtkWeakReference, int]]] = {}


class ObservedNode:
    """One node at a time, whose events a view follows, but for those that come of the view itself.

    node      None when there is none
    is_quiet  True in the block of quiet()
    """

    def __init__(self) -> None:
        self.node: Any = None
        self.is_quiet = False
        self._tags: list[int] = []

    def observe(self, node: Any, methods: Mapping[int | str, Callable[[], None]]) -> None:
        """Call the bound `methods`, by event of `node`, in place of what was called of another node."""
        if node is not self.node:
            self.release()
            self.node, self._tags = node, [observe(node, event, method) for event, method in methods.items()]

    def release(self) -> None:
        """Observe no node any more."""
        for tag in self._tags:
            self.node.RemoveObserver(tag)
        self.node, self._tags = None, []

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """In the block node and part are made the same: neither is to follow what the other reports meanwhile."""
        before, self.is_quiet = self.is_quiet, True
        try:
            yield
        finally:
            self.is_quiet = before


def observe(observed: Any, event: int | str, method: Callable[[], None]) -> int:
    """Have VTK call the bound `method`, without arguments, at every `event` of `observed` while its object lives.

    Returns the tag for observed.RemoveObserver().
    """
    reference = WeakMethod(method)

    def call(*_: Any) -> None:
        alive = reference()
        if alive is not None:
            alive()

    tag: int = observed.AddObserver(event, call)
    weak = vtkWeakReference()
    weak.Set(observed)
    owner = method.__self__  # type: ignore[attr-defined]
    if id(owner) not in _KEPT:
        _KEPT[id(owner)] = []
        # Before anything of its owner is taken apart.
        finalize(owner, _remove_all, id(owner)).atexit = False
    # A view outlives many nodes: what is observed no more is not kept.
    _KEPT[id(owner)] = [one for one in _KEPT[id(owner)] if _is_observed(*one)] + [(weak, tag)]
    return tag


def _is_observed(weak: vtkWeakReference, tag: int) -> bool:
    observed = weak.Get()
    return observed is not None and observed.GetCommand(tag) is not None


def _remove_all(owner: int) -> None:
    for weak, tag in _KEPT.pop(owner):
        observed = weak.Get()
        if observed is not None:
            observed.RemoveObserver(tag)
