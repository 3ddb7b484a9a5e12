"""How much memory a volume may take, asked before any of it is allocated."""

from __future__ import annotations

import math
import os
import sys

from ..errors import ReconstructionError
from ..words import tr
from .region import Region

_USABLE_SHARE = 0.8  # of what is free: the rest is for everything else


def available_bytes() -> int | None:
    """Memory that can still be allocated without swapping; None when the system does not say."""
    if sys.platform == "win32":
        return _available_on_windows()
    try:
        with open("/proc/meminfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (OSError, ValueError):
        return None


def _available_on_windows() -> int | None:
    if sys.platform != "win32":  # spelled out, for a type checker on another system
        return None
    import ctypes

    class MemoryStatus(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
            (name, ctypes.c_ulonglong)
            for name in ("total", "available", "page_total", "page_free", "virtual", "virtual_free", "extended")
        ]

    status = MemoryStatus(length=ctypes.sizeof(MemoryStatus))
    return int(status.available) if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)) else None


def check_fits(region: Region, bytes_per_voxel: float, limit_bytes: int | None = None) -> None:
    """Raise ReconstructionError, with a spacing that would fit, when the volume needs more memory than there is.

    limit_bytes  what may be used; None for most of what is free
    """
    if limit_bytes is None:
        free = available_bytes()
        if free is None:
            return
        limit_bytes = int(_USABLE_SHARE * free)
    needed = region.number_of_voxels * bytes_per_voxel
    if needed <= limit_bytes:
        return
    extent_mm = [(count - 1) * spacing for count, spacing in zip(region.dimensions, region.spacing_mm)]
    factor = (needed / max(1, limit_bytes)) ** (1 / 3)
    while True:
        spacing = [math.ceil(100 * value * factor) / 100 for value in region.spacing_mm]
        voxels = math.prod(math.floor(extent / value) + 2 for extent, value in zip(extent_mm, spacing))
        if voxels * bytes_per_voxel <= limit_bytes or factor > 1e6:
            break
        factor *= 1.02
    raise ReconstructionError(
        tr(
            "A volume of {names} voxels ({names_2} mm) needs {needed:,.1f} GiB of memory, and "
            "{limit_bytes:,.1f} GiB can be used; a spacing of {names_3} mm would fit.",
            names=" x ".join(f"{count:,}" for count in region.dimensions),
            names_2=" x ".join(f"{extent:.0f}" for extent in extent_mm),
            needed=needed / 2**30,
            limit_bytes=limit_bytes / 2**30,
            names_3=" x ".join(f"{value:g}" for value in spacing),
        )
    )
