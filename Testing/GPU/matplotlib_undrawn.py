"""A stand-in for matplotlib that may be told its backend, as nnU-Net does where it is imported; it draws nothing."""

from __future__ import annotations

from inert_module import fill

fill(__name__)


def use(backend: str) -> None:
    """Nothing is drawn."""
