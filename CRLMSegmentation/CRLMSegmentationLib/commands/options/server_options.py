"""The options that say which OpenIGTLink server is connected to, and what is taken from it."""

from __future__ import annotations

import argparse

from ...values.defaults import DEFAULT_PORT


def add_server_options(parser: argparse.ArgumentParser) -> None:
    add_address_options(parser)
    parser.add_argument("--image-name", metavar="NAME",
                        help="image stream to take, such as Image or Image_Reference (default: the first)")  # fmt: skip


def add_address_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="computer that PLUS runs on (default this one)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"its TCP port (default {DEFAULT_PORT})")
