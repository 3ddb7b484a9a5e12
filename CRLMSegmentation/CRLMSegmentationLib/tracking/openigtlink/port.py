"""TCP ports, as people give them."""

from __future__ import annotations

import operator

from ...errors import StreamError
from ...values.defaults import DEFAULT_PORT
from ...words import tr

__all__ = ["DEFAULT_PORT", "HIGHEST_PORT", "checked_port"]

HIGHEST_PORT = 65535


def checked_port(port: int, lowest: int = 1) -> int:
    """`port` as it is, when it is a whole number from `lowest` (0: the system chooses) to 65535.

    Systems take the number modulo 65536 silently, so that another program's port would be reached. Raises
    StreamError.
    """
    try:
        number = operator.index(port)
    except TypeError:
        number = -1
    if not lowest <= number <= HIGHEST_PORT:
        free = "; 0 takes a free one" if lowest == 0 else ""
        raise StreamError(
            tr(
                "{port} is no port; give a whole number from 1 to {highest_port}{free}.",
                port=port,
                highest_port=HIGHEST_PORT,
                free=free,
            )
        )
    return number
