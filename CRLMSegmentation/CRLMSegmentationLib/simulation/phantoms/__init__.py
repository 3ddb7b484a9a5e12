"""Phantoms under a tracked probe: no liver, and no tumor anywhere."""

from .phantom import PHANTOMS, simulate_phantom

__all__ = ["PHANTOMS", "simulate_phantom"]
