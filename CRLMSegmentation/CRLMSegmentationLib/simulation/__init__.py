"""A liver with one metastasis, a tracked intraoperative probe, and the truth about both.

`simulate_case(seed)` gives a sweep, the true tumor mask and every parameter; `write_case` puts them in a folder.
"""

from .ultrasound.case import SimulatedCase, write_case
from .ultrasound.contact_sheet import contact_sheet
from .ultrasound.settings import LesionSettings, ProbeSettings, SweepSettings
from .ultrasound.simulate import simulate_case

__all__ = [
    "LesionSettings",
    "ProbeSettings",
    "SimulatedCase",
    "SweepSettings",
    "contact_sheet",
    "simulate_case",
    "write_case",
]
