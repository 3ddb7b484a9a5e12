"""What a CT scanner makes of the simulated patient."""

from .scanner import CtSettings, scan
from .tissues import PHASES

__all__ = ["PHASES", "CtSettings", "scan"]
