"""Putting the page together without rendering each of its elements as many times as others lie around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from trame_client.widgets.core import HTML_CTX, AbstractElement


@contextmanager
def rendered_once() -> Iterator[None]:
    """Elements are made inside; they are rendered with their layout, at its end.

    trame renders an element, and all that is in it, whenever its `with` ends: for state that is given its first value
    beside an element, and has another name in a page that is part of another one. This page has neither.
    """
    leave = AbstractElement.__exit__
    AbstractElement.__exit__ = lambda element, *_: HTML_CTX.exit(element)
    try:
        yield
    finally:
        AbstractElement.__exit__ = leave
