"""`crlm live`: the tumor in every frame of a recording or a stream."""

from .command import EXAMPLES, JSON, add_arguments, run

__all__ = ["EXAMPLES", "JSON", "add_arguments", "run"]
