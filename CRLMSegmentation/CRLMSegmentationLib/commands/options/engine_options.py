"""On what a network runs: the same options in every command whose networks see frames."""

from __future__ import annotations

import argparse

from .checks import at_least_one


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """--device, --runtime and --threads, as inference.engine takes them."""
    from ...inference.runtimes.runtime_choice import RUNTIMES

    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto",
                        help="where the network runs (default auto: an NVIDIA GPU where there is one)")  # fmt: skip
    parser.add_argument(
        "--runtime", choices=RUNTIMES, default="auto",
        help="what runs the network on a processor (default the fastest that agrees with torch)",
    )  # fmt: skip
    parser.add_argument("--threads", type=at_least_one, metavar="N", help="processor threads at most")
