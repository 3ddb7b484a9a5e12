"""`crlm preop`: the CT before the operation, step by step."""

from .command import EXAMPLES, JSON, add_arguments, run

__all__ = ["EXAMPLES", "JSON", "add_arguments", "run"]
