"""Tumors of known shape laid into the frames of a real tracked sweep that holds none: real everything else."""

from __future__ import annotations

from .implant import Host, ImplantedCase, implant, write_implanted
from .settings import KINDS, PLACES, ImplantSettings

__all__ = ["KINDS", "PLACES", "Host", "ImplantSettings", "ImplantedCase", "implant", "write_implanted"]
