"""How a simulation reports how far it is: called with the fraction done, 0 to 1, and a short text."""

from collections.abc import Callable

Progress = Callable[[float, str], None]
