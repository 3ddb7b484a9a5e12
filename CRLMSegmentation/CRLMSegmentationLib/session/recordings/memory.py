"""How much memory is left for what is kept of a recording."""

from __future__ import annotations

import math

SHORT_BYTES, LAST_BYTES = 2 << 30, 700 << 20


def available_bytes() -> float:
    """That programs can still take without the computer beginning to swap; infinite where that is not known."""
    try:
        import psutil

        return float(psutil.virtual_memory().available)
    except ImportError:
        pass
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
        return 1024.0 * kilobytes["MemAvailable"]
    except (OSError, ValueError, KeyError, IndexError):
        return math.inf
