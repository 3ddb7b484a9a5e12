"""`crlm scope`: what a laparoscope sees of the liver, step by step."""

from .command import EXAMPLES, JSON, add_arguments, run

__all__ = ["EXAMPLES", "JSON", "add_arguments", "run"]
