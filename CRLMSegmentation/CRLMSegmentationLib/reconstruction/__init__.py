"""From a sweep to a volume.

The settings are light to import; what needs the compiled kernels is loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .plus_settings import PlusSettings, read_plus_settings, settings_from_plus
from .settings import ClipRectangle, Fan, ReconstructionSettings

_LOADED_ON_USE = {
    "reconstruct": ".whole_sweep",
    "Reconstruction": ".whole_sweep",
    "ReconstructionReport": ".report",
    "SweepQuality": ".quality.sweep_quality",
    "sweep_quality": ".quality.sweep_quality",
    "SweepWatch": ".quality.sweep_watch",
    "WatchReading": ".quality.sweep_watch",
    "LiveReconstruction": ".live",
    "detect_footprint": ".fan_detection",
}

__all__ = [  # noqa: PLE0604  (the names of _LOADED_ON_USE are strings)
    "ClipRectangle",
    "Fan",
    "PlusSettings",
    "ReconstructionSettings",
    "read_plus_settings",
    "settings_from_plus",
    *_LOADED_ON_USE,
]


def __getattr__(name: str) -> Any:
    if name not in _LOADED_ON_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LOADED_ON_USE[name], __name__), name)
