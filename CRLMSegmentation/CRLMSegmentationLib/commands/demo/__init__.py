"""`crlm demo`: the whole chain through every real component, from a stream of frames to tool distances."""

from .command import EXAMPLES, JSON, add_arguments, run

__all__ = ["EXAMPLES", "JSON", "add_arguments", "run"]
