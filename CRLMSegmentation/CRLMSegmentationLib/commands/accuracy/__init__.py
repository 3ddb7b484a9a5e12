"""`crlm accuracy`: how far a distance from a tool's tip to the tumor may be off."""

from .command import EXAMPLES, JSON, add_arguments, run

__all__ = ["EXAMPLES", "JSON", "add_arguments", "run"]
