"""Memory of a case that goes back when the case is closed.

glibc's malloc gives threads arenas of their own, eight for each processor. A case is recorded, computed, rendered and
saved in threads, so that the memory that it leaves behind is spread over all of them in pieces, which no later case
fits: after thirty cases the page's program had 140 MB more than after five, and has 30 more with two arenas.
"""

from __future__ import annotations

import ctypes
import sys

# From malloc.h of glibc.
_M_ARENA_MAX = -8
_ARENAS = 2


def keep_few_arenas() -> bool:
    """For this process, from now on; False where there is another malloc than glibc's, which stays as it is."""
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_M_ARENA_MAX, _ARENAS))
