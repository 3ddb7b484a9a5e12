"""A liver with one metastasis, a tracked intraoperative probe, and the truth about both.

`simulate_case(seed)` gives a sweep, the true tumor mask and every parameter; `write_case` puts them in a folder.
The settings are light to import; what simulates is loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .ultrasound.settings import LesionSettings, ProbeSettings, SweepSettings

_LOADED_ON_USE = {
    "SimulatedCase": ".ultrasound.case",
    "write_case": ".ultrasound.case",
    "contact_sheet": ".ultrasound.contact_sheet",
    "simulate_case": ".ultrasound.simulate",
}

__all__ = [  # noqa: PLE0604  (the names of _LOADED_ON_USE are strings)
    "LesionSettings",
    "ProbeSettings",
    "SweepSettings",
    *_LOADED_ON_USE,
]


def __getattr__(name: str) -> Any:
    if name not in _LOADED_ON_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LOADED_ON_USE[name], __name__), name)
