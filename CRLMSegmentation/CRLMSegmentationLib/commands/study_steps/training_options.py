"""What commands that train many networks side by side are told in the same words."""

from __future__ import annotations

import argparse

from ..options.checks import at_least_one


def add_training_options(step: argparse.ArgumentParser) -> None:
    """Which network, how long, where, and on how many processes."""
    step.add_argument("--network", default="small", choices=("small", "default"), help="default small")
    step.add_argument("--override", metavar="FILE", help="a TOML file with settings in place of each recipe's own")
    step.add_argument("--epochs", type=at_least_one, help="default: the recipe's")
    step.add_argument("--iterations", type=at_least_one, help="of an epoch; default: the recipe's")
    step.add_argument("--workers", type=at_least_one, default=1, help="processes on this machine (default 1)")
    step.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler instead, such as tcp://host:8786")
    step.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="default cpu")
    step.add_argument("--threads", type=at_least_one, default=1, help="of the processor, for each process (default 1)")
