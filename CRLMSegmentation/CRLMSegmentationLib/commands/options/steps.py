"""Commands of several steps, such as `crlm preop segment`: a parser for each, and its function when it is called."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Step(NamedTuple):
    """One step of a command: its line of help, what adds its arguments to its parser, and what carries it out."""

    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]


def add_steps(parser: argparse.ArgumentParser, steps: Mapping[str, Step], metavar: str = "STEP") -> None:
    """A parser for each of `steps` by its name; `run_step` carries out the one that was asked for."""
    parsers = parser.add_subparsers(dest="step", metavar=metavar, required=True)
    for name, step in steps.items():
        description = f"{step.summary[0].upper()}{step.summary[1:]}."
        step_parser = parsers.add_parser(
            name, help=step.summary, description=description, formatter_class=parser.formatter_class
        )
        step.add_arguments(step_parser)
        step_parser.set_defaults(run_step=step.run)


def run_step(arguments: argparse.Namespace) -> None:
    """Carry out the step that was asked for."""
    arguments.run_step(arguments)
